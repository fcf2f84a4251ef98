"""Whatever is wrong in a setting or a request, the answer says what is allowed, and never how pydantic failed on it."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from adapters.registry import PLATFORMS
from bot.api import requests
from bot.api.endpoint import RequestModel, errors_of
from bot.config import ConfigError, load, sections_of

PYDANTICS = re.compile(
    r"Input should|Extra inputs|Field required|should match|should be|unable to|valid (?:tuple|string)"
)
WRONG = ("'x'", "''", "-1", "1.5", "[]", "[[1]]", "['x', 'y', 'z']", "{a = 1}", "inf", "nan", "1979-05-27", "1" * 18)
MODELS = [
    model
    for model in vars(requests).values()
    if isinstance(model, type) and issubclass(model, RequestModel) and model is not RequestModel
]
KEYS = [(name, key) for name, section in sections_of(PLATFORMS).items() for key in section.model_fields]


@pytest.mark.parametrize(("section", "key"), KEYS, ids=".".join)
def test_a_wrong_setting_is_answered_with_what_is_allowed(section: str, key: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    refused = []
    for value in WRONG:
        file.write_text(f"[{section}]\n{key} = {value}\n")
        try:
            load(file, {})
        except ConfigError as e:
            refused.append(str(e))
    assert len(refused) >= 4
    for words in refused:
        assert not PYDANTICS.search(words), words
        assert f"{section}.{key}" in words


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("value", [None, "", "x", 1, 1.5, True, [], {}, "1" * 300, "\0", "é"], ids=repr)
def test_a_wrong_field_of_a_request_is_answered_with_what_is_allowed(model: type[RequestModel], value: object) -> None:
    names = [info.alias or name for name, info in model.model_fields.items()]
    for given in ({}, value, *({name: value} for name in [*names, "colour"])):
        try:
            model.model_validate(given)
        except ValidationError as e:
            for error in errors_of(e, model):
                assert error["field"] in {*names, "colour", "body"}
                assert re.match(r"must be |is missing: it must be |no such key|is an id without", error["detail"]), (
                    error
                )
                assert not PYDANTICS.search(error["detail"])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[http]\nport = 'many'", "http.port: must be a whole number from 0 to 65535"),
        ("[log]\nlevel = 'LOUD'", "log.level: must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        (
            "[http]\nallowed_hosts = 'a'",
            "must be a list of values, each of them a text; in the environment with",
        ),
        (
            "[sync]\naudit_hours = [1]",
            "sync.audit_hours: must be a list of 2 values: a whole number from 0 to 24",
        ),
        ("[discord]\nrequests_per_second = 0", "discord.requests_per_second: must be a number above 0 of at most"),
        ("http = 1", "http: must be a table: [http], and below it the keys"),
    ],
)
def test_the_words_of_settings(line: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(line)
    with pytest.raises(ConfigError, match=re.escape(words)):
        load(tmp_path / "config.toml", {})


def test_the_bare_id_of_a_community_is_answered_with_what_the_tenant_is_called() -> None:
    with pytest.raises(ValidationError) as refused:
        requests.TenantPath.model_validate({"tenantId": "1098765432109876543"})
    (error,) = errors_of(refused.value, requests.TenantPath)
    assert "say discord-1098765432109876543" in error["detail"]


@pytest.mark.parametrize(
    ("place", "variable"),
    [
        ("token = 'x'", "DISCORD_BOT_TOKEN"),
        ("DISCORD_BOT_TOKEN = 'x'", "DISCORD_BOT_TOKEN"),
        ("[discord]\ntoken = 'x'", "DISCORD_BOT_TOKEN"),
        ("[discord]\nbot_token = 'x'", "DISCORD_BOT_TOKEN"),
        ("[http]\ntoken = 'x'", "PLATFORM_SYNC_API_TOKEN"),
        ("api_token = 'x'", "PLATFORM_SYNC_API_TOKEN"),
        ("hash_key = 'x'", "PLATFORM_SYNC_HASH_KEY"),
    ],
)
def test_a_secret_in_the_file_is_answered_with_where_it_belongs_and_why(
    place: str, variable: str, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(place)
    with pytest.raises(ConfigError, match=f"committed: put it into the environment variable {variable}"):
        load(tmp_path / "config.toml", {})


@pytest.mark.parametrize(
    ("wrong", "variable"),
    [
        ("PLATFORM_SYNC_TOKEN", "DISCORD_BOT_TOKEN"),
        ("PLATFORM_SYNC_DISCORD__TOKEN", "DISCORD_BOT_TOKEN"),
        ("PLATFORM_SYNC_HTTP__TOKEN", "PLATFORM_SYNC_API_TOKEN"),
        ("PLATFORM_SYNC_SYNC__HASH_KEY", "PLATFORM_SYNC_HASH_KEY"),
    ],
)
def test_a_secret_in_another_variable_is_answered_with_the_right_one(wrong: str, variable: str) -> None:
    with pytest.raises(ConfigError, match=f"{wrong}: no such setting; secrets .* variable {variable}"):
        load(None, {wrong: "x"})


def test_a_configuration_that_is_a_link_to_nowhere_is_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.toml").symlink_to("nowhere.toml")
    with pytest.raises(ConfigError, match=r"cannot read the configuration file config\.toml"):
        load(None, {})
