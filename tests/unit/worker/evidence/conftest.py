"""Pictures that say where they come from."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from signing import TRAINED, signed

from scanner.domain.evidence import Evidence
from worker.evidence.gathering import gather

PARAMETERS = "a portrait\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234, Size: 512x512"


def png(*texts: tuple[str, str], **save: object) -> bytes:
    chunks = PngInfo()
    for name, text in texts:
        chunks.add_itxt(name, text) if not text.isascii() else chunks.add_text(name, text, zip=len(text) > 1000)
    buffer = BytesIO()
    Image.effect_noise((64, 48), 60).save(buffer, "PNG", pnginfo=chunks, **save)
    return buffer.getvalue()


def jpeg(form: str = "JPEG", **save: object) -> bytes:
    buffer = BytesIO()
    Image.effect_noise((64, 48), 60).convert("RGB").save(buffer, form, **save)
    return buffer.getvalue()


def found(content: bytes, form: str = "JPEG") -> dict[tuple[str, str], Evidence]:
    """Traces by kind and finding, without the camera's."""
    return {(one.kind, one.finding): one for one in gather(content, form) if one.kind != "camera"}


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "a.jpg"
    path.write_bytes(jpeg(quality=90))
    return path


@pytest.fixture(scope="module")
def generated(picture: Path) -> bytes:
    action = {"action": "c2pa.created", "digitalSourceType": TRAINED, "softwareAgent": {"name": "DALL·E"}}
    return signed(picture, actions=[action, {"action": "c2pa.color_adjustments"}], generator="OpenAI-API")
