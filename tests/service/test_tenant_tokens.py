"""Tokens of single communities: read by the real configuration, and refused one by one."""

from pathlib import Path

import pytest

from adapters.platform import TenantToken
from adapters.privacy import UserHasher
from adapters.registry import PLATFORMS
from bot.config import ConfigError, load
from bot.platforms import make_adapters
from bot.redaction import LogRedactor
from tests.support.daemon import HASTY, ON_SQLITE, end_of
from tests.support.delivering import delivering
from tests.support.parlour.house import House
from tests.support.parlour.platform import parlour_platform

HOUSE = House()
BOTH = {**PLATFORMS, "parlour": parlour_platform(HOUSE)}
ONE, OTHER = "xp-first-of-all", "xp-second-of-all"


def test_each_community_has_a_token_by_the_environment_or_as_a_credential(tmp_path: Path) -> None:
    (tmp_path / "PARLOUR_TOKEN__W2").write_text(f"{OTHER}\n")
    (tmp_path / "SOMETHING_ELSE").write_text("of another service")
    environment = {"PARLOUR_TOKEN__W1": f" {ONE} ", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    config = load(None, environment, BOTH)
    parlour = config.platforms["parlour"]
    assert parlour.token is None
    assert {name: token.get_secret_value() for name, token in parlour.tenant_tokens.items()} == {"W1": ONE, "W2": OTHER}
    assert set(make_adapters(config.platforms, BOTH, UserHasher())) == {"parlour"}, "Discord has no token"
    assert ONE not in repr(config) + repr(TenantToken(ONE, "PARLOUR_TOKEN__W1"))


def test_each_of_them_is_taken_out_of_log_lines() -> None:
    config = load(None, {"PARLOUR_TOKEN__W1": ONE, "PARLOUR_TOKEN__W2": OTHER, "DISCORD_BOT_TOKEN": "of-the-bot"}, BOTH)
    assert {ONE, OTHER, "of-the-bot"} <= set(config.secrets)
    for secret in (ONE, OTHER, "of-the-bot"):
        assert secret not in LogRedactor(config.secrets).text(f"GET /?token={secret}", is_ours=True)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PARLOUR_TOKEN__w1": ONE}, "PARLOUR_TOKEN__w1: 'w1' is no id of parlour; the form is PARLOUR_TOKEN__<id>"),
        ({"PARLOUR_TOKEN__": ONE}, "PARLOUR_TOKEN__: '' is no id of parlour"),
        ({"PARLOUR_TOKEN__W1": "  "}, "PARLOUR_TOKEN__W1: is empty: put the community's token there"),
        ({"PARLOUR_TOKEN__W1": "two\nlines"}, "PARLOUR_TOKEN__W1: must be one line"),
        (
            {"PARLOUR_TOKEN__W1": ONE, "PARLOUR_TOKEN__W2": ONE},
            "PARLOUR_TOKEN__W2: holds the token that PARLOUR_TOKEN__W1 holds",
        ),
        ({"PARLOUR_TOKEN": ONE}, "PARLOUR_TOKEN: each community of parlour has a token of its own"),
    ],
)
def test_what_is_wrong_with_one_is_said_without_quoting_it(environment: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(None, {**environment, "PARLOUR_TOKEN__W9": "xp-a-right-one"}, BOTH)
    assert said in str(refused.value)
    assert str(refused.value).count("\n") == 1, "and the other one is right"
    assert not any(secret in str(refused.value) for secret in (ONE, "lines", "xp-a-right-one"))


def test_an_empty_credential_is_said_too(tmp_path: Path) -> None:
    (tmp_path / "PARLOUR_TOKEN__W1").write_text("\n")
    with pytest.raises(ConfigError, match="PARLOUR_TOKEN__W1: is empty"):
        load(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, BOTH)


def test_a_token_in_the_file_is_refused_and_its_place_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[parlour.tokens]\nW1 = '{ONE}'\n")
    with pytest.raises(ConfigError, match="variable PARLOUR_TOKEN__<id> or a systemd credential") as refused:
        load(file, {}, BOTH)
    assert ONE not in str(refused.value)


@ON_SQLITE
@pytest.mark.usefixtures("restored_addresses")
async def test_one_that_is_refused_is_named_and_holds_up_no_other(database_url: str) -> None:
    house = House()
    workspaces = [house.open("W1", "One"), house.open("W2", "Two")]
    for workspace in workspaces:
        house.say(workspace, house.add_room(workspace, "R0", "talk"), "U1", "hello")
    platforms = {**PLATFORMS, "parlour": parlour_platform(house)}
    tokens = {f"PARLOUR_TOKEN__{workspace.id}": workspace.token for workspace in workspaces}
    config = load(None, tokens, platforms)
    adapters = make_adapters(config.platforms, platforms, UserHasher())
    async with delivering(database_url, adapters, HASTY) as daemon:
        assert [job["status"] for job in await daemon.idle(2)] == ["succeeded", "succeeded"]
        workspaces[1].token = "revoked-and-made-anew"
        ends = {}
        for workspace in workspaces:
            _, job = await daemon.ask("POST", f"/api/tenants/parlour-{workspace.id}/sync")
            ends[workspace.id] = await daemon.job_ended(job["job_id"])
        assert end_of(ends["W1"]) == ("succeeded", None)
        assert end_of(ends["W2"]) == ("failed", "tenant_credential_refused")
        error = ends["W2"]["error"]
        assert "PARLOUR_TOKEN__W2" in error["message"]
        assert error["remedy"] == "set this community's token anew (PARLOUR_TOKEN__W2), then start again"
