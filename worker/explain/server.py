"""Explanations for another program, over standard input and output: `dfscan explain --serve`.

One JSON object a line comes in, one goes out for each, in order, until the input ends:

    in   {"path": "/pictures/a.jpg", "out": "/cache/heatmaps", "most": 1}
    out  {"path": "/pictures/a.jpg", "sha256": "...", "score": 0.97, "label": "fake", "basis": "faces", "stable": true,
          "branches": {"clip-image": 0.9, "resnet101": 0.95} | null,
          "inputs": [{"box": [left, top, width, height], "score": 0.97, "heatmap": "SHA256-MODEL-0.png"}],
          "part": null, "error": null}

`most`, which may be left out, is how many inputs get a heatmap, those with the highest scores; else all do. `sha256` is the
content's. `score`, `label` (fake | uncertain | real), `basis` (faces | whole), `stable` (true | false | null: not
tried) and `branches` (scores of the network's branches alone; null where it has one) are what a worker with the same model
stores. Of a combination of models, branches are its parts, and `part` is the one that raises the score most: inputs are its.
`box` is the square of the picture that the input shows, in pixels of the upright picture; the heatmap lies over it: a file in
the folder `out` (made where it is missing), an 8-bit grey PNG of the input's size, 0 for nothing to 255 for the strongest place
of that input.

Where a file cannot be explained, `error` says why and every other value but `path` is null (`sha256`, too). A line that is no
such object is answered with `path` null. Files are named by the contents' and the model's sha256, so that the same content is
answered from the folder the next time, without the network; the model is loaded by the first request that needs it. The folder
may be emptied at any time.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from scanner.base.access.private import make_missing
from scanner.base.errors import KnownError
from scanner.base.files import write_whole, written_whole
from scanner.base.settings import Settings
from scanner.domain.explain_answer import ExplainAnswer, ExplainedInput

from .explanation import Explainer, Explanation
from .given_file import CannotExplain, read_file

# Counts up when what is kept changes its meaning.
_KEPT = 1


def serve(settings: Settings, requests: Iterable[str], say: Callable[[str], None]) -> None:
    """Answer each line of `requests` with one line to `say`. Raises CheckpointError where there is no such model."""
    with Explainer(settings) as explainer:
        for line in requests:
            say(json.dumps(_answer(settings, explainer, line).to_json()))


def _answer(settings: Settings, explainer: Explainer, line: str) -> ExplainAnswer:
    path: str | None = None
    try:
        path, out, most = _request(line)
        return _kept_or_new(settings, explainer, path, Path(out), most)
    except KnownError as error:
        return ExplainAnswer(path, error=str(error))
    except OSError as error:
        return ExplainAnswer(path, error=f"{error.filename}: {error.strerror}; mend it, or name another folder")


def _request(line: str) -> tuple[str, str, int | None]:
    try:
        asked = json.loads(line)
        path, out, most = asked["path"], asked["out"], asked.get("most")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CannotExplain(f"not a request, {error!r}: a line is a JSON object with path and out") from None
    if not isinstance(path, str) or not isinstance(out, str):
        raise CannotExplain("not a request: path and out are texts")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        raise CannotExplain("not a request: most is a whole number above zero")
    return path, out, most


def _kept_or_new(settings: Settings, explainer: Explainer, path: str, out: Path, most: int | None) -> ExplainAnswer:
    content, sha256 = read_file(path, settings)
    stem = f"{sha256}-{explainer.model_sha256[:16]}{'' if settings.faces else '-whole'}"
    told_in = f"{stem}-first-{most}.json" if most else f"{stem}.json"
    for name in dict.fromkeys((f"{stem}.json", told_in)):  # whoever asks for some takes all
        kept = _kept(path, out / name)
        if kept is not None:
            return kept
    explanation = explainer.explain(content, most=most, tried=False)
    make_missing(out)
    names = [f"{stem}-{item.number}.png" for item in explanation.inputs]
    for name, item in zip(names, explanation.inputs, strict=True):
        with written_whole(out / name) as partial:
            Image.fromarray(item.heat_HW).save(partial, "PNG")
    answer = _told(path, sha256, explanation, names)
    write_whole(out / told_in, json.dumps({"version": _KEPT, **answer.to_json()}))
    return answer


def _told(path: str, sha256: str, explanation: Explanation, names: Sequence[str]) -> ExplainAnswer:
    found = explanation.prediction
    inputs = tuple(ExplainedInput(item.box, item.score, name) for item, name in zip(explanation.inputs, names, strict=True))
    branches = dict(found.branches) or None
    return ExplainAnswer(
        path,
        sha256,
        explanation.score,
        explanation.label,
        found.basis,
        found.stable,
        branches,
        inputs,
        part=explanation.part,
    )


def _kept(path: str, file: Path) -> ExplainAnswer | None:
    """What was answered before, perhaps about a copy, if all of it is still there."""
    try:
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        answer = ExplainAnswer.from_json({**told, "path": path})
        if told["version"] == _KEPT and all((file.parent / item.heatmap).is_file() for item in answer.inputs or ()):
            return answer
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None
