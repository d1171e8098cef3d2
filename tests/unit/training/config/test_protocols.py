"""Protocols: read, refused with the place of a mistake."""

from pathlib import Path

import pytest

from training.config.protocols.reader import ProtocolError, protocol_named, protocol_names

OWN = """
recipe = "lite"
frames = 8
[[train]]
source = "one"
layout = "folders"
path = "one"
[[test]]
source = "two"
layout = "celeb-df"
path = "two"
"""


def test_what_comes_with_the_program_can_be_read() -> None:
    assert protocol_names() == ("deepfakebench",)
    found = protocol_named("deepfakebench")
    assert [(each.source, each.compression) for each in found.train] == [("FaceForensics++", "c23")]
    assert {"Celeb-DF-v2", "DFDC"} <= {each.source for each in found.test}
    assert found.frames == 32


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"celeb-df"', '"celebdf"', "layout 'celebdf' is not known; choose one of folders"),
        ('"two"\nlayout', '"one"\nlayout', "two have the same"),
        ("frames = 8", 'frames = "8"', "frames"),
        ("frames = 8", "frame = 8", "frame"),
        ("frames = 8", "seeds = 0", "seeds must be at least 1"),
        ('path = "two"', 'path = "two"\ncompression = "c99"', "compression must be one of raw, c23, c40"),
        ('path = "one"\n', "", "path"),
        ("[[train]]", "[[train", "not TOML"),
        ("[[train]]", "[[trained]]", "train"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    assert old in OWN
    path.write_text(OWN.replace(old, new), encoding="utf-8")
    with pytest.raises(ProtocolError, match=r"mine\.toml") as refused:
        protocol_named(str(path))
    assert said in str(refused.value)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="'absent' is not known; choose one of deepfakebench"):
        protocol_named("absent")
    with pytest.raises(ProtocolError, match=r"absent\.toml cannot be read"):
        protocol_named(str(tmp_path / "absent.toml"))
