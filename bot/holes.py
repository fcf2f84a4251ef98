"""Where among messages it is said that something is missing, and in which words."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.ids import number
from adapters.records import SkipReason
from bot.wording import GAPS_IN_WORDS
from storage.reading import Hole, HoleKind, MessageWindow, ShownMessage
from storage.repair import GapReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownHole:
    """What is missing, in words; the times are of what is missing, where they are known."""

    words: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedHoles:
    """What is missing before each message, by its id, and behind the newest one."""

    before: dict[str, list[ShownHole]]
    behind: Sequence[ShownHole]


def place_holes(
    holes: Sequence[Hole],
    window: MessageWindow,
    skip_words: Mapping[SkipReason, str],
    *,
    previous: ShownMessage | None = None,
) -> PlacedHoles:
    """Put what is missing to its place in a window; what is missing elsewhere is left out.

    Args:
        holes: what is missing.
        window: the messages.
        skip_words: why a channel is not archived, in the words of its platform.
        previous: the message before the window: what is missing behind that one is shown at the window's beginning.
    """
    before, behind = defaultdict[str, list[ShownHole]](list), list[ShownHole]()
    for hole in holes:
        follower = next((message for message in window.messages if _is_behind(message, hole)), None)
        if follower is None:
            place = [] if window.has_newer else behind
        else:
            is_earlier = follower is window.messages[0] and window.has_older
            is_earlier &= previous is None or _is_behind(previous, hole)
            place = [] if is_earlier else before[follower.platform_id]
        if (shown := _shown(hole, skip_words)) not in place:
            place.append(shown)
    return PlacedHoles(before=dict(before), behind=behind)


def _is_behind(message: ShownMessage, hole: Hole) -> bool:
    """Whether a message comes after the place at which something is missing."""
    if hole.kind is HoleKind.SKIPPED:
        return False
    if hole.kind is HoleKind.GAP:
        return hole.since is not None and message.sent_at > hole.since
    return number(message.platform_id) > number(hole.after_id)


_WORDS: Mapping[HoleKind, str] = {
    HoleKind.UNREAD: "From here on messages may be missing: the channel has not been read to its end yet",
    HoleKind.SET_ASIDE: "A message that cannot be stored is missing here",
    HoleKind.TO_READ_AGAIN: "From here on messages may have changed; they are being read again",
}


def _shown(hole: Hole, skip_words: Mapping[SkipReason, str]) -> ShownHole:
    if hole.kind is HoleKind.GAP:
        why = GAPS_IN_WORDS[GapReason(hole.reason or "")]
        words = f"Changes were not received: {why}. What may have changed is read again"
        return ShownHole(words=words, since=hole.since, until=hole.until)
    if hole.kind is HoleKind.SKIPPED:
        why = skip_words[SkipReason(hole.reason or "")]
        return ShownHole(words=f"The channel is no longer archived: {why}", since=hole.since)
    return ShownHole(words=_WORDS[hole.kind])
