"""Why a content has its score: the verdict as the worker would give it, and a heatmap for each input of the network."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scanner.base.settings import Settings
from scanner.domain.labels import verdict
from scanner.domain.outcomes import ActiveModel
from scanner.domain.prediction import Prediction
from scanner.domain.states import Label

from ..decoding.decoder_pool import DecoderPool
from ..decoding.inputs import Ready
from ..decoding.limits import Limits
from ..decoding.overlay import Placed, overlaid
from ..decoding.troubles import PoolBroke
from ..detector.checkpoints.card import file_sha256
from ..detector.combined.loading import load_detector
from ..detector.combined.scorer import AnyScorer, CombinedScorer
from ..detector.faces.face import Input
from ..detector.faces.face_finder import require_face_finder
from ..detector.faces.places import Box
from ..detector.image.perturbations import Condition, mild_conditions, under
from ..detector.image.picture import PictureError
from ..detector.imported.occlusion import occlusion_map
from ..detector.inference.heatmap import heatmap
from ..detector.inference.micro_batches import is_out_of_memory
from ..detector.inference.picture_score import answer_of, input_score
from ..detector.inference.predictor import Predictor
from ..detector.inference.scorer import Scorer
from ..pipeline.aggregation import judge
from ..pipeline.combining import combined, judge_together
from ..pipeline.judged import Judged, summed
from ..pipeline.scoring import OutOfMemory
from ..service.public_weights import chosen_checkpoint, named_backbones
from .given_file import CannotExplain

T = TypeVar("T")


@dataclass(frozen=True)
class ExplainedInput:
    """One input: the square of the upright picture that it shows (pixels), its score, and its heatmap, uint8 HW, lying there.

    `number` counts all inputs of the picture from 0.
    """

    box: Box
    score: float
    heat_HW: NDArray[np.uint8]
    number: int


@dataclass(frozen=True)
class Explanation:
    """The verdict on a content; `conditions` maps mild conditions to the score under them, whatever the label is.

    Where several models score together, `inputs` are of the `part` that raises the score most, with the scores that it gives.
    """

    score: float
    label: Label
    prediction: Prediction
    conditions: Mapping[str, float]
    inputs: tuple[ExplainedInput, ...]
    part: str | None = None


class Explainer:
    """Explains with the active model, which is loaded when it is first needed. Use as a context manager.

    `notice` says where that is not the best one that is bundled, for want of its public weights; else it is None.
    Raises CheckpointError where there is no such model.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        chosen = chosen_checkpoint(settings)
        self._checkpoint, self.notice = chosen.path, chosen.notice
        self.model_sha256 = file_sha256(self._checkpoint)
        if settings.faces:
            require_face_finder()
        self._decoders = DecoderPool(1, Limits.of(settings), faces=settings.faces, scaled=settings.scaled_decode)
        self._loaded: tuple[AnyScorer, ActiveModel] | None = None

    def __enter__(self) -> "Explainer":
        self._decoders.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._decoders.__exit__(*error)

    @property
    def model(self) -> ActiveModel:
        """Name, threshold and band of the model."""
        return self._load()[1]

    def explain(self, content: bytes, *, most: int | None = None, tried: bool = True) -> Explanation:
        """Decode, score and explain the bytes of an image file. Raises CannotExplain, CheckpointError, DeviceUnavailable.

        Heatmaps are made of `most` inputs, those with the highest scores (None: of all). Unless `tried`, conditions stay empty:
        both take as long as there are many faces.
        """
        predictor, model = self._load()
        first, *others = predictor.wanted
        ready = self._decoded(lambda: self._decoders.begin(content, first.size, first.shown, others=others))
        try:
            return _explained(predictor, model, ready, most, tried)
        except (OutOfMemory, RuntimeError, MemoryError) as error:
            if isinstance(error, OutOfMemory) or is_out_of_memory(error):
                raise CannotExplain("the device has too little free memory to explain it; try --device cpu") from error
            raise

    def drawn(self, content: bytes, explanation: Explanation) -> bytes:
        """A PNG of the picture with its heatmaps laid over it. Raises CannotExplain."""
        placed: list[Placed] = [(item.box, item.heat_HW) for item in explanation.inputs]
        return self._decoded(lambda: self._decoders.submit(overlaid, content, placed))

    def _decoded(self, begin: "Callable[[], Future[T | PictureError | PoolBroke]]") -> T:
        for _ in range(2):
            decoded = begin().result()
            if isinstance(decoded, PictureError):
                raise CannotExplain(str(decoded))
            if not isinstance(decoded, PoolBroke):
                return decoded
        raise CannotExplain("its decoder process was ended twice; try again")

    def _load(self) -> tuple[AnyScorer, ActiveModel]:
        if self._loaded is None:
            settings = self._settings
            files = named_backbones(settings)
            predictor = load_detector(self._checkpoint, settings.device, files=files, micro_batch=settings.batch_size)
            card = predictor.card
            model = ActiveModel(0, self._checkpoint.stem, card.threshold, card.band_low, card.whole_images)
            self._loaded = predictor, model
        return self._loaded


@dataclass(frozen=True)
class _Shown:
    """Whose inputs get heatmaps: the network, what it is shown, what it says of that, and its name where it is a part."""

    scorer: Scorer
    ready: Ready
    judged: Judged
    part: str | None = None


def _explained(predictor: AnyScorer, model: ActiveModel, ready: Ready, most: int | None, tried: bool) -> Explanation:
    judged, shown = _judged(predictor, model, ready)
    conditions = {condition.name: _score_under(predictor, condition, ready) for condition in mild_conditions() if tried}
    card = shown.scorer.card
    scored = [
        (number, item, input_score(card, item, answer))
        for number, (item, answer) in enumerate(zip(shown.ready.inputs, shown.judged.inputs, strict=True))
    ]
    if most is not None:
        scored = sorted(scored, key=lambda one: one[2], reverse=True)[:most]
    inputs = [ExplainedInput(item.box, score, _placed_heat(shown.scorer, item), number) for number, item, score in scored]
    label = verdict(judged.score, judged.prediction, model)
    return Explanation(judged.score, label, judged.prediction, conditions, tuple(inputs), shown.part)


def _judged(predictor: AnyScorer, model: ActiveModel, ready: Ready) -> tuple[Judged, _Shown]:
    """The verdict, and what is to be shown for it. Raises CannotExplain."""
    if isinstance(predictor, CombinedScorer):
        [found] = judge_together(predictor, model, [ready])
        if isinstance(found, str):
            raise CannotExplain(found)
        number = found.leading
        part = _Shown(predictor.parts[number], ready.parts[number], found.parts[number], predictor.names[number])
        return found.judged, part
    [judged] = judge(predictor, model, [ready])
    if isinstance(judged, str):
        raise CannotExplain(judged)
    return judged, _Shown(predictor, ready, judged)


def _score_under(predictor: AnyScorer, condition: Condition, ready: Ready) -> float:
    """The content's score with all its inputs changed."""
    if isinstance(predictor, CombinedScorer):
        parts = [_under(part, condition, own) for part, own in zip(predictor.parts, ready.parts, strict=True)]
        return combined(predictor, ready.parts, parts).judged.score
    return _under(predictor, condition, ready).score


def _under(scorer: Scorer, condition: Condition, ready: Ready) -> Judged:
    rows = [scorer.answers(np.stack([under(condition, image) for image in item.views])).mean(0) for item in ready.inputs]
    return summed(scorer, ready, [answer_of(scorer, row_K) for row_K in rows])


def _placed_heat(predictor: Scorer, item: Input) -> NDArray[np.uint8]:
    """The heatmap as it lies over the input's box: turned back where the input was turned."""
    if isinstance(predictor, Predictor):
        map_HW = heatmap(predictor, item.image_HWC, as_whole=item.face is None)
    else:  # another's network, which gives no gradients
        map_HW = occlusion_map(predictor, item.image_HWC)
    heat = Image.fromarray((255 * map_HW).round().astype(np.uint8))
    return np.asarray(heat.rotate(-item.turned, Image.Resampling.BILINEAR) if item.turned else heat)
