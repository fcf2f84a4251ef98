"""The door to reading the archive: windows of messages, and what a reader is shown around them."""

from storage.reading.channels import (
    SHOWN_CHANNELS,
    channel_names,
    channel_of,
    channel_of_row,
    threads_of,
)
from storage.reading.days import days_with_messages, ends_of, first_and_newest
from storage.reading.holes import Hole, HoleKind, holes_of
from storage.reading.links import (
    Answer,
    Answers,
    MessageLinks,
    Original,
    answers_to,
    links_of,
    originals_of,
    threads_on,
)
from storage.reading.model import ShownAttachment, ShownChannel, ShownMessage, ShownReaction
from storage.reading.rows import (
    SHOWN_MESSAGES,
    MessageKey,
    load_by_key,
    load_hanging,
    messages_by_key,
)
from storage.reading.statistics import ChannelActivity, DayActivity, ReactionUse, Statistics, statistics
from storage.reading.walks import (
    FIRST,
    LAST,
    Position,
    channel_pages,
    find_position,
    position_of,
    walk_back,
    walk_forth,
)
from storage.reading.windows import MessageWindow, day_window, messages_after, messages_around, messages_before

__all__ = [
    "FIRST",
    "LAST",
    "SHOWN_CHANNELS",
    "SHOWN_MESSAGES",
    "Answer",
    "Answers",
    "ChannelActivity",
    "DayActivity",
    "Hole",
    "HoleKind",
    "MessageKey",
    "MessageLinks",
    "MessageWindow",
    "Original",
    "Position",
    "ReactionUse",
    "ShownAttachment",
    "ShownChannel",
    "ShownMessage",
    "ShownReaction",
    "Statistics",
    "answers_to",
    "channel_names",
    "channel_of",
    "channel_of_row",
    "channel_pages",
    "day_window",
    "days_with_messages",
    "ends_of",
    "find_position",
    "first_and_newest",
    "holes_of",
    "links_of",
    "load_by_key",
    "load_hanging",
    "messages_after",
    "messages_around",
    "messages_before",
    "messages_by_key",
    "originals_of",
    "position_of",
    "statistics",
    "threads_of",
    "threads_on",
    "walk_back",
    "walk_forth",
]
