"""Makes docs/images/gui-*.png: the real window on what a real scan of the samples, and of variants of them, has found.

QT_QPA_PLATFORM=offscreen python docs/gui_pictures.py BACKBONES

BACKBONES is the folder in the data folder that `dfscan model fetch` has filled.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from gui.window.dialogs.keys_dialog import KeysDialog
from gui.window.dialogs.preferences_dialog import PreferencesDialog
from gui.window.main_window import MainWindow
from gui.window.preferences import use_theme
from scanner.base.settings import load_settings

HERE = Path(__file__).resolve().parent.parent
VARIANTS = 48
# A forged face that is flagged, with copies beside it.
SHOWN = "fake-astronaut-deepfake.jpg"
SIZE = (1280, 800)
WAIT_SECONDS = 180.0


def main() -> None:
    """Scan, open the window, take pictures."""
    app = QApplication(["dfscan"])
    app.setStyle("Fusion")
    os.environ["LOGNAME"] = "anna"
    with tempfile.TemporaryDirectory(prefix="anna-") as folder:
        home = Path(folder)
        pictures = home / "Pictures"
        pictures.mkdir(parents=True)
        camera = Camera(app, home / "new")
        camera.take("first-start", lambda: camera.window._pages.currentWidget() is camera.window.first_start)
        camera.close()
        make_pictures(pictures)
        shutil.copytree(sys.argv[1], home / "dfscan" / "backbones")
        scan(home / "dfscan", pictures)
        walk_through(Camera(app, home / "dfscan"))


def make_pictures(folder: Path) -> None:
    """The samples, smaller copies of them, crops of them, and two files that cannot be read."""
    rng = random.Random(5)  # noqa: S311  (no secret hangs on it)
    samples = sorted((HERE / "samples").glob("*.jpg"))
    for sample in samples:
        (folder / sample.name).write_bytes(sample.read_bytes())
        with Image.open(sample) as picture:
            size = (picture.width * 2 // 3, picture.height * 2 // 3)
            picture.convert("RGB").resize(size).save(folder / f"{sample.stem}-web.jpg", quality=80)
    for number in range(VARIANTS):
        with Image.open(samples[number % len(samples)]) as picture:
            left, top = (rng.uniform(0, 0.12) * side for side in picture.size)
            right, bottom = (side * rng.uniform(0.88, 1) for side in picture.size)
            crop = picture.convert("RGB").crop((int(left), int(top), int(right), int(bottom)))
        name = f"{samples[number % len(samples)].stem}-crop-{number // len(samples) + 1}.jpg"
        crop.save(folder / name, quality=rng.choice([55, 70, 90]))
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "notes.jpg").write_text("this is no picture\n")


def scan(data_dir: Path, folder: Path) -> None:
    """`dfscan scan`, which ends with 2: two files cannot be read."""
    environment = {**os.environ, "DFSCAN_DATA_DIR": str(data_dir)}
    done = subprocess.run([sys.executable, "-m", "scanner", "scan", str(folder)], cwd=HERE, env=environment, check=False)
    assert done.returncode in (1, 2), done


class Camera:
    """A window, and pictures of it."""

    def __init__(self, app: QApplication, data_dir: Path) -> None:
        self.app = app
        settings = load_settings({"data_dir": data_dir}, os.environ, data_dir / "none.toml")
        self.window = MainWindow(settings, lambda: datetime.now(UTC))
        use_theme("light")
        self.window.resize(*SIZE)
        self.window.show()
        self.window.open()

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Let the window work until it is so, and a little longer."""
        end = time.monotonic() + WAIT_SECONDS
        while not true():
            self.app.processEvents()
            time.sleep(0.01)
            if time.monotonic() > end:
                raise TimeoutError(what)
        rest = time.monotonic() + 0.6
        while time.monotonic() < rest:
            self.app.processEvents()
            time.sleep(0.01)

    def take(self, name: str, ready: Callable[[], bool], widget: QWidget | None = None) -> None:
        """docs/images/gui-NAME.png, with few colours: the photographs are to be recognised, not judged."""
        self.until(ready, name)
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        (widget or self.window).grab().save(buffer, "PNG")
        with Image.open(BytesIO(buffer.data().data())) as shown:
            target = HERE / "docs" / "images" / f"gui-{name}.png"
            shown.convert("RGB").quantize(255).save(target, optimize=True)
        print(f"{target.name}: {target.stat().st_size // 1000} kB")

    def take_dialog(self, name: str, kind: type[QDialog], show: Callable[[], None]) -> None:
        """A dialog of the window, closed afterwards."""
        show()
        dialog = self.window.findChild(kind)
        assert dialog is not None
        self.take(name, dialog.isVisible, dialog)
        dialog.close()

    def act(self, *names: str) -> None:
        """What keys do; the keys themselves need a window that a window manager has made the active one."""
        for name in names:
            self.window.actions_of.by_name[name].trigger()

    def close(self) -> None:
        """As a person does."""
        self.window.close()
        self.app.processEvents()


def walk_through(camera: Camera) -> None:
    """One picture of each thing that there is to see."""
    camera.until(lambda: camera.window.view is not None, "the queue")
    view = camera.window.view
    assert view is not None
    review, look = view.review, view.review.look

    def settled() -> bool:
        return bool(review.details.toPlainText()) and not look.preview._image.isNull() and not look.preview._preliminary

    def heated() -> bool:
        return look.heat_words.text().startswith("Heatmap") and "\N{HORIZONTAL ELLIPSIS}" not in look.heat_words.text()

    camera.until(lambda: settled() and review.model.rowCount() > 5, "the first image")
    all_images = review.model.rowCount()
    review.grid.go_to(all_images - 2)
    camera.act("fake", "unsure")
    camera.until(lambda: review.model.rowCount() == all_images - 2, "the decisions")
    names = [Path(item.path).name for row in range(review.model.rowCount()) if (item := review.model.item(row))]
    review.grid.go_to(names.index(SHOWN))
    camera.act("heatmap")
    camera.until(heated, "the heatmap")
    camera.take("queue", settled)
    camera.take("heatmap", settled, look)
    camera.act("heatmap", "error_levels")
    camera.take("forensic", lambda: "amplified" in look._view, look)
    camera.act("error_levels", "loupe")
    camera.take("loupe", lambda: settled() and view.loupe.is_open)
    camera.act("loupe")
    camera.window.resize(*SIZE)
    rows = range(review.model.rowCount())
    largest = max(rows, key=lambda row: review.model.hidden_behind(review.model.item(row).file_id))  # type: ignore[union-attr]
    review.grid.go_to(largest)
    camera.act("stack")
    camera.take("stack", settled)
    camera.act("stack")
    review.grid.go_to(names.index(SHOWN))
    camera.until(look.near.isVisible, "near copies")
    camera.act("compare")
    camera.take("compare", lambda: review.comparing.view is not None and not review.comparing.view.pictures[1]._image.isNull())
    camera.act("compare")
    review.filters.more.setChecked(True)
    camera.take("filters", settled)
    review.filters.more.setChecked(False)
    view.show_tab(4)
    camera.take("problems", lambda: view.problems.model.rowCount() == 2)
    view.run_button.setChecked(True)
    view.running.add_folder(str(Path(review.current().path).parent))  # type: ignore[union-attr]
    camera.take("folders", lambda: "cpu" in view.running.workers.text() and "verdicts" in view.running.models.state.text())
    camera.window.service.stop()
    view.show_tab(0)
    camera.take_dialog("preferences", PreferencesDialog, camera.window.dialogs.show_preferences)
    camera.take_dialog("keys", KeysDialog, camera.window.dialogs.show_keys)
    use_theme("dark")
    camera.act("heatmap")
    camera.take("queue-dark", lambda: settled() and heated())
    camera.close()


if __name__ == "__main__":
    main()
