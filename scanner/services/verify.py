"""Proof of completeness: the disk, walked anew, against the database.

The walk is not the one that intake uses, so that what that one overlooks is found here.
"""

import os
import stat
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from ..base.addresses.spelling import Speller, is_misspelled
from ..base.errors import KnownError
from ..base.file_times import storable_ns
from ..database.engine import Database
from ..database.models import File
from ..discovery.diff import known_under
from ..discovery.ignore import IgnoreRules
from ..discovery.walk import look_at
from ..domain.states import State
from ..media.formats import is_announced, is_promised
from ..roots.file_identity import identity_of, is_in_doubt

BATCH = 500


class NothingToVerify(KnownError):
    """A path that cannot be walked, or none at all."""


@dataclass(frozen=True)
class FoundFile:
    """Something on the disk that is, or may be, an image. `size` in bytes; `rule` is what passes it over, if anything does."""

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
        batch: list[FoundFile] = []
        for seen in _images_under(path, root=root, ignore=ignore, videos=videos):
            batch.append(seen)
            if len(batch) == BATCH:
                _compare(database, batch, root, proof)
                batch = []
        _compare(database, batch, root, proof)
    proof.gone = _count_gone(database, paths, spare)
    return proof


def _images_under(path: str, *, root: str, ignore: Sequence[str], videos: bool) -> Iterator[FoundFile]:
    """Every image under `path`, also in what a rule passes over, and every folder that cannot be read. A root may be a link."""
    rules = IgnoreRules(ignore)
    above = rules.rule_on_the_way(path, root=root)
    if not os.path.isdir(path) or (os.path.islink(path) and path != root):
        yield from _look(path, above, videos)
        return
    waiting: list[tuple[str, str | None]] = [(path, above)]
    while waiting:
        folder, rule = waiting.pop()
        try:
            names = os.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            yield FoundFile(folder, 0, 0, rule, is_folder=True)
            continue
        inside = os.path.join(folder, "")
        for name in names:
            full = inside + name
            ignored_by = rule or rules.rule_for(name, inside[len(os.path.join(root, "")) :])
            if os.path.isdir(full) and not os.path.islink(full):
                waiting.append((full, ignored_by))
            else:
                yield from _look(full, ignored_by, videos)


def _look(path: str, rule: str | None, videos: bool) -> Iterator[FoundFile]:
    try:
        status = os.lstat(path)
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            yield FoundFile(path, 0, 0, rule)
        return
    if stat.S_ISLNK(status.st_mode):
        target = _followed(path)
        promises = is_promised(path, videos=videos) or (target is not None and stat.S_ISDIR(target.st_mode))
        if promises:
            found = target or status
            yield _found(path, found, rule)
    elif is_promised(path, videos=videos) or (stat.S_ISREG(status.st_mode) and is_announced(path, videos=videos)):
        yield _found(path, status, rule)


def _found(path: str, status: os.stat_result, rule: str | None) -> FoundFile:
    return FoundFile(path, status.st_size, storable_ns(status.st_mtime_ns), rule, False, *identity_of(status))


def _followed(link: str) -> os.stat_result | None:
    try:
        return os.stat(link)
    except OSError:
        return None


def _compare(database: Database, batch: Sequence[FoundFile], root: str, proof: Proof) -> None:
    with database.read() as session:
        rows = {row.path: row for row in session.scalars(select(File).where(File.path.in_([seen.path for seen in batch])))}
    for seen in batch:
        row = rows.get(seen.path)
        if row is None or row.state == State.MISSING:
            _explain_without_row(seen, row, root, proof)
        else:
            _explain_by_row(seen, row, proof)


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


def _explain_by_row(seen: FoundFile, row: File, proof: Proof) -> None:
    if row.state == State.PENDING:
        proof.pending += 1
    elif row.state == State.FAILED and row.error:
        proof.failed[row.error_kind or "failed"] += 1
    elif row.state == State.SKIPPED and row.error:
        proof.skipped[row.error] += 1
    elif row.state != State.SCORED or row.detection_id is None:
        proof.unexplained.append(Unexplained(seen.path, f"the database has it as {row.state}, with neither verdict nor reason"))
    elif (row.size, row.mtime_ns) != (seen.size, seen.mtime_ns) or is_in_doubt(seen, row):
        proof.changed += 1
    else:
        proof.verdict += 1


def _count_gone(database: Database, paths: Sequence[str], spare: Collection[int]) -> int:
    tops = [path for path in set(paths) if not any(path.startswith(os.path.join(other, "")) for other in paths)]
    speller = Speller()
    return sum(
        not os.path.lexists(row.path) or is_misspelled(row.path, below=top, speller=speller)
        for top in tops
        for row in known_under(database, top, spare=spare)
    )
