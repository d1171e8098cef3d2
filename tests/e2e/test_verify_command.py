"""`dfscan verify` and the database's commands as a user runs them."""

import json
from pathlib import Path


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
    assert set(proof) == {"paths", "files", "verdict", "pending", "changed", "gone", "skipped", "failed", "unexplained"}
    assert (proof["files"], proof["verdict"], proof["failed"]) == (3, 1, {"undecodable": 1})


def test_a_damaged_database_is_kept_and_a_backup_comes_back(laptop, tmp_path: Path, make_picture) -> None:
    picture = make_picture(tmp_path / "a.jpg", 1)
    laptop.run("scan", picture, exit_status=(0, 1))
    backup = laptop.run("db", "backup").stdout.split(" is backed up to ")[1].split(" (")[0]
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
