"""A detector that scores pictures as `dfscan scan` does, for programs in Python."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scanner.base.errors import KnownError
from scanner.base.files import open_regular
from scanner.base.settings import Settings, config_file, load_settings
from scanner.domain.evidence import Evidence
from scanner.domain.labels import verdict
from scanner.domain.outcomes import ActiveModel
from scanner.domain.prediction import Face, Prediction
from scanner.domain.states import Label
from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.inputs import Ready
from worker.decoding.limits import Limits
from worker.decoding.troubles import PoolBroke
from worker.detector.checkpoints.card import file_sha256
from worker.detector.combined.scorer import AnyScorer
from worker.detector.faces.face_finder import require_face_finder
from worker.detector.image.picture import PictureError
from worker.pipeline.aggregation import judge
from worker.pipeline.judged import Judged
from worker.service.model_loading import load_scorer
from worker.service.public_weights import chosen_checkpoint

# So many pictures are scored together where nothing is said: their bytes and the inputs of their faces are in memory at once.
BATCH = 16

# A picture: a file's path, a file's bytes, a Pillow picture, or RGB pixels as uint8 HWC.
Picture = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.uint8]


class Unreadable(KnownError):
    """A picture that cannot be scored."""


@dataclass(frozen=True)
class Result:
    """What the detector says of one picture.

    `score` is P(fake), 0..1, and `label` what that is called with the model's threshold and band; both are None where the picture
    could not be scored, and `error` says why. `prediction` holds what the score rests on: basis, faces with boxes in pixels and
    scores of their own, scores of the network's branches, or of a combination's parts by their names. `evidence` is what the file
    says of its own origin. `path` is None for what was no file.
    """

    path: Path | None
    score: float | None = None
    label: Label | None = None
    prediction: Prediction | None = None
    evidence: tuple[Evidence, ...] = ()
    error: str | None = None

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces that were found; those that were not judged have no score."""
        return (self.prediction.faces or ()) if self.prediction else ()


class Detector:
    """A loaded detector. Use it as a context manager, or `close` it: decoders are processes of their own.

    `name`, `sha256` (hex) and the two thresholds are those of its checkpoint: `threshold` and more is fake, from `band_low` on
    uncertain.
    """

    def __init__(self, scorer: AnyScorer, model: ActiveModel, decoders: DecoderPool, *, batch: int) -> None:
        """`load` makes one."""
        self.name, self.sha256 = model.name, model.sha256
        self.threshold, self.band_low = model.threshold, model.band_low
        self._scorer, self._model, self._decoders, self._batch = scorer, model, decoders, batch

    def __enter__(self) -> "Detector":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the decoders."""
        self._decoders.__exit__(None, None, None)

    def predict(self, pictures: Iterable[Picture]) -> Iterator[Result]:
        """A result for each picture, in their order, some at a time. What cannot be scored is a result with an `error`.

        Raises KnownError for what is no picture's fault: decoders that cannot be kept alive, a device without memory.
        """
        waiting = iter(pictures)
        while some := list(islice(waiting, self._batch)):
            yield from self._results(some)

    def score(self, picture: Picture) -> float:
        """P(fake) of one picture, 0..1, as benchmarks want it. Raises Unreadable."""
        [result] = self.predict([picture])
        if result.score is None:
            raise Unreadable(f"{result.path or 'the picture'}: {result.error}")
        return result.score

    def _results(self, pictures: Sequence[Picture]) -> list[Result]:
        contents = [_content(picture) for picture in pictures]
        begun = [self._begun(content) if isinstance(content, bytes) else None for content in contents]
        decoded: list[Ready | str] = []
        for content, future in zip(contents, begun, strict=True):
            found = future.result() if future else None
            if isinstance(found, PoolBroke) and isinstance(content, bytes):  # killed by someone: once more
                found = self._begun(content).result()
            match found:
                case Ready():
                    decoded.append(found)
                case PictureError():
                    decoded.append(str(found))
                case PoolBroke():
                    decoded.append("its decoder process was ended twice; try again")
                case None:
                    decoded.append(str(content))
        judged = iter(judge(self._scorer, self._model, [ready for ready in decoded if isinstance(ready, Ready)]))
        return [
            self._result(_path(picture), ready, next(judged)) if isinstance(ready, Ready) else Result(_path(picture), error=ready)
            for picture, ready in zip(pictures, decoded, strict=True)
        ]

    def _begun(self, content: bytes) -> "Future[Ready | PictureError | PoolBroke]":
        first, *others = self._scorer.wanted
        return self._decoders.begin(content, first.size, first.shown, others=others)

    def _result(self, path: Path | None, ready: Ready, judged: Judged | str) -> Result:
        if isinstance(judged, str):
            return Result(path, evidence=ready.evidence or (), error=judged)
        label = verdict(judged.score, judged.prediction, self._model)
        return Result(path, judged.score, label, judged.prediction, ready.evidence or ())


def load(
    model: str | os.PathLike[str] | None = None,
    *,
    device: str | None = None,
    faces: bool | None = None,
    decoders: int | None = None,
    batch: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> Detector:
    """Load a detector: `model` is a checkpoint's name or file; None: the one that `dfscan scan` would use.

    What is None is as the settings of `dfscan` say (environment, config.toml). `device` is auto, cpu, cuda, cuda:N or mps;
    without `faces` pictures are scored as a whole; `decoders` is the number of processes that decode, `batch` how many pictures
    are scored together (at most 16, where nothing is said). Raises KnownError, whose text says what to mend: no such model, its
    public weights missing, no such device.
    """
    settings = _settings(model=model, device=device, faces=faces, decoders=decoders, batch_size=batch, data_dir=data_dir)
    chosen = chosen_checkpoint(settings)
    if settings.faces:
        require_face_finder()
    scorer = load_scorer(chosen.path, settings)
    card = scorer.card
    active = ActiveModel(0, chosen.path.stem, card.threshold, card.band_low, card.whole_images, file_sha256(chosen.path))
    pool = DecoderPool(settings.decoders, Limits.of(settings), faces=settings.faces, scaled=settings.scaled_decode)
    return Detector(scorer, active, pool, batch=batch or min(settings.batch_size, BATCH))


def _settings(**given: Any) -> Settings:
    named = {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in given.items()}
    settings = load_settings({}, os.environ, config_file())
    changed = {name: value for name, value in named.items() if value is not None}
    if "data_dir" in changed:
        changed["data_dir"] = Path(changed["data_dir"])
    return replace(settings, **changed)


def _path(picture: Picture) -> Path | None:
    return Path(picture) if isinstance(picture, str | os.PathLike) else None


def _content(picture: Picture) -> bytes | str:
    """The bytes of a file; for a file that cannot be read, the reason."""
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture, "RGB")
    if isinstance(picture, Image.Image):
        buffer = BytesIO()
        picture.save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()
    try:
        with open_regular(picture) as file:
            return file.read()
    except OSError as error:
        return error.strerror or str(error)
