"""The REST API v10, as far as the product and discord.py ask it. Every route answers from the world in memory.

https://docs.discord.com/developers/resources/message
"""

import time
from typing import Any

from aiohttp import web

from adapters.discord.simulator.channel_payloads import threads_listing
from adapters.discord.simulator.edge import Edge, Route
from adapters.discord.simulator.gateway import Gateway
from adapters.discord.simulator.ids import mix
from adapters.discord.simulator.message_payloads import sign_anew
from adapters.discord.simulator.model import Guild, World
from adapters.discord.simulator.payloads import (
    active_threads,
    application_payload,
    archived_threads,
    channel_payload,
    guild_payload,
    member_payload,
    rest_channels,
    role_payload,
    self_user_payload,
)
from adapters.discord.simulator.permissions import can_read, can_view
from adapters.discord.simulator.places import Places
from adapters.discord.simulator.privilege import blank
from adapters.discord.simulator.query import anchor, path_id, query_bool, query_id, query_int, query_time
from adapters.discord.simulator.responses import (
    Refused,
    json_answer,
    json_bytes,
    missing_access,
    unknown,
    unknown_route,
)
from adapters.discord.simulator.search import newest_pins, search
from adapters.discord.simulator.store import Payload

WITH_THREADS = frozenset((0, 5, 15, 16))
WITHOUT_MESSAGES = frozenset((4, 14, 15, 16))  # category, directory, forum, media


class Rest:
    """The routes.

    short_pages     the share (0 to 1) of message pages that hold fewer than requested, mid-channel
    shuffles_ties   whether messages are ordered by time alone: those of one millisecond in random order
    signs_anew      whether expired links of files are answered with new signatures, as Discord does; off by default,
                    so that an archive can be compared with its world address by address
    """

    def __init__(self, world: World, gateway: Gateway, *, seed: int = 0) -> None:
        self.world = world
        self.short_pages = 0.0
        self.shuffles_ties = False
        self.signs_anew = False
        self._gateway = gateway
        self._places = Places(world)
        self._seed = seed

    def add_routes(self, application: web.Application, edge: Edge, base: str) -> None:
        """Hang the routes into the HTTP server, each behind the edge."""
        for template, route in self._routes().items():
            application.router.add_get(base + template, edge.guard(template, route), allow_head=False)
        application.router.add_route("*", base + "/{rest:.*}", edge.guard("unknown", _no_route))

    def _routes(self) -> dict[str, Route]:
        return {
            "/channels/{channel_id}/messages": self.messages,
            "/channels/{channel_id}/messages/pins": self.pins,
            "/channels/{channel_id}/messages/{message_id}": self.message,
            "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}": self.reactions,
            "/channels/{channel_id}/threads/archived/public": self.archived,
            "/channels/{channel_id}": self.channel,
            "/guilds/{guild_id}": self.guild,
            "/guilds/{guild_id}/channels": self.channels,
            "/guilds/{guild_id}/roles": self.roles,
            "/guilds/{guild_id}/members/{user_id}": self.member,
            "/guilds/{guild_id}/threads/active": lambda r: json_answer(
                active_threads(self.world, self._places.guild(r))
            ),
            "/guilds/{guild_id}/messages/search": self.search,
            "/users/@me": lambda _: json_answer(self_user_payload(self.world)),
            "/users/@me/guilds": self.my_guilds,
            "/oauth2/applications/@me": lambda _: json_answer(application_payload(self.world)),
            "/applications/@me": lambda _: json_answer(application_payload(self.world)),
            "/gateway": lambda _: json_answer({"url": self._gateway.url}),
            "/gateway/bot": lambda _: json_answer(self._gateway.start_payload()),
        }

    def messages(self, request: web.Request) -> web.Response:
        """Return a page of a channel, newest first."""
        guild, channel = self._places.open_channel(request)
        if channel.type in WITHOUT_MESSAGES:
            raise Refused(400, 50024, "Cannot execute action on this channel type")
        limit = query_int(request, "limit", default=50, least=1, most=100)
        direction, edge_id = anchor(request)
        if not can_read(guild, channel):
            return json_answer([])  # not a 403: the channel looks empty
        store = channel.messages
        limit = self._shortened(limit, channel.id, edge_id or 0)
        after, before, around = (edge_id if direction == name else None for name in ("after", "before", "around"))
        if self.shuffles_ties and after is not None:
            return json_answer(self._by_time(store.page(after=after, limit=len(store)))[-limit:])
        if self.world.sees_content and around is None:
            page_json = store.page_json(after=after, before=before, limit=limit)
            return json_bytes(sign_anew(page_json, time.time()) if self.signs_anew else page_json)
        page = store.page(after=after, before=before, around=around, limit=limit)
        return json_answer([self._seen(message) for message in page])

    def message(self, request: web.Request) -> web.Response:
        """Return one message."""
        _, message = self._places.message(request)
        return json_answer(self._seen(message))

    def reactions(self, request: web.Request) -> web.Response:
        """Return who gave an emoji to a message, by rising user id."""
        channel, message = self._places.message(request)
        emoji = request.match_info["emoji_name"]
        limit = query_int(request, "limit", default=25, least=1, most=100)
        kind = query_int(request, "type", default=0, least=0, most=1)
        after = query_id(request, "after")
        users = channel.messages.reaction_users(int(message["id"]), emoji, kind, after, limit)
        if users is None or not _is_emoji(emoji):
            raise unknown("Emoji", 10014)
        return json_answer(users)

    def pins(self, request: web.Request) -> web.Response:
        """Return what is pinned in a channel, the newest first."""
        guild, channel = self._places.open_channel(request)
        limit = query_int(request, "limit", default=50, least=1, most=50)
        before = query_time(request, "before")
        found = newest_pins(channel, before, limit + 1) if can_read(guild, channel) else []
        items = [item | {"message": self._seen(item["message"])} for item in found[:limit]]
        return json_answer({"items": items, "has_more": len(found) > limit})

    def active(self, request: web.Request) -> web.Response:
        """Return a guild's active threads, all at once."""
        return json_answer(active_threads(self.world, self._places.guild(request)))

    def archived(self, request: web.Request) -> web.Response:
        """Return a channel's archived public threads, the last archived first."""
        guild, channel = self._places.read_channel(request)
        if channel.type not in WITH_THREADS:
            raise Refused(400, 50024, "Cannot execute action on this channel type")
        limit = query_int(request, "limit", default=50, least=2, most=100)
        threads, has_more = archived_threads(self.world, guild, channel.id, query_time(request, "before"), limit)
        return json_answer(threads_listing(guild, threads, has_more))

    def channel(self, request: web.Request) -> web.Response:
        """Return one channel or thread."""
        guild, channel = self._places.known_channel(request)
        if not can_view(guild, channel):
            raise missing_access()
        return json_answer(channel_payload(self.world, guild, channel))

    def guild(self, request: web.Request) -> web.Response:
        """Return one guild."""
        guild = self._places.guild(request)
        payload = guild_payload(guild)
        if query_bool(request, "with_counts"):
            payload |= _counts(guild)
        return json_answer(payload)

    def channels(self, request: web.Request) -> web.Response:
        """Return a guild's channels, without what the bot cannot view."""
        return json_answer(rest_channels(self.world, self._places.guild(request)))

    def roles(self, request: web.Request) -> web.Response:
        """Return a guild's roles."""
        return json_answer([role_payload(role) for role in self._places.guild(request).roles.values()])

    def member(self, request: web.Request) -> web.Response:
        """Return one member, the bot itself above all."""
        guild, user_id = self._places.guild(request), path_id(request, "user_id")
        user = self.world.bot if user_id == self.world.bot.id else guild.users.get(user_id)
        if user is None:
            raise unknown("Member", 10007)
        return json_answer(member_payload(guild, user))

    def my_guilds(self, request: web.Request) -> web.Response:
        """Return the guilds that the bot is in."""
        limit = query_int(request, "limit", default=200, least=1, most=200)
        after = query_id(request, "after") or 0
        guilds = sorted((guild for guild in self.world.guilds.values() if guild.id > after), key=lambda g: g.id)
        with_counts = query_bool(request, "with_counts")
        return json_answer([_my_guild(guild, self.world.bot.id, with_counts=with_counts) for guild in guilds[:limit]])

    def search(self, request: web.Request) -> web.Response:
        """Return how many messages there are, and the newest of them."""
        guild = self._places.guild(request)
        limit = query_int(request, "limit", default=25, least=1, most=25)
        offset = query_int(request, "offset", default=0, least=0, most=9975)
        wanted = {int(text) for text in request.query.getall("channel_id", []) if text.isdecimal()}
        include_nsfw = request.query.get("include_nsfw", "").lower() in ("true", "1")
        total, messages = search(guild, wanted, include_nsfw=include_nsfw, offset=offset, limit=limit)
        body = {
            "messages": [[self._seen(message)] for message in messages],
            "doing_deep_historical_index": False,
            "total_results": total,
        }
        return json_answer(body)

    def _by_time(self, page: list[Payload]) -> list[Payload]:
        return sorted(page, key=lambda m: (int(m["id"]) >> 22, mix(self._seed ^ int(m["id"]))), reverse=True)

    def _shortened(self, limit: int, channel_id: int, edge_id: int) -> int:
        """Return a page's length, by a chance that is the same for the same page."""
        if self.short_pages and limit > 1:
            chance = mix(self._seed ^ channel_id ^ edge_id)
            if chance % 1000 < self.short_pages * 1000:
                return 1 + (chance >> 10) % (limit - 1)
        return limit

    def _seen(self, message: Payload) -> Payload:
        return message if self.world.sees_content else blank(message, str(self.world.bot.id))


def _is_emoji(text: str) -> bool:
    """Return whether Discord could know it: `name:id`, or some character beyond ASCII."""
    _, colon, emoji_id = text.rpartition(":")
    return bool(colon and emoji_id.isdecimal()) or not text.isascii()


def _my_guild(guild: Guild, bot_id: int, *, with_counts: bool) -> dict[str, Any]:
    payload = {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "banner": None,
        "owner": guild.owner_id == bot_id,
        "permissions": str(guild.everyone.permissions),
        "features": ["COMMUNITY"],
    }
    return payload | _counts(guild) if with_counts else payload


def _counts(guild: Guild) -> dict[str, int]:
    members = len({*guild.users, guild.bot_id}) if guild.approximate_members is None else guild.approximate_members
    return {"approximate_member_count": members, "approximate_presence_count": min(members, 3)}


def _no_route(_: web.Request) -> web.Response:
    raise unknown_route()
