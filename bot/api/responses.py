"""What the API answers about tenants, their channels and coverage, erasures, and itself."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from adapters.records import ChannelType, SkipReason
from bot.api.endpoint import ResponseModel
from bot.api.job_responses import JobView, RepairsLeft
from bot.api.retention import RetentionView
from bot.api.unwritten import UnwrittenFacts
from bot.wording import GAPS_IN_WORDS
from storage.channels import ProgressState
from storage.repair import GapReason
from storage.tenants import SyncStatus

_PROCESS = (
    "The running process that archives it, as in `/api/processes`; null: none does at present, so that it waits, or "
    "the platform has not told of it yet."
)


class TenantTotals(ResponseModel):
    """How much of a tenant is archived."""

    channels: int = Field(description="Channels, threads and posts that the platform has listed; categories count.")
    channels_archived: int = Field(description="Those of them that are archived.")
    channels_skipped: int = Field(description="Those that are not; `/channels` says why.")
    messages: int = Field(description="Archived messages.")


class TenantView(UnwrittenFacts):
    """A tenant: one community whose history is kept."""

    id: str = Field(examples=["discord-1098765432109876543"])
    platform: str = Field(examples=["discord"])
    platform_id: str = Field(description="Its id there.", examples=["1098765432109876543"])
    name: str | None = Field(description="Its name there; null until the platform has named it.")
    sync_status: SyncStatus = Field(
        description="How its archive stands: how the last sync ended, unless one waits for the first time (`pending`), "
        "one runs (`syncing`), or the bot is not in the community (`disconnected`)."
    )
    stopped_at: datetime | None = Field(description="Since when its syncs are stopped by request; null: they are not.")
    last_sync_at: datetime | None = Field(description="When its last sync ended, whatever the end.")
    last_successful_sync_at: datetime | None = Field(description="When it was last archived completely.")
    next_sync_at: datetime | None = Field(description="When its next scheduled sync is due; null: none is.")
    process: str | None = Field(description=_PROCESS, examples=["attic:4711:1f2e3d4c"])
    invite_url: str | None = Field(
        description="Of a disconnected tenant: where a person who manages the community adds the bot."
    )
    hint: str | None = Field(description="What can be done, where it is not in order.")
    content_retention: RetentionView | None = Field(
        description="Up to when what messages say is not kept; null: it is, whatever its age."
    )
    totals: TenantTotals


class CreatedTenant(TenantView):
    """A tenant as answered to its creation."""

    created: bool = Field(description="False where it was there already.")
    job: JobView | None = Field(description="Its unfinished sync, where there is one.")


class TenantList(ResponseModel):
    """A page of tenants, by id."""

    tenants: list[TenantView]
    next_cursor: str | None = Field(description="Asks for the next page; null: this is the last one.")


class RemovedTenant(ResponseModel):
    """What was done to a tenant, now or by an earlier request."""

    id: str = Field(examples=["discord-1098765432109876543"])
    stopped_at: datetime = Field(description="Since when its syncs are stopped.")
    purged: bool = Field(description="Whether its archive is deleted.")
    messages_deleted: int = Field(description="How many messages this request deleted.")
    detail: str = Field(description="The same in words, and how to take it back where it can be.")


class SyncState(UnwrittenFacts):
    """How fresh a tenant's archive is."""

    job: JobView | None = Field(description="Its newest sync; null: there was none yet.")
    next_sync_at: datetime | None = Field(description="When its next scheduled sync is due; null: none is.")
    process: str | None = Field(description=_PROCESS)
    not_before: datetime | None = Field(
        description="The platform wants no requests until then; a sync that is due earlier waits for it."
    )
    last_sync_at: datetime | None = Field(description="When its last sync ended, whatever the end.")
    last_successful_sync_at: datetime | None = Field(description="When it was last archived completely.")
    checkpoint_age_seconds: float | None = Field(description="How long ago that is; null: it never was.")


_SET_ASIDE = "The ids of the messages that the database cannot hold: they are left out, whatever else may be wrong."


class ChannelError(ResponseModel):
    """Why a channel was given up by the last sync that tried."""

    code: str
    message: str
    remedy: str | None = Field(description="What the operator can do.")
    at: datetime | None
    attempts: int | None = Field(description="How often the call was tried.")


class ChannelView(ResponseModel):
    """A channel, thread or post, and how far it is archived."""

    id: str = Field(description="`channels.id` in the database.")
    platform_id: str
    parent_platform_id: str | None = Field(description="The channel of a thread, the category of a channel.")
    name: str | None
    type: ChannelType
    sync_state: Literal["archived", "skipped"]
    skip_reason: SkipReason | None = Field(description="Why it is skipped; null: it is not.")
    skipped_since: datetime | None
    visible_since: datetime | None = Field(
        description="From when on the platform shows messages; older ones are hidden, not deleted. Null: it shows all."
    )
    explanation: str | None = Field(description="The reason in words, and what can be done.")
    messages: int = Field(description="Archived messages; what was archived before it was skipped stays.")
    checkpoint_message_id: str | None = Field(description="Everything up to this message is archived.")
    checkpoint_at: datetime | None = Field(description="When that message was sent.")
    state: ProgressState | None = Field(description="How the last sync left it; null: none has read it yet.")
    last_error: ChannelError | None = Field(description="Why it was given up; null: it was not.")
    set_aside: list[str] = Field(description=_SET_ASIDE)
    reactions_pending: int = Field(
        description="User lists of reactions still to be fetched: one an emoji and kind (normal or burst) of a message."
    )


class ChannelList(ResponseModel):
    """A page of channels, in the order in which they were first seen."""

    channels: list[ChannelView]
    next_cursor: str | None = Field(description="Asks for the next page; null: this is the last one.")


class Health(ResponseModel):
    """The process is alive."""

    status: Literal["ok"]


class Readiness(ResponseModel):
    """Every platform is connected, and the database can be written."""

    status: Literal["ready"]


class Gap(ResponseModel):
    """A time in which the platform reported no changes, until what may have changed then has been read again."""

    reason: GapReason = Field(
        description="Why: " + "; ".join(f"`{reason}`, {words}" for reason, words in GAPS_IN_WORDS.items()) + "."
    )
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
    platform_count: int | None = Field(description="How many there are by the platform's own count, where it has one.")


class IncompleteChannel(ResponseModel):
    """A channel that everyone may read, and of which not everything is archived."""

    platform_id: str
    name: str | None
    state: ProgressState | None = Field(description="How the last sync left it; null: none has read it yet.")
    code: str = Field(description="The code of its last error, or why it is skipped; `unread`: it waits to be read.")
    reason: str = Field(description="The same in words.")
    set_aside: list[str] = Field(description=_SET_ASIDE)


class LiveView(ResponseModel):
    """How much of an archive is followed live: read to its end, with every message since stored from its event."""

    channels_followed: int | None = Field(
        description="Channels and threads that are followed at this instant; null: another process follows them "
        "(`/api/processes`), and tells how many."
    )
    channels: int = Field(description="Channels and threads that are archived.")
    proven_until: datetime | None = Field(
        description="Until when a listing has shown that no message was missed behind the newest one received of each "
        "channel; null: none is followed."
    )
    threads_proven_until: datetime | None = Field(
        description="The same of the threads, which are listed once in `sync.verify_interval`; null: none was yet."
    )


class CoverageView(UnwrittenFacts):
    """How complete an archive is: by the last audit it holds ``stored`` of ``of`` messages."""

    statement: str = Field(description="The same in words, with its date.")
    audited_at: datetime | None = Field(description="When the last audit was completed; null: none was yet.")
    requested_at: datetime | None = Field(description="Since when an audit waits to be begun; null: none does.")
    live: LiveView
    stored: int = Field(description="Messages archived, of the channels that were audited.")
    of: int = Field(description="Messages by the platform's own counters, or else those that were seen.")
    missing: int = Field(description="Messages that the audit found missing, and archived.")
    changed: int = Field(description="Messages that it found otherwise, and brought up to date.")
    deleted: int = Field(description="Messages that it found gone, and marked as deleted.")
    channels_audited: int
    channels: int = Field(description="Channels and threads that hold messages.")
    channels_hidden: int = Field(description="Those of which the platform hides what is older: it cannot be seen.")
    content_retention: RetentionView | None = Field(
        description="Up to when what messages say is not kept, though the messages are; null: it is."
    )
    ranges_left: int = Field(description="Channels that the audit under way has still to read.")
    incomplete: list[IncompleteChannel] = Field(
        description="Channels that are not read to their end, the first hundred; every one is in the list of channels."
    )
    gaps: list[Gap] = Field(description="Times of which not all that happened is known yet.")
    repairs: str = Field(description="What is still to be read again, in words and in its order.")
    repairs_left: RepairsLeft = Field(description="The same in ranges of messages.")
    audits: list[ChannelAuditView] = Field(
        description="A page of channels, in the order in which they were first seen."
    )
    next_cursor: str | None = Field(description="Asks for the next page of channels; null: this is the last one.")
