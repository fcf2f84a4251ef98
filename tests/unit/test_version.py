"""The command line says which version it is."""

from typer.testing import CliRunner

from bot import program_version
from bot.cli import app


def test_the_version_is_shown_without_a_configuration() -> None:
    shown = CliRunner().invoke(app, ["--version"])
    assert (shown.exit_code, shown.output) == (0, f"platform-sync {program_version()}\n")
