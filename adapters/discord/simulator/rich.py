"""The world that holds one of everything: what an archive is compared with, row by row."""

from adapters.discord.simulator.chatter import chatter
from adapters.discord.simulator.crowd import bot, crowd
from adapters.discord.simulator.model import Emoji, Overwrite, Role, User, World
from adapters.discord.simulator.permissions import ADMINISTRATOR, ORDINARY, READ_MESSAGE_HISTORY, VIEW_CHANNEL
from adapters.discord.simulator.rich_channels import add_channels, plain_channel
from adapters.discord.simulator.rich_threads import add_posts, add_threads
from adapters.discord.simulator.scene import Scene
from adapters.discord.simulator.shapes_apps import app_shapes
from adapters.discord.simulator.shapes_components import component_shapes
from adapters.discord.simulator.shapes_media import media_shapes
from adapters.discord.simulator.shapes_reactions import odd_shapes, reaction_shapes
from adapters.discord.simulator.shapes_reply import crosspost_shapes, forward_shapes, reply_shapes
from adapters.discord.simulator.shapes_system import starter_shown_in_parent, system_shapes
from adapters.discord.simulator.shapes_text import text_shapes
from adapters.discord.simulator.uniform import new_guild, new_world

_DISCORD = User(id=643945264868098049, username="zq_discord", discriminator="0000", bot=True, system=True)
_DELETED = User(id=456226577798135808, username="zq_deleted_user_81f2", discriminator="0000")


def rich_world(seed: int = 1) -> World:
    """Three guilds: one with everything in it, an open one, and a closed one."""
    world = new_world(seed)
    _main_guild(world)
    _open_guild(world)
    _closed_guild(world)
    return world


def _cast(seed: int) -> list[User]:
    """People, some with names that are hard to find or to replace: one the beginning of another, one of one letter."""
    people = crowd(seed, 340)
    people[0].avatar = people[1].avatar = people[4].avatar = "0" * 15 + "a" * 17
    people[4].global_name, people[5].global_name = "Zq Fourth", None
    people[6].username, people[6].global_name = "zq_ana", None
    people[7].username, people[7].global_name = "zq_anabel", "Zq Anabel"
    people[8].username, people[8].global_name = "zq_odd", "Zq (C+)[x]|^$.* Ünï 🦊"
    people[9].username, people[9].discriminator, people[9].global_name = "zq_oldtimer", "0042", None
    people[10].username, people[10].global_name = "zq_single", "Z"
    people[11] = _DELETED
    return people


def _main_guild(world: World) -> None:
    people = _cast(world.seed)
    bots = [bot(world.seed, number, name) for number, name in enumerate(("helper", "guard", "music"))]
    guild = new_guild(world, 0, f"Garden of {people[0].id} 🌱", [*people, *bots, _DISCORD])
    guild.description = f"Ask <@{people[0].id}>"
    guild.bot_nick = "zq~archive~nick"
    guild.nicks = {user.id: f"zq~nick~{user.id % 997}" for user in people[:40]}
    guild.emojis = [
        Emoji(guild.id + 500, "sprout", user_id=people[1].id),
        Emoji(guild.id + 501, "spin", animated=True, user_id=people[2].id),
    ]
    guild.roles[guild.id + 2] = Role(guild.id + 2, "Gardeners", ORDINARY, position=2, mentionable=True)
    guild.roles[guild.id + 3] = Role(guild.id + 3, "Muted", 0, position=3)
    guild.bot_role_ids += [guild.id + 2, guild.id + 3]
    places = add_channels(guild, people)
    scenes = {name: Scene(world, guild, channel, people) for name, channel in places.items()}
    add_threads(scenes)
    add_posts(scenes)
    _fill(scenes, bots)
    _leave_traces_of_deletion(scenes)


def _fill(scenes: dict[str, Scene], bots: list[User]) -> None:
    """Every shape of message, in channels of their own and once more between ordinary talk."""
    chatter(scenes["general"], 403, reacted_percent=6)
    text_shapes(scenes["texts"])
    reply_shapes(scenes["replies"])
    forward_shapes(scenes["replies"])
    starter_shown_in_parent(scenes["replies"])
    crosspost_shapes(scenes["news"])
    system_shapes(scenes["system"], _DISCORD)
    app_shapes(scenes["apps"], bots)
    component_shapes(scenes["components"], bots[0])
    media_shapes(scenes["media-files"])
    reaction_shapes(scenes["reactions"])
    odd_shapes(scenes["oddities"])
    chatter(scenes["general"], 97, reacted_percent=6)
    text_shapes(scenes["general"])
    reaction_shapes(scenes["general"])
    for name, number in (("news", 60), ("rules", 100), ("voice", 150), ("stage", 20), ("projects", 200), ("one", 1)):
        chatter(scenes[name], number, reacted_percent=6)
    for name in ("staff", "newcomers", "bot-blind", "hidden", "bot-banished", "voice-closed", "voice-bot-shut"):
        chatter(scenes[name], 30)


def _leave_traces_of_deletion(scenes: dict[str, Scene]) -> None:
    """Deleted messages: a channel's newest, a channel's only one, and the original of replies."""
    for name in ("rules", "emptied"):
        scene = scenes[name]
        newest = scene.say("gone", scene.people[0])
        scene.channel.messages.remove(int(newest["id"]))
    scene = scenes["general"]
    original = scene.say("soon gone")
    scene.reply(original, "what did it say?")
    scene.channel.messages.remove(int(original["id"]))


def _open_guild(world: World) -> None:
    """@everyone is ADMINISTRATOR, by mistake: no overwrite hides anything."""
    guild = new_guild(world, 1, "Open House", crowd(world.seed + 1, 30))
    guild.everyone.permissions = ADMINISTRATOR
    people = list(guild.users.values())[:-1]
    nobody = Overwrite(guild.id, 0, deny=VIEW_CHANNEL | READ_MESSAGE_HISTORY)
    for number in range(4):
        channel = plain_channel(guild, 10 + number, f"room-{number}", overwrites=[nobody] if number else [])
        chatter(Scene(world, guild, channel, people), 105, reacted_percent=6)


def _closed_guild(world: World) -> None:
    """@everyone sees nothing but what one channel allows; the bot is ADMINISTRATOR and sees all."""
    guild = new_guild(world, 2, "Closed Circle", crowd(world.seed + 2, 30))
    guild.everyone.permissions = 0
    guild.roles[guild.bot_role_ids[-1]].permissions = ADMINISTRATOR
    people = list(guild.users.values())[:-1]
    visible = Overwrite(guild.id, 0, allow=VIEW_CHANNEL | READ_MESSAGE_HISTORY)
    for number, rules in enumerate(([visible], [], [Overwrite(guild.id, 0, allow=VIEW_CHANNEL)])):
        channel = plain_channel(guild, 10 + number, f"circle-{number}", overwrites=rules)
        chatter(Scene(world, guild, channel, people), 105, reacted_percent=6)
