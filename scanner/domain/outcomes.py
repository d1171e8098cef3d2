"""What can come of a claimed file, and by which model."""

from dataclasses import dataclass, field

from .asked import FACES
from .claims import Claimed
from .evidence import Evidence
from .prediction import Prediction


@dataclass(frozen=True)
class ContentFacts:
    """What is known of a file's bytes: sha256 in hex, size in bytes, sides in pixels.

    `evidence` is None where it was not looked for; `fingerprint` is a perceptual hash of 64 bits, as a signed number.
    """

    sha256: str
    size: int
    format: str | None = None
    width: int | None = None
    height: int | None = None
    evidence: tuple[Evidence, ...] | None = None
    fingerprint: int | None = None


@dataclass(frozen=True)
class ActiveModel:
    """The checkpoint that a worker runs; `id` is its row, `sha256` (hex) its file's.

    `whole_images`: it was trained and measured on whole images, too.
    """

    id: int
    name: str
    threshold: float
    band_low: float
    whole_images: bool = False
    sha256: str = ""


@dataclass(frozen=True)
class Scored:
    """The model's score (0..1) for a content, and what it rests on; the network took `seconds` for it."""

    file: Claimed
    content: ContentFacts
    score: float
    seconds: float
    prediction: Prediction = field(default_factory=Prediction)
    made_with: str = FACES


@dataclass(frozen=True)
class Reused:
    """The model has scored this content before in the same way, perhaps under another path."""

    file: Claimed
    sha256: str
    made_with: str = FACES


@dataclass(frozen=True)
class Same:
    """The file holds the content that it had, whatever else of it has changed: what is known of it holds."""

    file: Claimed


@dataclass(frozen=True)
class Failed:
    """The file cannot be scored: `kind` for machines, `reason` for people."""

    file: Claimed
    kind: str
    reason: str
    content: ContentFacts | None = None


@dataclass(frozen=True)
class Changed:
    """The file changed while it was read; these are its size and mtime now."""

    file: Claimed
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Vanished:
    """The file is not there on this machine; whether it is missing, the machine says that watches its folder."""

    file: Claimed


@dataclass(frozen=True)
class Unreachable:
    """The worker cannot get at the file, for a reason that is not the file's: it stays pending, and is tried again later."""

    file: Claimed
    reason: str


Outcome = Scored | Reused | Same | Failed | Changed | Vanished | Unreachable
