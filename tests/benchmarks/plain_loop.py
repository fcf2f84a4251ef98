"""discord.py's history() into sqlite3: what the daemon is compared with. Five columns a message, no checkpoint."""

import os
import sqlite3
import sys
import time

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

Route.BASE = os.environ["PLATFORM_SYNC_DISCORD__REST_URL"]
DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["PLATFORM_SYNC_DISCORD__GATEWAY_URL"])

BATCH = 1000


class Loop(discord.Client):
    """Reads every text channel of every guild, one after the other."""

    async def on_ready(self) -> None:
        """Archive, tell how long it took, end."""
        started = time.monotonic()
        db = sqlite3.connect(sys.argv[1])
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, channel, author, content, sent_at)")
        for guild in self.guilds:
            for channel in guild.text_channels:
                rows: list[tuple[object, ...]] = []
                async for message in channel.history(limit=None, oldest_first=True):
                    sent_at = message.created_at.isoformat()
                    rows.append((message.id, channel.id, message.author.id, message.content, sent_at))
                    if len(rows) == BATCH:
                        self.save(db, rows)
                self.save(db, rows)
        print(time.monotonic() - started, flush=True)
        await self.close()

    def save(self, db: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
        """One transaction."""
        with db:
            db.executemany("INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?)", rows)
        rows.clear()


if __name__ == "__main__":
    intents = discord.Intents(guilds=True, message_content=True)
    Loop(intents=intents, max_messages=None, guild_ready_timeout=0.05).run(
        os.environ["DISCORD_BOT_TOKEN"], log_handler=None
    )
