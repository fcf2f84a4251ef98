"""The verb that searches: the same by a running daemon and without one, and an exit status by whether it found any."""

import json
from collections.abc import Iterator

import pytest

import bot.cli_search  # noqa: F401 # adds the verb
from adapters.discord.simulator import Simulator, uniform_world
from storage.database import open_database
from storage.search import continue_index, prepare_index
from tests.support.builders import NOW, SHA
from tests.support.daemon import running_daemon
from tests.support.talk import archive_talk
from tests.support.verbs import restored_mask, typed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses", "restored_logging")]

VERB = "search discord-100"


@pytest.fixture(autouse=True)
def _same_mask() -> Iterator[None]:
    with restored_mask():
        yield


async def found(words: str) -> list[str]:
    ended = await typed(f"{VERB} --json --order oldest {words}")
    assert ended.exit_code == 0, ended.output
    return [hit["platform_id"] for hit in json.loads(ended.stdout)["hits"]]


async def test_a_search_is_answered_with_a_daemon_and_without(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await archive_talk(database_url)
    monkeypatch.setenv("PLATFORM_SYNC_DATABASE__URL", database_url)
    monkeypatch.setenv("PLATFORM_SYNC_HTTP__PORT", "1")
    ended = await typed(f"{VERB} message")
    assert (ended.exit_code, "not made yet" in ended.stderr) == (1, True), ended.output
    db = await open_database(database_url, hash_choice=SHA)
    await prepare_index(db, "words", NOW)
    while await continue_index(db, NOW):
        pass
    await db.close()
    without = await found("message -- -98 before:2026-11-24")
    assert without[:3] == ["95", "96", "100"]  # 97 and 99 are deleted
    assert "98" not in without
    async with Simulator(uniform_world(1, 1)) as sim, running_daemon(sim, database_url) as daemon:
        monkeypatch.setenv("PLATFORM_SYNC_HTTP__PORT", daemon.url.rpartition(":")[2])
        await daemon.until(lambda: daemon.ask("GET", "/readyz"), lambda answer: answer[0] == 200)
        assert await found("message -- -98 before:2026-11-24") == without
        table = await typed(f"{VERB} message 96")
        assert "aaaaaaaa" in table.stdout
        assert "a" * 64 not in table.stdout
        nothing = await typed(f"{VERB} xylophone")
        assert (nothing.exit_code, '"xylophone"' in nothing.stdout) == (1, True), nothing.output
        for words, why in {"in:nowhere": "in: ", "before:never": "before"}.items():
            wrong = await typed(f"{VERB} {words}")
            assert (wrong.exit_code, why in wrong.stderr) == (1, True), wrong.output
    unknown = await typed("search 100 message")
    assert (unknown.exit_code, "say discord-100" in unknown.stderr) == (1, True), unknown.output
