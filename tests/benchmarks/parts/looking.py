"""What one picture costs of one core, step by step: decoding, finding its faces, evidence, fingerprint, mild conditions.

A worker does the first four with each picture; the last, of one input of the network, only with what it would call fake, and
then scores it once more for each condition. Without the development image set there are no pictures with faces.
"""

import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from time import process_time

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from training.data.manifest import read_manifest
from worker.decoding.fingerprint import fingerprint
from worker.detector.faces.face_finder import process_face_finder
from worker.detector.faces.input_selection import look
from worker.detector.image.perturbations import mild_conditions, under
from worker.detector.image.picture import prepare_pillow
from worker.evidence.gathering import gather

from ...files.shared_faces import VARIABLE, shared_faces_folder
from ...signing import TRAINED, signed
from ..face_composites import FACE_SHARE, background, composites
from ..measure import Figure, Sizes, in_turn, medians
from ..pictures import face_sized, photo

SEED, MAX_PIXELS = 2026, 1 << 28
SIZE = 192  # of the input of `lite`
BARE = "decode, no faces"


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Milliseconds of the process's own time, medians; each beside the decoding of the same picture."""
    prepare_pillow()
    for name, content in _pictures():
        times = medians(in_turn(3 * sizes.runs, process_time, **_steps(content)))
        for step, seconds in times.items():
            compared = (None, "") if step == BARE else (seconds / times[BARE], "its decoding")
            yield Figure(f"{name}: {step}", 1000 * seconds, "ms", *compared)


def _steps(content: bytes) -> dict[str, Callable[[], object]]:
    find = process_face_finder().find
    seen = look(content, SIZE, max_pixels=MAX_PIXELS, find=find)
    image_HWC = seen.inputs[0].image_HWC
    cut = sum(shown.face is not None for shown in seen.inputs)
    return {
        BARE: partial(look, content, SIZE, max_pixels=MAX_PIXELS, find=None),
        f"decode, {cut} face{'s' * (cut != 1)} found": partial(look, content, SIZE, max_pixels=MAX_PIXELS, find=find),
        "evidence": partial(gather, content, seen.format),
        "fingerprint": partial(fingerprint, seen.picture),
        "mild conditions": lambda: [under(condition, image_HWC) for condition in mild_conditions()],
    }


def _pictures() -> Iterator[tuple[str, bytes]]:
    yield "256 x 256", face_sized(1)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS 5D"
    of_a_camera = photo(1, exif=exif)
    yield "12 MP, of a camera", of_a_camera
    yield "the same, signed (C2PA)", _signed(of_a_camera)
    yield from _with_faces(shared_faces_folder() / "manifest.csv")
    yield "PNG 1024 x 1024, of a generator", _generated()


def _with_faces(manifest: Path) -> Iterator[tuple[str, bytes]]:
    if not manifest.exists():
        print(f"  no pictures with faces: {manifest} is not there ({VARIABLE})", file=sys.stderr)
        return
    rows = [row for row in read_manifest(manifest).all_of_split("val") if row.source in FACE_SHARE]
    yield "a face's crop", random.Random(SEED).choice(rows).path.read_bytes()
    [pasted] = composites(rows, 1, SEED)
    yield "12 MP, four faces pasted", pasted.content


def _signed(jpeg: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        path.write_bytes(jpeg)
        return signed(path, actions=[{"action": "c2pa.created", "digitalSourceType": TRAINED}])


def _generated() -> bytes:
    text, png = PngInfo(), BytesIO()
    text.add_text("parameters", "a portrait\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234")
    background(random.Random(SEED), (1024, 1024)).save(png, "PNG", pnginfo=text)
    return png.getvalue()
