"""Convert a page of messages into records, in slices: a hundred of the longest texts take a second."""

from typing import Any

from adapters.discord.convert.messages import message_record
from adapters.discord.convert.payload import Payload, as_objects, snowflake
from adapters.errors import MessageUnreadable
from adapters.privacy import HashUser
from adapters.records import MessageRecord
from adapters.slices import in_slices


async def message_records(page: list[Any], channel_id: str, hash_user: HashUser) -> list[MessageRecord]:
    """Convert a page into records, the oldest first; messages without an id are left out.

    Raises:
        MessageUnreadable: a message cannot be converted; the error holds its id.
    """

    def convert(payload: Payload) -> MessageRecord | None:
        try:
            return message_record(payload, channel_id, hash_user)
        except Exception as e:  # noqa: BLE001 (only this message is concerned, whatever the error)
            # The error's text is left out: it may quote the message.
            raise MessageUnreadable(snowflake(payload.get("id")), type(e).__name__) from None

    records = [record for record in await in_slices(as_objects(page), convert) if record]
    records.sort(key=lambda record: int(record.platform_id))
    return records
