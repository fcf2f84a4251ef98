"""Accounts and the application as Discord's API writes them.

https://docs.discord.com/developers/resources/user
"""

from adapters.discord.simulator.model import User, World
from adapters.discord.simulator.store import Payload


def user_payload(user: User) -> Payload:
    """Return an account as everyone sees it."""
    payload: Payload = {
        "id": str(user.id),
        "username": user.username,
        "avatar": user.avatar,
        "discriminator": user.discriminator,
        "public_flags": 0,
        "flags": 0,
        "banner": user.banner,
        "accent_color": None,
        "global_name": user.global_name,
        "avatar_decoration_data": None,
        "collectibles": None,
        "primary_guild": None,
    }
    if user.decoration:
        payload["avatar_decoration_data"] = {"asset": f"a_{user.decoration}", "sku_id": "1144058844004233369"}
    if user.tag:
        home = {"identity_guild_id": "612345678901234567", "identity_enabled": True, "badge": user.decoration}
        payload["primary_guild"] = home | {"tag": user.tag}
    if user.bot:
        payload["bot"] = True
    if user.system:
        payload["system"] = True
    return payload


def self_user_payload(world: World) -> Payload:
    """GET /users/@me."""
    private = {"mfa_enabled": True, "locale": "en-US", "email": None, "verified": True}
    return user_payload(world.bot) | private


def ready_user(world: World) -> Payload:
    """``user`` of the gateway's READY."""
    return self_user_payload(world)


def application_payload(world: World) -> Payload:
    """GET /oauth2/applications/@me."""
    owner = User(id=world.bot.id - 1, username="zq_appowner", global_name="Zq Appowner")
    return {
        "id": str(world.application_id),
        "name": "Archive",
        "icon": None,
        "description": "",
        "type": None,
        "bot": user_payload(world.bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": world.application_flags,
        "flags_new": str(world.application_flags),
        "tags": [],
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user_payload(owner),
        "approximate_guild_count": len(world.guilds),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": ["bot"],
    }
