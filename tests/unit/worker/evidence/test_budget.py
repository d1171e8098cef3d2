"""Texts that are made to cost much, or to hide a trace: both fail, and what was not read is told."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from scanner.domain.evidence import Evidence
from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Ready
from worker.decoding.limits import Limits
from worker.evidence.budget import ALL, FIELD, STEPS
from worker.evidence.gathering import gather

PARAMETERS = "a portrait\nSteps: 20, Sampler: Euler a, Seed: 1234"


def picture(form: str = "PNG", **save: object) -> bytes:
    buffer = BytesIO()
    Image.effect_noise((64, 48), 60).convert("RGB").save(buffer, form, **save)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def packed(name: str, text: str) -> bytes:
    return chunk(b"zTXt", name.encode() + b"\0\0" + zlib.compress(text.encode(), 9))


def plain(name: str, text: str) -> bytes:
    return chunk(b"tEXt", name.encode() + b"\0" + text.encode())


def behind(*chunks: bytes) -> bytes:
    whole = picture()
    return whole[:-12] + b"".join(chunks) + whole[-12:]


def found(content: bytes, form: str = "PNG") -> dict[tuple[str, str], Evidence]:
    return {(one.kind, one.finding): one for one in gather(content, form) if one.kind != "camera"}


# Each repeats the beginning of a pattern, so that a careless search begins anew at each place.
SLOW = {
    "Steps": "Steps: 1, " * 2000,
    "digits": "Steps: " + "1" * 20_000,
    "spaces": ('"class_type"' + " " * 40) * 400,
    "job": "Job ID: 0f8fad5b-d9cb-469f-" * 800,
    "words": "Stable " * 3000,
    "OpenAI": "OpenAI--Image" * 1500,
}


@pytest.mark.parametrize("name", SLOW)
def test_small_packed_texts_cost_no_picture_its_verdict(name: str) -> None:
    content = behind(*(packed(f"parameters{number}", SLOW[name]) for number in range(300)))
    assert len(content) < 80_000
    with DecoderPool(1, Limits(pixels=10**6, seconds=60, megabytes=3072)) as decoders:
        ready = decoders.begin(content, 64).result()
    assert isinstance(ready, Ready)
    assert {one.finding for one in ready.evidence or ()} <= {"missing", "unread"}


@pytest.mark.parametrize("count", [1, 40])
def test_megabytes_hide_no_trace(count: int) -> None:
    junk = [plain("Notes", "x" * (FIELD + 1)) for _ in range(count)]
    for chunks in ((*junk, plain("parameters", PARAMETERS)), (plain("parameters", PARAMETERS), *junk)):
        assert set(found(behind(*chunks))) == {("generator", "stable-diffusion"), ("file", "unread")}


def test_many_texts_hide_no_trace() -> None:
    junk = b"".join(plain("a", "") for _ in range(STEPS + 1))
    assert set(found(behind(junk, plain("parameters", PARAMETERS)))) == {("generator", "stable-diffusion"), ("file", "unread")}


def test_many_statements_in_xmp_hide_none() -> None:
    stated = '<a:DigitalSourceType xmlns:a="urn:a">trainedAlgorithmicMedia</a:DigitalSourceType>'
    packet = f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{"<x:a>b</x:a>" * (STEPS + 1)}{stated}</x:xmpmeta>'
    traces = found(behind(plain("XML:com.adobe.xmp", packet)))
    assert set(traces) == {("source-type", "trainedAlgorithmicMedia"), ("file", "unread")}


def test_comments_of_a_jpeg_hide_none() -> None:
    whole = picture("JPEG")
    junk = b"".join(b"\xff\xfe\xff\xff" + b"x" * 65533 for _ in range(ALL // 65533 - 1))
    trace = PARAMETERS.encode()
    told = b"\xff\xfe" + struct.pack(">H", len(trace) + 2) + trace
    assert ("generator", "stable-diffusion") in found(whole[:2] + junk + told + whole[2:], "JPEG")


def test_an_exif_table_that_lists_one_value_again_and_again() -> None:
    """Pillow copies each: 65,535 times a megabyte."""
    value = 1 << 20
    entries = b"".join(struct.pack(">HHII", 0xC000 + number % 1000, 7, value, 0) for number in range(65_000))
    software = struct.pack(">HHII", 0x0131, 2, 15, 8)
    block = b"MM\0*" + struct.pack(">I", 24) + b"Adobe Firefly 1\0" + struct.pack(">H", 65_001) + software + entries
    whole = picture()
    content = whole[:33] + chunk(b"eXIf", block.ljust(value + 9, b"\0")) + whole[33:]
    with DecoderPool(1, Limits(pixels=10**6, seconds=60, megabytes=1500)) as decoders:
        ready = decoders.begin(content, 64).result()
    assert isinstance(ready, Ready)
    assert ("generator", "firefly") in {(one.kind, one.finding) for one in ready.evidence or ()}


def test_what_is_broken_is_told() -> None:
    told = found(behind(plain("XML:com.adobe.xmp", "<x"), chunk(b"eXIf", b"no EXIF")))
    assert set(told) == {("file", "unread")}
    texts = {one.text for one in gather(behind(plain("XML:com.adobe.xmp", "<x"), chunk(b"eXIf", b"no EXIF")), "PNG")}
    assert {"its XMP could not be read", "its EXIF could not be read"} <= texts
