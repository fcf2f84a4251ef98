"""Who may read a channel, by Discord's own rules: https://discord.com/developers/docs/topics/permissions

There is no inheritance from the category here: Discord copies a category's overwrites when they are synced.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from adapters.discord.convert import (
    HashUser,
    Payload,
    as_int,
    as_objects,
    channel_record,
    channel_type,
    is_obfuscated,
    snowflake,
    thread_record,
)
from adapters.records import ChannelRecord, ChannelType, SkipReason

ADMINISTRATOR = 1 << 3
VIEW_CHANNEL = 1 << 10
READ_MESSAGE_HISTORY = 1 << 16
CONNECT = 1 << 20
_ALL = ~0

VOICE_TYPES = (2, 13)
_ROLE, _MEMBER = 0, 1


@dataclass(frozen=True, slots=True)
class Principal:
    """Someone whose view of a guild is asked for: by roles, and by name where overwrites may name them."""

    role_ids: frozenset[str]  # the @everyone role's id (the guild's id) always among them
    user_id: str | None = None
    is_owner: bool = False


def everyone(guild_id: str) -> Principal:
    """A member with no role of their own."""
    return Principal(role_ids=frozenset({guild_id}))


class Permissions:
    """The permissions of a guild's roles, as REST gives them."""

    def __init__(self, guild_id: str, roles: Sequence[Payload]) -> None:
        self._guild_id = guild_id
        self._by_role = {snowflake(role.get("id")): _bits(role.get("permissions")) for role in roles}

    def may_read(self, reader: Principal, channel: Payload) -> bool:
        """Whether they see the channel and its past; a voice channel also needs CONNECT."""
        needed = VIEW_CHANNEL | READ_MESSAGE_HISTORY
        if as_int(channel.get("type")) in VOICE_TYPES:
            needed |= CONNECT
        return self._in_channel(reader, channel) & needed == needed

    def _in_channel(self, reader: Principal, channel: Payload) -> int:
        bits = 0
        for role_id in reader.role_ids:
            bits |= self._by_role.get(role_id, 0)
        if reader.is_owner or bits & ADMINISTRATOR:
            return _ALL
        overwrites = as_objects(channel.get("permission_overwrites"))
        of_roles = [o for o in overwrites if _kind(o) == _ROLE and snowflake(o.get("id")) in reader.role_ids]
        bits = _apply(bits, (o for o in of_roles if snowflake(o.get("id")) == self._guild_id))
        bits = _apply(bits, (o for o in of_roles if snowflake(o.get("id")) != self._guild_id))
        if reader.user_id is not None:
            bits = _apply(
                bits, (o for o in overwrites if _kind(o) == _MEMBER and snowflake(o.get("id")) == reader.user_id)
            )
        return bits


def _apply(bits: int, overwrites: Iterable[Payload]) -> int:
    """Overwrites of one rank count together: all their denials first, then all their allowances."""
    deny = allow = 0
    for overwrite in overwrites:
        deny |= _bits(overwrite.get("deny"))
        allow |= _bits(overwrite.get("allow"))
    return bits & ~deny | allow


def _bits(value: object) -> int:
    return int(snowflake(value) or 0)


def _kind(overwrite: Payload) -> int | None:
    kind = overwrite.get("type")
    return {"role": _ROLE, "member": _MEMBER}.get(kind) if isinstance(kind, str) else as_int(kind)


class Listing:
    """What one evaluation of a guild found: who may read is settled once, for channels and their threads."""

    def __init__(self, guild_id: str, roles: Sequence[Payload], bot: Principal, hash_user: HashUser) -> None:
        self._permissions = Permissions(guild_id, roles)
        self._everyone = everyone(guild_id)
        self._bot = bot
        self._hash_user = hash_user
        self._judged: set[str | None] = set()

    def channels(self, payloads: Iterable[Payload], hidden: Mapping[str, Payload]) -> list[ChannelRecord]:
        """The guild's channels: those of REST, and those that only the gateway told of, hidden."""
        records = [r for p in payloads if (r := self._channel(p))]
        shown = {record.platform_id for record in records}
        records += [r for i, p in hidden.items() if i not in shown and (r := self._channel(p))]
        return records

    def threads(self, payloads: Iterable[Payload]) -> list[ChannelRecord]:
        """Threads of channels that this listing has judged."""
        return [r for p in payloads if (r := thread_record(p, self._thread_verdict(p), self._hash_user))]

    def is_public(self, payload: Payload) -> bool:
        """Whether @everyone may read a channel."""
        return not is_obfuscated(payload) and self._permissions.may_read(self._everyone, payload)

    def _channel(self, payload: Payload) -> ChannelRecord | None:
        if channel_id := snowflake(payload.get("id")):
            self._judged.add(channel_id)
        return channel_record(payload, self._verdict(payload), self._hash_user)

    def _verdict(self, payload: Payload) -> SkipReason | None:
        if is_obfuscated(payload):
            return SkipReason.OBFUSCATED
        if channel_type(payload) in (ChannelType.CATEGORY, ChannelType.OTHER):
            return SkipReason.UNSUPPORTED
        if not self.is_public(payload):
            return SkipReason.NOT_PUBLIC
        return None if self._permissions.may_read(self._bot, payload) else SkipReason.BOT_LACKS_ACCESS

    def _thread_verdict(self, payload: Payload) -> SkipReason | None:
        """A thread's own reason: it is read where its parent is, unless no listing shows that one to the bot."""
        return None if snowflake(payload.get("parent_id")) in self._judged else SkipReason.BOT_LACKS_ACCESS
