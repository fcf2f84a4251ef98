"""What the README tells people to ask of the tables works on both databases and says what it says."""

import re
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from adapters.discord.simulator import Simulator, uniform_world
from tests.support.daemon import running_daemon
from tests.support.guilds import guild_of
from tests.support.postgres_files import find_binaries

pytestmark = pytest.mark.usefixtures("restored_addresses")

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
OF_THE_README = "1098765432109876543"
QUERIES = re.findall(r"^    -- (.+)\n((?:    .+\n)+)", README, re.MULTILINE)


def test_every_query_runs_as_it_is_pasted(database_url: str) -> None:
    assert len(QUERIES) >= 4
    pasted = README.split("    sqlite3 -readonly data/archive.db\n")[1].split("## Extend")[0]
    assert all(query in pasted for _, query in QUERIES)
    if database_url.startswith("sqlite"):
        command = ["sqlite3", "-readonly", "-bail", database_url.partition("///")[2]]
    else:
        program = find_binaries() / "psql"
        command = [str(program), "-X", "-v", "ON_ERROR_STOP=1", database_url.replace("+psycopg", "")]
    ended = subprocess.run(command, input=pasted, text=True, capture_output=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.slow
async def test_a_conversation_is_walked_across_replies_threads_and_posts(database_url: str) -> None:
    world = uniform_world(2, 0)
    guild_id = guild_of(world)
    channel, other = world.guilds[guild_id].channels
    async with Simulator(world) as sim:
        change = sim.change

        def say(place: int, words: str, to: int | None = None) -> int:
            return int(change.post(place, words, reply_to=to, silent=True)["id"])

        first = say(channel, "what shall we plant?")
        say(channel, "something else")
        answer = say(channel, "beans", first)
        thread = change.create_thread(channel, "beans", from_message=answer, silent=True)
        inside = say(thread.id, "which ones?")
        say(thread.id, "runner beans", inside)
        say(other, "elsewhere")
        async with running_daemon(sim, database_url) as daemon:
            await daemon.idle()
    (walk,) = [query for title, query in QUERIES if title.startswith("a whole conversation")]
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        rows = connection.execute(text(walk.strip().rstrip(";").replace(OF_THE_README, str(first)))).all()
    engine.dispose()
    assert [row.content for row in rows if row.content] == [
        "what shall we plant?",
        "beans",
        "which ones?",
        "runner beans",
    ]
