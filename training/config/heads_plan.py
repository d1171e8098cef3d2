"""How heads are fitted on frozen branches: the choices of one run."""

from dataclasses import dataclass, field

from ..data.augmentation import Augmentation


@dataclass(frozen=True)
class Draws:
    """What the network is shown of a picture besides what scanning shows of it: degraded draws, of `train` alone.

    `whole` draws of the picture, each of a part that is at least `part` as wide; `largest` draws of its largest face and `other`
    of each further one, `faces` faces in all. A face is cut as wide as `margins` say (times its box), up to `off` of its side
    beside its middle. `crop` draws of a picture of a face set, which is a face as it is: a share `uncut` of them are not cut
    further, as scanning shows such pictures.
    """

    whole: int = 4
    part: float = 0.65
    largest: int = 3
    other: int = 1
    faces: int = 3
    margins: tuple[float, float] = (1.2, 2.4)
    off: float = 0.1
    crop: int = 1
    uncut: float = 0.4

    def __post_init__(self) -> None:
        """Raises ValueError for draws that cannot be made."""
        if min(self.whole, self.largest, self.other, self.faces) < 0 or self.crop < 1:
            raise ValueError("draws cannot be negative, and a face set needs at least one draw of a crop")
        if not 0 <= self.uncut <= 1:
            raise ValueError("uncut must lie between 0 and 1")
        if not 0 < self.part <= 1 or not 0.5 <= self.margins[0] <= self.margins[1] <= 10 or not 0 <= self.off < 1:
            raise ValueError("part and off must lie between 0 and 1, and margins be a range from 0.5 to 10")


@dataclass(frozen=True)
class Penalties:
    """L2 regularisation of each head (on standardised embeddings; the loss is a weighted mean)."""

    face: float = 0.05
    gate: float = 0.3
    whole: float = 0.6

    def __post_init__(self) -> None:
        """Raises ValueError for what leaves a head without one best solution."""
        if min(self.face, self.gate, self.whole) <= 0:
            raise ValueError("a penalty must be above 0")


@dataclass(frozen=True)
class Mixture:
    """How much each voice counts in a picture's logit.

    `cnn` is the CNN's beside CLIP's, both brought to the same spread; the whole picture's beside faces that were cut out of it
    (`beside_faces`), and beside a face that fills the picture (`beside_crop`).
    """

    cnn: float = 1.25
    beside_faces: float = 1.5
    beside_crop: float = 0.4


@dataclass(frozen=True)
class Cuts:
    """Where the threshold and the band's low end lie on the score, and what shares of real pictures reach them.

    `fake_held_out`, by each basis of a score, and `flagged_held_out`, over all, are of pictures of sources that the heads were
    not fitted on; where more are flagged the band begins higher. `fake_val` is of all of the split `val`.
    """

    threshold: float = 0.82
    band_low: float = 0.65
    fake_held_out: float = 0.022
    flagged_held_out: float = 0.065
    fake_val: float = 0.01

    def __post_init__(self) -> None:
        """Raises ValueError for cuts and shares that are not in order."""
        if not 0 < self.band_low < self.threshold < 1:
            raise ValueError("band_low must lie below threshold, and both between 0 and 1")
        if not 0 < self.fake_held_out < self.flagged_held_out < 1 or not 0 < self.fake_val < 1:
            raise ValueError("fake_held_out must lie below flagged_held_out, and all shares between 0 and 1")


@dataclass(frozen=True)
class HeadsPlan:
    """What heads are fitted on, and how.

    `face_sets` are sources whose pictures are crops of faces already, of the kind that the CNN was trained on: on such ones the
    gate opens. At most `most` pictures of each label of such a source are used. `framings` and `most_faces` are how scanning
    shows faces. In families in `one_forged` only the largest face of a fake is known to be forged. A source of n pictures weighs
    n to the power of 1 - `damping` (`face_set_damping` for face sets). `folds` are for logits on sources that a head was not
    fitted on.
    """

    face_sets: tuple[str, ...]
    framings: tuple[tuple[float, bool], ...] = ((1.4, False), (2.0, True))
    most_faces: int = 12
    most: int = 1000
    one_forged: tuple[str, ...] = ("faceswap", "inpaint", "reenactment")
    damping: float = 0.25
    face_set_damping: float = 0.5
    folds: int = 8
    iterations: int = 100
    seed: int = 20261125
    draws: Draws = field(default_factory=Draws)
    penalties: Penalties = field(default_factory=Penalties)
    mixture: Mixture = field(default_factory=Mixture)
    cuts: Cuts = field(default_factory=Cuts)
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        """Raises ValueError for what no run could follow."""
        if not self.face_sets:
            raise ValueError("face_sets must name at least one source: the gate is fitted on them against all others")
        if not self.framings or not all(0.5 <= margin <= 10 for margin, _ in self.framings):
            raise ValueError("framings needs at least one margin, from 0.5 to 10")
        if min(self.most_faces, self.most, self.iterations) < 1 or self.folds < 2:
            raise ValueError("most_faces, most and iterations must be at least 1, folds at least 2")
        if not 0 <= self.damping <= 1 or not 0 <= self.face_set_damping <= 1:
            raise ValueError("damping must lie between 0 (each picture alike) and 1 (each source alike)")
        if self.augmentation.forge or self.augmentation.frame or self.augmentation.on_device:
            raise ValueError(
                "forge, frame and on_device are of no use here: draws are framed by margins, labels stay, and a view is made once"
            )

    def is_face_set(self, source: str) -> bool:
        """Whether the pictures of `source` are crops of faces."""
        return source in self.face_sets
