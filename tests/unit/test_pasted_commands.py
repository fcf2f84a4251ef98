"""What README and installation page tell people to paste does what it says, also the second time."""

import os
import sqlite3
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def commands(text: str) -> str:
    """The lines of a text that are to be pasted."""
    return "\n".join(line.strip() for line in text.splitlines() if line.startswith("    "))


def test_the_first_lines_name_what_debian_needs() -> None:
    first = commands((ROOT / "README.md").read_text()).split("./run")[0]
    assert "apt-get install" in first
    for package in ("git", "curl", "sqlite3", "python3-venv"):
        assert package in first


def test_a_second_backup_on_one_day_does_not_fail(tmp_path: Path) -> None:
    page = (ROOT / "docs/installation.md").read_text()
    backup = commands(page.split("### SQLite")[1].split("Restore:")[0])
    for name, place in (("/var/lib/platform-sync", tmp_path), ("/var/backups/platform-sync", tmp_path / "backups")):
        backup = backup.replace(name, str(place))
    backup = backup.replace("sudo -u platform-sync ", "")
    backup = backup.replace("sudo install -d -m 0700 -o platform-sync -g platform-sync", "mkdir -p")
    (tmp_path / "date").write_text('#!/bin/sh\nexec /bin/date -d "$NOW" "$@"\n')
    (tmp_path / "date").chmod(0o755)
    with sqlite3.connect(tmp_path / "archive.db") as archive:
        archive.execute("CREATE TABLE messages (content)")
    archive.close()
    for now in ("2026-11-26 10:00:00", "2026-11-26 10:00:01"):
        environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "NOW": now}
        ended = subprocess.run(["sh", "-ec", backup], env=environment, text=True, capture_output=True, timeout=60)
        assert (ended.returncode, ended.stdout) == (0, "ok\n"), ended.stderr
    assert len(list((tmp_path / "backups").iterdir())) == 2
