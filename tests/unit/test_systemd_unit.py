"""The unit that the service manager runs the daemon by: hardened, without mistakes, and not started again in vain."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.config import load
from tests.support.process import MISCONFIGURED, ROOT

UNIT = ROOT / "systemd" / "platform-sync.service"
OF_SEVERAL = ROOT / "systemd" / "platform-sync@.service"
UNITS = pytest.mark.parametrize("unit", [UNIT, OF_SEVERAL], ids=["one", "of several"])
AS_SERVICE = ROOT / "systemd" / "as-service"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")


@needs_systemd
@UNITS
def test_the_unit_is_hardened(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", str(unit)]
    judged = subprocess.run(command, check=False, capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout[-300:]


@needs_systemd
def test_the_units_hold_no_mistake(tmp_path: Path) -> None:
    units = [*UNIT.parent.glob("platform-sync*.*")]
    assert len(units) == 5
    for unit in units:
        text = unit.read_text().replace("/opt/platform-sync/.venv/bin/python", sys.executable)
        text = text.replace("/opt/platform-sync/systemd", str(UNIT.parent))
        (tmp_path / unit.name).write_text(text)
    command = ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in units)]
    verified = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_only_folders_that_are_encrypted_are_unlocked(tmp_path: Path) -> None:
    fscrypt = tmp_path / "fscrypt"
    fscrypt.write_text(
        """#!/bin/sh
case "$1 $2" in
    "status /plain") exit 1 ;;
    "status /open") echo "Unlocked: Yes" ;;
    "status /busy") echo "Unlocked: Partially (incompletely locked)" ;;
    "status "*) echo "Unlocked: No" ;;
    *) echo "$@" ;;
esac
"""
    )
    fscrypt.chmod(0o700)
    script, folders = UNIT.parent / "encrypted-folders", ["/plain", "/shut", "/open", "/busy"]
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}

    def said_by(*arguments: str) -> tuple[int, list[str]]:
        ended = subprocess.run([script, *arguments], check=False, capture_output=True, text=True, env=path)
        return ended.returncode, ended.stdout.splitlines()

    unlocked = [f"unlock {folder} --key=/key --quiet" for folder in ("/shut", "/busy")]
    assert said_by("unlock", "/key", *folders) == (0, unlocked)
    assert said_by("lock", *folders) == (0, [f"lock {folder} --quiet" for folder in ("/open", "/busy")])
    assert [said_by(*wrong)[0] for wrong in ((), ("unlock", "/key"), ("lock",), ("open", "/shut"))] == [64] * 4


@UNITS
def test_the_unit_does_not_start_again_where_that_cannot_help(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    assert f"RestartPreventExitStatus={MISCONFIGURED}" in lines
    secrets = {line.split("=")[1].split(":")[0] for line in lines if line.startswith("LoadCredential=")}
    names = {"DISCORD_BOT_TOKEN", "PLATFORM_SYNC_API_TOKEN", "PLATFORM_SYNC_HASH_KEY", "PLATFORM_SYNC_DATABASE__URL"}
    assert secrets == names


def test_one_of_several_is_run_as_the_only_one_is() -> None:
    """But for what no two may share, and a folder for a file of SQLite, which has one process."""
    only, one = (set(_settings(unit)) for unit in (UNIT, OF_SEVERAL))
    own = {"Description", "Documentation", "After", "Conflicts", "Environment", "EnvironmentFile", "SyslogIdentifier"}
    differing = {line.partition("=")[0] for line in only ^ one}
    assert differing == own | {"StateDirectory", "StateDirectoryMode"}


def test_no_two_of_several_listen_on_one_port() -> None:
    text = [line for line in _settings(OF_SEVERAL) if line.startswith("Environment=")]
    ports = set()
    for number in range(1, 10):
        environment = dict(line.removeprefix("Environment=").replace("%i", str(number)).split("=", 1) for line in text)
        ports.add(load(environment=environment).http.port)
    assert ports == set(range(8091, 8100))


def _settings(unit: Path) -> list[str]:
    return [line for line in unit.read_text().splitlines() if "=" in line and not line.startswith("#")]


def test_files_are_the_services_alone() -> None:
    assert {"UMask=0077", "StateDirectoryMode=0700"} <= set(UNIT.read_text().splitlines())
    assert "UMask=0077" in AS_SERVICE.read_text()


@pytest.mark.parametrize(
    "arguments",
    [["forget", "80351110224678912"], ["export-user", "--tenant", "x", "1"], ["opt-out", "1"], ["opt-in", "1"], []],
)
def test_no_id_of_a_person_is_given_to_the_service_manager(arguments: list[str]) -> None:
    """It writes the whole command into the journal."""
    ended = subprocess.run([AS_SERVICE, *arguments], check=False, capture_output=True, text=True)
    assert ended.returncode == 64
    assert "80351110224678912" not in ended.stderr
    assert ("standard input" in ended.stderr) is bool(arguments)


def test_a_number_is_no_id_of_a_person(tmp_path: Path) -> None:
    runner = tmp_path / "systemd-run"
    runner.write_text("#!/bin/sh\nexit 0\n")
    runner.chmod(0o700)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    ended = subprocess.run([AS_SERVICE, "backup", "--keep", "14"], check=False, capture_output=True, env=path)
    assert (ended.returncode, ended.stderr) == (0, b"")
