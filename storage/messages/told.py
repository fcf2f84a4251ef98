"""Messages on their way into the database."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.records import MessageRecord


@dataclass(frozen=True, slots=True)
class ChannelBatch:
    """Messages of one channel, each once, with text that both databases accept."""

    tenant_id: str
    channel_id: int  # channels.id
    records: Sequence[MessageRecord]
