"""A burst of small files with new folders into a watched tree, while the worker is busy: nothing is missed."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select

from scanner.database.models import File
from scanner.roots.roots import known_roots
from scanner.services.verify import prove

FILES_PER_FOLDER = 200


def test_a_burst_is_taken_in_to_the_last_file(
    laptop,
    originals: Path,
    seal: Callable[[], None],
    tmp_path: Path,
    make_picture: Callable[..., Path],
    scaled: Callable[[int, int], int],
    wait_until: Callable[..., None],
    record_property: Callable[[str, object], None],
) -> None:
    count = scaled(20_000, 400)
    small = make_picture(tmp_path / "small.png", 1, (16, 16)).read_bytes()
    for number in range(100):
        make_picture(originals / f"busy{number}.jpg", number)
    laptop.start("watch", originals)
    wait_until(lambda: "worker ready" in laptop.worker_log(), 240, "the worker")
    wait_until(lambda: known_roots(laptop.database)[0].swept_at is not None, 120, "the first sweep")

    for number in range(count):
        folder = originals / f"{number // FILES_PER_FOLDER // 10}" / f"{number // FILES_PER_FOLDER}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.png").write_bytes(small + str(number).encode())  # every one another content
    seal()

    def taken_in() -> int:
        with laptop.database.read() as session:
            return session.scalar(select(func.count()).select_from(File)) or 0

    wait_until(lambda: taken_in() == count + 100, 900, "all files to be taken in")
    assert prove(laptop.database, [str(originals)], roots=[str(originals)], ignore=()).unexplained == []
    assert "0 unexplained" in laptop.run("verify", originals).stdout
    wait_until(lambda: _found(laptop) == count, 60, "the ledger")
    [root] = known_roots(laptop.database)
    figures = f"{root.found_by_events} found by events, {root.found_by_sweep} by sweeps, {root.overflows} overflows"
    record_property("figures", figures)
    print(f"burst of {count} files: {figures}")  # noqa: T201  (shown with pytest -s)


def _found(laptop) -> int:
    [root] = known_roots(laptop.database)
    return root.found_by_events + root.found_by_sweep
