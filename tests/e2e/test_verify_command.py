"""`dfscan verify` and the database's commands as a user runs them."""

import json
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import update

from scanner.database.models import Root
from scanner.jobs.workers import report_in, report_out
from scanner.roots.ledger import check_presence
from scanner.roots.roots import add_roots


def test_verify_answers_with_its_exit_status(laptop, tmp_path: Path, make_picture) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    assert "name one: dfscan verify" in laptop.run("verify", exit_status=2).stderr
    make_picture(folder / "a.jpg", 1)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    laptop.run("scan", folder, exit_status=2)
    assert "0 unexplained" in laptop.run("verify", folder).stdout

    make_picture(folder / "b.jpg", 2)
    done = laptop.run("verify", folder, exit_status=1)
    assert f"unexplained: {folder}/b.jpg: it is on the disk and is not in the database" in done.stdout
    proof = json.loads(laptop.run("verify", folder, "--json", exit_status=1).stdout)
    assert set(proof) == {"paths", "files", "verdict", "pending", "changed", "gone", "skipped", "failed", "unexplained", "away"}
    assert (proof["files"], proof["verdict"], proof["failed"]) == (3, 1, {"undecodable": 1})

    assert "failed with the reason gave-up; there are: undecodable (1)" in laptop.run("retry", "--reason", "gave-up").stdout
    assert "1 failed files are pending again" in laptop.run("retry", "--reason", "undecodable").stdout
    assert "1 pending" in laptop.run("verify", folder, exit_status=1).stdout


def test_folder_that_is_away(laptop, tmp_path: Path, make_picture) -> None:
    """A folder that is away is not scanned not marked and not called complete."""
    drive = tmp_path / "mounts" / "drive"
    drive.mkdir(parents=True)
    picture = make_picture(drive / "a.jpg", 1)
    laptop.run("scan", drive, exit_status=(0, 1))
    database, now = laptop.database, datetime.now(UTC)
    [root] = add_roots(database, [str(drive)], now)
    assert check_presence(database, root, now) is None
    picture.unlink()
    make_picture(drive / "on the mount point.jpg", 2)
    with database.write() as session:
        session.execute(update(Root).values(device="another"))

    refused = laptop.run("scan", drive, exit_status=2).stderr
    assert "which is away: another file system is in its place" in refused
    assert "dfscan watch --accept" in refused
    above = laptop.run("scan", drive.parent, exit_status=(0, 1))
    assert "0 new, 0 changed, 0 already known" in above.stderr
    assert laptop.statuses("--status", "missing") == {}
    proof = json.loads(laptop.run("verify", drive.parent, "--json", exit_status=1).stdout)
    assert [item["path"] for item in proof["away"]] == [str(drive)]
    assert (proof["gone"], len(proof["unexplained"])) == (0, 1)  # what lies on the mount point
    done = laptop.run("verify", exit_status=2)
    assert f"away, so nothing is known of it: {drive}" in done.stdout


def test_damaged_database_is_restored(laptop, tmp_path: Path, make_picture) -> None:
    """A damaged database is kept and a backup comes back."""
    picture = make_picture(tmp_path / "a.jpg", 1)
    laptop.run("scan", picture, exit_status=(0, 1))
    backup = laptop.run("db", "backup").stdout.split(" is backed up to ")[1].split(" (")[0]
    report_in(laptop.database, "one", device="cpu", model="lite", now=datetime.now(UTC))
    assert "a worker (process" in laptop.run("db", "restore", backup, exit_status=2).stderr
    report_out(laptop.database, "one", datetime.now(UTC))
    laptop.database.close()
    file = laptop.data_dir / "dfscan.sqlite"
    content = bytearray(file.read_bytes())
    content[4096 * 2 : 4096 * 4] = b"\x99" * 8192
    file.write_bytes(content)

    refused = laptop.run("scan", picture, exit_status=2)
    assert "is damaged" in refused.stderr
    assert "Traceback" not in refused.stderr
    [aside] = laptop.data_dir.glob("dfscan.sqlite.corrupt-*Z")
    assert aside.read_bytes() == content

    laptop.run("db", "restore", backup)
    assert laptop.report()["items"][0]["state"] == "scored"
