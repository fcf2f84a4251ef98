"""The state of one guild by the gateway's events: its channels, and who may read them.

Raw payloads, so that records and skip reasons are those that a listing by REST would give (docs/discord-mapping.md).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapters.discord.choice import ALL_CHANNELS, ChannelChoice
from adapters.discord.convert import (
    Payload,
    as_bits,
    as_object,
    as_objects,
    channel_type,
    is_obfuscated,
    is_private_thread,
    snowflake,
    snowflakes,
    thread_record,
)
from adapters.discord.permissions import ChannelEvaluator, Permissions, Principal
from adapters.privacy import HashUser
from adapters.records import ChannelRecord, ChannelType, SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class _AccessRules:
    """What decides who may read a channel, beside its own overwrites."""

    permissions: Mapping[str, str]  # by role
    owner_id: str | None
    bot_roles: frozenset[str] | None  # None where no payload contained them


def is_new(event: str, data: Payload) -> bool:
    """Return whether an event is about a channel or thread that was made just now: it cannot hold messages yet.

    A channel that came into sight is announced like a new one.
    """
    if event == "CHANNEL_CREATE":
        return data.get("last_message_id", "") is None
    return event == "THREAD_CREATE" and data.get("newly_created") is True


class GuildState:
    """Keep one guild's state, from its GUILD_CREATE on."""

    def __init__(
        self, payload: Payload, bot_id: str | None, hash_user: HashUser, choice: ChannelChoice = ALL_CHANNELS
    ) -> None:
        self._guild_id = str(snowflake(payload.get("id")))
        self._bot_id = bot_id
        self._hash_user = hash_user
        self._choice = choice
        self._channels = {i: dict(c) for c in as_objects(payload.get("channels")) if (i := snowflake(c.get("id")))}
        # Of a thread, its parent; None for a private one. Kept when it is archived: events go on coming.
        self._threads: dict[str, str | None] = {}
        self._public: dict[str, bool] = {}
        self.unsettled = 0
        """Events so far after which the channels, threads or roles have to be listed again: they say too little."""
        members = (
            m for m in as_objects(payload.get("members")) if snowflake(as_object(m.get("user")).get("id")) == bot_id
        )
        self._rules = _AccessRules(
            permissions=_permissions(payload.get("roles")),
            owner_id=snowflake(payload.get("owner_id")),
            bot_roles=_roles_of(next(members, {})),
        )
        self._evaluator = self._new_evaluator()
        for thread in as_objects(payload.get("threads")):
            self._note_thread(thread)

    def is_public(self, channel_id: str) -> bool | None:
        """Return whether @everyone may read a channel or thread at this moment; None for one that was never shown.

        One that the operator excludes counts as one that they may not.
        """
        public = self._public.get(channel_id)
        if public is None and (public := self._evaluate(channel_id)) is not None:
            self._public[channel_id] = public
        return public

    @property
    def principal(self) -> Principal | None:
        """The bot as a member of the guild; None where no payload contained its roles."""
        return None if self._rules.bot_roles is None else self._bot(self._rules.bot_roles)

    def may_bot_read(self, channel_id: str) -> bool | None:
        """Return whether the bot may read a channel's history; a thread's is that of its parent. None: unknown."""
        channel = self._channels.get(self._threads.get(channel_id) or channel_id)
        principal = self.principal
        if channel is None or principal is None:
            return None
        return Permissions(self._guild_id, self.roles).can_read(principal, channel)

    def hidden_channels(self) -> dict[str, Payload]:
        """Return the channels that the gateway shows only as hidden, by id."""
        return {channel_id: channel for channel_id, channel in self._channels.items() if is_obfuscated(channel)}

    def readable_channels(self) -> list[str]:
        """Return the text channels that everyone and the bot may read, in descending order of their newest messages."""
        of_text = {i: c for i, c in self._channels.items() if channel_type(c) is ChannelType.TEXT}
        found = {i: c for i, c in of_text.items() if self._evaluator.skip_reason(c) is None}
        return sorted(found, key=lambda i: int(snowflake(found[i].get("last_message_id")) or 0), reverse=True)

    def note_message(self, channel_id: str, message_id: str) -> None:
        """Record a message that came as the newest one of its channel."""
        if channel_id in self._channels:
            self._channels[channel_id]["last_message_id"] = message_id

    def apply(self, event: str, data: Payload) -> list[ChannelRecord]:
        """Apply an event of this guild; return the channels and threads that it changed."""
        self._public.clear()
        match event:
            case "CHANNEL_CREATE" | "CHANNEL_UPDATE":
                return self._put_channel(data, is_new=is_new(event, data))
            case "CHANNEL_DELETE":
                self._remove_channel(snowflake(data.get("id")))
            case "THREAD_CREATE" | "THREAD_UPDATE":
                return self._put_thread(data)
            case "THREAD_LIST_SYNC":
                self.unsettled += 1  # threads of a channel that became visible: archived ones are not among them
                return [record for thread in as_objects(data.get("threads")) for record in self._put_thread(thread)]
            case "THREAD_DELETE":
                self._threads.pop(str(snowflake(data.get("id"))), None)
            case _:
                return self._update_rules(_changed_rules(self._rules, event, data, self._bot_id))
        return []

    def _evaluate(self, channel_id: str) -> bool | None:
        if channel_id not in self._threads:
            channel = self._channels.get(channel_id)
            return None if channel is None else self._evaluator.is_wanted(channel)
        parent_id = self._threads[channel_id]
        return False if parent_id is None else self._evaluate(parent_id)

    def _put_channel(self, payload: Payload, *, is_new: bool) -> list[ChannelRecord]:
        channel_id = snowflake(payload.get("id"))
        if channel_id is None:
            raise ValueError("a channel without an id")
        before = self._channels.get(channel_id)
        self._channels[channel_id] = dict(payload)
        record = self._evaluator.channel(payload)
        was_read = before is not None and self._evaluator.skip_reason(before) is None
        if record and record.skip_reason is None and not was_read and not is_new:
            self.unsettled += 1  # what was made in it while it was hidden, such as threads, has had no event
        return [record] if record else []

    def _remove_channel(self, channel_id: str | None) -> None:
        self._channels.pop(str(channel_id), None)
        self._threads = {thread: parent for thread, parent in self._threads.items() if parent != channel_id}

    def _put_thread(self, payload: Payload) -> list[ChannelRecord]:
        record = thread_record(payload, None, self._hash_user) if self._note_thread(payload) else None
        return [record] if record else []

    def _note_thread(self, payload: Payload) -> bool:
        """Take note of a thread's parent; False where it has none, or no id."""
        thread_id, parent_id = snowflake(payload.get("id")), snowflake(payload.get("parent_id"))
        if thread_id is None or parent_id is None:
            return False
        self._threads[thread_id] = None if is_private_thread(payload) else parent_id
        return True

    def compare_roles(self, listed: Iterable[Payload]) -> None:
        """Note where a listing of the roles contradicts the events: then the next listing has to be a whole one."""
        self.unsettled += _permissions(listed) != self._rules.permissions

    def _update_rules(self, rules: _AccessRules) -> list[ChannelRecord]:
        """Return the channels whose skip reason the rules change: Discord sends no event of their own for that."""
        if rules == self._rules:
            return []
        self.unsettled += 1
        before = self._skip_reasons()
        self._rules = rules
        self._evaluator = self._new_evaluator()
        changed = (self._channels[i] for i, reason in self._skip_reasons().items() if reason != before[i])
        return [record for channel in changed if (record := self._evaluator.channel(channel))]

    def _skip_reasons(self) -> dict[str, SkipReason | None]:
        return {i: self._evaluator.skip_reason(channel) for i, channel in self._channels.items()}

    def _new_evaluator(self) -> ChannelEvaluator:
        rules = self._rules
        # Where its roles are unknown, all are assumed: a channel must not be reported as closed without proof.
        bot = self._bot(rules.bot_roles if rules.bot_roles is not None else frozenset(rules.permissions))
        return ChannelEvaluator(self._guild_id, self.roles, bot, self._hash_user, self._choice)

    @property
    def roles(self) -> list[Payload]:
        """The roles with their permissions."""
        return [{"id": role_id, "permissions": bits} for role_id, bits in self._rules.permissions.items()]

    def _bot(self, roles: frozenset[str]) -> Principal:
        owner_id = self._rules.owner_id
        is_owner = owner_id is not None and owner_id == self._bot_id
        return Principal(role_ids=roles | {self._guild_id}, user_id=self._bot_id, is_owner=is_owner)


def _roles_of(member: Payload) -> frozenset[str] | None:
    roles = member.get("roles")
    return frozenset(snowflakes(roles)) if isinstance(roles, list) else None


def _changed_rules(rules: _AccessRules, event: str, data: Payload, bot_id: str | None) -> _AccessRules:
    match event:
        case "GUILD_UPDATE":
            roles = _permissions(data.get("roles")) or rules.permissions
            return replace(rules, permissions=roles, owner_id=snowflake(data.get("owner_id")) or rules.owner_id)
        case "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE":
            return replace(rules, permissions={**rules.permissions, **_permissions([data.get("role")])})
        case "GUILD_ROLE_DELETE":
            gone = snowflake(data.get("role_id"))
            return replace(rules, permissions={i: bits for i, bits in rules.permissions.items() if i != gone})
        case "GUILD_MEMBER_UPDATE" if snowflake(as_object(data.get("user")).get("id")) == bot_id:
            roles_now = _roles_of(data)  # an empty list is valid
            return rules if roles_now is None else replace(rules, bot_roles=roles_now)
    return rules


def _permissions(roles: Any) -> dict[str, str]:
    return {i: str(as_bits(role.get("permissions"))) for role in as_objects(roles) if (i := snowflake(role.get("id")))}
