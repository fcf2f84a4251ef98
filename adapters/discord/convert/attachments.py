"""Turn attachment payloads into records: metadata and the signed URL as given, with the time it expires."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from adapters.discord.convert.payload import Payload, as_int, as_objects, as_real, as_size, snowflake, without_empty
from adapters.discord.convert.scrub import Scrubber
from adapters.records import AttachmentRecord

_IS_SPOILER = 1 << 3
_NUMBERS: dict[str, Callable[[object], float | None]] = {"width": as_int, "height": as_int, "duration_secs": as_real}
_EXPIRY = re.compile(r"[?&]ex=([0-9a-fA-F]+)(?:&|$)")


def attachment_records(value: object, scrub: Scrubber) -> tuple[AttachmentRecord, ...]:
    """Return the attachments of a message; of two with one id the last."""
    if not value:
        return ()
    found: dict[str, AttachmentRecord] = {}
    for payload in as_objects(value):
        if record := _attachment(payload, scrub):
            found[record.platform_id] = record
    return tuple(found.values())


def _attachment(payload: Payload, scrub: Scrubber) -> AttachmentRecord | None:
    attachment_id = snowflake(payload.get("id"))
    if attachment_id is None:
        return None
    raw_name, raw_url = payload.get("filename"), payload.get("url")
    filename = raw_name if isinstance(raw_name, str) else ""
    url = raw_url if isinstance(raw_url, str) else ""
    content_type = payload.get("content_type")
    return AttachmentRecord(
        platform_id=attachment_id,
        filename=scrub(filename),
        size_bytes=as_size(payload.get("size")),
        content_type=scrub(content_type) if isinstance(content_type, str) else None,
        url=scrub(url),
        url_expires_at=_expiry(url),
        metadata=_metadata(payload, filename, scrub),
    )


def _metadata(payload: Payload, filename: str, scrub: Scrubber) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key in ("title", "description"):
        if (value := payload.get(key)) and isinstance(value, str) and (text := scrub(value)):
            kept[key] = text
    for key, read in _NUMBERS.items():
        if (value := payload.get(key)) is not None and (number := read(value)) is not None:
            kept[key] = number
    if flags := as_int(payload.get("flags")):
        kept["flags"] = flags
    if payload.get("ephemeral"):
        kept["ephemeral"] = True
    if filename.startswith("SPOILER_") or (flags and flags & _IS_SPOILER):
        kept["spoiler"] = True
    return kept


def copied_attachment(record: AttachmentRecord) -> dict[str, Any]:
    """Return an attachment of a forward as metadata: its row would belong to the original."""
    return without_empty(
        {
            "id": record.platform_id,
            "filename": record.filename,
            "size_bytes": record.size_bytes,
            "content_type": record.content_type,
            "url": record.url,
            **record.metadata,
        }
    )


def _expiry(url: str) -> datetime | None:
    """Return when a signed URL expires, from its ``ex`` parameter: hexadecimal seconds since 1970."""
    found = _EXPIRY.search(url, max(url.find("ex=") - 1, 0))
    try:
        return datetime.fromtimestamp(int(found[1], 16), UTC) if found else None
    except (ValueError, OverflowError, OSError):
        return None
