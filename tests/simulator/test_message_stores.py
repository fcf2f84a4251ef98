"""Both message stores answer as Discord does; the lazy one without holding what it answers with."""

import json
import tracemalloc
from collections.abc import Callable

import pytest

from adapters.discord.simulator.ids import WORLD_NOW, milliseconds, snowflake
from adapters.discord.simulator.lazy import LazyStore
from adapters.discord.simulator.message_payloads import message
from adapters.discord.simulator.model import User
from adapters.discord.simulator.payloads import user_payload
from adapters.discord.simulator.store import ListStore, MessageStore

CHANNEL = 555_000_000_000_000_000
SIZE = 457
FAN = user_payload(User(id=777_000_000_000_000_000, username="zq_fan"))
LATER = snowflake(milliseconds(WORLD_NOW))


def lazy(size: int = SIZE) -> LazyStore:
    """A store of messages made by arithmetic."""
    return LazyStore(7, CHANNEL, size, WORLD_NOW.replace(year=2020))


def copied() -> ListStore:
    """The same messages, kept."""
    return ListStore(list(lazy()))


def changed() -> LazyStore:
    """A lazy store with posts at its end, an edit and a deletion in its midst."""
    store = lazy(SIZE - 5)
    ids = [int(payload["id"]) for payload in store]
    for index in (0, 100, 250, SIZE - 6):
        store.remove(ids[index])
    store.put((store.get(ids[101]) or {}) | {"content": "edited"})
    store.react(ids[102], {"id": None, "name": "🔥"}, FAN)
    for number in range(9):
        store.put(message(LATER + number, CHANNEL, FAN, f"post {number}"))
    return store


every_store = pytest.mark.parametrize("make", [lazy, copied, changed])


@every_store
def test_pages_agree_with_the_whole(make: Callable[[], MessageStore]) -> None:
    store = make()
    ids = [int(payload["id"]) for payload in store]
    assert len(ids) == len(store) == SIZE
    assert ids == sorted(set(ids))
    assert store.last_id == ids[-1]
    for at in (0, 1, 99, 100, 101, 250, SIZE - 2, SIZE - 1):
        assert page_ids(store, after=ids[at], limit=50) == ids[at + 1 : at + 51][::-1]
        assert page_ids(store, after=ids[at] - 1, limit=7) == ids[at : at + 7][::-1]
        assert page_ids(store, before=ids[at], limit=50) == ids[max(0, at - 50) : at][::-1]
    assert page_ids(store, limit=100) == ids[-100:][::-1]
    assert page_ids(store, after=0, limit=3) == ids[:3][::-1]
    assert page_ids(store, after=ids[-1], limit=100) == []
    assert page_ids(store, before=ids[0], limit=100) == []


@every_store
def test_around_has_its_message_in_the_middle(make: Callable[[], MessageStore]) -> None:
    store = make()
    ids = [int(payload["id"]) for payload in store]
    assert page_ids(store, around=ids[200], limit=10) == ids[195:205][::-1]


@every_store
def test_bytes_and_objects_are_the_same_page(make: Callable[[], MessageStore]) -> None:
    store = make()
    after = int(store.page(after=0, limit=90)[0]["id"])
    assert json.loads(store.page_json(after=after, limit=100)) == store.page(after=after, limit=100)
    assert json.loads(store.page_json(limit=20)) == store.page(limit=20)


@every_store
def test_get_finds_what_pages_show(make: Callable[[], MessageStore]) -> None:
    store = make()
    for payload in store.page(limit=60):
        assert store.get(int(payload["id"])) == payload
    assert store.get(1) is None
    assert store.get((store.last_id or 0) + 1) is None


@pytest.mark.parametrize("make", [lazy, changed])  # a copy of payloads knows no reactors
def test_reaction_users_are_as_many_as_the_message_says(make: Callable[[], MessageStore]) -> None:
    store = make()
    reacted = [payload for payload in store if "reactions" in payload]
    assert len(reacted) > 30
    for payload in reacted:
        for entry in payload["reactions"]:
            emoji = entry["emoji"]
            given = f"{emoji['name']}:{emoji['id']}" if emoji["id"] else emoji["name"]
            for kind, name in enumerate(("normal", "burst")):
                users = store.reaction_users(int(payload["id"]), given, kind, None, 100)
                assert users is not None
                assert len(users) == entry["count_details"][name]
                assert users == sorted(users, key=lambda user: int(user["id"]))
    assert store.reaction_users(1, "🔥", 0, None, 100) is None
    assert store.reaction_users(int(reacted[0]["id"]), "🛸", 0, None, 100) == []


def test_reactions_page_by_user_id() -> None:
    store = ListStore([message(LATER, CHANNEL, FAN)])
    for number in range(250):
        store.react(LATER, {"id": None, "name": "🔥"}, FAN | {"id": str(1_000 - number)})
    first = store.reaction_users(LATER, "🔥", 0, None, 100) or []
    second = store.reaction_users(LATER, "🔥", 0, int(first[-1]["id"]), 100) or []
    assert [int(user["id"]) for user in first + second] == list(range(751, 951))
    assert not store.react(LATER, {"id": None, "name": "🔥"}, FAN | {"id": "1000"})
    assert store.unreact(LATER, "🔥", 1_000)
    assert not store.unreact(LATER, "🔥", 1_000)
    assert (store.get(LATER) or {})["reactions"][0]["count"] == 249
    store.clear_reactions(LATER)
    assert "reactions" not in (store.get(LATER) or {})


@pytest.mark.parametrize("make", [lazy, copied])
def test_replies_to_a_deleted_message_show_null(make: Callable[[], MessageStore]) -> None:
    store = make()
    reply = next(payload for payload in store if payload.get("referenced_message"))
    store.remove(int(reply["referenced_message"]["id"]))
    again = store.get(int(reply["id"])) or {}
    assert again["referenced_message"] is None
    assert again["message_reference"] == reply["message_reference"]


@pytest.mark.slow
def test_millions_of_messages_take_no_memory() -> None:
    lazy(10)  # the templates, which all lazy channels share
    tracemalloc.start()
    store = lazy(5_000_000)
    assert len(store) == 5_000_000
    after, seen = 0, 0
    for _ in range(40):
        page = store.page(after=after, limit=100)
        after, seen = int(page[0]["id"]), seen + len(page)
    del page
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seen == 4_000
    assert held < 200_000
    assert len(store.page(before=store.last_id, limit=100)) == 100


@pytest.mark.slow
def test_lazy_content_is_a_busy_guilds() -> None:
    payloads = list(lazy(3_000))
    mean_bytes = len(json.dumps(payloads, separators=(",", ":"))) / len(payloads)
    assert 1_100 < mean_bytes < 1_600
    assert 0.15 < share(payloads, "referenced_message") < 0.25
    assert 0.10 < share(payloads, "reactions") < 0.20
    assert 0.08 < share(payloads, "attachments") < 0.16
    assert 0.08 < share(payloads, "embeds") < 0.16
    assert share(payloads, "mentions") > 0.04
    assert share(payloads, "webhook_id") > 0.005
    assert len({payload["author"]["id"] for payload in payloads}) > 200
    assert len({payload["content"] for payload in payloads}) > 2_900


def share(payloads: list[dict[str, object]], key: str) -> float:
    """How many of the payloads have something there."""
    return sum(bool(payload.get(key)) for payload in payloads) / len(payloads)


def page_ids(store: MessageStore, **where: int) -> list[int]:
    """The ids of a page, as it comes."""
    return [int(payload["id"]) for payload in store.page(**where)]
