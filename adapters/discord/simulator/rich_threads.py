"""Threads of every kind, and forum and media posts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from adapters.discord.simulator.chatter import chatter
from adapters.discord.simulator.ids import WORLD_NOW, time_of
from adapters.discord.simulator.message_payloads import HAS_THREAD
from adapters.discord.simulator.model import PRIVATE_THREAD, Channel
from adapters.discord.simulator.payloads import thread_payload
from adapters.discord.simulator.scene import Scene
from adapters.discord.simulator.shapes_reply import starter
from adapters.discord.simulator.shapes_text import mentions
from adapters.discord.simulator.words import title

ARCHIVED_AT = WORLD_NOW - timedelta(days=100)


def open_thread(
    scene: Scene,
    name: str,
    kind: int = 11,
    *,
    thread_id: int | None = None,
    archived: datetime | None = None,
    pace: timedelta = timedelta(minutes=1),
    **fields: Any,
) -> Scene:
    """Add a thread to a channel, active unless ``archived`` has its time; return the scene to fill it."""
    thread_id = scene.take_id() if thread_id is None else thread_id
    owner = scene.pick(thread_id)
    given: dict[str, Any] = {
        "owner_id": owner.id,
        "create_timestamp": time_of(thread_id),
        "archive_timestamp": archived or time_of(thread_id),
        "archived": archived is not None,
        "member_ids": [owner.id],
        "invitable": True if kind == PRIVATE_THREAD else None,
    }
    place = Channel(
        id=thread_id, guild_id=scene.guild.id, type=kind, name=name, parent_id=scene.channel.id, **given | fields
    )
    scene.guild.threads[thread_id] = place
    return Scene(scene.world, scene.guild, place, scene.people, time_of(thread_id), pace)


def hang_thread(scene: Scene, name: str, **fields: Any) -> Scene:
    """Return a thread on a message: it has the message's id, and begins by pointing at it."""
    original = scene.say("worth a thread")
    inside = open_thread(scene, name, thread_id=int(original["id"]), **fields)
    shown = {"thread": thread_payload(scene.guild, inside.channel), "flags": original["flags"] | HAS_THREAD}
    scene.channel.messages.put(original | shown)
    starter(inside, original)
    inside.channel.message_count = 0
    return inside


def add_threads(scenes: dict[str, Scene]) -> None:
    """Threads active and archived, public and private, under channels that can be read and that cannot."""
    general, bot_id = scenes["general"], scenes["general"].guild.bot_id
    one = general.people[0]
    chatter(hang_thread(general, f"about {one.id} and <@{one.id}>"), 120)
    chatter(open_thread(general, "joined by the bot", member_ids=[one.id, bot_id], auto_archive_duration=60), 15)
    mentions(open_thread(general, "from before 2022", create_timestamp=None, rate_limit_per_user=30))
    chatter(hang_thread(general, "at rest", archived=ARCHIVED_AT), 101)
    chatter(open_thread(general, "locked", archived=ARCHIVED_AT + timedelta(days=1), locked=True), 4)
    open_thread(general, "without a message")
    _private_threads(general)
    chatter(open_thread(scenes["news"], "on the news", 10), 12)
    chatter(hang_thread(scenes["news"], "on old news", kind=10, archived=ARCHIVED_AT), 12)
    for name in ("staff", "hidden", "bot-blind", "bot-banished", "newcomers"):
        chatter(open_thread(scenes[name], f"active in {name}"), 3)
        chatter(open_thread(scenes[name], f"at rest in {name}", archived=ARCHIVED_AT), 3)
    _many_archived(scenes["projects"], [2, 1, 3])


def _private_threads(scene: Scene) -> None:
    """One the bot was invited to, one it knows nothing of, one at rest."""
    invited = [scene.people[1].id, scene.guild.bot_id]
    chatter(open_thread(scene, "private, with the bot", PRIVATE_THREAD, member_ids=invited), 3)
    chatter(open_thread(scene, "private, without the bot", PRIVATE_THREAD, invitable=False), 3)
    chatter(open_thread(scene, "private, at rest", PRIVATE_THREAD, archived=ARCHIVED_AT, member_ids=invited), 3)


def _many_archived(scene: Scene, sizes: Sequence[int]) -> None:
    """230 archived threads, those around each edge of a page of 100 archived at the very same instant."""
    for number in range(230):
        edge = round(number, -2)
        tied = abs(number - edge) < 6
        moment = ARCHIVED_AT - timedelta(minutes=edge if tied else number, microseconds=0 if tied else 1_001)
        inside = open_thread(scene, title(number), archived=moment)
        chatter(inside, sizes[number % len(sizes)])


def add_posts(scenes: dict[str, Scene]) -> None:
    """Forum and media posts, with tags, pinned, locked, and one whose first message is gone."""
    forum, media = scenes["forum"], scenes["media"]
    tag_ids = [tag.id for tag in forum.channel.available_tags]
    for number in range(8):
        tags = tag_ids[: number % 4]
        post(forum, title(number), 5, applied_tags=tags, archived=ARCHIVED_AT if number % 2 else None)
    post(forum, "pinned to the top", 2, flags=1 << 1)
    post(forum, "closed", 2, archived=ARCHIVED_AT, locked=True)
    headless = post(forum, "its first message is gone", 3)
    headless.channel.messages.remove(headless.channel.id)
    for number in range(3):
        inside = post(media, f"picture {number}", 2, applied_tags=[tag_ids[0]])
        inside.say("", attachments=[inside.file(f"{number}.png", 99, "image/png")])
    for name in ("staff-forum", "hidden-forum", "bot-blind-forum"):
        post(scenes[name], f"active in {name}", 2)
        post(scenes[name], f"at rest in {name}", 2, archived=ARCHIVED_AT)


def post(scene: Scene, name: str, replies: int, **fields: Any) -> Scene:
    """Return a post: a thread whose first message has its id. The forum's last message id is its newest post's id."""
    inside = open_thread(scene, name, **fields)
    inside.say("what do you think of this?", message_id=inside.channel.id)
    inside.channel.message_count = 0
    chatter(inside, replies)
    scene.channel.last_message_id = inside.channel.id
    return inside
