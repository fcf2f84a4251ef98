"""Decide who may read a channel, by Discord's rules: https://discord.com/developers/docs/topics/permissions

There is no inheritance from the category here: Discord copies a category's overwrites when they are synced.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adapters.discord.choice import ALL_CHANNELS, ChannelChoice
from adapters.discord.convert import (
    Payload,
    as_bits,
    as_int,
    as_objects,
    channel_record,
    channel_type,
    is_obfuscated,
    snowflake,
    thread_record,
)
from adapters.privacy import HashUser
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
    """A member whose permissions are evaluated: by roles, and by id where overwrites may name them."""

    role_ids: frozenset[str]  # the @everyone role's id (the guild's id) always among them
    user_id: str | None = None
    is_owner: bool = False


def everyone(guild_id: str) -> Principal:
    """Return a member with no role of their own."""
    return Principal(role_ids=frozenset({guild_id}))


class Permissions:
    """The permissions of a guild's roles, as REST gives them."""

    def __init__(self, guild_id: str, roles: Sequence[Payload]) -> None:
        self._guild_id = guild_id
        self._by_role = {snowflake(role.get("id")): as_bits(role.get("permissions")) for role in roles}

    def can_read(self, principal: Principal, channel: Payload) -> bool:
        """Return whether they see a channel and its history; a voice channel also takes CONNECT."""
        needed = VIEW_CHANNEL | READ_MESSAGE_HISTORY
        if as_int(channel.get("type")) in VOICE_TYPES:
            needed |= CONNECT
        return self._permissions_in(principal, channel) & needed == needed

    def _permissions_in(self, principal: Principal, channel: Payload) -> int:
        bits = 0
        for role_id in principal.role_ids:
            bits |= self._by_role.get(role_id, 0)
        if principal.is_owner or bits & ADMINISTRATOR:
            return _ALL
        listed = channel.get("permission_overwrites") or []
        overwrites = as_objects(listed)
        if not isinstance(listed, list) or len(overwrites) < len(listed) or not all(map(_target, overwrites)):
            return 0  # an unreadable overwrite may deny
        of_roles = _overwrites_of(_ROLE, overwrites)
        of_members = _overwrites_of(_MEMBER, overwrites)
        bits = _with_overwrites(bits, (o for i, o in of_roles if i == self._guild_id))
        bits = _with_overwrites(bits, (o for i, o in of_roles if i in principal.role_ids - {self._guild_id}))
        return _with_overwrites(bits, (o for i, o in of_members if i is not None and i == principal.user_id))


def _with_overwrites(bits: int, overwrites: Iterable[Payload]) -> int:
    """Apply overwrites of one rank together: all their denials first, then all their allowances."""
    deny = allow = 0
    for overwrite in overwrites:
        deny |= _denied(overwrite.get("deny"))
        allow |= as_bits(overwrite.get("allow"))
    return bits & ~deny | allow


def _denied(value: object) -> int:
    """Return the denied bits: all where the value cannot be read, none where it is absent."""
    bits = as_bits(value)
    return _ALL if not bits and value not in (None, 0, "0") else bits


def _target(overwrite: Payload) -> str | None:
    return snowflake(overwrite.get("id"))


def _overwrites_of(kind: int, overwrites: Iterable[Payload]) -> list[tuple[str | None, Payload]]:
    """Return the overwrites of one kind, by id; one of unknown kind is returned for both, and its id decides."""
    return [(_target(o), o) for o in overwrites if _overwrite_kind(o) in (kind, None)]


def _overwrite_kind(overwrite: Payload) -> int | None:
    kind = overwrite.get("type")
    found = {"role": _ROLE, "member": _MEMBER, "0": _ROLE, "1": _MEMBER}.get(kind) if isinstance(kind, str) else kind
    return found if as_int(found) in (_ROLE, _MEMBER) else None


class ChannelEvaluator:
    """Turn the channels of one listing into records, each with the reason for which it is not read, if there is one."""

    def __init__(
        self,
        guild_id: str,
        roles: Sequence[Payload],
        bot: Principal,
        hash_user: HashUser,
        choice: ChannelChoice = ALL_CHANNELS,
    ) -> None:
        self._permissions = Permissions(guild_id, roles)
        self._everyone = everyone(guild_id)
        self._bot = bot
        self._hash_user = hash_user
        self._choice = choice

    def channel(self, payload: Payload) -> ChannelRecord | None:
        """Return the record of a channel; None of one that has no id."""
        return channel_record(payload, self.skip_reason(payload), self._hash_user)

    def thread(self, payload: Payload) -> ChannelRecord | None:
        """Return the record of a thread, whose read access is that of its channel."""
        return thread_record(payload, None, self._hash_user)

    def is_public(self, payload: Payload) -> bool:
        """Return whether @everyone may read a channel."""
        return not is_obfuscated(payload) and self._permissions.can_read(self._everyone, payload)

    def is_wanted(self, payload: Payload) -> bool:
        """Return whether a channel's messages are to be archived: everyone may read it, and it is not left out."""
        return self.is_public(payload) and self._choice.takes(payload)

    def skip_reason(self, payload: Payload) -> SkipReason | None:
        """Return why a channel is not read; None where it is."""
        if is_obfuscated(payload):
            return SkipReason.OBFUSCATED
        if channel_type(payload) in (ChannelType.CATEGORY, ChannelType.OTHER):
            return SkipReason.UNSUPPORTED
        if not self.is_public(payload):
            return SkipReason.NOT_PUBLIC
        if not self._choice.takes(payload):
            return SkipReason.EXCLUDED
        return None if self._permissions.can_read(self._bot, payload) else SkipReason.BOT_LACKS_ACCESS
