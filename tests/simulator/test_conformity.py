"""Every answer of a walk over a world, held against Discord's own description of its API.

The description and the tool that judges by it lie beside a checkout, not in it; without them this is skipped.
"""

import importlib.util
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from adapters.discord.simulator import Fault, Simulator, rich_world
from tests.support.clients import Api, api_of

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
TOOL = SHARED / "tools" / "validate_response.py"
DESCRIPTION = SHARED / "discord-api" / "openapi.json"

Answer = tuple[str, int, Any]


class Deviation(NamedTuple):
    """A finding that stays: where, as a pattern of `kind place what`, and why."""

    channel: str | None
    finding: str
    why: str


JUSTIFIED = (
    Deviation(None, r"missing \$\.code ", "a 429: the documentation shows no code in it, and calls it optional"),
    Deviation(None, r"union \$\.errors\.\w+\._errors ", "codes of fields are words in the documentation"),
    Deviation(None, r"value \$(\[\])?\.type .*\b16 is n", "media channels: documented, not described"),
    Deviation(None, r"value \$(\[\])?\.type .*\b99 is n", "a channel type of the future, which archives must keep"),
    Deviation("system", r"value \$(\[\])?\.type (13|30|44|55|63) is none", "message types seen, not described"),
    Deviation("components", r"union \$(\[\])?\.components", "labels, which may come; and a type nobody knows"),
    Deviation("replies", r"value \$\[\]\.message_reference\.type 1 ", "forwards: documented, not described"),
    Deviation("replies", r"missing \$\[\]\.message_reference\.(type|channel_id) ", "optional in the documentation"),
    Deviation("media-files", r"missing \$(\[\])?\.poll\.results ", "optional in the documentation: unknown"),
    Deviation("media-files", r"null \$(\[\])?\.poll\.expiry ", "nullable in the documentation"),
    Deviation("oddities", "", "messages broken on purpose, as archives have met them"),
)


def justification(channel: str | None, finding: str) -> Deviation | None:
    return next((one for one in JUSTIFIED if one.channel in (None, channel) and re.match(one.finding, finding)), None)


def load_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("validate_response", TOOL)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


async def walk(sim: Simulator, api: Api) -> AsyncIterator[Answer]:
    async def ask(path: str, **query: Any) -> Answer:
        status, body, _ = await api.get(path, **query)
        return path, status, body

    for path in ("/users/@me", "/users/@me/guilds", "/applications/@me", "/oauth2/applications/@me"):
        yield await ask(path)
    yield await ask("/users/@me/guilds", with_counts="true")
    yield await ask("/gateway")
    yield await ask("/gateway/bot")
    for guild in list(sim.world.guilds.values()):
        for end in ("", "/channels", "/roles", "/threads/active", f"/members/{guild.bot_id}", "/messages/search"):
            yield await ask(f"/guilds/{guild.id}{end}")
        for channel in (*guild.channels.values(), *guild.threads.values()):
            async for answer in walk_channel(ask, channel.id):
                yield answer
    async for answer in walk_refusals(sim, ask):
        yield answer


async def walk_channel(ask: Any, channel_id: int) -> AsyncIterator[Answer]:
    path = f"/channels/{channel_id}"
    yield await ask(path)
    yield await ask(f"{path}/threads/archived/public")
    yield await ask(f"{path}/messages/pins")
    after = 0
    while True:
        answer = await ask(f"{path}/messages", limit=100, after=after)
        yield answer
        if answer[1] != 200 or not answer[2]:
            return
        for message in answer[2]:
            for reaction in message.get("reactions", ())[:2]:
                emoji = reaction["emoji"]
                name = f"{emoji['name']}:{emoji['id']}" if emoji["id"] else emoji["name"]
                yield await ask(f"{path}/messages/{message['id']}/reactions/{name}")
        yield await ask(f"{path}/messages/{answer[2][0]['id']}")
        after = answer[2][0]["id"]


async def walk_refusals(sim: Simulator, ask: Any) -> AsyncIterator[Answer]:
    for scope in ("user", "global", "shared"):
        sim.faults.add(Fault("rate_limit", scope=scope))
        yield await ask("/users/@me")
    sim.faults.add(Fault("indexing"))
    yield await ask(f"/guilds/{next(iter(sim.world.guilds))}/messages/search")
    yield await ask("/channels/1")
    yield await ask("/users/@me/guilds", limit=0)


def channel_of(sim: Simulator, path: str) -> str | None:
    """The name of the channel that a path is about."""
    _, kind, id_, *_ = [*path.split("/"), "", ""]
    place = sim.world.find(int(id_)) if kind == "channels" else None
    return None if place is None else place[1].name


@pytest.mark.skipif(not TOOL.exists(), reason="the description of Discord's API is not beside this checkout")
@pytest.mark.slow
async def test_every_answer_conforms_to_the_description() -> None:
    description = load_tool().Spec.load(str(DESCRIPTION))
    unjustified: dict[str, str] = {}
    used: set[Deviation] = set()
    answers = 0
    async with Simulator(rich_world(1)) as sim, api_of(sim) as api:
        async for path, status, body in walk(sim, api):
            answers += 1
            for kind, where, what, _ in description.check("GET", path, body, status, extra=False):
                deviation = justification(channel_of(sim, path), f"{kind} {where} {what}")
                if deviation is not None:
                    used.add(deviation)
                elif kind != "ambiguous":  # the description's own fault
                    unjustified.setdefault(f"{kind} {where} {what}", path)
    assert answers > 1_000
    assert unjustified == {}
    assert [one for one in JUSTIFIED if one not in used] == [], "these deviations are gone"
