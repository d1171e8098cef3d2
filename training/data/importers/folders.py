"""Plain folders: what lies below `real` is real, what lies below `fake` is fake, however deep."""

from pathlib import Path

from .found import Found, ImportFailed, Picture
from .tree import label_of, pictures_under, split_of


def find(root: Path, *, images_root: Path | None = None, group_by_folder: bool = False) -> Found:
    """`real`, `0_real`, `nature` against `fake`, `1_fake`, `ai`, in any case; `root` itself may be called so.

    A folder called train, val or test (or valid, ...) on the way gives the split; the others above the label name the
    generator. Raises ImportFailed, naming the folder, where neither it nor one above it says what its pictures are.
    """
    return Found(tuple(_picture(root, path, group_by_folder) for path in pictures_under(root)))


def _picture(root: Path, path: Path, group_by_folder: bool) -> Picture:
    folders = path.parts[:-1]
    labels = [label_of(folder) for folder in folders]
    known = {label for label in labels if label is not None} or {label_of(root.absolute().name)} - {None}
    if len(known) != 1:
        problem = "says both real and fake" if known else "says neither real nor fake, nor does one above it"
        raise ImportFailed(
            f"{root / path.parent}: the folder's name {problem}. Rename it (real, 0_real or nature; fake, 1_fake or ai), "
            "or move it out of what is imported"
        )
    label = known.pop() or 0
    above = folders[: labels.index(label)] if label in labels else ()
    splits = [split for folder in folders if (split := split_of(folder))]
    return Picture(
        root / path,
        label,
        group=(path.parent if group_by_folder else path).as_posix(),
        split=splits[0] if splits else None,
        generator="/".join(folder for folder in above if not split_of(folder)) if label else "",
    )
