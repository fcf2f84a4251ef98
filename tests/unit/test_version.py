"""The command line says which version it is, and by which name it is called."""

import runpy
import sys

import pytest
from typer.testing import CliRunner

from bot import program_version
from bot.cli import app


def test_the_version_is_shown_without_a_configuration() -> None:
    shown = CliRunner().invoke(app, ["--version"])
    assert (shown.exit_code, shown.output) == (0, f"platform-sync {program_version()}\n")


def test_the_help_has_the_name_that_is_typed_and_all_that_run_can(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bot", "--help"])
    with pytest.raises(SystemExit):
        runpy.run_module("bot", run_name="__main__")
    shown = capsys.readouterr().out
    assert "Usage: platform-sync " in shown
    for verb in (
        "run",
        "demo",
        "check",
        "status",
        "sync",
        "jobs",
        "cancel",
        "audit",
        "forget",
        "export-user",
        "erasures",
        "test",
        "simulate",
        "bench",
    ):
        assert f" {verb} " in shown or f"'./run {verb}'" in shown
