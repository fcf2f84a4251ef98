"""Convert a page of messages into records, in slices: a hundred of the longest texts take a second."""

from collections.abc import Iterable

from adapters.discord.convert.payload import snowflake
from adapters.discord.convert.typed import SentMessage, as_payload
from adapters.discord.convert.typed_messages import record_of
from adapters.errors import MessageUnreadable
from adapters.privacy import HashUser
from adapters.records import MessageRecord
from adapters.slices import in_slices


async def message_records(page: Iterable[SentMessage], channel_id: str, hash_user: HashUser) -> list[MessageRecord]:
    """Convert a page into records; messages without an id are left out.

    Raises:
        MessageUnreadable: a message cannot be converted; the error holds its id.
    """

    def convert(message: SentMessage) -> MessageRecord | None:
        try:
            return record_of(message, channel_id, hash_user)
        except Exception as e:  # noqa: BLE001 (only this message is concerned, whatever the error)
            # The error's text is left out: it may quote the message.
            raise MessageUnreadable(snowflake(as_payload(message).get("id")), type(e).__name__) from None

    return [record for record in await in_slices(page, convert) if record]
