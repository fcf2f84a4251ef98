"""Platforms by name. A new one is a folder beside adapters/discord and an entry here.

What an entry says is all that is asked of a platform before it is connected: by the configuration, by commands that run
without a daemon, and wherever an id or a token has to be recognized. What its adapter does is
said by adapters/base.py, and `tests/contract_adapter/` is what it has to pass.
"""

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.config import DiscordOptions
from adapters.platform import Platform

# A platform's name begins the ids of its tenants, as in discord-<guild id>, and is the name of its section in the
# configuration. It holds no hyphen, because the first one in a tenant's id ends it, and it is never changed: archives
# hold it.
PLATFORMS: dict[str, Platform] = {
    "discord": Platform(
        options=DiscordOptions,
        token_variable="DISCORD_BOT_TOKEN",  # noqa: S106 (a name)
        id_pattern=DiscordAdapter.id_pattern,
        user_id_pattern=DiscordAdapter.user_id_pattern,
        words=DiscordAdapter.words,
        make=DiscordAdapter,
        message_url=DiscordAdapter.message_url,
    ),
}
