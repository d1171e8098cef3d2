"""Proof of completeness: the disk, walked anew, against the database.

The walk is not the one that intake uses, so that what that one overlooks is found here.
"""

import os
import stat
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import select

from ..base.addresses.spelling import Speller, is_misspelled
from ..base.addresses.stored_paths import encode_path, is_stored_plainly
from ..base.errors import KnownError
from ..base.file_times import storable_ns
from ..database.engine import Database
from ..database.models import File
from ..discovery.diff import Known, known_under, side_by_side
from ..discovery.ignore import IgnoreRules
from ..discovery.walk import look_at
from ..domain.states import State
from ..media.formats import is_announced, is_promised
from ..roots.file_identity import identity_of, is_in_doubt

BATCH = 500
_SCORED = State.SCORED.value


class NothingToVerify(KnownError):
    """A path that cannot be walked, or none at all."""


class FoundFile(NamedTuple):
    """Something on the disk that is, or may be, an image. `size` in bytes; `rule` is what passes it over, if anything does.

    (A tuple: a tree has many.)
    """

    path: str
    size: int
    mtime_ns: int
    rule: str | None
    is_folder: bool = False
    inode: int | None = None
    ctime_ns: int | None = None


@dataclass(frozen=True)
class Unexplained:
    """A file without a verdict, a pending job or a stated reason."""

    path: str
    why: str


@dataclass
class Proof:
    """How the files on the disk are explained, counted; `unexplained` lists those that are not.

    `gone` counts rows whose file is no longer there and which no sweep has marked missing yet.
    """

    verdict: int = 0
    pending: int = 0
    changed: int = 0
    gone: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    unexplained: list[Unexplained] = field(default_factory=list)

    @property
    def files(self) -> int:
        """How many images are on the disk."""
        explained = self.verdict + self.pending + self.changed + self.skipped.total() + self.failed.total()
        return explained + len(self.unexplained)


def prove(
    database: Database,
    paths: Sequence[str],
    *,
    roots: Sequence[str],
    ignore: Sequence[str],
    videos: bool = False,
    spare: Collection[int] = (),
) -> Proof:
    """Compare all images (with `videos`: and videos) under `paths` (absolute) with the database.

    `roots` are the watched folders, whose rules count; of those in each other the outer one's.

    Rows of the roots with the ids `spare`, those that are away, are not called gone.

    Raises NothingToVerify when a path does not exist.
    """
    proof = Proof()
    for path in paths:
        if not os.path.lexists(path):
            raise NothingToVerify(f"{path} does not exist; name a folder that is there (is its drive plugged in?)")
        around = [root for root in roots if path == root or path.startswith(os.path.join(root, ""))]
        root = min(around, key=len, default=path)
        seen = _images_under(path, root=root, ignore=ignore, videos=videos)
        is_top = not any(path.startswith(os.path.join(other, "")) for other in paths)
        _compare(database, path, seen, root, proof, spare, is_top=is_top)
    return proof


def _compare(
    database: Database,
    path: str,
    found: Iterable[FoundFile],
    root: str,
    proof: Proof,
    spare: Collection[int],
    *,
    is_top: bool,
) -> None:
    """Explain each of `found`, which is below `path`, by its row; with `is_top` count the rows that are gone.

    Both come in the order of paths. What comes without a row is looked for once more by its path: it may be marked missing, or
    out of its order, as a folder that cannot be read is.
    """
    alone: list[FoundFile] = []
    speller = Speller()
    for seen, row in side_by_side(found, known_under(database, path, spare=spare)):
        if seen is None:
            assert row is not None
            is_gone = is_top and (not os.path.lexists(row.path) or is_misspelled(row.path, below=path, speller=speller))
            proof.gone += is_gone
        elif row is not None:
            _explain_by_row(seen, row, proof)
        else:
            alone.append(seen)
            if len(alone) == BATCH:
                _compare_alone(database, alone, root, proof)
                alone = []
    _compare_alone(database, alone, root, proof)


def _compare_alone(database: Database, batch: Sequence[FoundFile], root: str, proof: Proof) -> None:
    with database.read() as session:
        rows = {row.path: row for row in session.scalars(select(File).where(File.path.in_([seen.path for seen in batch])))}
    for seen in batch:
        row = rows.get(seen.path)
        if row is None or row.state == State.MISSING:
            _explain_without_row(seen, row, root, proof)
        else:
            _explain_by_row(seen, row, proof)


def _images_under(path: str, *, root: str, ignore: Sequence[str], videos: bool) -> Iterator[FoundFile]:
    """Every image under `path`, also in what a rule passes over, and every folder that cannot be read; in the database's order
    of paths. A root may be a link.
    """
    rules = IgnoreRules(ignore)
    rule = rules.rule_on_the_way(path, root=root)
    if not os.path.isdir(path) or (os.path.islink(path) and path != root):
        if (seen := _look(path, rule, videos)) is not None:
            yield seen
        return
    above_root = len(os.path.join(root, ""))
    inside = os.path.join(path, "")
    levels = [(inside, rule, _names_in(inside))]
    while levels:
        inside, rule, names = levels[-1]
        if names is None:
            yield FoundFile(inside.rstrip(os.sep) or os.sep, 0, 0, rule, is_folder=True)
            levels.pop()
            continue
        above = inside[above_root:]
        for name in names:
            if name[-1] == os.sep:
                levels.append((inside + name, rule or rules.rule_for(name[:-1], above), _names_in(inside + name)))
                break
            if (seen := _look(inside + name, rule or rules.rule_for(name, above), videos)) is not None:
                yield seen
        else:
            levels.pop()


def _names_in(folder: str) -> Iterator[str] | None:
    """What is in a folder, in the order of the paths below it, folders with a separator at their end; None where it cannot be
    read.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name + os.sep if entry.is_dir(follow_symlinks=False) else entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return iter(())
    except OSError:
        return None
    names.sort(key=None if is_stored_plainly("".join(names)) else encode_path)
    return iter(names)


def _look(path: str, rule: str | None, videos: bool) -> FoundFile | None:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError:
        return FoundFile(path, 0, 0, rule)
    if stat.S_ISLNK(status.st_mode):
        target = _followed(path)
        promises = is_promised(path, videos=videos) or (target is not None and stat.S_ISDIR(target.st_mode))
        return _found(path, target or status, rule) if promises else None
    if is_promised(path, videos=videos) or (stat.S_ISREG(status.st_mode) and is_announced(path, videos=videos)):
        return _found(path, status, rule)
    return None


def _found(path: str, status: os.stat_result, rule: str | None) -> FoundFile:
    inode, ctime_ns = identity_of(status)
    return FoundFile(path, status.st_size, storable_ns(status.st_mtime_ns), rule, False, inode, ctime_ns)


def _followed(link: str) -> os.stat_result | None:
    try:
        return os.stat(link)
    except OSError:
        return None


def _explain_without_row(seen: FoundFile, row: File | None, root: str, proof: Proof) -> None:
    if seen.rule is not None:
        proof.skipped[seen.rule] += 1
    elif seen.is_folder:
        proof.unexplained.append(Unexplained(seen.path, "a folder that cannot be read, so what is in it is not known"))
    elif os.path.lexists(seen.path) and (os.path.islink(seen.path) and look_at(seen.path, root=root, videos=True) is None):
        proof.skipped["a link to what is no image"] += 1
    elif os.path.lexists(seen.path):
        known = "is marked missing in the database" if row else "is not in the database"
        age = time.time() - seen.mtime_ns / 1e9
        young = f"; it was written {age:.0f} s ago" if 0 <= age < 60 else ""
        proof.unexplained.append(Unexplained(seen.path, f"it is on the disk and {known}{young}"))


def _explain_by_row(seen: FoundFile, row: File | Known, proof: Proof) -> None:
    # Nearly all are so: it is asked first.
    if row.state == _SCORED and row.detection_id is not None:
        if row.size != seen.size or row.mtime_ns != seen.mtime_ns or is_in_doubt(seen, row):
            proof.changed += 1
        else:
            proof.verdict += 1
    elif row.state == State.PENDING:
        proof.pending += 1
    elif row.state == State.FAILED and row.error:
        proof.failed[row.error_kind or "failed"] += 1
    elif row.state == State.SKIPPED and row.error:
        proof.skipped[row.error] += 1
    else:
        proof.unexplained.append(Unexplained(seen.path, f"the database has it as {row.state}, with neither verdict nor reason"))
