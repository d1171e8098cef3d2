"""What files say of their own origin: real files, generated, edited, plain and hostile."""

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from signing import TRAINED

from scanner.domain.evidence import filed_under
from worker.evidence.budget import FIELD
from worker.evidence.gathering import TEXT, gather

from .conftest import PARAMETERS, found, jpeg, png

MakePicture = Callable[..., Path]


XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" {attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def exif(**tags: object) -> Image.Exif:
    names = {"make": 0x010F, "model": 0x0110, "software": 0x0131, "description": 0x010E, "artist": 0x013B}
    made = Image.Exif()
    for name, value in tags.items():
        if name in ("comment", "maker"):
            made.get_ifd(0x8769)[{"comment": 0x9286, "maker": 0x927C}[name]] = value
        else:
            made[names[name]] = value
    return made


@pytest.mark.parametrize(
    ("texts", "finding"),
    [
        ([("parameters", PARAMETERS)], "stable-diffusion"),
        ([("prompt", '{"3": {"class_type": "KSampler", "inputs": {}}}'), ("workflow", '{"last_node_id": 9}')], "comfyui"),
        ([("invokeai_metadata", '{"app_version": "4.2"}')], "invokeai"),
        ([("Software", "NovelAI"), ("Comment", '{"steps": 28}'), ("Title", "AI generated image")], "novelai"),
        ([("Description", "a cat --v 6 Job ID: 0f8fad5b-d9cb-469f-a165-70867728950e"), ("Author", "anna")], "midjourney"),
        ([("parameters", '{"sui_image_params": {"prompt": "größe"}}')], "swarmui"),
        ([("fooocus_scheme", "fooocus"), ("parameters", "{}")], "fooocus"),
        ([("AIGC", '{"Label":"1"}')], "aigc-label"),
    ],
)
def test_what_generators_write_into_png(texts: list[tuple[str, str]], finding: str) -> None:
    assert set(found(png(*texts), "PNG")) == {("generator", finding)}
    assert set(found(text_behind_the_pixels(png(), texts[0]), "PNG")) == {("generator", finding)}


def text_behind_the_pixels(content: bytes, text: tuple[str, str]) -> bytes:
    body = text[0].encode() + b"\0" + text[1].encode()
    chunk = struct.pack(">I", len(body)) + b"tEXt" + body + struct.pack(">I", zlib.crc32(b"tEXt" + body))
    return content[:-12] + chunk + content[-12:]


@pytest.mark.parametrize("order", ["utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_what_generators_write_into_exif(order: str, form: str) -> None:
    comment = b"UNICODE\0" + PARAMETERS.encode(order)
    assert set(found(jpeg(form, exif=exif(comment=comment)), form)) == {("generator", "stable-diffusion")}
    assert set(found(jpeg(form, exif=exif(software="Adobe Firefly 1.0")), form)) == {("generator", "firefly")}


@pytest.mark.parametrize(
    ("attributes", "elements"),
    [
        (f'Iptc4xmpExt:DigitalSourceType="{TRAINED}"', ""),
        ("", f"<Iptc4xmpExt:DigitalSourceType>{TRAINED}</Iptc4xmpExt:DigitalSourceType>"),
        ("", f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{TRAINED}"/>'),
    ],
)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_source_type_in_xmp(attributes: str, elements: str, form: str) -> None:
    packet = XMP.format(attributes=attributes, elements=elements)
    if form == "PNG":
        content = png(("XML:com.adobe.xmp", packet))
    elif form == "TIFF":
        content = jpeg(form, tiffinfo={700: packet.encode()})
    else:
        content = jpeg(form, xmp=packet.encode())
    [trace] = found(content, form).values()
    assert (trace.kind, trace.finding) == ("source-type", "trainedAlgorithmicMedia")
    assert trace.text == "its XMP states: made by a trained model"


def test_editing_programs_are_told_apart_from_generators() -> None:
    packet = XMP.format(attributes='xmp:CreatorTool="Adobe Photoshop 25.0"', elements="")
    assert set(found(jpeg(xmp=packet.encode()))) == {("software", "photoshop")}
    assert filed_under(found(jpeg(xmp=packet.encode())).values()) == {"any", "software"}


def test_a_description_may_speak_of_anything() -> None:
    told = "my talk on Midjourney, DALL-E and Photoshop"
    packet = XMP.format(attributes="", elements=f"<dc:description><rdf:Alt><rdf:li>{told}</rdf:li></rdf:Alt></dc:description>")
    assert found(jpeg(xmp=packet.encode(), exif=exif(description=told))) == {}


def test_camera_data() -> None:
    """Camera data is told and its absence proves nothing."""
    [camera] = gather(jpeg(exif=exif(make="Canon", model="EOS 5D")), "JPEG")
    assert (camera.kind, camera.finding, camera.text) == ("camera", "present", "camera data: Canon EOS 5D")
    assert filed_under([camera]) == {"camera"}
    for content, form in ((jpeg(), "JPEG"), (png(), "PNG"), (jpeg("GIF"), "GIF"), (jpeg("BMP"), "BMP")):
        [missing] = gather(content, form)
        assert (missing.kind, missing.finding) == ("camera", "missing")
        assert "proves nothing" in missing.text
        assert filed_under([missing]) == set()
    [camera] = gather(png(exif=exif(make="Canon")), "PNG")
    assert camera.finding == "present"


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "PNG", "AVIF"])
@pytest.mark.parametrize(
    "tags",
    [
        {"description": "OpenAI--ImageGeneration--generation-abc"},
        {"software": "Made with OpenAI Labs"},
        {"description": "Made with OpenAI Labs"},
        {"comment": b"ASCII\0\0\0OpenAI--ImageGeneration--1"},
        {"comment": b"OpenAI--ImageGeneration--1"},
        {"maker": b"OpenAI--ImageGeneration--generation-xyz"},
        {"artist": "OpenAI--ImageGeneration--1"},
    ],
)
def test_the_mark_of_dall_e_2(form: str, tags: dict[str, object]) -> None:
    block = exif(**tags).tobytes()
    content = png(exif=block) if form == "PNG" else jpeg(form, exif=block)
    assert set(found(content, form)) == {("generator", "openai")}


def test_the_mark_of_dall_e_2_in_a_tiff() -> None:
    for more in ({}, {"big_tiff": True}):
        content = jpeg("TIFF", exif=exif(software="Made with OpenAI Labs"), **more)
        assert set(found(content, "TIFF")) == {("generator", "openai")}


def test_a_workflow_is_no_camera() -> None:
    """ComfyUI writes it where a camera has its name."""
    make = 'workflow:{"last_node_id": 9, "nodes": []}'
    model = 'prompt:{"3": {"class_type": "KSampler", "inputs": {}}}'
    for form in ("WEBP", "JPEG"):
        traces = gather(jpeg(form, exif=exif(make=make, model=model)), form)
        assert {(one.kind, one.finding) for one in traces} == {("generator", "comfyui"), ("camera", "missing")}
    for name in ("Stable Diffusion", "x" * 200, "[1, 2]"):
        assert gather(jpeg(exif=exif(make=name)), "JPEG")[-1].finding == "missing"
    [camera] = gather(jpeg("WEBP", exif=exif(make="NIKON CORPORATION", model='prompt:{"a": 1}')), "WEBP")
    assert (camera.finding, camera.text) == ("present", "camera data: NIKON CORPORATION")


def test_texts_are_short_and_cannot_steer_a_terminal() -> None:
    hostile = "\x1b[2J" + PARAMETERS + "\u202e" + "x" * 100_000
    [trace] = found(png(("parameters", hostile)), "PNG").values()
    assert len(trace.text) <= TEXT
    assert trace.text.isprintable()
    assert "\\x1b[2J" in trace.text


def test_hostile_xmp_costs_nothing_but_itself() -> None:
    entities = "".join(f'<!ENTITY a{n + 1} "&a{n};&a{n};&a{n};&a{n};">' for n in range(30))
    bomb = f'<!DOCTYPE x [<!ENTITY a0 "boom">{entities}]><x:xmpmeta xmlns:x="adobe:ns:meta/"><x:a>&a30;</x:a></x:xmpmeta>'
    file = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
    large = XMP.format(attributes="", elements="<xmp:CreatorTool>Midjourney</xmp:CreatorTool>" + " " * FIELD)
    for packet in (bomb, file, large, "<x" * 10_000, "<a>" * 200_000, "no xml"):
        content = png(("XML:com.adobe.xmp", packet), ("parameters", PARAMETERS))
        assert set(found(content, "PNG")) == {("generator", "stable-diffusion"), ("file", "unread")}


def test_a_text_that_unpacks_to_gigabytes_is_cut_off() -> None:
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    body = b"parameters\0\0" + packed
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    content = png()
    [told] = found(content[:33] + chunk + content[33:], "PNG").values()
    assert (told.kind, told.finding) == ("file", "unread")
    assert told.text == "its PNG text could be read in part only, as there is too much of it"
    assert filed_under([told]) == {"file", "unread"}


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1\xff\xff", b"no picture", bytes(1000)])
def test_no_evidence_in_what_is_no_picture(content: bytes) -> None:
    """What is no picture has no evidence and raises nothing."""
    for form in ("JPEG", "PNG", ""):
        assert {trace.finding for trace in gather(content, form)} <= {"missing", "unread"}


def test_broken_parts_raise_nothing(generated: bytes) -> None:
    whole = png(("parameters", PARAMETERS), exif=exif(make="Canon", comment=b"UNICODE\0ab"))
    for content, form in ((whole, "PNG"), (generated, "JPEG"), (jpeg(exif=exif(make="Canon"), xmp=XMP.encode()), "JPEG")):
        for start in range(0, len(content), max(1, len(content) // 60)):
            gather(content[:start] + b"\xff\xfe\x00" + content[start + 3 :], form)
            gather(content[:start], form)


def test_fault_costs_only_the_evidence(generated: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours costs the evidence and not the picture."""

    def fail(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("worker.evidence.gathering.read_fields", fail)
    assert {one.kind for one in gather(generated, "JPEG")} == {"c2pa", "source-type", "generator", "file"}


def test_evidence_can_be_stored_as_json(generated: bytes) -> None:
    traces = gather(generated, "JPEG")
    assert json.loads(json.dumps([vars(one) for one in traces]))[0] == vars(traces[0])
