"""chat-analytics, which reads what DiscordChatExporter writes, counts in our dce-json what the archive holds."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import playwright
import pytest

from bot.export import ExportFormat, ExportOrder, FolderExport, Split
from bot.export.rows import pseudonym
from storage.database import open_for_reading
from storage.export import ExportSelection
from tests.support.archive import archived
from tests.support.builders import SHA
from tests.support.exported import Archive
from tests.support.rich_archive import rich_archive

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests/chat_analytics/read.js"
INSTALLED = ROOT / ".venv/chat-analytics"
NODE = Path(playwright.__file__).parent / "driver/node"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("restored_addresses"),
    pytest.mark.skipif(
        not (INSTALLED / "installed").exists(),
        reason="chat-analytics is not installed: ./run test does it where npm is",
    ),
]


async def test_chat_analytics_counts_what_is_archived(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'archive.db'}"
    async with rich_archive(url) as (world, _):
        pass
    db = await open_for_reading(url, hash_choice=SHA)
    for guild_id in world.guilds:
        selection = ExportSelection(tenant_id=f"discord-{guild_id}")
        order = ExportOrder(selection=selection, format=ExportFormat.DCE_JSON, split=Split.CHANNEL)
        await FolderExport(db=db, order=order, path=tmp_path / str(guild_id)).run()
    await db.close()
    for guild_id in world.guilds:
        counted = await counted_by_chat_analytics((tmp_path / str(guild_id)).glob("*.*.json"))
        assert counted.pop("reportCharacters") > 1_000_000
        assert counted == expected(url, guild_id)


async def counted_by_chat_analytics(files: Any) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        NODE, SCRIPT, INSTALLED, *files, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    answer, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    counted: dict[str, Any] = json.loads(answer)
    for name in ("byChannel", "byAuthor"):
        total: Counter[str] = Counter()
        for key, count in counted[name]:
            total[key] += count
        counted[name] = +total  # people who are only mentioned have no messages
    return counted


def expected(url: str, guild_id: int) -> dict[str, Any]:
    """The same figures from the archive's rows: chat-analytics counts messages that a person or bot wrote."""
    archive = Archive(url, guild_id)
    messages = {key: row for key, row in archive.messages.items() if row["type"] in ("default", "reply")}
    return {
        "messages": len(messages),
        "edited": sum(row["edited_at"] is not None for row in messages.values()),
        "byChannel": Counter(archive.channels[channel]["name"] for channel, _ in messages),
        "byAuthor": Counter(pseudonym(row["author_hash"]) or "unknown" for row in messages.values()),
        "files": sum(
            len(archive.attachments.get(key, [])) + len(row["metadata"].get("stickers", []))
            for key, row in messages.items()
        ),
        "reactions": sum(
            row["count"] for key, row in archived(url, "reaction_totals", guild_id).items() if key[:2] in messages
        ),
        "replies": sum(original_of(row) is not None for row in messages.values()),
    }


def original_of(row: dict[str, Any]) -> str | None:
    """Which message one answers or passes on, whether it is archived or not: to this reader all are replies."""
    answered: str | None = row["reply_to_message_platform_id"]
    return answered or row["metadata"].get("reference", {}).get("message_id")
