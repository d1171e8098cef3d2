"""A label that can be guessed from how files are stored is told; where it cannot, nothing is."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from training.data.bias import Bias, find_bias, stored_as
from training.data.manifest import ManifestError, Row

Style = Callable[[int, random.Random], tuple[str, tuple[int, int], dict[str, Any]]]


def fair(_label: int, rng: random.Random) -> tuple[str, tuple[int, int], dict[str, Any]]:
    """JPEG or PNG of any size and quality, whatever the label."""
    size = (rng.randint(24, 64), rng.randint(24, 64))
    return rng.choice(["jpg", "png"]), size, {"quality": rng.randint(60, 95), "subsampling": rng.choice([0, 2])}


def made(folder: Path, style: Style, *, source: str = "set", count: int = 120, groups: int | None = None) -> list[Row]:
    folder.mkdir(exist_ok=True)
    rng, noise = random.Random(source), np.random.default_rng(1)
    rows = []
    for number in range(count):
        label = number % 2
        form, (width, height), options = style(label, rng)
        path = folder / f"{source}{number}.{form}"
        Image.fromarray(noise.integers(0, 255, (height, width, 3), np.uint8)).save(path, **options)
        group = f"{source}:{number if groups is None else number % groups}"
        rows.append(Row(path, label, source, "", "", group, "train"))
    return rows


def told(bias: Bias, source: str = "") -> list[str]:
    """The traits that give the label away, the most telling first."""
    part = next(part for part in bias.parts if part.source == source)
    return [trait.trait for trait in part.traits if trait.is_told]


@pytest.mark.slow
@pytest.mark.parametrize("source", ["one", "two", "three"])
def test_a_fair_set_is_not_accused(tmp_path: Path, source: str) -> None:
    seen: list[tuple[int, int]] = []

    bias = find_bias(made(tmp_path, fair, source=source), progress=lambda done, of: seen.append((done, of)))

    assert not bias
    assert bias.text().startswith("all sources: how files are stored does not give the label away")
    assert seen[-1] == (120, 120)


def test_reals_as_jpeg_and_fakes_as_png_are_found(tmp_path: Path) -> None:
    bias = find_bias(made(tmp_path, lambda label, rng: ("png" if label else "jpg", *fair(label, rng)[1:])))

    assert bias
    assert told(bias)[0] == "file format"
    assert "all sources: the file format alone gives the label away (AUC 1.000): real JPEG 100%, fake PNG 100%" in bias.text()
    assert "Store real and fake images in the same way" in bias.text()


def test_another_jpeg_quality_is_found(tmp_path: Path) -> None:
    def style(label: int, rng: random.Random) -> tuple[str, tuple[int, int], dict[str, Any]]:
        return "jpg", fair(label, rng)[1], {"quality": (92 if label else 85) + rng.randint(-2, 2)}

    bias = find_bias(made(tmp_path, style))

    assert told(bias)[0] == "JPEG quality"
    assert "real median 85, fake median 92" in bias.text()
    assert "file format" not in told(bias)


@pytest.mark.parametrize(
    ("trait", "style"),
    [
        ("resolution", lambda label, rng: ("png", (40 + 8 * label + rng.randint(0, 3),) * 2, {})),
        ("aspect ratio", lambda label, rng: ("png", ((width := rng.randint(30, 60)), width * (3 - label) // 2), {})),
        ("EXIF", lambda label, rng: ("jpg", fair(label, rng)[1], {} if label else {"exif": with_exif()})),
        ("chroma subsampling", lambda label, rng: ("jpg", (40, 40), {"quality": 80, "subsampling": 2 * label})),
    ],
)
def test_every_other_trait_is_found_alone(tmp_path: Path, trait: str, style: Style) -> None:
    assert trait in told(find_bias(made(tmp_path, style)))


def with_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "camera"
    return exif


def test_file_size_is_found_where_nothing_else_differs(tmp_path: Path) -> None:
    rows = made(tmp_path, lambda _label, _rng: ("png", (40, 40), {}))
    for row in rows[1::2]:
        with row.path.open("ab") as opened:
            opened.write(b"\0" * 4000)

    assert sorted(told(find_bias(rows))) == ["bytes per pixel", "file size"]


def test_the_source_that_is_biased_is_named(tmp_path: Path) -> None:
    biased = made(tmp_path, lambda label, rng: ("png" if label else "jpg", *fair(label, rng)[1:]), source="biased")
    rows = [*biased, *made(tmp_path, fair, source="fair"), *made(tmp_path, fair, source="few", count=20)]

    bias = find_bias(rows)

    assert [part.source for part in bias.parts] == ["", "biased", "fair"]
    assert told(bias, "biased")[0] == "file format"
    assert not told(bias, "fair")
    assert "biased: the file format alone" in bias.text()
    assert "\nfair: how files are stored does not" in bias.text()


def test_bias_between_sources(tmp_path: Path) -> None:
    """What separates sources of one label each is found."""

    def small(label: int, rng: random.Random) -> tuple[str, tuple[int, int], dict[str, Any]]:
        return "png", (rng.randint(20, 30),) * 2, {}

    rows = [row for row in made(tmp_path, fair, source="cameras", count=160) if row.label == 0]
    rows += [row for row in made(tmp_path, small, source="generator", count=160) if row.label == 1]

    bias = find_bias(rows)

    assert [part.source for part in bias.parts] == [""]
    assert "resolution" in told(bias)


def test_images_of_few_groups_are_no_evidence(tmp_path: Path) -> None:
    # 120 frames, but of ten videos only: that the five real ones are of one kind proves little.
    rows = made(tmp_path, lambda label, rng: ("png" if label else "jpg", *fair(label, rng)[1:]), groups=10)

    bias = find_bias(rows)

    assert not bias.parts
    assert not bias
    assert "too few groups" in bias.text()


@pytest.mark.parametrize("quality", [1, 10, 25, 49, 50, 51, 75, 90, 95, 100])
def test_the_quality_of_a_jpeg_is_read_off_its_tables(tmp_path: Path, quality: int) -> None:
    Image.new("RGB", (32, 16)).save(tmp_path / "a.jpg", quality=quality)

    assert stored_as(tmp_path / "a.jpg").quality == quality


def test_how_a_picture_is_stored(tmp_path: Path) -> None:
    Image.new("RGB", (32, 16)).save(tmp_path / "a.jpg", quality=80, subsampling=1, exif=with_exif())
    Image.new("RGB", (32, 16)).save(tmp_path / "a.png")

    jpeg, png = stored_as(tmp_path / "a.jpg"), stored_as(tmp_path / "a.png")

    assert (jpeg.format, jpeg.width, jpeg.height, jpeg.chroma, jpeg.has_exif) == ("JPEG", 32, 16, "4:2:2", True)
    assert jpeg.file_size == (tmp_path / "a.jpg").stat().st_size
    assert (png.format, png.chroma, png.has_exif) == ("PNG", "", False)
    assert np.isnan(png.quality)


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")

    with pytest.raises(ManifestError, match=r"text\.jpg: cannot identify image file"):
        find_bias([Row(tmp_path / "text.jpg", 0, "set", "", "", "g", "train")])
