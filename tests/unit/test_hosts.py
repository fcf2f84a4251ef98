"""Host names and addresses in every spelling."""

import pytest

from bot.config import ConfigError, load
from bot.hosts import is_loopback, normal_host, reachable_hosts
from bot.sections import HttpConfig


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Archive.Example.ORG", "archive.example.org"),
        ("archive.example.org:8443", "archive.example.org"),
        ("archive.example.org.", "archive.example.org"),
        ("archive.example.org.:443", "archive.example.org"),
        ("  localhost ", "localhost"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("::1", "[::1]"),
        ("[::1]", "[::1]"),
        ("[0:0::1]:8080", "[::1]"),
        ("2001:DB8::A", "[2001:db8::a]"),
        ("192.168.1.5:80", "192.168.1.5"),
        ("my_host", "my_host"),
    ],
)
def test_a_host_has_one_spelling(written: str, meant: str) -> None:
    assert normal_host(written) == meant
    if written.strip():
        assert HttpConfig(allowed_hosts=(written,)).allowed_hosts == (meant,)


@pytest.mark.parametrize(
    "wrong", ["https://a.example", "a.example/path", "*.example", "[nonsense]", "a b", "me@a", "a..b"]
)
def test_what_is_no_host_is_refused_with_what_would_be_right(wrong: str) -> None:
    assert normal_host(wrong) is None
    with pytest.raises(ConfigError, match=r"http\.allowed_hosts: .*write the host's name alone"):
        load(None, {"PLATFORM_SYNC_HTTP__ALLOWED_HOSTS": wrong})


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost", "::ffff:127.0.0.1", "LOCALHOST"]
)
def test_a_loopback_address_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    config = load(None, {"PLATFORM_SYNC_HTTP__HOST": host})
    assert "[" not in config.http.host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "192.168.1.5", "127.evil.example", "archive.example.org"])  # noqa: S104
def test_any_other_one_does(host: str) -> None:
    with pytest.raises(ConfigError, match="PLATFORM_SYNC_API_TOKEN"):
        load(None, {"PLATFORM_SYNC_HTTP__HOST": host})


@pytest.mark.parametrize(
    ("listening", "reached"),
    [
        ("0.0.0.0", ["127.0.0.1"]),  # noqa: S104
        ("::", ["::1", "127.0.0.1"]),
        ("[::1]", ["::1"]),
        ("127.0.0.2", ["127.0.0.2"]),
        ("192.168.1.5", ["192.168.1.5"]),
        ("archive.example.org", ["archive.example.org"]),
    ],
)
def test_a_server_is_reached_where_it_listens(listening: str, reached: list[str]) -> None:
    assert reachable_hosts(listening) == reached
