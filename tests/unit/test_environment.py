"""Secrets, and variables that are none of ours."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.audit_schedule import is_within
from bot.config import ConfigError, load

LONG = "sixteen letters!"


@pytest.mark.parametrize("variable", ["PLATFORM_SYNC_API_TOKEN", "PLATFORM_SYNC_HASH_KEY"])
def test_a_secret_that_can_be_guessed_is_refused(variable: str, tmp_path: Path) -> None:
    for short in ("x", LONG[1:], f" {LONG[1:]} \n"):
        with pytest.raises(ConfigError, match=f"{variable}: must have at least 16 characters") as refused:
            load(None, {variable: short})
        assert LONG[1:] not in str(refused.value)
    (tmp_path / variable).write_text("short")
    with pytest.raises(ConfigError, match="at least 16 characters"):
        load(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert LONG in load(None, {variable: LONG}).secrets


@pytest.mark.parametrize("variable", ["DISCORD_BOT_TOKEN", "PLATFORM_SYNC_API_TOKEN", "PLATFORM_SYNC_HASH_KEY"])
def test_blanks_and_line_ends_around_a_secret_are_not_its_own_and_those_inside_are_refused(variable: str) -> None:
    for written in (f"{LONG}\n", f"\r\n {LONG}\t", f"\ufeff{LONG}"):
        assert LONG in load(None, {variable: written}).secrets
    for wrong in (f"{LONG}\n{LONG}", f"{LONG}\r{LONG}", f"{LONG}\x00{LONG}", f"{LONG}\x85{LONG}"):
        with pytest.raises(ConfigError, match=f"{variable}: must be one line") as refused:
            load(None, {variable: wrong})
        assert LONG not in str(refused.value)


def test_a_byte_order_mark_at_the_head_of_the_file_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[http]\nport = 9000\n", encoding="utf-8-sig")
    assert load(file, {}).http.port == 9000


OF_KUBERNETES = {
    "PLATFORM_SYNC_PORT": "tcp://10.0.0.7:8080",
    "PLATFORM_SYNC_SERVICE_HOST": "10.0.0.7",
    "PLATFORM_SYNC_SERVICE_PORT": "8080",
    "PLATFORM_SYNC_SERVICE_PORT_HTTP": "8080",
    "PLATFORM_SYNC_PORT_8080_TCP": "tcp://10.0.0.7:8080",
    "PLATFORM_SYNC_PORT_8080_TCP_PROTO": "tcp",
    "PLATFORM_SYNC_PORT_8080_TCP_PORT": "8080",
    "PLATFORM_SYNC_PORT_8080_TCP_ADDR": "10.0.0.7",
    "PLATFORM_SYNC_API_SERVICE_HOST": "fd00::7",
    "PLATFORM_SYNC_API_PORT": "tcp://[fd00::7]:80",
    "PLATFORM_SYNC_API_PORT_80_UDP_ADDR": "fd00::7",
}


@pytest.mark.parametrize("variable", OF_KUBERNETES)
def test_what_kubernetes_sets_for_a_service_of_our_name_is_no_setting(variable: str) -> None:
    assert load(None, {variable: OF_KUBERNETES[variable]}) == load(None, {})


@pytest.mark.parametrize("variable", ["PLATFORM_SYNC_HTTP_PORT", "PLATFORM_SYNC_PROT", "PLATFORM_SYNC_SERVICE__HOST"])
def test_a_misspelt_setting_still_is_one(variable: str) -> None:
    with pytest.raises(ConfigError, match=f"{variable}: no such setting"):
        load(None, {variable: "9000"})


@pytest.mark.parametrize("hours", ["2,2", "0,0", "24,24", "24,0"])
def test_audit_hours_that_mean_never_are_refused_with_the_reason(hours: str) -> None:
    with pytest.raises(ConfigError, match=r"sync.audit_hours: .* is no time at all; the whole day is 0 to 24"):
        load(None, {"PLATFORM_SYNC_SYNC__AUDIT_HOURS": hours})


def test_all_other_audit_hours_hold_some_hour() -> None:
    for first in range(25):
        for last in range(25):
            try:
                hours = load(None, {"PLATFORM_SYNC_SYNC__AUDIT_HOURS": f"{first},{last}"}).sync.audit_hours
            except ConfigError:
                continue
            assert any(is_within(hours, datetime(2026, 1, 1, hour, tzinfo=UTC)) for hour in range(24))
