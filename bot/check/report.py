"""Looks at everything a sync needs and reports it in plain words. Changes nothing, also beside a running daemon."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from adapters.base import PlatformAdapter
from adapters.errors import PlatformError
from adapters.privacy import UserHasher
from adapters.reach import KnowsReach
from adapters.records import ChannelRecord, TenantRecord
from adapters.registry import PLATFORMS
from adapters.words import PlatformWords
from bot.check.channels import summarize
from bot.check.configured import strange_channels, strange_tenants
from bot.check.membership import Membership, connected
from bot.config import Config
from bot.demo_files import DemoFiles
from bot.wording import counted
from storage.connection import DatabaseState, KnownTenant, inspect_database
from storage.errors import (
    DatabaseReadOnly,
    DatabaseTooNew,
    DatabaseTooOld,
    HashChoiceMismatch,
    StorageError,
    UnfinishedMove,
)
from storage.tenants import tenant_id_of

_CONNECT_SECONDS = 20.0


class Mark(StrEnum):
    """How a finding stands."""

    OK = "ok"
    NOTE = "note"  # worth knowing, nothing is wrong
    WARNING = "warning"  # an operator may want to act
    PROBLEM = "PROBLEM"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what it is about, how that stands, and what there is to do."""

    about: str
    mark: Mark
    text: str


Findings: TypeAlias = AsyncIterator[Finding]


class Check:
    """One walk through configuration, database, platforms and tenants."""

    def __init__(
        self,
        config: Config,
        hasher: UserHasher,
        adapters: Mapping[str, PlatformAdapter],
        *,
        tenant_id: str | None = None,
        connect_seconds: float = _CONNECT_SECONDS,
    ) -> None:
        self._config = config
        self._hasher = hasher
        self._adapters = adapters
        self._tenant_id = tenant_id
        self._connect_seconds = connect_seconds
        self._known: tuple[KnownTenant, ...] = ()
        self._is_archive_read = False
        self._memberships: dict[str, Membership] = {}  # by platform, of those that said where the bot is
        self._present: set[str] = set()
        self._listed: list[ChannelRecord] | None = []  # of all communities; None where one could not be listed
        self._is_seen = False

    async def findings(self) -> Findings:
        """Yield every finding as it is made."""
        async for finding in self._database():
            yield finding
        for name, platform in PLATFORMS.items():
            if name not in self._adapters:
                text = f"{platform.token_setting()} is not set: put the bot's token there"
                yield Finding(name, Mark.NOTE if self._adapters else Mark.PROBLEM, text)
                continue
            async for finding in self._platform(name, self._adapters[name]):
                yield finding
        if self._tenant_id is None and self._is_archive_read:
            known = self._present | {tenant.id for tenant in self._known}
            for text in strange_tenants(filter(self._would_be_seen, self._config.tenants), known):
                yield Finding("configuration", Mark.WARNING, text)
        if self._tenant_id is not None and not self._is_seen:
            text = "there is no such tenant, nor a community of this id that the bot is in"
            if self._tenant_id.isdecimal():
                text += "; a tenant is named with its platform: " + " or ".join(
                    tenant_id_of(name, self._tenant_id) for name in PLATFORMS
                )
            yield Finding(self._tenant_id, Mark.PROBLEM, text)

    async def _database(self) -> Findings:
        try:
            state = await inspect_database(self._config.database.url)
        except StorageError as e:
            yield Finding("database", Mark.PROBLEM, str(e))
            return
        self._known, self._is_archive_read = state.tenants, True
        for problem in self._database_problems(state):
            yield Finding("database", Mark.PROBLEM, problem)
        if state.needs_migration:
            change = f"upgrades it from revision {state.revision}" if state.revision else "creates the archive"
            hint = "" if state.revision else DemoFiles().hint
            yield Finding("database", Mark.NOTE, f"{state.dialect}: the daemon {change} when it starts.{hint}")
        elif not (state.is_too_new or state.is_too_old or state.is_unfinished):
            in_use = "; a daemon is working on it" if state.is_in_use else ""
            text = f"{state.dialect}, at revision {state.revision}, tenants: {len(state.tenants)}{in_use}"
            yield Finding("database", Mark.OK, text)
        for known in state.tenants:
            if known.events_unwritten and not known.is_stopped and self._tenant_id in (None, known.id):
                text = (
                    f"events of messages that could not be written: {known.events_unwritten:,}; the next sync reads "
                    "these messages, and the table unwritten_events names them and the reasons"
                )
                yield Finding(f"{known.id} ({known.name or 'nameless'})", Mark.WARNING, text)

    def _database_problems(self, state: DatabaseState) -> list[str]:
        problems = []
        if state.is_too_new:
            problems.append(f"{DatabaseTooNew()} (it is at revision {state.revision})")
        if state.is_too_old:
            problems.append(str(DatabaseTooOld()))
        if state.is_unfinished:
            problems.append(str(UnfinishedMove()))
        if not state.is_writable:
            problems.append(str(DatabaseReadOnly()))
        if state.hash_choice not in (None, self._hasher.choice):
            problems.append(f"{HashChoiceMismatch()} {HashChoiceMismatch.remedy}")
        return problems

    async def _platform(self, name: str, adapter: PlatformAdapter) -> Findings:
        try:
            async with connected(adapter, self._connect_seconds) as membership:
                self._memberships[name], tenants = membership, membership.tenants
                text = f"logged in, and may read messages; communities the bot is in: {len(tenants)}"
                yield Finding(name, Mark.OK, text)
                if self._tenant_id is None and isinstance(adapter, KnowsReach):
                    yield await _reach(name, adapter)
                for tenant in tenants:
                    if self._is_wanted(tenant_id_of(name, tenant.platform_id)):
                        async for finding in self._tenant(name, adapter, tenant):
                            yield finding
                for text in self._strange_channels(name):
                    yield Finding(name, Mark.WARNING, text)
                for finding in self._absent(name, adapter, membership):
                    yield finding
        except TimeoutError:
            text = (
                f"not reached within {self._connect_seconds:g} s: see to this machine's way to it, and its status page"
            )
            yield Finding(name, Mark.PROBLEM, text)
        except PlatformError as e:
            yield Finding(name, Mark.PROBLEM, str(e))

    async def _tenant(self, platform: str, adapter: PlatformAdapter, tenant: TenantRecord) -> Findings:
        tenant_id = tenant_id_of(platform, tenant.platform_id)
        about = f"{tenant_id} ({tenant.name or 'nameless'})"
        self._present.add(tenant_id)
        stored = next((known for known in self._known if known.id == tenant_id), None)
        if stored is not None and stored.is_stopped:
            yield Finding(about, Mark.NOTE, "its syncs are stopped on its administrator's request")
        if stored is None:
            yield Finding(about, Mark.NOTE, self._becomes_tenant(platform, tenant.platform_id))
        try:
            channels = await adapter.sync(tenant.platform_id, lambda session: session.channels())
        except PlatformError as e:
            yield Finding(about, Mark.PROBLEM, f"{e}; {e.remedy}")
            self._listed = None
            return
        if self._listed is not None:
            self._listed += channels
        for finding in _channel_findings(about, channels, adapter.words):
            yield finding

    def _strange_channels(self, platform: str) -> list[str]:
        """Find the ids in include and exclude that name no channel, if all channels are known."""
        if self._tenant_id is not None or self._listed is None or not self._is_archive_read:
            return []
        if any(known.platform == platform and not self._would_be_seen(known.id) for known in self._known):
            return []  # another process is told of the others
        return list(strange_channels(platform, self._config.platforms[platform].options, self._listed))

    def _becomes_tenant(self, platform: str, platform_id: str) -> str:
        if self._config.platforms[platform].options.auto_create_tenants:
            return "not archived yet: it becomes a tenant when the daemon runs"
        body = f'{{"platform": "{platform}", "platform_id": "{platform_id}"}}'
        return f"not archived: {platform}.auto_create_tenants is off; to archive it, POST /api/tenants with {body}"

    def _would_be_seen(self, tenant_id: str) -> bool:
        """Whether a tenant's community would have been found if the bot were in it."""
        prefixes = {tenant_id_of(platform, ""): membership for platform, membership in self._memberships.items()}
        return any(
            tenant_id.startswith(prefix) and membership.covers(tenant_id.removeprefix(prefix))
            for prefix, membership in prefixes.items()
        )

    def _absent(self, platform: str, adapter: PlatformAdapter, membership: Membership) -> list[Finding]:
        """Find the tenants whose community the bot is not in; one that is stopped may be left."""
        present = {tenant.platform_id for tenant in membership.tenants}
        return [
            Finding(
                f"{known.id} ({known.name or 'nameless'})",
                Mark.PROBLEM,
                "the bot is not in this community: its archive stays as it is. To go on, add the bot: "
                f"{adapter.invite_url}. To let it rest, DELETE /api/tenants/{known.id}",
            )
            for known in self._known
            if known.platform == platform
            and known.platform_id not in present
            and membership.covers(known.platform_id)
            and not known.is_stopped
            and self._is_wanted(known.id)
        ]

    def _is_wanted(self, tenant_id: str) -> bool:
        is_wanted = self._tenant_id in (None, tenant_id)
        self._is_seen = self._is_seen or is_wanted
        return is_wanted


async def _reach(name: str, adapter: KnowsReach) -> Finding:
    found = await adapter.reach()
    if found is None:
        return Finding(name, Mark.NOTE, "how many users the bot reaches cannot be told at present")
    about = f"users the bot reaches: about {found.users:,}, in {counted(found.communities, 'community')}"
    mark = Mark.WARNING if found.needs_action else Mark.OK
    return Finding(name, mark, f"{about} (who is in several counts in each); {found.meaning}")


def _channel_findings(about: str, channels: tuple[ChannelRecord, ...], words: PlatformWords) -> list[Finding]:
    summary = summarize(channels, words)
    return [Finding(about, Mark.OK, summary.archived_text)] + [
        Finding(about, Mark.WARNING if skipped.is_warning else Mark.NOTE, skipped.text) for skipped in summary.skipped
    ]
