"""Request a guild's roles, channels and the bot's own roles by REST, and evaluate who may read which channel."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from adapters.discord.convert import Payload, as_objects, snowflake, snowflakes
from adapters.discord.gateway import GatewayClient
from adapters.discord.permissions import ChannelEvaluator, Principal
from adapters.discord.rest import RestClient
from adapters.errors import ChannelUnreadable, NoSuchCall, TenantUnavailable
from adapters.pages import Access
from adapters.privacy import HashUser
from adapters.records import ChannelRecord
from adapters.slices import in_slices

T = TypeVar("T")


class GuildEvaluation:
    """Evaluates one guild; an answer that is impossible (such as roles without @everyone) counts as a failed call."""

    def __init__(self, client: GatewayClient, guild_id: int, rest: RestClient, hash_user: HashUser) -> None:
        self._client = client
        self._http = client.http
        self._guild_id = guild_id
        self._rest = rest
        self._hash_user = hash_user

    async def listing(self, *, only_channels: bool = False) -> tuple[ChannelRecord, ...]:
        """List the channels and the active threads: three requests, and the bot's roles from the gateway's payloads.

        ``only_channels`` leaves out the threads, and takes all roles from the gateway's payloads: one request.
        """
        bot = self._bot_by_gateway() or await self._bot_by_rest()
        known = self._client.roles(self._guild_id) if only_channels else []
        found, evaluator = await self._channels(bot, None if self._roles_fault(known) else known)
        if only_channels:
            return tuple(found)
        active = await self._call(lambda: self._http.get_active_threads(self._guild_id), dict, _active_fault)
        threads = await in_slices(as_objects(active.get("threads")), evaluator.thread)
        return (*found, *(thread for thread in threads if thread))

    async def access(self) -> Access:
        """Evaluate the current read access and the bot's roles: three requests, four where the bot may be the owner."""
        found, _ = await self._channels(await self._bot_by_rest())
        return Access(frozenset(record.platform_id for record in found if record.skip_reason is None))

    async def confirm_membership(self) -> None:
        """Request the guild itself: one request.

        Raises:
            TenantUnavailable: the bot is no longer in it.
        """
        try:
            await self._call(lambda: self._http.get_guild(self._guild_id, with_counts=False), dict)
        except NoSuchCall:  # a server that is not Discord's
            await self._call(lambda: self._http.get_roles(self._guild_id), list, self._roles_fault)

    async def _channels(
        self, bot: Principal, known_roles: list[Payload] | None = None
    ) -> tuple[list[ChannelRecord], ChannelEvaluator]:
        guild_id = self._guild_id
        channels = await self._call(lambda: self._http.get_all_guild_channels(guild_id), list, self._channels_fault)
        roles: list[Any] | None = known_roles
        if roles is None:
            roles = await self._call(lambda: self._http.get_roles(guild_id), list, self._roles_fault)
            self._client.compare_roles(guild_id, as_objects(roles))
        evaluator = ChannelEvaluator(str(guild_id), as_objects(roles), bot, self._hash_user, self._client.choice)
        listed = as_objects(channels)
        shown = {snowflake(channel.get("id")) for channel in listed}
        hidden = [channel for i, channel in self._client.hidden_channels(guild_id).items() if i not in shown]
        found = await in_slices([*listed, *hidden], evaluator.channel)
        return [record for record in found if record], evaluator

    def _channels_fault(self, channels: list[Any]) -> str | None:
        if not as_objects(channels) and self._client.readable_channels(self._guild_id):
            return "Discord listed no channel of a guild that has some"
        return None

    def _roles_fault(self, roles: list[Any]) -> str | None:
        everyone = str(self._guild_id)
        for role in as_objects(roles):
            if snowflake(role.get("id")) == everyone and snowflake(role.get("permissions")) is not None:
                return None
        return "Discord listed roles without @everyone"

    def _bot_by_gateway(self) -> Principal | None:
        """Return the bot by the gateway's payloads; None where they did not contain its roles."""
        if not self._client.is_there(self._guild_id):
            raise TenantUnavailable("the bot is not in this guild at present, or Discord has an outage there")
        return self._client.principal(self._guild_id)

    async def _bot_by_rest(self) -> Principal:
        bot_id = self._client.login.bot_id
        if bot_id is None:
            raise TenantUnavailable("the bot is not logged in at present")
        try:
            member = await self._call(lambda: self._http.get_member(self._guild_id, int(bot_id)), dict, _member_fault)
        except NoSuchCall:  # a server that is not Discord's: the gateway knows the roles too
            if (known := self._bot_by_gateway()) is None:
                raise
            return known
        roles = frozenset(snowflakes(member.get("roles"))) | {str(self._guild_id)}
        return Principal(role_ids=roles, user_id=bot_id, is_owner=await self._owns_guild(bot_id))

    async def _owns_guild(self, user_id: str) -> bool:
        known = self._client.principal(self._guild_id)
        if known is not None and not known.is_owner:
            return False  # ownership is not acquired unnoticed, and False can only grant too little
        guild = await self._call(lambda: self._http.get_guild(self._guild_id, with_counts=False), dict)
        return snowflake(guild.get("owner_id")) == user_id

    async def _call(
        self,
        send: Callable[[], Coroutine[Any, Any, Any]],
        expected: type[T],
        fault_of: Callable[[T], str | None] | None = None,
    ) -> T:
        try:
            return await self._rest.call(send, expected, fault_of=fault_of)
        except ChannelUnreadable as e:
            raise TenantUnavailable("Discord no longer lets the bot into this guild") from e


def _active_fault(answer: Payload) -> str | None:
    return None if isinstance(answer.get("threads"), list) else "Discord listed no threads where a list was due"


def _member_fault(member: Payload) -> str | None:
    return None if isinstance(member.get("roles"), list) else "Discord described a member without roles"
