"""What the API tells of tenants and channels, and what it tells of itself."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from adapters.records import ChannelType, SkipReason
from bot.api.job_responses import JobView, ResponseModel
from storage.channels import ProgressState
from storage.tenants import SyncStatus


class TenantTotals(ResponseModel):
    """How much of a tenant is archived."""

    channels: int = Field(description="Channels, threads and posts that the platform has told of; categories count.")
    channels_archived: int = Field(description="Those of them that are archived.")
    channels_skipped: int = Field(description="Those that are not; `/channels` says why.")
    messages: int = Field(description="Archived messages.")


class TenantView(ResponseModel):
    """A tenant: one community whose history is kept."""

    id: str = Field(examples=["discord-1098765432109876543"])
    platform: str = Field(examples=["discord"])
    platform_id: str = Field(description="Its id there.", examples=["1098765432109876543"])
    name: str | None = Field(description="Its name there; null until the platform has told it.")
    sync_status: SyncStatus = Field(
        description="How its archive stands: how the last sync ended, unless one waits for the first time (`pending`), "
        "one runs (`syncing`), or the bot is not in the community (`disconnected`)."
    )
    stopped_at: datetime | None = Field(description="Since when its syncs are stopped by request; null: they are not.")
    last_sync_at: datetime | None = Field(description="When its last sync ended, whatever the end.")
    last_successful_sync_at: datetime | None = Field(description="When it was last archived completely.")
    next_sync_at: datetime | None = Field(description="When its next scheduled sync is due; null: none is.")
    invite_url: str | None = Field(
        description="Of a disconnected tenant: where somebody who manages the community adds the bot."
    )
    hint: str | None = Field(description="What to do, where it is not synced at present.")
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


class SyncState(ResponseModel):
    """How fresh a tenant's archive is."""

    job: JobView | None = Field(description="Its newest sync; null: there was none yet.")
    next_sync_at: datetime | None = Field(description="When its next scheduled sync is due; null: none is.")
    not_before: datetime | None = Field(
        description="The platform asked us to stay away until then; a sync that is due earlier waits for it."
    )
    last_sync_at: datetime | None = Field(description="When its last sync ended, whatever the end.")
    last_successful_sync_at: datetime | None = Field(description="When it was last archived completely.")
    checkpoint_age_seconds: float | None = Field(description="How long ago that is; null: it never was.")


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
    explanation: str | None = Field(description="The reason in words, and what can be done.")
    messages: int = Field(description="Archived messages; what was archived before it was skipped stays.")
    checkpoint_message_id: str | None = Field(description="Everything up to this message is archived.")
    checkpoint_at: datetime | None = Field(description="When that message was sent.")
    state: ProgressState | None = Field(description="How the last sync left it; null: none has read it yet.")
    last_error: ChannelError | None = Field(description="Why it was given up; null: it was not.")
    reactions_pending: int = Field(description="Emoji of its messages whose users are still to be fetched.")


class ChannelList(ResponseModel):
    """A page of channels, in the order in which they were first seen."""

    channels: list[ChannelView]
    next_cursor: str | None = Field(description="Asks for the next page; null: this is the last one.")


class HealthResponse(ResponseModel):
    """The process is alive."""

    status: Literal["ok"]


class Readiness(ResponseModel):
    """Every platform is connected, and the database can be written."""

    status: Literal["ready"]


class AnyObject(BaseModel):
    """A document of its own."""

    model_config = ConfigDict(extra="allow")
