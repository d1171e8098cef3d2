"""GenImage (Zhu et al. 2023): GENERATOR/{train,val}/{ai,nature}.

The archives unpack one folder deeper and with names of their own: BigGAN/imagenet_ai_0419_biggan/train/ai. Any of GenImage's
folder, one generator's, or one archive's may be named. Its `val` is what its paper tests on.
"""

import re
from pathlib import Path

from .found import Found, ImportFailed, Picture
from .tree import label_of, pictures_under, split_of

_ARCHIVE = re.compile(r"imagenet_(?:ai_\d+_)?(?P<generator>(?!ai$).+)")
_GANS = ("biggan",)


def find(root: Path, *, images_root: Path | None = None, group_by_folder: bool = False) -> Found:
    """Real images are ImageNet's: one is the same group under every generator. Raises ImportFailed for another layout."""
    return Found(tuple(_picture(root, path) for path in pictures_under(root)))


def _picture(root: Path, path: Path) -> Picture:
    folders = path.parts[:-1]
    at = next((i for i, folder in enumerate(folders[:-1]) if split_of(folder) and label_of(folders[i + 1]) is not None), None)
    if at is None:
        raise ImportFailed(f"{root / path.parent}: GenImage's pictures lie in GENERATOR/train/ai, .../nature, and so in val")
    label = label_of(folders[at + 1]) or 0
    generator = _generator(folders[at - 1] if at else root.absolute().name)
    return Picture(
        root / path,
        label,
        group=path.as_posix() if label else f"imagenet/{path.stem}",
        split=split_of(folders[at]),
        generator=generator if label else "imagenet",
        family="gan_full" if generator in _GANS else "diffusion",
    )


def _generator(folder: str) -> str:
    """`imagenet_ai_0419_sdv4` is sdv4; other names stay, in small letters."""
    name = folder.lower()
    found = _ARCHIVE.fullmatch(name)
    return found["generator"] if found else name
