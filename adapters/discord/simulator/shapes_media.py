"""Files, embeds, stickers and polls, and whom their names and pictures show.

https://docs.discord.com/developers/resources/message#embed-object
"""

from datetime import timedelta

from adapters.discord.simulator.ids import iso
from adapters.discord.simulator.model import User
from adapters.discord.simulator.payloads import user_payload
from adapters.discord.simulator.scene import Scene
from adapters.discord.simulator.store import Payload


def media_shapes(scene: Scene) -> None:
    """One message of each kind of content that is no text."""
    files(scene)
    embeds(scene)
    embeds_of_people(scene)
    stickers(scene)
    polls(scene)


def files(scene: Scene) -> None:
    """Attachments: pictures, voice, clips, spoilers, files named after people."""
    one, two = scene.people[:2]
    picture = {"width": 1280, "height": 720, "placeholder": "3fcF", "placeholder_version": 1}
    scene.say("one", attachments=[scene.file("cat.png", 120_345, "image/png", **picture)])
    voice = scene.file("voice-message.ogg", 8_000, "audio/ogg", duration_secs=3.84, waveform="AAECAw==")
    scene.say(flags=1 << 13, attachments=[voice])
    described = {"description": f"a photo of <@{one.id}>", "title": f"{one.id} at work"}
    named = scene.file(f"avatar_{one.id}.png", 10, "image/png", **described)
    spoiler = scene.file("SPOILER_ending.jpg", 0, "image/jpeg", width=0, height=0)
    flagged = scene.file("ending.jpg", 5, "image/jpeg", flags=1 << 3)
    scene.say("three", attachments=[named, spoiler, flagged])
    clip = {"clip_participants": [user_payload(one), user_payload(two)], "clip_created_at": iso(scene.start)}
    application = {"id": str(scene.any_id()), "name": "Game", "icon": None, "description": "", "type": None}
    played = application | {"bot": user_payload(two), "verify_key": "0" * 64, "flags": 0, "flags_new": "0"}
    scene.say("clip", attachments=[scene.file("clip.mp4", 2**30, "video/mp4", application=played, flags=1, **clip)])
    bare = scene.file("no_type", 3)
    unsigned = scene.file("old.txt", 4, "text/plain; charset=utf-8")
    unsigned |= {key: unsigned[key].partition("?")[0] for key in ("url", "proxy_url")}
    scene.say("two", attachments=[bare, unsigned])
    scene.say(attachments=[scene.file("ephemeral.txt", 1, "text/plain", ephemeral=True, title=None)])
    twice = scene.file("first.txt", 1, "text/plain")
    scene.say("one id twice", attachments=[twice, twice | {"filename": "last.txt", "size": 2}])
    many = [scene.file(f"page {number} – ünï©ode 漢字.png", number, "image/png") for number in range(10)]
    scene.say("ten", attachments=many)


def embeds(scene: Scene) -> None:
    """Embeds of every type, full and nearly empty."""
    proxied = {"proxy_url": "https://images-ext-1.discordapp.net/external/x/https/example.com/a.png"}
    size = {"width": 600, "height": 315, "placeholder": "3fcF", "placeholder_version": 1, "flags": 0}
    picture = {"url": "https://example.com/a.png", "content_type": "image/png"} | proxied | size
    article: Payload = {
        "type": "article",
        "url": "https://example.com/a?b=c",
        "title": "Title",
        "description": "Description",
        "color": 0,
        "timestamp": iso(scene.start),
        "provider": {"name": "Example", "url": "https://example.com"},
        "author": {"name": "A newspaper", "url": "https://example.com/news"},
        "thumbnail": picture | {"description": "a drawing"},
        "footer": {"text": "Page 1", "icon_url": "https://example.com/i.png", "proxy_icon_url": proxied["proxy_url"]},
        "fields": [
            {"name": "Votes", "value": "12", "inline": True},
            {"name": "\u200b", "value": "\u200b", "inline": False},
        ],
        "image": picture | {"width": 0, "height": 0},
    }
    scene.say("https://example.com/a", embeds=[article])
    video = {"url": "https://www.youtube.com/embed/ex1", "width": 1280, "height": 720, "flags": 0}
    scene.say("https://youtu.be/ex1", embeds=[{"type": "video", "title": "Film", "video": video}])
    moving = {"type": "gifv", "provider": {"name": "Tenor", "url": "https://tenor.com"}, "video": video}
    scene.say("https://tenor.com/view/x", embeds=[moving, {"type": "image", "thumbnail": picture}])
    scene.say("suppressed", flags=4)
    scene.say("empty", embeds=[{"type": "rich"}, {"type": "link", "title": "", "fields": []}])
    scene.say("many", embeds=[{"type": "rich", "title": f"Part {number}"} for number in range(10)])


def _face(user: User) -> str:
    return f"https://cdn.discordapp.com/avatars/{user.id}/{user.avatar or '0'}.webp?size=128"


def embeds_of_people(scene: Scene) -> None:
    """What moderation and leveling bots write: people's names beside their faces, ids everywhere."""
    one, two = scene.people[4], scene.people[5]
    name = one.global_name or one.username
    log: Payload = {
        "type": "rich",
        "title": f"Message deleted ({one.id})",
        "description": f"<@{one.id}> in <#{scene.channel.id}>: https://discord.com/users/{two.id}",
        "url": f"https://example.com/case/{two.id}",
        "author": {"name": name, "icon_url": _face(one), "proxy_icon_url": _face(one)},
        "footer": {"text": two.username, "icon_url": _face(two), "proxy_icon_url": _face(two)},
        "thumbnail": {"url": _face(one), "proxy_url": _face(one), "width": 128, "height": 128},
        "image": {"url": f"https://cdn.discordapp.com/banners/{two.id}/a_{'0' * 31}.gif?size=512"},
        "fields": [
            {"name": "User", "value": f"<@!{two.id}>\n`{two.id}`", "inline": False},
            {"name": f"Moderator {one.id}", "value": f"<@{one.id}>", "inline": True},
        ],
    }
    scene.say("", embeds=[log])
    linked = {"name": two.username, "url": f"https://discord.com/users/{two.id}"}
    default = f"https://cdn.discordapp.com/embed/avatars/{(one.id >> 22) % 6}.png"
    scene.say("", embeds=[{"type": "rich", "author": linked, "footer": {"text": name, "icon_url": default}}])
    member = f"https://cdn.discordapp.com/guilds/{scene.guild.id}/users/{one.id}/avatars/{'0' * 32}.png"
    scene.say("", embeds=[{"type": "rich", "author": {"name": name, "icon_url": member, "url": "https://example.com"}}])
    whole = [{"name": one.username, "value": f"@{two.username}", "inline": False}]
    scene.say("", mentions=[user_payload(one), user_payload(two)], embeds=[{"type": "rich", "fields": whole}])


def stickers(scene: Scene) -> None:
    """Stickers, and the full objects with the users who uploaded them."""
    item = {"id": str(scene.any_id()), "name": "wave", "format_type": 1}
    scene.say(sticker_items=[item, item | {"id": str(scene.any_id()), "name": f"of {scene.people[0].id}"}])
    full = item | {"tags": "wave", "type": 2, "description": None, "available": True, "guild_id": str(scene.guild.id)}
    owned = full | {"user": user_payload(scene.people[1])}
    scene.say(stickers=[owned], sticker_items=[item])


def polls(scene: Scene) -> None:
    """Polls running, counted, finished, and one whose results are unknown."""
    one = scene.people[0]
    custom = {"id": str(scene.guild.emojis[0].id), "name": scene.guild.emojis[0].name}
    answers = [
        {"answer_id": 1, "poll_media": {"text": "Saturday", "emoji": {"id": None, "name": "🌞"}}},
        {"answer_id": 2, "poll_media": {"text": f"whenever <@{one.id}> can", "emoji": custom}},
        {"answer_id": 3, "poll_media": {"text": "never"}},
    ]
    poll: Payload = {
        "question": {"text": f"Best day? (asked by {one.id})"},
        "answers": answers,
        "expiry": iso(scene.start + timedelta(days=30)),
        "allow_multiselect": True,
        "layout_type": 1,
    }
    counts = [{"id": 1, "count": 5, "me_voted": False}, {"id": 2, "count": 0, "me_voted": False}]
    scene.say(poll=poll | {"results": {"answer_counts": counts, "is_finalized": True}})
    scene.say(poll=poll | {"results": {"answer_counts": [], "is_finalized": False}, "allow_multiselect": False})
    scene.say(poll=poll | {"results": {"answer_counts": counts[:1], "is_finalized": False}})
    scene.say(poll=poll | {"expiry": None})
