"""A channel as the API shows it, with its reason in plain words."""

from collections.abc import Mapping

from adapters.records import JsonValue, SkipReason
from bot.api.facts import Facts
from bot.api.responses import ChannelError, ChannelView
from storage.channels import ChannelSummary

EXPLANATIONS = {
    SkipReason.NOT_PUBLIC: "Not everybody may see it: @everyone lacks View Channel or Read Message History (or, for "
    "voice, Connect), or it is a private thread. Only what everybody may see is archived.",
    SkipReason.BOT_LACKS_ACCESS: "The bot may not see it. Give it View Channel and Read Message History there (and, "
    "for voice, Connect), and the next sync archives it.",
    SkipReason.DELETED: "It was deleted on the platform. What was archived of it stays.",
    SkipReason.UNSUPPORTED: "It holds no messages, like a category, or it is of a type that this version does not "
    "know.",
    SkipReason.OBFUSCATED: "The platform hides it from the bot: its name is unknown, and so is whether everybody may "
    "see it. Give the bot View Channel there if it should be archived.",
}
"""Every reason, for whoever wonders."""


def channel_view(channel: ChannelSummary) -> ChannelView:
    """A channel with what it lacks."""
    reason = channel.skip_reason
    return ChannelView(
        id=str(channel.id),
        platform_id=channel.platform_id,
        parent_platform_id=channel.parent_platform_id,
        name=channel.name,
        type=channel.type,
        sync_state="archived" if reason is None else "skipped",
        skip_reason=reason,
        skipped_since=channel.skipped_since,
        explanation=EXPLANATIONS[reason] if reason else None,
        messages=channel.messages_archived,
        checkpoint_message_id=channel.checkpoint_id,
        checkpoint_at=channel.checkpoint_at,
        state=channel.state,
        last_error=_error(channel.last_error) if channel.last_error else None,
        reactions_pending=channel.reactions_pending,
    )


def _error(error: Mapping[str, JsonValue]) -> ChannelError:
    said = Facts(error)
    return ChannelError(
        code=said.text("code") or "unknown",
        message=said.text("message") or "",
        remedy=said.text("remedy"),
        at=said.time("at"),
        attempts=said.count("attempts") or None,
    )
