"""What a worker works with, and what is on its way through the pipeline."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.domain.asked import FACES
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import ActiveModel, ContentFacts, Failed, Outcome, Scored
from scanner.domain.recorded import Listener, tell_nobody
from scanner.jobs.path_map import local_path

from ..decoding.decoder_pool import DecoderPool
from ..decoding.inputs import Ready
from ..decoding.troubles import DecoderTrouble, PoolBroke
from ..decoding.video_frames import Video
from ..detector.combined.scorer import AnyScorer
from ..detector.image.picture import PictureError
from .deadline import Deadline
from .judged import Judged


@dataclass(frozen=True)
class Worker:
    """What a worker works with. `now` gives the time with its zone; `name` owns its leases; `tell` is told what is recorded."""

    name: str
    settings: Settings
    database: Database
    predictor: AnyScorer
    model: ActiveModel
    decoders: DecoderPool
    now: Callable[[], datetime]
    deadline: Deadline
    path_map: dict[str, str] = field(default_factory=dict)
    tell: Listener = tell_nobody

    def looks_for_faces(self, file: Claimed) -> bool:
        """As the job asks, or as this worker is set."""
        return self.settings.faces if file.faces is None else file.faces

    def reads_videos(self, file: Claimed) -> bool:
        """As the job asks, or as this worker is set."""
        return self.settings.videos if file.videos is None else file.videos

    def local_root(self, file: Claimed) -> str | None:
        """Where the watched folder of `file` is on this machine."""
        return local_path(file.root, self.path_map) if file.root else None


@dataclass
class Item:
    """One content on its way, and the claimed files that hold it.

    `source` are its bytes until a decoder has them, or the video file, which a decoder opens itself. `made_with` is the way in
    which it is looked at (`scanner.domain.asked`). `decoded` is what became of it: inputs for the network, the reason why there
    are none, or an outcome, as a video may change while it is decoded.
    """

    files: list[Claimed]
    facts: ContentFacts
    source: bytes | Video
    made_with: str = FACES
    decoding: "Future[Ready | PictureError | PoolBroke] | None" = None
    decoded: Ready | PictureError | PoolBroke | Outcome | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The content and the way: what a verdict is of."""
        return self.facts.sha256, self.made_with

    @property
    def bytes_read(self) -> int:
        """In memory."""
        return 0 if isinstance(self.source, Video) else len(self.source)

    def outcomes(self, judged: Judged | str, seconds: float) -> Iterator[Outcome]:
        """What comes of each file, by what the network made of the content: a score, or the reason why there is none."""
        assert isinstance(self.decoded, Ready)
        ready = self.decoded
        facts = replace(
            self.facts,
            format=ready.format,
            width=ready.width,
            height=ready.height,
            evidence=ready.evidence,
            fingerprint=ready.fingerprint,
        )
        for file in self.files:
            if isinstance(judged, str):
                yield Failed(file, "unpredictable", judged, facts)
            else:
                yield Scored(file, facts, judged.score, seconds, judged.prediction, self.made_with)


@dataclass
class Batch:
    """Files that were claimed together: what is concluded already, and the contents that are looked at.

    `judged` comes once all are decoded: a judgement or a reason for each that is ready, and the seconds that each took.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    judged: "Future[tuple[list[Judged | str], float]] | None" = None

    @property
    def undecoded(self) -> "Future[Ready | PictureError | PoolBroke] | None":
        """A decoder's work that is to be waited for."""
        return next((item.decoding for item in self.items if item.decoding and not item.decoding.done()), None)

    @property
    def is_judged(self) -> bool:
        """Whether it can be recorded."""
        return self.judged is not None and self.judged.done()

    @property
    def ready(self) -> list[Ready]:
        """What goes to the network."""
        return [item.decoded for item in self.items if isinstance(item.decoded, Ready)]

    @property
    def files(self) -> Sequence[Claimed]:
        """All that are claimed with it."""
        return [*(file for item in self.items for file in item.files), *(outcome.file for outcome in self.outcomes)]

    def concluded(self, max_attempts: int) -> "Concluded":
        """What becomes of its files. Waits for `judged`.

        A decoder that ran out of time or died is no reason yet: before a file fails for it, it is tried again alone.
        """
        assert self.judged is not None
        judged, seconds = self.judged.result()
        outcomes, again, alone, judgements = list(self.outcomes), list[Claimed](), list[Claimed](), iter(judged)
        for item in self.items:
            match item.decoded:
                case Ready():
                    outcomes += item.outcomes(next(judgements), seconds)
                case PictureError() as reason:
                    for file in item.files:
                        if isinstance(reason, DecoderTrouble) and not file.is_suspect and file.attempts < max_attempts:
                            alone.append(file)
                        else:
                            outcomes.append(Failed(file, "undecodable", str(reason), item.facts))
                case PoolBroke() | None:
                    again += item.files
                case changed:
                    outcomes.append(changed)
                    again += item.files[1:]
        ready = self.ready
        return Concluded(outcomes, again, alone, sum(one.nbytes for one in ready) / max(1, len(ready)))


@dataclass(frozen=True)
class Concluded:
    """The outcomes of the files of a batch; those that are to be claimed again, and those that are to be claimed alone.

    The inputs of each content are `bytes_each`; 0 where there was none.
    """

    outcomes: list[Outcome]
    again: list[Claimed]
    alone: list[Claimed]
    bytes_each: float
