"""What nearly every decoder process imports sooner or later: a fork server imports it once for all of them.

What few need and what is large (the readers of videos and RAW files) is not here: it would count as memory of each.
"""

from contextlib import suppress
from importlib import import_module

from . import decoder_pool  # noqa: F401

# Each may be missing: an extra that is not installed.
_LAZY = ("c2pa", "cattrs", "defusedxml.ElementTree", "pillow_heif", "PIL.ImageCms")

for _name in _LAZY:
    with suppress(ImportError):
        import_module(_name)
