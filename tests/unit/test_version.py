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


def test_a_shell_completes_the_verbs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bot"])
    for name, value in (("_PLATFORM_SYNC_COMPLETE", "complete_bash"), ("COMP_WORDS", "x sta"), ("COMP_CWORD", "1")):
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        runpy.run_module("bot", run_name="__main__")
    assert capsys.readouterr().out.split() == ["status"]


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
        "opt-out",
        "opt-in",
        "opt-outs",
        "export-user",
        "erasures",
        "test",
        "simulate",
        "bench",
    ):
        assert f" {verb} " in shown or f"'./run {verb}'" in shown
