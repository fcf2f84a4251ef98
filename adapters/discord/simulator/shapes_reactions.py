"""Reactions of every kind and number, and messages as they should never be."""

from adapters.discord.simulator.payloads import user_payload
from adapters.discord.simulator.scene import Scene


def reaction_shapes(scene: Scene) -> None:
    """Unicode, custom, animated, nameless and burst ones; by one, by a hundred, by more than a page holds."""
    people = list(scene.people)
    still, moving = scene.guild.emojis[:2]
    few = scene.say("few")
    scene.react(few, "👍", people[:3])
    scene.react(few, f"{still.name}:{still.id}", people[2:4])
    scene.react(few, f"<a:{moving.name}:{moving.id}>", people[5:6])
    scene.react(scene.say("exactly a page"), "🔥", people[:100])
    scene.react(scene.say("a page and one"), "🔥", people[:101])
    many = scene.say("more than two pages")
    scene.react(many, "❤️", people[:250], people[200:320])
    scene.react(many, f"<a:{moving.name}:{moving.id}>", people[50:160])
    scene.react(scene.say("burst alone"), "🎉", [], people[10:13])
    both = scene.say("the same people in both ways")
    scene.react(both, "👀", people[:4], people[:4])
    nameless = scene.say("an emoji whose name Discord forgot")
    scene.react(nameless, f":{scene.any_id()}", people[3:6])
    scene.react(nameless, f"deleted_one:{scene.any_id()}", people[3:5])
    flags = scene.say("emoji of several code points")
    for emoji in ("🏳️‍🌈", "👩🏽‍🚒", "1️⃣", "🇩🇪", "❤", "❤️"):
        scene.react(flags, emoji, people[:2])
    by_bot = scene.say("by the bot itself")
    scene.react(by_bot, "✅", [scene.world.bot])


def odd_shapes(scene: Scene) -> None:
    """Payloads as Discord's description forbids them and as archives have met them all the same."""
    message = scene.say("no time")
    scene.channel.messages.put({key: value for key, value in message.items() if key != "timestamp"})
    scene.say("unreadable time", timestamp="yesterday")
    nobody = scene.say("no author")
    scene.channel.messages.put({key: value for key, value in nobody.items() if key != "author"})
    scene.say("nothing where something should be", mentions=None, embeds=None, attachments=None, components=None)
    scene.channel.messages.put(scene.say() | {"content": None, "edited_timestamp": None, "flags": None})
    emoji = {"emoji": {"id": None, "name": None}, "count": 2, "me": False, "me_burst": False, "burst_colors": []}
    other = emoji | {"emoji": {"id": None, "name": "👍"}, "count": 1, "count_details": {"burst": 0, "normal": 1}}
    scene.say("a reaction to nothing", reactions=[emoji | {"count_details": {"burst": 0, "normal": 2}}, other])
    scene.say("a field nobody knows", new_field={"user": user_payload(scene.people[0])})
