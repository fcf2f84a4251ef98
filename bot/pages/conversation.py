"""A window into a channel as a page shows it: by day, with gaps where they are, and links between messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date

from markupsafe import Markup

from bot.holes import ShownHole, place_holes
from bot.pages.markup import Place, as_html, as_words, channels_named
from storage import reading
from storage.database import Database
from storage.reading import Answers, MessageLinks, MessageWindow, Original, ShownChannel, ShownMessage


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
    """What is shown of a channel; ``at`` is the message that was asked for."""

    channel: ShownChannel
    window: MessageWindow
    days: Sequence[DayOfEntries]
    behind: Sequence[ShownHole]  # what is missing behind the newest message
    links: MessageLinks
    place: Place
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
    def address(self) -> str:
        """The address of the channel's page."""
        return address_of(self.channel.tenant_id, self.channel.platform_id)

    @property
    def is_found(self) -> bool:
        """Whether the message that was asked for is among those that are shown."""
        return any(message.platform_id == self.at for message in self.window.messages)

    def link(self, channel_id: str, message_id: str) -> str:
        """Return where a message is: on this page, or by its permanent link."""
        if channel_id == self.channel.platform_id and self._is_shown(message_id):
            return f"#{self.prefix}{message_id}"
        return f"{address_of(self.channel.tenant_id, channel_id)}?at={message_id}#m-{message_id}"

    def _is_shown(self, message_id: str) -> bool:
        if self.shown_from is not None and int(message_id) >= int(self.shown_from):
            return True
        return any(message.platform_id == message_id for message in self.window.messages)

    def knows(self, channel_id: str | None) -> bool:
        """Whether a channel that a message refers to is one of this tenant's; others cannot be opened."""
        return channel_id in self.place.names

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


async def converse(
    db: Database,
    channel: ShownChannel,
    window: MessageWindow,
    *,
    at: str | None = None,
    prefix: str = "m-",
    shown_from: str | None = None,
) -> Conversation:
    """Gather all that is shown of a window; the last three as in ``Conversation``.

    Raises:
        QueryTooLong: the database took too long.
    """
    links = await reading.links_of(db, channel, window.messages)
    names = await reading.channel_names(db, channel.tenant_id, _named(window.messages, links))
    holes = place_holes(await reading.holes_of(db, channel), window)
    return Conversation(
        channel=channel,
        window=window,
        days=_by_day(window.messages, holes.before),
        behind=holes.behind,
        links=links,
        place=Place(tenant_id=channel.tenant_id, names=names),
        at=at,
        prefix=prefix,
        shown_from=shown_from,
    )


def address_of(tenant_id: str, channel_id: str) -> str:
    """Return the address of a channel's page."""
    return f"/tenants/{tenant_id}/channels/{channel_id}"


def _named(shown: Sequence[ShownMessage], links: MessageLinks) -> list[str]:
    """List the channels that messages mention or refer to; what embeds mention is shown without a name."""
    texts = [message.content for message in shown]
    texts += [original.excerpt for original in links.originals.values()]
    texts += [answer.excerpt for answers in links.answers.values() for answer in answers.first]
    mentioned = [name for text in texts for name in channels_named(text)]
    replied = [message.reply_to_channel_platform_id for message in shown]
    return [name for name in (*mentioned, *replied, *map(_referred, shown)) if name]


def _referred(message: ShownMessage) -> str | None:
    reference = message.metadata.get("reference")
    return reference.get("channel_id") if isinstance(reference, dict) else None


def _by_day(shown: Sequence[ShownMessage], before: dict[str, list[ShownHole]]) -> list[DayOfEntries]:
    days: dict[date, list[Entry]] = {}
    for message in shown:
        entries = days.setdefault(message.sent_at.astimezone(UTC).date(), [])
        entries += [Entry(hole=hole) for hole in before.get(message.platform_id, ())]
        entries.append(Entry(message=message))
    return [DayOfEntries(day=day, entries=entries) for day, entries in days.items()]
