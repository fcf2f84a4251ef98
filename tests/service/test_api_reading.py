"""The archive by the API: windows of messages, one message, figures, and what is wrong with a question."""

import pytest

from adapters.discord.simulator import Simulator, uniform_world
from tests.support.daemon import Daemon, running_daemon
from tests.support.talk import ANN, MORNING, NUMBERS, archive_talk

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

TENANT = "/api/tenants/discord-100"
MESSAGES = f"{TENANT}/messages"
WRONG = [
    (f"{MESSAGES}?channel=7", 404, "no_such_channel", "GET /api/tenants/discord-100/channels"),
    ("/api/tenants/discord-7/messages?channel=5", 404, "no_such_tenant", "discord-7"),
    (MESSAGES, 400, "invalid_query", "channel"),
    (f"{MESSAGES}?channel=..%2F5", 400, "invalid_query", "platform's id of a channel"),
    (f"{MESSAGES}?channel=5&before=1&day=2026-11-23", 400, "invalid_query", "only one of before, day"),
    (f"{MESSAGES}?channel=5&before=x", 400, "invalid_query", "the id of a message"),
    (f"{MESSAGES}?channel=5&around=00", 400, "invalid_query", "the id of a message"),
    (f"{MESSAGES}?channel=5&day=2026-02-30", 400, "invalid_query", "a day as in"),
    (f"{MESSAGES}?channel=5&limit=201", 400, "invalid_query", "limit"),
    (f"{MESSAGES}/7?channel=5", 404, "no_such_message", "no message 7"),
    (f"{MESSAGES}/abc?channel=5", 404, "not_found", "messageId"),
    (f"{TENANT}/stats?since=yesterday", 400, "invalid_query", "a day as in"),
]


async def test_the_archive_by_the_api(database_url: str) -> None:
    await archive_talk(database_url)
    async with Simulator(uniform_world(1, 1)) as sim, running_daemon(sim, database_url) as daemon:
        await _walk_back(daemon)
        window = await daemon.get(f"{MESSAGES}?channel=5&around=96&limit=4")
        assert [message["message_id"] for message in window["messages"]] == ["95", "96", "97"]
        assert (window["before"], window["after"], window["channel"]["parent_id"]) == (None, "97", "4")
        assert [bool(message["deleted_at"]) for message in window["messages"]] == [False, False, True]
        files = window["messages"][1]
        assert files == await daemon.get(f"{MESSAGES}/96?channel=5")
        assert [file["link"] for file in files["attachments"]] == [f"{TENANT}/attachments/{n}" for n in (700, 701)]
        assert files["reactions"][0] == {"emoji": "🎉", "burst": True, "count": 5}
        assert files["link"] == "/tenants/discord-100/channels/5?at=96"
        (reply,) = (await daemon.get(f"{MESSAGES}?channel=5&after=97&limit=1"))["messages"]
        assert reply["reply_to"] == {"channel_id": "5", "message_id": "96", "author_hash": ANN}
        day = await daemon.get(f"{MESSAGES}?channel=5&day={MORNING}&limit=2")
        assert ([m["message_id"] for m in day["messages"]], day["before"]) == (["95", "96"], None)
        figures = await daemon.get(f"{TENANT}/stats?since={MORNING}&until={MORNING}")
        assert (figures["messages"], figures["days"]) == (11, [{"day": str(MORNING), "messages": 11, "authors": 2}])
        assert figures == await daemon.get(f"{TENANT}/stats?until={MORNING}&since={MORNING}")
        assert (await daemon.get(f"{TENANT}/stats?until=0001-01-01"))["since"] == "0001-01-01"
        assert (await daemon.get(f"{TENANT}/stats?until=9999-12-31"))["messages"] == 0
        for path, status, code, words in WRONG:
            found, problem = await daemon.ask("GET", path)
            assert (found, problem["code"]) == (status, code), path
            assert words in problem["detail"], problem["detail"]


async def _walk_back(daemon: Daemon) -> None:
    """From the newest message to the first, by what each page says."""
    found: list[int] = []
    place = ""
    while place is not None:
        page = await daemon.get(f"{MESSAGES}?channel=5&limit=4{place}")
        found = [int(message["message_id"]) for message in page["messages"]] + found
        place = page["before"] and f"&before={page['before']}"
    assert found == NUMBERS
