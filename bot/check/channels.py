"""Which channels of a community are archived, and why the others are not, in words for its administrator."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.records import ChannelRecord, ChannelType, SkipReason
from adapters.words import PlatformWords

_NAMES_SHOWN = 12

# The meaning of each reason with a remedy, where the platform has no words of its own, and whether an operator may want
# to act.
_REASONS: dict[SkipReason, tuple[str, bool]] = {
    SkipReason.BOT_LACKS_ACCESS: (
        "everyone may read them, the bot may not: give it access there, if they are to be archived",
        True,
    ),
    SkipReason.OBFUSCATED: (
        "hidden from the bot, which cannot know what they are: if everyone may read them, give it access there",
        False,
    ),
    SkipReason.NOT_PUBLIC: ("not everyone may read them: private by design, nothing to do", False),
    SkipReason.EXCLUDED: (
        "left out by include or exclude in the configuration; what was archived of them stays",
        False,
    ),
    SkipReason.UNSUPPORTED: ("they hold no messages that could be archived, such as categories; nothing to do", False),
    SkipReason.DELETED: ("they were deleted; what was archived of them stays", False),
}


@dataclass(frozen=True, slots=True)
class Skipped:
    """The channels that one reason keeps out."""

    text: str
    is_warning: bool


@dataclass(frozen=True, slots=True)
class ListingSummary:
    """What a sync would read now."""

    archived_text: str
    skipped: list[Skipped]


def summarize(channels: Sequence[ChannelRecord], words: PlatformWords) -> ListingSummary:
    """Summarize which channels would be archived and why the others would not; threads count with their channels.

    ``words`` are the platform's.
    """
    archived: Counter[ChannelType] = Counter()
    kept_out: defaultdict[SkipReason, list[ChannelRecord]] = defaultdict(list)
    by_id = {channel.platform_id: channel for channel in channels}
    for channel in channels:
        reason = _reason(channel, by_id)
        if reason is None:
            archived[channel.type] += 1
        else:
            kept_out[reason].append(channel)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(archived.items()))
    text = f"archived: {archived.total()}" + (f" ({kinds})" if kinds else "")
    skipped = [_skipped(reason, kept_out[reason], words) for reason in _REASONS if reason in kept_out]
    return ListingSummary(text, skipped)


def _reason(channel: ChannelRecord, by_id: dict[str, ChannelRecord]) -> SkipReason | None:
    parent = by_id.get(channel.parent_platform_id or "")
    if channel.skip_reason is not None or channel.type is not ChannelType.THREAD or parent is None:
        return channel.skip_reason
    return parent.skip_reason


def _skipped(reason: SkipReason, channels: list[ChannelRecord], words: PlatformWords) -> Skipped:
    meaning, is_warning = _REASONS[reason]
    meaning = words.skipped_channels.get(reason, meaning)
    names = [channel.name or channel.platform_id for channel in channels[:_NAMES_SHOWN]]
    more = len(channels) - len(names)
    shown = ", ".join(names) + (f" and {more} more" if more else "")
    return Skipped(f"skipped as {reason}: {len(channels)} ({meaning}): {shown}", is_warning)
