"""What evidence and the fingerprint add to the decoding of one picture.

python tests/benchmarks/evidence_cost.py
"""

import sys
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from worker.detector.picture import decode_rgb, prepare_pillow
from worker.evidence.gathering import gather
from worker.fingerprint import fingerprint

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from signing import TRAINED, signed  # a part of the tests, not of the program

ROUNDS = 15


def main() -> None:
    """Print milliseconds, medians, and each as a share of the decoding."""
    prepare_pillow()
    for name, content, form in _pictures():
        picture = decode_rgb(content, max_pixels=1 << 28, short_side=192).picture
        decoding = _milliseconds(lambda content=content: decode_rgb(content, max_pixels=1 << 28, short_side=192))
        evidence = _milliseconds(lambda content=content, form=form: gather(content, form))
        hashing = _milliseconds(lambda picture=picture: fingerprint(picture))
        print(
            f"{name:34} decoding {decoding:7.2f} ms; evidence {evidence:6.2f} ms ({evidence / decoding:.0%}); "
            f"fingerprint {hashing:6.2f} ms ({hashing / decoding:.0%})"
        )


def _pictures() -> list[tuple[str, bytes, str]]:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS 5D"
    text = PngInfo()
    text.add_text("parameters", "a portrait\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234")
    face, photo = _jpeg((224, 224)), _jpeg((4000, 3000), exif=exif)
    png = BytesIO()
    Image.open(BytesIO(_jpeg((1024, 1024)))).save(png, "PNG", pnginfo=text)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        path.write_bytes(photo)
        with_manifest = signed(path, actions=[{"action": "c2pa.created", "digitalSourceType": TRAINED}])
    return [
        ("JPEG, 224 x 224", face, "JPEG"),
        ("JPEG, 12 megapixels, of a camera", photo, "JPEG"),
        ("the same, signed (C2PA)", with_manifest, "JPEG"),
        ("PNG, 1024 x 1024, of a generator", png.getvalue(), "PNG"),
    ]


def _jpeg(size: tuple[int, int], **save: object) -> bytes:
    coarse = np.random.default_rng(1).integers(0, 255, (24, 32, 3), np.uint8)
    buffer = BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=92, **save)
    return buffer.getvalue()


def _milliseconds(call: Callable[[], object]) -> float:
    call()
    times = []
    for _ in range(ROUNDS):
        began = perf_counter()
        call()
        times.append(perf_counter() - began)
    return 1000 * median(times)


if __name__ == "__main__":
    main()
