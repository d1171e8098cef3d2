"""Take an ONNX network of others in: check it, try it out in a process of its own, keep it as a checkpoint."""

import json
import multiprocessing
import sys
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanner.base.files import written_whole

from ..checkpoints.card import CheckpointCard, CheckpointError, file_sha256
from ..faces.face_finder import process_face_finder
from ..faces.input_selection import look
from ..image.picture import PictureError, prepare_pillow
from ..inference.device import ChosenDevice
from ..inference.picture_score import answer_of, score_picture
from ..inference.registry import new_path
from ..inference.scorer import Scorer
from ..model.recipes import IMPORTED
from .card_file import read_card_file
from .model_file import read_model
from .network import TENSOR, answers_of, read_imported, scorer_of

# What the trial may take: seconds of time, and megabytes of address space beside those of the file and its copies.
TRIAL_SECONDS, TRIAL_MEGABYTES, COPIES = 300.0, 4096, 6
_MAX_PIXELS = 256_000_000


@dataclass(frozen=True)
class Imported:
    """The new checkpoint, and what a person should know of the trial."""

    path: Path
    notice: str | None = None


@dataclass(frozen=True)
class _Pictures:
    fakes: tuple[Path, ...]
    reals: tuple[Path, ...]


def import_onnx(source: Path, card_file: Path, data_dir: Path, *, name: str, sha256: str | None, now: datetime) -> Imported:
    """Keep the network in the ONNX file `source` as the checkpoint `name`, as the card in `card_file` says that it is to be run.

    `sha256` (hex) is what its publisher says that the file's is. Raises CheckpointError when it cannot be trusted or run, or when
    the name is taken; nothing is kept then.
    """
    target = new_path(name, data_dir)
    written = read_card_file(card_file, name=name, created_at=now.isoformat(timespec="seconds"))
    model = read_model(source, written.card)
    found = file_sha256(source)
    if sha256 is not None and found != sha256.strip().lower():
        raise CheckpointError(
            f"{source} has the sha256 {found}, not {sha256}: another file, or damaged on its way; fetch it again"
        )
    origin = {**written.card.training[IMPORTED], "file": source.name, "sha256": found}
    card = replace(written.card, training={IMPORTED: origin})
    pictures = _Pictures(written.fakes, written.reals)
    with written_whole(target) as partial:
        _write(partial, model, card)
        problem = _tried_out(partial, pictures)
        if problem:
            raise CheckpointError(f"{source}: {problem}")
    checked = (
        ""
        if written.fakes and written.reals
        else ("which class is fake was not tried: name some pictures under [check] of the card, and import it again")
    )
    return Imported(target, checked or None)


def _write(path: Path, model: bytes, card: CheckpointCard) -> None:
    import torch

    from ..checkpoints.checkpoint import write_checkpoint

    write_checkpoint(path, {TENSOR: torch.from_numpy(np.frombuffer(model, np.uint8).copy())}, card)


def _tried_out(checkpoint: Path, pictures: _Pictures) -> str | None:
    """What is wrong with it, tried in a process that may die or hang; None if it scores."""
    megabytes = TRIAL_MEGABYTES + (COPIES * checkpoint.stat().st_size >> 20)
    context = multiprocessing.get_context("spawn")
    answers, channel = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(channel, megabytes, checkpoint, pictures), daemon=True)
    process.start()
    channel.close()
    try:
        if not answers.poll(TRIAL_SECONDS):
            return f"it does not score a few pictures within {TRIAL_SECONDS:g} s"
        problem: str | None = json.loads(answers.recv_bytes())
        return problem
    except EOFError:
        process.join()
        return f"ONNX Runtime crashed when it ran it (exit code {process.exitcode})"
    finally:
        process.kill()
        process.join()


def _answer(channel: Connection, megabytes: int, checkpoint: Path, pictures: _Pictures) -> None:
    """Runs in the process of its own, with so much address space."""
    from onnxruntime import set_default_logger_severity

    prepare_pillow()
    set_default_logger_severity(4)  # what is wrong is answered, and said once
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        problem = _trial(checkpoint, pictures)
    except MemoryError:
        problem = f"it needs more than {megabytes:,} MB of memory"
    channel.send_bytes(json.dumps(problem).encode())


def _trial(checkpoint: Path, pictures: _Pictures) -> str | None:
    """What is wrong with it, found by running it."""
    card, model = read_imported(checkpoint)
    size = card.recipe.preprocessing.size
    noise_HWC = np.random.default_rng(1).integers(0, 256, (size, size, 3), np.uint8)
    images_BHWC = np.stack([np.full((size, size, 3), 127, np.uint8), noise_HWC])
    try:
        answers = answers_of(card, model)
        answers_BD = answers(images_BHWC)
    except MemoryError:
        raise
    except Exception as error:  # whatever ONNX Runtime raises for a network that it cannot run
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if "Failed to allocate memory" in reason:
            raise MemoryError from None
        return f"ONNX Runtime cannot run it ({reason}): export it anew, and look at the card"
    scorer = scorer_of(card, answers, ChosenDevice("cpu", "a trial"), micro_batch=4)
    return _of_answers(card, answers_BD) or _of_pictures(scorer, pictures)


def _of_answers(card: CheckpointCard, answers_BD: NDArray[np.float64]) -> str | None:
    """What is wrong with the answers to two pictures."""
    network, width = card.imported, answers_BD.shape[1]
    assert network is not None
    if not np.isfinite(answers_BD).all():
        return "it gives no number for a grey picture: its weights are broken, or mean and std of the card are wrong"
    if network.head is not None and len(network.head.weights) != width:
        return f"it answers with {width} values, and the head has {len(network.head.weights)} weights"
    if network.head is None and network.index >= width:
        return f"it answers with {width} values, counted from 0, and the card says that {network.index} is of fake"
    are_shares = bool(((answers_BD >= -1e-3) & (answers_BD <= 1 + 1e-3)).all())
    if network.kind == "probability" and not are_shares:
        outside = answers_BD[(answers_BD < -1e-3) | (answers_BD > 1 + 1e-3)][0]
        return f'it answers {outside:.3g}, which is no probability: say kind = "logit" or "softmax"'
    if network.kind == "softmax" and (width < 2 or (are_shares and np.allclose(answers_BD.sum(1), 1, atol=1e-3))):
        return 'its answers are probabilities already, or one value: say kind = "probability" or "logit"'
    return None


def _of_pictures(scorer: Scorer, pictures: _Pictures) -> str | None:
    """Whether known pictures are scored the right way round."""
    means = []
    for named in (pictures.fakes, pictures.reals):
        try:
            means.append(np.mean([_score(scorer, path) for path in named]) if named else None)
        except (OSError, PictureError) as error:
            return f"a picture under check cannot be read: {error}"
    fake, real = means
    if fake is None or real is None or fake > real:
        return None
    return (
        f"the pictures that the card calls fake have a mean score of {fake:.3f}, those that it calls real {real:.3f}: "
        "fake and real seem to be swapped (output), or it is shown other pictures than it was trained on (input, resize, crop)"
    )


def _score(scorer: Scorer, path: Path) -> float:
    card = scorer.card
    find = process_face_finder().find if card.face_inputs.looked_for else None
    size = card.recipe.preprocessing.size
    inputs = look(path.read_bytes(), size, max_pixels=_MAX_PIXELS, find=find, shown=card.face_inputs).inputs
    answers = [answer_of(scorer, scorer.answers(np.stack(item.views)).mean(0)) for item in inputs]
    return score_picture(card, inputs, answers).score
