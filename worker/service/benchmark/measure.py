"""From a sample to the whole folder: what each stage takes, and how long a scan of all would take."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scanner.base.errors import KnownError
from scanner.base.escape import printable
from scanner.base.settings import Settings
from scanner.media.video_reader import demand_video_reader

from ...detector.faces.face_finder import require_face_finder
from ..public_weights import chosen_checkpoint
from .census import Census, files_text, first_of_each, take_census
from .copies import copies_of
from .stages import Cost, measured
from .start import start_seconds
from .trial import Trial, decoders_of, trial_worker, try_out

# How many files are measured stage by stage when nothing else is said; the trial takes more where it would be over too soon to
# tell much, in seconds.
SAMPLE, LARGEST_TRIAL, TRIAL_SECONDS = 48, 960, 12.0


class NothingToMeasure(KnownError):
    """A folder without a picture that can be scored."""


@dataclass(frozen=True)
class Stage:
    """`seconds` that one file takes in a stage that does nothing else; `per_second` is how many are done so."""

    name: str
    seconds: float

    @property
    def per_second(self) -> float:
        """Files a second."""
        return 1 / self.seconds if self.seconds else float("inf")


@dataclass(frozen=True)
class Measured:
    """What was measured of `sample` files, and with `trial`, for all files of the census.

    `failed` counts the reasons why files of the sample have no score. `copies` is the share of files, 0..1, whose content is that
    of another one. `work_seconds` is what all take with one worker that is ready, `start_seconds` what a scan takes besides.
    """

    census: Census
    sample: int
    failed: dict[str, int]
    inputs: float
    stages: tuple[Stage, ...]
    trial: Trial
    copies: float
    work_seconds: float
    start_seconds: float
    model: str
    ran_on: str
    decoders: int

    @property
    def slowest(self) -> Stage:
        """What takes most of the time of a file."""
        return max(self.stages, key=lambda stage: stage.seconds)

    @property
    def share(self) -> float:
        """The share, 0..1, that the slowest stage has of the time of all."""
        return self.slowest.seconds / (sum(stage.seconds for stage in self.stages) or 1.0)

    @property
    def together(self) -> float:
        """Files a second, all stages side by side."""
        return self.census.files / self.work_seconds

    @property
    def whole_seconds(self) -> float:
        """How long a scan takes that knows none of the files yet: from the command to its report."""
        return self.start_seconds + self.census.seconds + self.work_seconds


def measure(folder: Path, settings: Settings, count: int | None, say: Callable[[str], None]) -> Measured:
    """Measure on `count` files of the folder (None: as many as need be) with the model and the device of the settings.

    Raises NothingToMeasure, and what a worker raises that cannot begin. Loading and exporting a network is not counted as work.
    """
    demand_video_reader(settings)
    if settings.faces:
        require_face_finder()
    say(f"Looking through {printable(str(folder))} ...")
    census = take_census(folder, settings, count or LARGEST_TRIAL)
    _demand_files(folder, census)
    choice = chosen_checkpoint(settings)
    chosen = first_of_each(census, census.shares(count or SAMPLE))
    sample = [entry for entries in chosen for entry in entries]
    if choice.notice:
        say(choice.notice)
    say(f"{files_text(census.files)}. Loading the model ...")
    with trial_worker(settings, choice.path) as worker:
        say(f"Measuring each stage alone, on {files_text(len(sample))} ...")
        with decoders_of(settings, 1) as one:
            each = iter(measured(worker, one, sample))
        costs = [[next(each) for _ in entries] for entries in chosen]
        flat = [cost for of_one in costs for cost in of_one]
        _demand_scores(folder, census, flat)
        mean = _Means(census, costs)
        shares = census.shares(count or _trial_size(flat))
        tried = [entry for entries in first_of_each(census, shares) for entry in entries]
        say(f"Scanning {files_text(len(tried))} for trial ...")
        trial = try_out(worker, tried)
        model, ran_on = worker.model.name, worker.predictor.ran_on
    is_whole = len(tried) == census.files
    times = [1.0] * len(sample) if is_whole else copies_of(folder, settings, sample)
    say("Measuring how long a scan takes to begin ...")
    # The trial had each content once, too.
    scale = mean.of_all(lambda cost: cost.work) / (mean.of_shares(lambda cost: cost.work, shares) or 1.0)
    once = 1.0 if is_whole else mean.once(times, by_work=True) * trial.scored / max(1, trial.contents)
    reading = mean.of_all(lambda cost: cost.reading)
    return Measured(
        census,
        len(sample),
        dict(Counter(cost.failed for cost in flat if cost.failed).most_common()),
        mean.of_all(lambda cost: cost.inputs) / (mean.of_all(lambda cost: cost.failed is None) or 1.0),
        tuple(_stages(mean, census, faces=settings.faces)),
        trial,
        1 - trial.contents / max(1, trial.scored) if is_whole else 1 - mean.once(times, by_work=False),
        trial.intake * census.files / len(tried) + max(trial.seconds * scale * once, reading),
        start_seconds(settings, choice.path),
        model,
        ran_on,
        settings.decoders,
    )


class _Means:
    """What files cost, from a few of each stratum; of which none was looked at, as all others together."""

    def __init__(self, census: Census, costs: Sequence[Sequence[Cost]]) -> None:
        self._census, self._costs = census, costs

    def of_all(self, value: Callable[[Cost], float]) -> float:
        """The sum over all files."""
        return self.of_shares(value, [stratum.files for stratum in self._census.strata])

    def of_shares(self, value: Callable[[Cost], float], shares: Sequence[int]) -> float:
        """The sum over so many files of each stratum."""
        means = [sum(map(value, of_one)) / len(of_one) if of_one else None for of_one in self._costs]
        known = [(mean, stratum.files) for mean, stratum in zip(means, self._census.strata, strict=True) if mean is not None]
        other = sum(mean * files for mean, files in known) / sum(files for _, files in known)
        return sum(share * (other if mean is None else mean) for mean, share in zip(means, shares, strict=True))

    def once(self, times: Sequence[float], *, by_work: bool) -> float:
        """The share of files (or of their work) that is left where each content counts once."""
        one = iter(times)
        total = left = 0.0
        for stratum, of_one in zip(self._census.strata, self._costs, strict=True):
            for cost in of_one:
                part = stratum.files / len(of_one) * (cost.work if by_work else 1.0)
                total, left = total + part, left + part / next(one)
        return left / total if total else 1.0


def _stages(mean: _Means, census: Census, *, faces: bool) -> list[Stage]:
    values: dict[str, Callable[[Cost], float]] = {"reading": lambda cost: cost.reading, "decoding": lambda cost: cost.decoding}
    if faces:
        values["finding faces"] = lambda cost: cost.faces
    values["the network"] = lambda cost: cost.network
    return [Stage(name, mean.of_all(value) / census.files) for name, value in values.items()]


def _trial_size(costs: Sequence[Cost]) -> int:
    """How many files take TRIAL_SECONDS, on a core or two."""
    each = sum(cost.work for cost in costs) / len(costs)
    return max(SAMPLE, min(LARGEST_TRIAL, int(TRIAL_SECONDS / max(each, 1e-6))))


def _demand_files(folder: Path, census: Census) -> None:
    if census.files:
        return
    name = printable(str(folder))
    if census.unread:
        raise NothingToMeasure(f"{census.unread[0]}; let this user read it, or name another folder")
    if videos := census.left_out.get("videos"):
        what = "1 video; --videos measures it, too" if videos == 1 else f"{videos:,} videos; --videos measures them, too"
        raise NothingToMeasure(f"{name} holds no picture, and {what}")
    if others := census.left_out.get("other than files"):
        what = "a link or a device, which" if others == 1 else f"{others:,} links, devices and the like, which"
        raise NothingToMeasure(f"{name} holds no picture but {what} no scan follows; name the folder where the pictures are")
    raise NothingToMeasure(f"{name} holds no picture; name a folder with pictures")


def _demand_scores(folder: Path, census: Census, costs: Sequence[Cost]) -> None:
    if all(cost.failed for cost in costs):
        [(reason, count)] = Counter(cost.failed for cost in costs).most_common(1)
        raise NothingToMeasure(
            f"no file of those that were tried ({len(costs):,} of {census.files:,} in {printable(str(folder))}) can be scored; "
            f"{count:,} of them: {reason}. Name a folder with pictures"
        )
