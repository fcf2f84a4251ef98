"""A window into a channel as a page shows it: by day, with gaps where they are, and links between messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date

from markupsafe import Markup

from adapters.ids import number
from adapters.records import SkipReason
from bot.holes import ShownHole, place_holes
from bot.pages.addresses import Addresses, LinkedMessage
from bot.pages.emoji import Pictures, emoji_as_html
from bot.pages.markup import Place, as_html, as_words, channels_named
from bot.pages.message_words import emoji_in_words
from storage import reading
from storage.connection import Readable
from storage.reading import Answers, Hole, MessageLinks, MessageWindow, Original, ShownChannel, ShownMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A message, or what is missing between two."""

    message: ShownMessage | None = None
    hole: ShownHole | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfEntries:
    """What was written on one day (UTC)."""

    day: date
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What is shown of a channel; ``at`` is the message that was requested."""

    channel: ShownChannel
    window: MessageWindow
    days: Sequence[DayOfEntries]
    behind: Sequence[ShownHole]  # what is missing behind the newest message
    links: MessageLinks
    place: Place
    shown_ids: frozenset[str]
    at: str | None
    prefix: str  # of the messages' ids on the page: two conversations may stand beside each other
    shown_from: str | None  # the page that this becomes a part of shows all messages from this one on

    @property
    def first_id(self) -> str | None:
        """The first message that is shown."""
        return self.window.messages[0].platform_id if self.window.messages else None

    @property
    def last_id(self) -> str | None:
        """The last message that is shown."""
        return self.window.messages[-1].platform_id if self.window.messages else None

    @property
    def addresses(self) -> Addresses:
        """Where its links lead to."""
        return self.place.addresses

    @property
    def address(self) -> str:
        """The address of the channel's page."""
        return self.addresses.channel(self.channel.platform_id) or ""

    @property
    def is_found(self) -> bool:
        """Whether the message that was requested is among those that are shown."""
        return self.at in self.shown_ids

    def link(self, channel_id: str, message_id: str, known: LinkedMessage | None = None) -> str | None:
        """Return where a message is: on this page, or where else; None where it cannot be opened."""
        if channel_id == self.channel.platform_id and self._is_shown(message_id):
            return f"#{self.prefix}{message_id}"
        if channel_id not in self.place.names:  # one of another tenant
            return None
        return self.addresses.message(channel_id, message_id, known)

    def permalink(self, message: ShownMessage) -> str | None:
        """Return the link to a message that is shown, by which it is found from elsewhere."""
        return self.addresses.message(self.channel.platform_id, message.platform_id, message)

    def link_to_referred(self, message: ShownMessage) -> str | None:
        """Return where the message is that one refers to or forwards; None where it cannot be opened."""
        place = reading.referred_place(message)
        return self.link(*place, self.links.referred.get(place)) if place else None

    def _is_shown(self, message_id: str) -> bool:
        if self.shown_from is not None and number(message_id) >= number(self.shown_from):
            return True
        return message_id in self.shown_ids

    def emoji(self, emoji: str) -> str:
        """Return an emoji as it is shown: its character, its picture or its name."""
        return emoji_as_html(emoji, self.place.pictures) or emoji_in_words(emoji)

    def html(self, text: str) -> Markup:
        """Render a text of this channel."""
        return as_html(text, self.place)

    def words(self, text: str) -> str:
        """Return a text of this channel in one line."""
        return as_words(text, self.place)

    def original_of(self, message: ShownMessage) -> Original | None:
        """Return what a reply answers."""
        return self.links.originals.get((message.channel_id, message.platform_id))

    def answers_to(self, message: ShownMessage) -> Answers | None:
        """Return what answers a message."""
        return self.links.answers.get(message.platform_id)

    def thread_on(self, message: ShownMessage) -> ShownChannel | None:
        """Return the thread that hangs on a message."""
        return self.links.threads.get(message.platform_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What belongs to a window; ``previous`` is the message before it, where a page before shows that one."""

    links: MessageLinks
    holes: Sequence[Hole]
    previous: ShownMessage | None = None


async def converse(
    db: Readable,
    channel: ShownChannel,
    window: MessageWindow,
    addresses: Addresses,
    *,
    skip_words: Mapping[SkipReason, str],
    found: Found | None = None,
    pictures: Pictures | None = None,
    at: str | None = None,
    prefix: str = "m-",
    shown_from: str | None = None,
) -> Conversation:
    """Gather all that is shown of a window; the last three as in ``Conversation``.

    Args:
        db: what is read.
        channel: the window's.
        window: the messages.
        addresses: where links lead to.
        skip_words: why a channel is not archived, in the words of its platform.
        found: what was looked up already.
        pictures: gives the addresses of custom emoji, where they are shown as pictures.
        at: the message that was requested.
        prefix: of the messages' ids on the page.
        shown_from: the first message of the page that this becomes a part of.

    Raises:
        QueryTooLong: the database took too long.
    """
    found = found or await _find(db, channel, window)
    links, shown = found.links, window.messages
    names = await reading.channel_names(db, channel.tenant_id, _named(shown, links))
    holes = place_holes(found.holes, window, skip_words, previous=found.previous)
    return Conversation(
        channel=channel,
        window=window,
        days=_by_day(window.messages, holes.before),
        behind=holes.behind,
        links=links,
        place=Place(addresses=addresses, names=names, pictures=pictures),
        shown_ids=frozenset(message.platform_id for message in shown),
        at=at,
        prefix=prefix,
        shown_from=shown_from,
    )


async def _find(db: Readable, channel: ShownChannel, window: MessageWindow) -> Found:
    links = await reading.links_of(db, channel, window.messages)
    return Found(links=links, holes=await reading.holes_of(db, channel))


def _named(shown: Sequence[ShownMessage], links: MessageLinks) -> list[str]:
    """List the channels that messages mention or refer to; what embeds mention is shown without a name."""
    texts = [message.content for message in shown]
    texts += [original.excerpt for original in links.originals.values()]
    texts += [answer.excerpt for answers in links.answers.values() for answer in answers.first]
    mentioned = [name for text in texts for name in channels_named(text)]
    replied = [message.reply_to_channel_platform_id for message in shown]
    answering = [answer.channel_platform_id for answers in links.answers.values() for answer in answers.first]
    referred = [place[0] for message in shown if (place := reading.referred_place(message))]
    return [name for name in (*mentioned, *replied, *answering, *referred) if name]


def _by_day(shown: Sequence[ShownMessage], before: dict[str, list[ShownHole]]) -> list[DayOfEntries]:
    days: dict[date, list[Entry]] = {}
    for message in shown:
        entries = days.setdefault(message.sent_at.astimezone(UTC).date(), [])
        entries += [Entry(hole=hole) for hole in before.get(message.platform_id, ())]
        entries.append(Entry(message=message))
    return [DayOfEntries(day=day, entries=entries) for day, entries in days.items()]
