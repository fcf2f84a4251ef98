"""A password in a database URL: understood where it can mean one thing only, and never repeated."""

import traceback
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import Config, ConfigError, load
from bot.redaction import LogRedactor
from storage.connection import parse_url, secrets_of_url
from storage.errors import BadDatabaseUrl

ODD = [*"[]#/?@%: &=+'\"\\", "ü€", "[::1]", "@@", "/@", "?@", "%%", "%zz"]
PASSWORDS = [f"hun{odd}ter2" for odd in ODD] + [
    "@",
    "#hunter2",
    "hunter2@",
    "/hunter2/",
    "100%",
    "100%41%",
    "a:b:c",
    "a?b=c",
    "1/2@3",
]


def url_with(password: str, server: str = "db.example:5433/archive") -> str:
    return f"postgresql+psycopg://me:{password}@{server}"


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize(
    "server", ["db.example:5433/archive", "[::1]:5433/archive?sslmode=disable", "/archive?host=/run"]
)
def test_a_password_is_understood_encoded_and_as_it_is(password: str, server: str) -> None:
    for written in (quote(password, safe=""), password):
        parsed = parse_url(url_with(written, server))
        assert (parsed.username, parsed.password, parsed.database) == ("me", password, "archive")
        assert parsed.host == {"d": "db.example", "[": "::1", "/": None}[server[0]]
        assert {password, written} <= set(secrets_of_url(url_with(written, server)))


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_among_the_options_is_too(password: str) -> None:
    encoded = quote(password, safe="")
    parsed = parse_url(f"postgresql+psycopg://me@db.example/archive?password={encoded}")
    assert parsed.query["password"] == password
    assert {password, encoded} <= set(secrets_of_url(f"postgresql+psycopg://me@h/a?sslmode=x&password={encoded}"))


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20))
def test_any_password_encoded_is_understood(password: str) -> None:
    assert parse_url(url_with(quote(password, safe=""))).password == password


@given(st.text(st.sampled_from("ab1@/?#[]%:= .&"), min_size=1, max_size=12))
def test_any_password_as_it_is_means_itself_or_is_refused(password: str) -> None:
    try:
        parsed = parse_url(url_with(password))
    except BadDatabaseUrl:
        return
    assert parsed.host == "db.example"
    assert parsed.password in (password, *secrets_of_url(url_with(password)))


WRONG = [
    "postgresql+psycopg://me:hunter2@h/db?x=1@host/db",
    "postgresql+psycopg://me:hun%20t#er2@host/db",
    "postgresql+psycopg://me:hunter2",
    "postgresql+psycopg://me:hunter2@host:99999/db",
    "postgresql+psycopg://me:hunter2@host/db?nothing",
    "postgresql+psycopg://me:hunter2@ho st/db",
    "postgresql+psycopg://me:hunter2\n@host/db",
    "hunter2",
    "://hunter2",
]


@pytest.mark.parametrize("url", WRONG)
def test_what_can_be_read_in_two_ways_or_none_is_refused_without_repeating_it(url: str) -> None:
    assert secrets_of_url(url) in ([], ["hunter2"] * 2)
    with pytest.raises(BadDatabaseUrl) as refused:
        parse_url(url)
    with pytest.raises(ConfigError) as misconfigured:
        load(None, {"PLATFORM_SYNC_DATABASE__URL": url})
    for error in (refused.value, misconfigured.value):
        told = "".join(traceback.format_exception(error))
        assert not any(part in told.replace(__file__, "") for part in ("hunter2", "ter2", "99999", "nothing'"))


@pytest.mark.parametrize("password", [p for p in PASSWORDS if len(p) > 3])
def test_every_form_of_it_is_kept_out_of_the_logs(password: str) -> None:
    config: Config = load(None, {"PLATFORM_SYNC_DATABASE__URL": url_with(password)})
    redact = LogRedactor(config.secrets)
    for form in (password, quote(password, safe=""), repr(password), quote(password)):
        assert form.strip("'\"") not in redact.text(f"it said {form}.", is_ours=True)
        assert form.strip("'\"") not in redact.exception(f"Error: {form}.")
