"""People talking: the ordinary messages that fill a channel between the special ones."""

from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from adapters.discord.simulator.ids import mix
from adapters.discord.simulator.model import User
from adapters.discord.simulator.payloads import user_payload
from adapters.discord.simulator.scene import Scene
from adapters.discord.simulator.store import Payload
from adapters.discord.simulator.words import clause, utterance

_EMOJI = ("👍", "❤️", "😂", "🔥", "🎉", "👀", "🙏", "😮")
_FILES = (("photo", "jpg", "image/jpeg"), ("screenshot", "png", "image/png"), ("notes", "txt", "text/plain"))


def chatter(scene: Scene, number: int, *, reacted_percent: int = 15) -> None:
    """Send ``number`` messages: 20 % replies, 8 % with attachments and embeds, some with reactions, some edited."""
    recent: deque[Payload] = deque(maxlen=12)
    for _ in range(number):
        bits = mix(scene.channel.id ^ scene.world.seed << 8 ^ len(scene.channel.messages))
        recent.append(_speak(scene, recent, bits, reacted_percent))


def _speak(scene: Scene, recent: Sequence[Payload], bits: int, reacted_percent: int) -> Payload:
    chance = [mix(bits + number) % 100 for number in range(6)]
    author, parts = speaker(scene.people, bits), Payload()
    text = utterance(bits)
    if chance[0] < 8:
        parts["attachments"] = [_file(scene, bits)]
    elif chance[0] < 16:
        parts["embeds"] = [_embed(bits)]
    if chance[1] < 5:
        parts["edited_after"] = timedelta(seconds=20 + bits % 900)
    if recent and chance[2] < 20:
        payload = scene.reply(recent[bits % len(recent)], text, author, **parts)
    elif chance[3] < 6:
        mentioned = speaker(scene.people, bits >> 7)
        payload = scene.say(f"<@{mentioned.id}> {text}", author, mentions=[user_payload(mentioned)], **parts)
    else:
        payload = scene.say(text, author, **parts)
    if chance[4] < reacted_percent:
        _react(scene, payload, bits)
    return payload


def speaker(people: Sequence[User], bits: int) -> User:
    """Return someone: a few write much, most write little."""
    first, second = bits % len(people), (bits >> 20) % len(people)
    return people[min(first, second)]


def _react(scene: Scene, payload: Payload, bits: int) -> None:
    custom = [f"<{'a' if one.animated else ''}:{one.name}:{one.id}>" for one in scene.guild.emojis]
    choice = (*_EMOJI, *custom)
    for number in range(1 + bits % 3):
        emoji = choice[(bits >> 9 + number * 3) % len(choice)]
        first = (bits >> 21 + number) % len(scene.people)
        fans = [scene.people[(first + step) % len(scene.people)] for step in range(1 + (bits >> 33 + number) % 6)]
        scene.react(payload, emoji, fans, fans[:1] if bits >> 40 & 31 == 0 else ())


def _file(scene: Scene, bits: int) -> Payload:
    name, ending, kind = _FILES[bits % len(_FILES)]
    size: Payload = {"width": 1280, "height": 720} if kind.startswith("image") else {}
    return scene.file(f"{name}-{bits % 1000}.{ending}", 1_000 + bits % 3_000_000, kind, **size)


def _embed(bits: int) -> Payload:
    return {
        "type": "article",
        "url": f"https://example.com/posts/{bits % 9973}",
        "title": clause(bits),
        "description": clause(mix(bits)),
        "provider": {"name": "Example", "url": "https://example.com"},
    }
