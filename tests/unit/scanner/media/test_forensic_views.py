"""Error levels and noise: what was pasted stands out, and places are those of the upright picture."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageFilter, ImageStat

from scanner.media.forensic import views
from scanner.media.forensic.view import View
from scanner.media.forensic.views import TooManyPixels, error_levels, examine, noise_residual

SAMPLE = Path(__file__).parents[4] / "samples" / "real-astronaut.jpg"
PASTED = (96, 96, 192, 192)


def saved_again(picture: Image.Image, quality: int) -> Image.Image:
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def brightness(picture: Image.Image, box: tuple[int, int, int, int]) -> float:
    return sum(ImageStat.Stat(picture.crop(box)).mean)


def outside(picture: Image.Image) -> float:
    rest = picture.copy()
    rest.paste((0, 0, 0), PASTED)
    whole = picture.width * picture.height
    pasted = (PASTED[2] - PASTED[0]) * (PASTED[3] - PASTED[1])
    return sum(ImageStat.Stat(rest).mean) * whole / (whole - pasted)


def test_error_levels_of_a_pasted_square_stand_out() -> None:
    with Image.open(SAMPLE) as opened:
        plain = opened.convert("RGB")
    low = saved_again(plain, 40)
    mixed = low.copy()
    mixed.paste(plain.crop(PASTED), PASTED)
    ratios = []
    for picture in (low, mixed):
        shown = error_levels(picture).picture
        assert shown.size == picture.size
        ratios.append(brightness(shown, PASTED) / outside(shown))
    assert ratios[1] > 1.5 * ratios[0]


def test_noise_of_a_smoothed_square_stands_out() -> None:
    with Image.open(SAMPLE) as opened:
        plain = opened.convert("RGB")
    smoothed = plain.copy()
    smoothed.paste(plain.filter(ImageFilter.GaussianBlur(2)).crop(PASTED), PASTED)
    deviations = [ImageStat.Stat(noise_residual(one).picture.convert("L").crop(PASTED)).stddev[0] for one in (plain, smoothed)]
    assert deviations[1] < 0.5 * deviations[0]
    assert noise_residual(Image.new("RGB", (20, 20), "red")).picture.getextrema() == ((128, 128),) * 3


def test_what_does_not_change_is_black() -> None:
    found = error_levels(Image.new("RGB", (64, 64), (128, 128, 128)))
    assert found.picture.getextrema() == ((0, 0),) * 3


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK", "I;16", "1"])
def test_places_are_those_of_the_upright_picture(tmp_path: Path, view: View, mode: str) -> None:
    """A bright spot in the upper left as stored is in the upper right once the picture is turned by its EXIF."""
    stored = Image.new("RGB", (160, 80), "black")
    stored.paste((255, 255, 255), (11, 9, 22, 26))
    file = tmp_path / ("a.tif" if mode in ("CMYK", "I;16") else "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    converted = stored.convert("L").convert("I;16") if mode == "I;16" else stored.convert(mode)
    converted.save(file, exif=exif)
    shown = examine(str(file), view).picture
    assert shown.size == (80, 160)
    corner = ImageStat.Stat(shown.crop((40, 0, 80, 40)).convert("L")).stddev[0]
    assert corner > ImageStat.Stat(shown.crop((0, 80, 80, 160)).convert("L")).stddev[0]


def test_a_later_frame_is_examined(tmp_path: Path) -> None:
    frames = [Image.new("L", (64, 64), shade) for shade in (0, 90, 0)]
    frames[2].paste(255, (20, 20, 41, 43))
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert examine(str(tmp_path / "a.gif"), View.NOISE, 0).picture.getextrema() == ((128, 128),) * 3
    assert examine(str(tmp_path / "a.gif"), View.NOISE, 2).picture.getextrema() != ((128, 128),) * 3


def test_too_many_pixels_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "EXAMINED_PIXELS", 99)
    Image.new("RGB", (10, 10)).save(tmp_path / "a.png")
    with pytest.raises(TooManyPixels, match="10 x 10 pixels are too many"):
        examine(str(tmp_path / "a.png"), View.NOISE)
