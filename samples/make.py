"""Write the sample pictures: photographs as they are, forgeries by hand, and forgeries by small networks trained on the spot.

    python samples/make.py [FOLDER]

The photographs lie in packages, so nothing is downloaded. README.md tells their sources and licences.
Every draw is seeded: running the script again gives the same files under the same library versions.
"""

# scikit-image carries no annotations.
# mypy: disable-error-code="no-untyped-call"

import argparse
from collections.abc import Iterator
from pathlib import Path

import face_swap
import neural
import retouching
from photographs import (
    ASTRONAUT_HEAD,
    ASTRONAUT_POINTS,
    OFFICER_HEAD,
    OFFICER_POINTS,
    astronaut,
    cut,
    jpeg,
    officer,
    photograph,
    recompressed,
)
from skimage import data


def real() -> Iterator[tuple[str, bytes]]:
    """File name and content of the photographs."""
    face = jpeg(cut(astronaut(), ASTRONAUT_HEAD))
    yield "real-astronaut.jpg", jpeg(astronaut())
    yield "real-astronaut-face.jpg", face
    yield "real-astronaut-face-recompressed.jpg", recompressed(face)
    yield "real-officer.jpg", jpeg(officer())
    yield "real-cameraman.jpg", jpeg(photograph(data.camera()))
    yield "real-cat.jpg", jpeg(photograph(data.chelsea()))
    yield "real-coffee.jpg", jpeg(photograph(data.coffee()))
    yield "real-rocket.jpg", jpeg(photograph(data.rocket()))
    yield "real-coins.jpg", jpeg(photograph(data.coins()))
    yield "real-handwriting.jpg", jpeg(photograph(data.text()))
    yield "real-clock-blurred.jpg", jpeg(photograph(data.clock()))


def by_hand() -> Iterator[tuple[str, bytes]]:
    """File name and content of the forgeries without a network."""
    portrait, other = astronaut(), officer()
    strongly_blended = retouching.self_blended(portrait, strength=1.0, seed=2)
    faces = {
        "self-blended-strong": strongly_blended,
        "self-blended-slight": retouching.self_blended(portrait, strength=0.5, seed=1),
        "spliced": retouching.spliced(portrait),
        "copy-moved-eye": retouching.copy_moved(portrait),
        "inpainted-mouth": retouching.inpainted(portrait, retouching.TEETH),
        "low-resolution": retouching.low_resolution_face(portrait, factor=2),
    }
    yield "fake-astronaut-self-blended.jpg", jpeg(strongly_blended)
    for kind, picture in faces.items():
        yield f"fake-astronaut-face-{kind}.jpg", jpeg(cut(picture, ASTRONAUT_HEAD))
    yield "fake-astronaut-swapped.jpg", jpeg(face_swap.swapped(portrait, ASTRONAUT_POINTS, other, OFFICER_POINTS))
    careless = face_swap.swapped_carelessly(portrait, ASTRONAUT_POINTS, other, OFFICER_POINTS)
    yield "fake-astronaut-face-swapped-carelessly.jpg", jpeg(cut(careless, ASTRONAUT_HEAD))
    swapped = face_swap.swapped(other, OFFICER_POINTS, portrait, ASTRONAUT_POINTS)
    yield "fake-officer-face-swapped.jpg", jpeg(cut(swapped, OFFICER_HEAD))
    careless = face_swap.swapped_carelessly(other, OFFICER_POINTS, portrait, ASTRONAUT_POINTS)
    yield "fake-officer-face-swapped-carelessly.jpg", jpeg(cut(careless, OFFICER_HEAD))
    yield "fake-officer-face-smoothed.jpg", jpeg(cut(retouching.smoothed(other), OFFICER_HEAD))
    yield "fake-officer-face-smiling.jpg", jpeg(cut(face_swap.smiling(other), OFFICER_HEAD))
    yield (
        "fake-rocket-sky-replaced.jpg",
        jpeg(retouching.sky_replaced(photograph(data.rocket()), photograph(data.hubble_deep_field()))),
    )


def by_network() -> Iterator[tuple[str, bytes]]:
    """File name and content of what small networks make; they are trained here, for some minutes."""
    yield from neural.deepfakes()
    yield from neural.generated()
    yield "fake-coffee-dream.jpg", jpeg(neural.dream(photograph(data.coffee())))


def main() -> None:
    """Write the samples into the folder named on the command line."""
    parser = argparse.ArgumentParser(description="Write the sample pictures.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent, help="default: the script's own folder")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for kind in (real, by_hand, by_network):
        for name, content in kind():
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
