"""Messages that point at others: replies of every kind, forwards, crossposts, starters of threads."""

from datetime import timedelta

from adapters.discord.simulator.ids import iso, time_of
from adapters.discord.simulator.message_payloads import STARTER, nested, reference
from adapters.discord.simulator.payloads import user_payload
from adapters.discord.simulator.scene import Scene
from adapters.discord.simulator.store import Payload


def reply_shapes(scene: Scene) -> None:
    """Replies to what is there, is gone, was not fetched, and lies elsewhere."""
    original = scene.say("who has the key to the lab?")
    silent = scene.reply(original, "on the hook", mentions=[])
    scene.reply(silent, "a reply to a reply")
    gone = reference(scene.channel.id, scene.any_id(), scene.guild.id)
    scene.say("to a deleted one", kind=19, message_reference=gone, referenced_message=None)
    unknown = reference(scene.channel.id, scene.any_id(), scene.guild.id)
    scene.say("to one that Discord did not fetch", kind=19, message_reference=unknown)
    elsewhere = next(one for one in scene.guild.channels.values() if one.id != scene.channel.id)
    far = reference(elsewhere.id, scene.any_id(), scene.guild.id)
    scene.say("to another channel", kind=19, message_reference=far, referenced_message=None)
    bare = {"type": 0, "message_id": original["id"]}
    scene.say("without the channel", kind=19, message_reference=bare, referenced_message=nested(original))
    untyped = {key: value for key, value in gone.items() if key != "type"} | {"message_id": original["id"]}
    scene.say("without the type", kind=19, message_reference=untyped, referenced_message=nested(original))
    named = scene.say("I was named", author=scene.people[6])
    scene.reply(named, f"@{scene.people[6].username} right", mentions=[])
    scene.say("a reply that points nowhere", kind=19)
    scene.say("an ordinary message with a reference", message_reference=gone)


def forward_shapes(scene: Scene) -> None:
    """Forwards, which carry a copy of the original without its author."""
    user = scene.people[1]
    text = f"<@{user.id}> asked, https://discord.com/users/{user.id}"
    full = _snapshot(scene, text) | {
        "mentions": [user_payload(user)],
        "mention_roles": [str(list(scene.guild.roles)[-1])],
        "edited_timestamp": iso(scene.start + timedelta(days=2)),
        "flags": 1,
        "embeds": [_forwarded_embed(scene)],
        "attachments": [
            scene.file(
                f"clip_{user.id}.mp4",
                9_000_000,
                "video/mp4",
                duration_secs=12.5,
                waveform="AAAA",
                clip_created_at=iso(scene.start),
                clip_participants=[user_payload(user)],
                flags=1,
            )
        ],
        "stickers": [_sticker(scene)],
        "sticker_items": [{"id": str(scene.any_id()), "name": "wave", "format_type": 2}],
        "components": [{"type": 10, "id": 1, "content": f"forwarded by {user.id}"}],
    }
    _forward(scene, full)
    _forward(scene, _snapshot(scene, "plain"))
    _forward(scene, _snapshot(scene, "", kind=19) | {"type": 19})
    _forward(scene, _snapshot(scene, user.username) | {"mentions": [user_payload(user)]})
    scene.say(message_reference=_elsewhere(scene), flags=1 << 14)  # the snapshot is missing
    scene.say(message_reference=_elsewhere(scene), message_snapshots=[], flags=1 << 14)


def _forward(scene: Scene, snapshot: Payload) -> None:
    scene.say(message_reference=_elsewhere(scene), message_snapshots=[{"message": snapshot}], flags=1 << 14)


def _elsewhere(scene: Scene) -> Payload:
    return reference(scene.any_id(), scene.any_id(), scene.any_id(), kind=1)


def _snapshot(scene: Scene, content: str, kind: int = 0) -> Payload:
    return {
        "type": kind,
        "content": content,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "timestamp": iso(time_of(scene.any_id())),
        "edited_timestamp": None,
        "flags": 0,
        "components": [],
    }


def _forwarded_embed(scene: Scene) -> Payload:
    user = scene.people[2]
    picture = f"https://cdn.discordapp.com/avatars/{user.id}/{user.avatar}.png"
    return {
        "type": "rich",
        "title": f"Report {user.id}",
        "author": {"name": user.global_name or user.username, "icon_url": picture},
    }


def _sticker(scene: Scene) -> Payload:
    return {
        "id": str(scene.any_id()),
        "name": "wave",
        "tags": "wave",
        "type": 2,
        "format_type": 2,
        "description": None,
        "available": True,
        "guild_id": str(scene.guild.id),
        "user": user_payload(scene.people[3]),
    }


def starter(scene: Scene, original: Payload) -> Payload:
    """Return what stands first in a thread that hangs on a message."""
    return scene.say(
        kind=STARTER,
        message_reference=reference(int(original["channel_id"]), int(original["id"]), scene.guild.id),
        referenced_message=nested(original),
    )


def crosspost_shapes(scene: Scene) -> None:
    """Announcements as followed, as published, and as taken back at the source."""
    scene.say("published", flags=1)
    source = reference(scene.any_id(), scene.any_id(), scene.any_id())
    hook = str(scene.any_id())
    author = user_payload(scene.people[4]) | {"id": hook, "username": "zq_followed #news", "bot": True, "avatar": None}
    scene.say("followed", author | {"global_name": None}, flags=2, message_reference=source, webhook_id=hook)
    scene.say("[Original Message Deleted]", author, flags=2 | 8, message_reference=source, webhook_id=hook)
