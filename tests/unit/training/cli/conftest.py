"""Pictures of which a manifest is made."""

from pathlib import Path

import pytest
from files.manifests import scene


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A hundred pictures in real/ and fake/, all unlike each other and stored in the same way."""
    root = tmp_path / "holiday"
    for seed in range(100):
        path = root / ("fake" if seed % 2 else "real") / f"{seed}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene(seed).save(path, quality=80)
    return root
