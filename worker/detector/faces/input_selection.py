"""What the network is shown of a picture: its faces, or the picture as a whole. The same for scanning, training and measuring.

Imports no torch.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from PIL import Image

from scanner.domain.prediction import SMALLEST_FACE, Face

from ..image.picture import Decoded, PictureError, decode_frames, decode_rgb
from ..image.preprocess import OWN_RESIZE, to_input
from .face import Input, Located
from .face_crops import FaceInputs, framings_of, square_of, subject_of, tilt_of
from .face_finder import SEARCHED_PIXELS
from .places import shown_part, upright_size

Find = Callable[[Image.Image], Sequence[Located]]


class Again(Protocol):
    """Decodes a picture once more."""

    def __call__(self, *, pixels: int) -> Decoded:
        """With so many pixels at least, as far as it has them."""


# How faces are shown where nothing else is said.
_PLAIN = FaceInputs()


@dataclass(frozen=True)
class Wanted:
    """What one network is shown of a picture: inputs of `size` pixels, with its faces `shown` so."""

    size: int
    shown: FaceInputs = _PLAIN


@dataclass(frozen=True)
class Looked:
    """A decoded picture and what the network is shown of it, at least one input.

    `is_cut` says that they are parts of it. `unjudged` are faces that are too small, or beside the one that the picture is a crop
    of. `picture` is the first one, upright, as it was decoded; `format`, `width` and `height` (pixels) are as stored.
    `damage` says what is wrong with the file.
    """

    picture: Image.Image
    inputs: tuple[Input, ...]
    is_cut: bool
    unjudged: tuple[Face, ...]
    format: str
    width: int
    height: int
    damage: str = ""


@dataclass(frozen=True)
class _Part:
    """What `Looked` holds of one frame."""

    inputs: Sequence[Input]
    unjudged: Sequence[Face]
    is_cut: bool = False


def look(
    content: bytes, size: int, *, max_pixels: int, find: Find | None, scaled: bool = True, shown: FaceInputs = _PLAIN
) -> Looked:
    """Decode a file's bytes and cut its faces out, for inputs of `size` pixels; without `find` it is taken as it is.

    Without a face that is large enough, the picture as a whole is the input. One that is a face crop already is not cut
    further. Large JPEGs are decoded at a smaller scale unless it is not to be `scaled`. Raises PictureError.
    """
    [looked] = look_for(content, [Wanted(size, shown)], max_pixels=max_pixels, find=find, scaled=scaled)
    return looked


def look_for(
    content: bytes, wanted: Sequence[Wanted], *, max_pixels: int, find: Find | None, scaled: bool = True
) -> tuple[Looked, ...]:
    """The same for several networks, one after the other as in `wanted`: the picture is decoded and searched once for all."""
    # Another's network was measured on pictures at their full size.
    scaled = scaled and all(one.shown.resize == OWN_RESIZE for one in wanted)
    searched = SEARCHED_PIXELS if find and any(one.shown.looked_for for one in wanted) else 0
    side = max(one.size for one in wanted)
    frames = decode_frames(content, max_pixels=max_pixels, short_side=side, pixels=searched, scaled=scaled)
    again = [partial(decode_rgb, content, max_pixels=max_pixels, short_side=one.size, scaled=scaled) for one in wanted]
    return look_through(frames, wanted, find, again if scaled else [])


def look_through(
    frames: Iterable[Decoded], wanted: Sequence[Wanted], find: Find | None, again: Sequence[Again] = ()
) -> tuple[Looked, ...]:
    """The same for pictures that are decoded already; `again`, one for each of `wanted`, give the first at another scale.

    Frames without a face count only where no frame has one.
    """
    first: Decoded | None = None
    search = _Search(find) if find else None
    parts: list[list[_Part]] = [[] for _ in wanted]
    for decoded in frames:
        for number, one in enumerate(wanted):
            own = again[number] if again and first is None else None
            parts[number].append(_look_at(decoded, one.size, search if one.shown.looked_for else None, own, one.shown))
        first = first or decoded
    if first is None:
        raise PictureError("there is no picture in it")
    return tuple(_looked(first, of_one) for of_one in parts)


def _looked(first: Decoded, parts: Sequence[_Part]) -> Looked:
    with_face = [part for part in parts if part.inputs[0].face is not None] or parts
    return Looked(
        first.picture,
        tuple(shown for part in with_face for shown in part.inputs),
        any(part.is_cut for part in with_face),
        tuple(face for part in parts for face in part.unjudged),
        first.format,
        first.width,
        first.height,
        first.damage,
    )


class _Search:
    """Finds the faces of a picture once, however many networks ask for them."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._picture: Image.Image | None = None
        self._faces: dict[bool, list[Located]] = {}

    def __call__(self, picture: Image.Image, size: int) -> list[Located]:
        """Of an input of `size` pixels it depends only whether the picture is searched with room around it, too."""
        if picture is not self._picture:
            self._picture, self._faces = picture, {}
        is_small = _is_small(picture, size)
        if is_small not in self._faces:
            self._faces[is_small] = _found(picture, size, self._find)
        return self._faces[is_small]


def _look_at(decoded: Decoded, size: int, search: _Search | None, again: Again | None, shown: FaceInputs) -> _Part:
    if search is None:
        return _Part([_shown(decoded, size, shown)], [])
    faces = search(decoded.picture, size)
    kept = {place: _kept(place, decoded) for place in faces}
    large = [place for place in faces if decoded.shrunk * place.side >= SMALLEST_FACE][: shown.most]
    subject = subject_of(large, decoded.picture, size, shown)
    if subject or not large:
        whole = decoded.for_input(size) if again else decoded
        square = _shown(whole, size, shown, kept[subject] if subject else None)
        return _Part([square], [face for place, face in kept.items() if place is not subject])
    sharp = _sharp_enough(decoded, large, size / shown.tightest, again)
    scale = decoded.shrunk / sharp.shrunk
    crops = [_cut(place, decoded, sharp.picture, scale, size, kept[place], shown) for place in large]
    beside = [_shown(decoded, size, shown)] if shown.beside else []
    return _Part([*crops, *beside], [face for place, face in kept.items() if place not in large], is_cut=True)


def _cut(place: Located, decoded: Decoded, sharp: Image.Image, scale: float, size: int, face: Face, shown: FaceInputs) -> Input:
    """A face in its framings, out of a picture that is `scale` as large as the decoded one."""
    first, *others = framings_of(place.moved(0, 0, scale), sharp, size, shown)
    return Input(first, _box(place, decoded), face, tilt_of(place), decoded.frame, decoded.seconds, tuple(others))


def _shown(decoded: Decoded, size: int, shown: FaceInputs, face: Face | None = None) -> Input:
    box = shown_part(*upright_size(decoded), size, shown.resize)
    return Input(to_input(decoded.picture, size, shown.resize), box, face, frame=decoded.frame, seconds=decoded.seconds)


def _box(place: Located, decoded: Decoded) -> tuple[int, int, int, int]:
    """The square that `crop_of` cuts, in pixels of the upright picture at full size; a turned one keeps to the face's middle."""
    square = square_of(place, decoded.picture)
    left, top = (middle - square.side / 2 for middle in place.middle) if tilt_of(place) else (square.left, square.top)
    side = round(decoded.shrunk * square.side)
    return round(decoded.shrunk * left), round(decoded.shrunk * top), side, side


def _found(picture: Image.Image, size: int, find: Find) -> list[Located]:
    """The faces in a picture. One about as large as an input may be a face that fills it: look again with room around it.

    Half of the longer side, but around a strip no more than its shorter one: it would grow with the square of its length.
    """
    faces = list(find(picture))
    if faces or not _is_small(picture, size):
        return faces
    room = min(max(picture.size) // 2, min(picture.size))
    framed = Image.new("RGB", (picture.width + 2 * room, picture.height + 2 * room), (127, 127, 127))
    framed.paste(picture, (room, room))
    return [place.moved(-room, -room) for place in find(framed)]


def _is_small(picture: Image.Image, size: int) -> bool:
    return min(picture.size) <= 2 * size


def _sharp_enough(decoded: Decoded, faces: Sequence[Located], side: float, again: Again | None) -> Decoded:
    """The picture with as many pixels as the smallest of `faces` needs to have this `side`, or as many as it has."""
    wanted = side / min(place.side for place in faces)
    if again is None or wanted <= 1 or decoded.shrunk <= 1:
        return decoded
    return again(pixels=math.ceil(wanted**2 * decoded.picture.width * decoded.picture.height))


def _kept(place: Located, decoded: Decoded) -> Face:
    """The face with its box on the picture as stored, as far as it lies within it."""
    left, top, width, height = place.moved(0, 0, decoded.shrunk).box
    upright = [round(side * decoded.shrunk) for side in decoded.picture.size]
    ends = [min(most, max(0, round(end))) for end, most in zip((left + width, top + height), upright, strict=True)]
    begins = [min(end, max(0, round(begin))) for begin, end in zip((left, top), ends, strict=True)]
    box = (begins[0], begins[1], ends[0] - begins[0], ends[1] - begins[1])
    return Face(box, round(place.confidence, 4), frame=decoded.frame)
