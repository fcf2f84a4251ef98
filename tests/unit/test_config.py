"""The configuration: every mistake named at once, with what would be right; the example file holds the defaults."""

import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from adapters.registry import PLATFORMS
from bot.config import ConfigError, load
from bot.sections import DatabaseConfig, HttpConfig, LogConfig, PagesConfig, RetentionConfig, SearchConfig, SyncConfig

ROOT = Path(__file__).resolve().parents[2]
SECTIONS: dict[str, type[BaseModel]] = {
    "discord": PLATFORMS["discord"].options,
    "database": DatabaseConfig,
    "http": HttpConfig,
    "pages": PagesConfig,
    "sync": SyncConfig,
    "search": SearchConfig,
    "retention": RetentionConfig,
    "log": LogConfig,
}


def test_the_example_file_shows_every_key_with_its_default() -> None:
    text = (ROOT / "config.example.toml").read_text()
    unset = {"discord": {"rest_url", "gateway_url", "shard_count", "repair_lookback"}}
    shown = tomllib.loads(text)
    assert set(shown) == set(SECTIONS)
    for name, section in SECTIONS.items():
        defaults, commented_out = section().model_dump(mode="json"), unset.get(name, set())
        assert set(shown[name]) == set(defaults) - commented_out
        assert shown[name] == {key: value for key, value in defaults.items() if key not in commented_out}
    for key in unset["discord"]:
        assert re.search(rf"^# {key} = ", text, re.MULTILINE)


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[http]\nport = 1\nhost = '::1'\n[discord]\nrequests_per_second = 10\n")
    environment = {"PLATFORM_SYNC_HTTP__PORT": "9000", "PLATFORM_SYNC_HTTP__ALLOWED_HOSTS": "a.example, b.example"}
    config = load(file, {**environment, "DISCORD_BOT_TOKEN": "x", "PLATFORM_SYNC_HASH_KEY": " "})
    assert (config.http.port, config.http.host) == (9000, "::1")
    assert config.http.allowed_hosts == ("a.example", "b.example")
    assert config.platforms["discord"].token is not None
    assert config.hash_key is None
    assert "x" not in repr(config.platforms["discord"].token)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        "token = 'x'\n[http]\nprot = 1\nport = 'many'\n[database]\nurl = 'mysql://x'\n[discord]\nrate = 1\n"
    )
    with pytest.raises(ConfigError) as refused:
        load(file, {"PLATFORM_SYNC_LOG__LEVLE": "INFO", "PLATFORM_SYNC_SYNC__INTERVAL": "1"})
    for part in (
        "token: secrets are no settings, because",
        "DISCORD_BOT_TOKEN",
        "http.prot: no such key; there are host, port, allowed_hosts",
        "http.port: ",
        "database.url: must start with sqlite+aiosqlite:/// or postgresql+psycopg://",
        "discord.rate: no such key",
        "PLATFORM_SYNC_LOG__LEVLE: no such setting",
        "sync.interval: ",
    ):
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("'90 s'", timedelta(seconds=90)),
        ("'5min'", timedelta(minutes=5)),
        ("' 1.5 h '", timedelta(minutes=90)),
        ("'30 d'", timedelta(days=30)),
        ("'3600'", timedelta(hours=1)),
        ("3600", timedelta(hours=1)),
        ("60.0", timedelta(minutes=1)),
    ],
)
def test_lengths_of_time_are_written_with_their_unit(written: str, meant: timedelta, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[sync]\ninterval = {written}\n")
    assert load(file, {}).sync.interval == meant
    from_environment = load(None, {"PLATFORM_SYNC_SYNC__INTERVAL": written.strip("'")})
    assert from_environment.sync.interval == meant


WRONG = ("'1 week'", "'soon'", "''", "true", "[1]", "'-1 h'", "-1", "inf", "nan", f"'{'9' * 400} d'", "'1 h 5 min'")


@pytest.mark.parametrize("written", WRONG)
def test_a_wrong_length_of_time_is_answered_with_how_one_is_written(written: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[sync]\nrepair_lookback = {written}\n")
    with pytest.raises(
        ConfigError, match=r'sync.repair_lookback: must be a length of time with its unit, such as "90 s"'
    ):
        load(file, {})


def test_a_length_of_time_out_of_bounds_is_answered_with_the_bounds(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[sync]\ninterval = 59\ntime_slice = '25 h'\naudit_interval = '0 s'\n")
    with pytest.raises(ConfigError) as refused:
        load(file, {})
    assert "sync.interval: must be from 1 min to 30 d, not 59 s" in str(refused.value)
    assert "sync.time_slice: must be from 1 s to 1 d, not 25 h" in str(refused.value)
    assert "audit_interval" not in str(refused.value)


def test_one_tenant_keeps_content_for_a_time_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '[retention]\ncontent_days = 365\n[tenants."discord-123"]\ncontent_days = 0\n[tenants."discord-4"]\n'
    )
    config = load(file, {})
    assert (config.retention.content_days, config.own_content_days) == (365, {"discord-123": 0})
    file.write_text('[retention]\ncontent_days = -1\n[tenants."discord-123"]\ncontent_days = "long"\n')
    with pytest.raises(ConfigError) as refused:
        load(file, {})
    assert "retention.content_days: must be " in str(refused.value)
    assert 'tenants."discord-123".content_days: must be ' in str(refused.value)


def test_one_tenant_has_an_interval_of_its_own_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[tenants."discord-123"]\ninterval = "6 h"\n[tenants."discord-4"]\n')
    assert load(file, {}).intervals == {"discord-123": timedelta(hours=6)}
    wrong = {"discord-123": "interval = '1 s'", "slack-1": "", "discord-01": "", "discord-5": "intervall = 1", "9": ""}
    file.write_text("".join(f'[tenants."{name}"]\n{keys}\n' for name, keys in wrong.items()))
    with pytest.raises(ConfigError) as refused:
        load(file, {})
    for part in (
        'tenants."discord-123".interval: must be from 1 min to 30 d, not 1 s',
        f'tenants."slack-1": names no platform that there is ({", ".join(sorted(PLATFORMS))})',
        "tenants.\"discord-01\": '01' is no id of discord",
        'tenants."discord-5".intervall: no such key; there are interval',
        'tenants."9": names no platform',
    ):
        assert part in str(refused.value)
    file.write_text("tenants = 1")
    with pytest.raises(ConfigError, match="tenants: must be tables"):
        load(file, {})


def test_channels_are_chosen_by_id(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[discord]\ninclude = [123, '45']\n")
    assert load(None, {"PLATFORM_SYNC_DISCORD__EXCLUDE": ""}).platforms["discord"].options.exclude == ()
    environment = {"PLATFORM_SYNC_DISCORD__EXCLUDE": "6, 7"}
    options = load(file, environment).platforms["discord"].options
    assert (options.include, options.exclude) == (("123", "45"), ("6", "7"))
    for keys, said in (
        ("exclude = ['general']", "discord.exclude: general: list the ids of channels or categories"),
        ("exclude = ['5']\ninclude = ['5']", "discord: 5: stands in include and in exclude"),
    ):
        file.write_text(f"[discord]\n{keys}\n")
        with pytest.raises(ConfigError, match=said):
            load(file, {})


def test_other_machines_are_let_in_only_with_a_token() -> None:
    outside = {"PLATFORM_SYNC_HTTP__HOST": "0.0.0.0"}  # noqa: S104 (that is the point)
    with pytest.raises(ConfigError, match="PLATFORM_SYNC_API_TOKEN"):
        load(None, outside)
    assert load(None, {**outside, "PLATFORM_SYNC_API_TOKEN": "a-secret-of-a-test"}).http.host == "0.0.0.0"  # noqa: S104


def test_a_file_that_is_not_there_or_not_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load(tmp_path / "none.toml", {})
    (tmp_path / "bad.toml").write_text("[http")
    with pytest.raises(ConfigError, match="not TOML"):
        load(tmp_path / "bad.toml", {})


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """What systemd hands over: one file a secret."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "DISCORD_BOT_TOKEN").write_text("token from a file\n")
    (folder / "PLATFORM_SYNC_DATABASE__URL").write_text("postgresql+psycopg://me:secret@host/archive")
    (folder / "PLATFORM_SYNC_HASH_KEY").write_text("")
    (folder / "another.programs").write_bytes(b"\xff")
    return folder


def test_secrets_come_as_credentials_too(credentials: Path) -> None:
    config = load(None, {"CREDENTIALS_DIRECTORY": str(credentials), "DISCORD_BOT_TOKEN": " "})
    token = config.platforms["discord"].token
    assert token is not None
    assert token.get_secret_value() == "token from a file"
    assert config.database.url == "postgresql+psycopg://me:secret@host/archive"
    assert (config.hash_key, config.api_token) == (None, None)


def test_the_environment_wins_over_credentials(credentials: Path) -> None:
    config = load(None, {"CREDENTIALS_DIRECTORY": str(credentials), "DISCORD_BOT_TOKEN": "token from outside"})
    token = config.platforms["discord"].token
    assert token is not None
    assert token.get_secret_value() == "token from outside"


def test_credentials_that_are_not_there_are_not_set(tmp_path: Path) -> None:
    config = load(None, {"CREDENTIALS_DIRECTORY": str(tmp_path / "nowhere")})
    assert config.platforms["discord"].token is None


def test_bad_credentials_are_named_by_file_and_not_by_content(credentials: Path) -> None:
    (credentials / "DISCORD_BOT_TOKEN").write_text("two\nlines")
    (credentials / "PLATFORM_SYNC_HASH_KEY").write_bytes(b"\xff")
    (credentials / "PLATFORM_SYNC_API_TOKEN").mkdir()
    with pytest.raises(ConfigError) as refused:
        load(None, {"CREDENTIALS_DIRECTORY": str(credentials)})
    for name, fault in (
        ("DISCORD_BOT_TOKEN", "must be one line"),
        ("PLATFORM_SYNC_HASH_KEY", "is not text"),
        ("PLATFORM_SYNC_API_TOKEN", "Is a directory"),
    ):
        (line,) = [line for line in str(refused.value).splitlines() if line.strip().startswith(name)]
        assert str(credentials / name) in line
        assert fault in line
    assert "two" not in str(refused.value)
