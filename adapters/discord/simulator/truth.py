"""What an archive of a world must hold, as rows.

This and its neighbours ``truth_*`` follow docs/discord-mapping.md and share no code with the adapter: where the two
agree row by row, neither has merely agreed with itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from adapters.discord.simulator.lazy_templates import lazy_users
from adapters.discord.simulator.model import Channel, Guild, World
from adapters.discord.simulator.payloads import user_payload
from adapters.discord.simulator.store import ListStore, Payload
from adapters.discord.simulator.truth_channels import channel_row, listed, skip_reason
from adapters.discord.simulator.truth_messages import read_file, read_message, read_totals
from adapters.discord.simulator.truth_parts import Reader, Row, kept
from adapters.discord.simulator.truth_scrub import Hash, hash_with

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Truth:
    """One guild's rows, table by table. They are made while they are read: a world may hold millions."""

    guild: Guild
    hash_of: Hash

    def tenants(self) -> Iterator[Row]:
        """Yield the guild itself."""
        reader = Reader(self.hash_of)
        about = kept({"description": reader.text(self.guild.description)})
        yield {"platform_id": str(self.guild.id), "name": reader.text(self.guild.name), "metadata": about}

    def channels(self) -> Iterator[Row]:
        """Yield every channel and thread that a first sync comes across."""
        reader = Reader(self.hash_of)
        for channel in listed(self.guild):
            yield channel_row(self.guild, channel, reader)

    def messages(self) -> Iterator[Row]:
        """Yield the messages of archived channels, channel by channel, oldest first."""
        for channel, payload in self._payloads():
            yield {"channel_platform_id": str(channel.id)} | read_message(payload, self.hash_of)[0]

    def attachments(self) -> Iterator[Row]:
        """Yield their files."""
        for channel, payload in self._payloads():
            reader = read_message(payload, self.hash_of)[1] if payload.get("attachments") else None
            if reader is not None:
                files = {source["id"]: read_file(source, reader) for source in payload["attachments"]}
                yield from (_hung(channel, payload) | row for row in files.values())

    def reaction_totals(self) -> Iterator[Row]:
        """Yield how often each emoji was given to them."""
        for channel, payload in self._payloads():
            yield from (_hung(channel, payload) | row for row in _totals(payload))

    def reactions(self) -> Iterator[Row]:
        """Yield who gave them."""
        for channel, payload in self._payloads():
            for total in _totals(payload):
                kind = {name: total[name] for name in ("emoji_key", "burst", "emoji")}
                for user in _fans(channel, payload, total["emoji_key"], total["burst"]):
                    yield _hung(channel, payload) | kind | {"user_hash": self.hash_of(user["id"])}

    def _payloads(self) -> Iterator[tuple[Channel, Payload]]:
        for channel in listed(self.guild):
            if skip_reason(self.guild, channel) is None:
                for payload in channel.messages:
                    yield channel, payload


def _hung(channel: Channel, payload: Payload) -> Row:
    return {"channel_platform_id": str(channel.id), "message_platform_id": payload["id"]}


def _totals(payload: Payload) -> Iterable[Row]:
    each = (list(read_totals(source)) for source in payload.get("reactions") or ())
    by_emoji = {kinds[0]["emoji_key"]: kinds for kinds in each if kinds}
    return chain.from_iterable(by_emoji.values())


def _fans(channel: Channel, payload: Payload, emoji_key: str, burst: bool) -> Iterator[Payload]:
    emoji = f"_:{emoji_key}" if emoji_key.isdecimal() else emoji_key
    after = 0
    while page := channel.messages.reaction_users(int(payload["id"]), emoji, int(burst), after, _PAGE):
        yield from page
        after = int(page[-1]["id"])


def truth(world: World, guild_id: int, key: bytes | None = None) -> Truth:
    """Return what an archive of this guild must hold, with author hashes under this key."""
    return Truth(world.guilds[guild_id], hash_with(key))


def secrets(world: World) -> tuple[set[str], set[str]]:
    """Return what no stored byte may hold: the ids of all users, and all their names of two letters and more."""
    users = [user_payload(world.bot), *lazy_users(world.seed)]
    names: set[str | None] = set()
    for guild in world.guilds.values():
        users += [user_payload(user) for user in guild.users.values()]
        names |= {guild.bot_nick, *guild.nicks.values()}
        for channel in (*guild.channels.values(), *guild.threads.values()):
            if isinstance(channel.messages, ListStore):
                users += _users_within(list(channel.messages))
    ids = {user["id"] for user in users if "username" in user}
    for user in users:
        names |= {user.get("username"), user.get("global_name"), user.get("nick"), user.get("additional_name")}
    return ids, {name for name in names if name is not None and len(name) >= 2}


def _users_within(value: Any) -> Iterator[Payload]:
    """Yield every object anywhere in a payload that looks like a user or a member."""
    if isinstance(value, dict):
        if {"username", "nick", "additional_name"} & value.keys():
            yield value
        for inner in value.values():
            yield from _users_within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _users_within(inner)
