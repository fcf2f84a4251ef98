"""Reaction payloads: totals per emoji, as every message carries them."""

from adapters.discord.fields import Payload, ident, number, obj, objs
from adapters.discord.scrub import Scrubber
from adapters.records import ReactionTotalRecord


def reaction_totals(value: object, scrub: Scrubber) -> tuple[ReactionTotalRecord, ...]:
    """How often each emoji was given to a message."""
    if not value:
        return ()
    found = (_reaction_total(payload, scrub) for payload in objs(value))
    return tuple({record.emoji_key: record for record in found if record}.values())


def _reaction_total(payload: Payload, scrub: Scrubber) -> ReactionTotalRecord | None:
    emoji = obj(payload.get("emoji"))
    emoji_id, name = ident(emoji.get("id")), emoji.get("name")
    if emoji_id is None and not (name and isinstance(name, str)):
        return None
    # Discord leaves the name of a deleted custom emoji out.
    shown = scrub(name) if name and isinstance(name, str) else "_"
    custom = f"<{'a' if emoji.get('animated') else ''}:{shown}:{emoji_id}>"
    return ReactionTotalRecord(
        emoji_key=emoji_id or shown,
        emoji=custom if emoji_id else shown,
        count=number(payload.get("count")) or 0,
        burst_count=number(obj(payload.get("count_details")).get("burst")) or 0,
    )
