"""`dfscan manifest` in the test's own process, and small pictures unlike each other."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result
from PIL import Image

from training.cli.manifest import manifest
from training.data.manifest import ManifestError


def run(*arguments: str | Path) -> Result:
    """However it ends."""
    return CliRunner().invoke(manifest, [str(argument) for argument in arguments])


def done(*arguments: str | Path) -> Result:
    """It has to end well."""
    result = run(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result


def refused(*arguments: str | Path) -> str:
    """The message of the KnownError that the command ends with."""
    result = run(*arguments)
    assert isinstance(result.exception, ManifestError), result.output
    return str(result.exception)


def scene(seed: int) -> Image.Image:
    """Cells of random colours, blurred."""
    cells = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), np.uint8)
    return Image.fromarray(cells).resize((64, 64), Image.Resampling.BICUBIC)
