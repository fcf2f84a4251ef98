"""What the API tells of how complete an archive is, and of a wish to be forgotten."""

from datetime import datetime

from pydantic import Field

from bot.api.job_responses import ResponseModel


class Gap(ResponseModel):
    """A time of which the platform told nothing, until what may have changed then has been read again."""

    reason: str = Field(examples=["process_down"])
    began_at: datetime
    ended_at: datetime | None = Field(description="Null: it lasts.")


class ChannelAuditView(ResponseModel):
    """What the last audit of a channel found. All counts are of messages."""

    platform_id: str
    name: str | None
    audited_at: datetime
    stored: int = Field(description="Archived, and not marked as deleted.")
    seen: int = Field(description="That the platform had.")
    missing: int = Field(description="That were not archived, and are now.")
    changed: int = Field(description="That were otherwise, and were brought up to date.")
    deleted: int = Field(description="That were gone, and were marked as deleted.")
    platform_count: int | None = Field(description="How many there are by the platform's own count, where it tells.")


class CoverageView(ResponseModel):
    """How complete an archive is: by the last audit it holds ``stored`` of ``of`` messages."""

    statement: str = Field(description="The same in words, with its date.")
    audited_at: datetime | None = Field(description="When the last audit was completed; null: none was yet.")
    requested_at: datetime | None = Field(description="Since when an audit waits to be begun; null: none does.")
    stored: int = Field(description="Messages archived, of the channels that were audited.")
    of: int = Field(description="Messages by the platform's own counters, or else those that were seen.")
    missing: int = Field(description="Messages that the audit found missing, and archived.")
    changed: int = Field(description="Messages that it found otherwise, and brought up to date.")
    deleted: int = Field(description="Messages that it found gone, and marked as deleted.")
    channels_audited: int
    channels: int = Field(description="Channels and threads that hold messages.")
    ranges_left: int = Field(description="Channels that the audit under way has still to read.")
    gaps: list[Gap] = Field(description="Times of which not all that happened is known yet.")
    audits: list[ChannelAuditView] = Field(
        description="A page of channels, in the order in which they were first seen."
    )
    next_cursor: str | None = Field(description="Asks for the next page of channels; null: this is the last one.")


class ForgottenView(ResponseModel):
    """What was removed of a person. No later sync brings it back."""

    messages: int = Field(description="Messages emptied; their places stay, so that answers can be followed.")
    attachments: int
    reactions: int
    mentions: int = Field(description="Rows in which they were mentioned or linked.")
