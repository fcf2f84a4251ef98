"""``./run``: when it is the daemon and when the demo, and when the environment is made again."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_WRAPPER = """#!/bin/sh
[ "$1 $2" = "-m venv" ] && { echo "venv made"; exit 3; }
exec %s "$@"
"""


@pytest.fixture(scope="module")
def empty_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with an environment that has nothing in it, and a ``bot`` that says how it was called."""
    checkout = tmp_path_factory.mktemp("checkout")
    shutil.copy(ROOT / "run", checkout)
    (checkout / "bot.py").write_text("import sys; print('bot', *sys.argv[1:])")
    (checkout / "requirements").mkdir()
    (checkout / "requirements/run.lock").write_text("")
    venv.create(checkout / ".venv", symlinks=True)
    (checkout / ".venv/installed-run").write_text("")
    return checkout


@pytest.fixture
def checkout(empty_venv: Path, tmp_path: Path) -> Path:
    """A copy of it, at its own place."""
    copy = Path(shutil.copytree(empty_venv, tmp_path / "copy", symlinks=True))
    config = copy / ".venv/pyvenv.cfg"
    config.write_text(config.read_text().replace(str(empty_venv), str(copy)))
    return copy


def run(checkout: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Return the status of ``./run`` and what it said. Where it would make an environment it says "venv made"."""
    python = checkout / "python3"
    python.write_text(_WRAPPER % sys.executable)
    python.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LD_LIBRARY_PATH")}
    ended = subprocess.run(
        ["./run", *arguments],
        cwd=checkout,
        env={**kept, "PYTHON": str(python), **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    return ended.returncode, ended.stdout


def last_line(said: tuple[int, str]) -> str:
    """The last line of what it said, where it ended well."""
    assert said[0] == 0, said
    return said[1].splitlines()[-1]


@pytest.mark.slow
def test_it_is_the_demo_only_where_nothing_is_configured(checkout: Path) -> None:
    assert last_line(run(checkout)) == "bot demo"
    assert last_line(run(checkout, "--fresh")) == "bot demo --fresh"
    assert last_line(run(checkout, DISCORD_BOT_TOKEN="")) == "bot demo"
    assert last_line(run(checkout, DISCORD_BOT_TOKEN="x")) == "bot run"
    assert last_line(run(checkout, PLATFORM_SYNC_DATABASE__URL="sqlite:///x.db")) == "bot run"
    assert last_line(run(checkout, CREDENTIALS_DIRECTORY="/run/credentials")) == "bot run"
    assert last_line(run(checkout, "--config", "mine.toml")) == "bot run --config mine.toml"
    assert last_line(run(checkout, "--config=mine.toml")) == "bot run --config=mine.toml"
    assert last_line(run(checkout, "check")) == "bot check"
    assert last_line(run(checkout, "--version")) == "bot --version"
    (checkout / "config.toml").symlink_to("nowhere")
    assert last_line(run(checkout)) == "bot run"
    (checkout / "config.toml").unlink()
    (checkout / "config.toml").write_text("")
    assert last_line(run(checkout)) == "bot run"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["removed", "upgraded", "moved", "no venv", "another is wanted"])
def test_an_environment_of_another_python_is_made_again(how: str, checkout: Path) -> None:
    config, python = checkout / ".venv/pyvenv.cfg", checkout / ".venv/bin/python"
    wanted = {}
    match how:
        case "removed":
            python.unlink()
            python.symlink_to("/nowhere/python3")
        case "upgraded":
            config.write_text(config.read_text().replace(f"version = 3.{sys.version_info[1]}", "version = 3.1"))
        case "moved":
            checkout = checkout.rename(checkout.with_name("moved"))
        case "no venv":
            shutil.rmtree(checkout / ".venv")
            (checkout / ".venv").write_text("")
        case _:
            other = checkout / "other"
            # A Python that says it is another version: what is asked of it begins with this.
            other.write_text(
                '#!/bin/sh\n[ "$1 $2" = "-m venv" ] && { echo "venv made"; exit 3; }\n'
                'case "$2" in *"%d.%d"*) echo 3.99 ;; esac\n'
            )
            other.chmod(0o755)
            wanted = {"PYTHON": str(other)}
    status, said = run(checkout, "--version", **wanted)
    assert (status, "the Python of .venv is another one now" in said, "venv made" in said) == (3, True, True), said
    assert "Traceback" not in said


def test_an_environment_that_fits_is_kept_also_where_python3_is_too_old(checkout: Path) -> None:
    old = checkout / "old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for python in (str(old), "/nowhere/python3"):
        assert last_line(run(checkout, "--version", PYTHON=python)) == "bot --version"


@pytest.mark.slow
def test_without_a_browser_the_pages_are_not_tried_and_it_says_what_to_type(checkout: Path) -> None:
    """A missing browser is a failure; where ``./run`` may not install one, it says how."""
    tools = checkout / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "cmp", "env", "grep", "sqlite3"):
        found = shutil.which(name)
        assert found, name
        (tools / name).symlink_to(found)
    for name, says in (("id", "1000"), ("ruff", "")):
        (tools / name).write_text(f"#!/bin/sh\necho {says}\n")
        (tools / name).chmod(0o755)
    (checkout / "requirements/test.lock").write_text("")
    (checkout / ".venv/installed-test").write_text("")
    for verb in ("test", "screenshots"):
        status, said = run(checkout, verb, PATH=str(tools))
        assert (status, "sudo apt-get install -y chromium" in said) == (1, True), said
