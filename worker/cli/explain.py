"""`dfscan explain`. Light to import: torch comes in when it runs."""

import json
import os
import signal
import sys
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scanner.base.access.private import share_as_user_does
from scanner.base.addresses.parameters import USER_FILE
from scanner.base.errors import KnownError
from scanner.base.escape import printable
from scanner.base.files import write_whole
from scanner.base.logs import print_text
from scanner.base.settings import Settings
from scanner.cli.context import pass_settings

if TYPE_CHECKING:
    from scanner.domain.outcomes import ActiveModel

    from ..explain.explanation import Explanation


class OutputRefused(KnownError):
    """The file that shall be written is somebody's."""


@click.command()
@click.argument("image", required=False)
@click.option("-o", "--output", type=USER_FILE, help="A PNG of the picture with the heatmap laid over it.")
@click.option("--json", "as_json", is_flag=True)
@click.option("--device", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--serve", is_flag=True, help="Answer JSON requests from standard input, one a line (worker/explain/server.py).")
@pass_settings
def explain(settings: Settings, image: str | None, output: Path | None, as_json: bool, device: str | None, serve: bool) -> None:
    """Show why IMAGE has its score: where the model looked, what its branches say, whether the label is stable.

    IMAGE need not be under a watched folder; nothing is stored.
    """
    chosen = replace(settings, device=device or settings.device)
    if serve:
        if image or output or as_json:
            raise click.UsageError("--serve takes its requests from standard input: no IMAGE, -o or --json")
        _serve(chosen)
        return
    if image is None:
        raise click.UsageError("name an IMAGE")
    if output is not None:
        _demand_writable(output, image)

    from ..explain.given_file import CannotExplain, read_file

    content, sha256 = read_file(image, chosen)

    from ..explain.explanation import Explainer

    with Explainer(chosen) as explainer:
        try:
            explanation = explainer.explain(content)
            drawn = explainer.drawn(content, explanation) if output else None
        except CannotExplain as error:
            raise CannotExplain(f"{printable(image)}: {error}") from None
        if output and drawn:
            _write(output, drawn)
        model = explainer.model
        told = _told(image, sha256, explainer.model_sha256, model, explanation, output)
    if explainer.notice:
        print_text(explainer.notice, err=True)
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        print_text(_in_words(told))


def _serve(settings: Settings) -> None:
    from ..explain.server import serve

    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))  # leaving in order ends the decoder process
    serve(settings, sys.stdin, lambda line: click.echo(line))


def _demand_writable(output: Path, image: str) -> None:
    """Nothing but an earlier picture of ours is ever overwritten. Raises OutputRefused."""
    if output.suffix.lower() != ".png":
        raise OutputRefused(f"{output} would be a PNG: give it a name that ends with .png")
    if not output.parent.is_dir():
        raise OutputRefused(f"{output} cannot be written: there is no folder {output.parent}; make it, or name another")
    if not output.exists():
        return
    from ..decoding.overlay import MARK

    try:
        with output.open("rb") as opened:
            start = opened.read(512)
        is_ours = start.startswith(b"\x89PNG\r\n") and MARK.encode() in start
    except OSError as error:
        raise OutputRefused(f"{output} cannot be written: {error.strerror}") from None
    if not is_ours or os.path.realpath(output) == os.path.realpath(image):
        raise OutputRefused(f"{output} exists and is not a picture that `dfscan explain` wrote; choose another name")


def _write(output: Path, drawn: bytes) -> None:
    try:
        write_whole(output, drawn)
        share_as_user_does(output)
    except OSError as error:
        raise OutputRefused(f"{output} cannot be written: {error.strerror}") from None


def _told(
    image: str, sha256: str, model_sha256: str, model: "ActiveModel", explanation: "Explanation", output: Path | None
) -> dict[str, Any]:
    return {
        "path": image,
        "sha256": sha256,
        "model": model.name,
        "model_sha256": model_sha256,
        "score": explanation.score,
        "threshold": model.threshold,
        "band_low": model.band_low,
        "label": explanation.label,
        **explanation.prediction.to_json(),
        "part": explanation.part,
        "inputs": [{"box": list(item.box), "score": item.score} for item in explanation.inputs],
        "conditions": dict(explanation.conditions),
        "output": str(output) if output else None,
    }


def _in_words(told: dict[str, Any]) -> str:
    """One line per finding, aligned."""
    stable = {True: "yes", False: "no, so that a fake is only uncertain", None: "not asked: only what is called fake is"}
    scored = [face for face in told["faces"] or () if face["score"] is not None]
    branches = ", ".join(f"{name} {score:.3f}" for name, score in (told["branches"] or {}).items())
    lines = {
        "score": f"{told['score']:.3f} (fake from {told['threshold']:.3f}, uncertain from {told['band_low']:.3f})",
        "label": told["label"],
        "model": f"{told['model']} ({told['model_sha256'][:16]})",
        "basis": told["basis"],
        "faces": ", ".join(f"{face['score']:.3f} at {face['box'][0]},{face['box'][1]}" for face in scored),
        "branches": f"{branches}; disagreement {told['disagreement']:.3f}" if branches else "",
        "stable": stable[told["stable"]],
        **{name: f"{score:.3f}" for name, score in told["conditions"].items()},
        "leading": f"{told['part']}: it raises the score most, and the heatmap is of it" if told["part"] else "",
        "heatmap": printable(told["output"]) if told["output"] else "",
    }
    found = [f"  {name:12}{value}" for name, value in lines.items() if value]
    return "\n".join([printable(told["path"]), *found])
