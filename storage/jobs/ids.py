"""Ids that sort by time: version 7 UUIDs (RFC 9562, section 5.7)."""

import itertools
import secrets
from datetime import datetime
from uuid import UUID

_sequence = itertools.count()


def new_job_id(now: datetime) -> str:
    """A new id. Of two made by one process in the same millisecond the later sorts later."""
    milliseconds = int(now.timestamp() * 1000)
    sequence = next(_sequence) & 0xFFF
    value = milliseconds << 80 | 0x7 << 76 | sequence << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(UUID(int=value))
