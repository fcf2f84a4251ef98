"""The adapter of Parlour: its connection, and what is told over it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import ClassVar, TypeVar

from adapters.errors import RateLimited, TenantUnavailable
from adapters.events import EventHandler, LiveEventHandler, Stream, TenantsReady, TenantsReleased, everything
from adapters.health import ConnectionHealth, PartHealth
from adapters.parts import THE_ONLY_PART, UNDIVIDED, Division, Turn, no_turn
from adapters.platform import TenantToken
from adapters.privacy import HashUser
from adapters.records import SkipReason, TenantRecord
from adapters.words import PlatformWords
from tests.support.parlour.convert import changes_of
from tests.support.parlour.house import Event, House, Refused
from tests.support.parlour.session import ParlourSession

T = TypeVar("T")

WORDS = PlatformWords(
    skip_reasons={SkipReason.NOT_PUBLIC: "Its door is locked. Unlock it, and it is archived."},
    skipped_channels={SkipReason.NOT_PUBLIC: "their doors are locked: unlock them, if they are to be archived"},
    needs="a key to its rooms",
)


class ParlourAdapter:
    """A PlatformAdapter."""

    name: ClassVar[str] = "parlour"
    id_pattern: ClassVar[str] = "W[A-Z0-9]{1,10}"
    user_id_pattern: ClassVar[str] = "U[0-9]{1,10}"
    words: ClassVar[PlatformWords] = WORDS
    shares_parts: ClassVar[bool] = True

    def __init__(self, house: House, hash_user: HashUser, tokens: Mapping[str, TenantToken]) -> None:
        """``tokens`` are by workspace."""
        self._house = house
        self._hash_user = hash_user
        self._tokens = dict(tokens)
        self._numbers = count(1)
        self._stream: int | None = None
        self._news: asyncio.Queue[Event | None] = asyncio.Queue()
        self._is_held = asyncio.Event()
        self._is_announced = self._is_released = False

    async def run(self, on_event: EventHandler, on_live_event: LiveEventHandler, turn: Turn = no_turn) -> None:
        """Stay connected while its one part is held; a lost connection is made anew."""
        while True:
            await self._is_held.wait()
            self._news = asyncio.Queue()
            close = self._house.connect(self._news.put_nowait)
            try:
                present = [self._house.workspaces[one] for one in self._tokens if one in self._house.workspaces]
                records = tuple(TenantRecord(platform_id=one.id, name=one.name) for one in present)
                self._stream = next(self._numbers)
                await on_event(TenantsReady(records))
                self._is_announced = not self._is_released
                while (event := await self._news.get()) is not None:
                    for change in changes_of(self._house.workspaces[event["workspace"]], event, self._hash_user):
                        on_live_event(change)
            finally:
                self._stream, self._is_announced = None, False
                close()
            if self._is_released:
                self._is_released = False
                await on_event(TenantsReleased(THE_ONLY_PART, everything))

    @property
    def division(self) -> Division:
        """One part."""
        return UNDIVIDED

    @property
    def held(self) -> frozenset[str]:
        """That, or none."""
        return frozenset(UNDIVIDED.parts if self._is_held.is_set() else ())

    @property
    def ready_parts(self) -> frozenset[str]:
        """That, once its workspaces were announced."""
        return self.held if self._is_announced else frozenset()

    def hold(self, parts: frozenset[str]) -> None:
        """Connect, or end the connection."""
        if parts:
            self._is_held.set()
        elif self._is_held.is_set():
            self._is_held.clear()
            self._stream, self._is_announced, self._is_released = None, False, True
            self.lose_connection()

    def take_share(self, share: float) -> None:
        """Have no pace to share."""

    def lose_connection(self) -> None:
        """End the connection; whatever happens before the next one is missed."""
        self._news.put_nowait(None)

    @property
    def unready_reason(self) -> str | None:
        """Whether it is connected."""
        return None if self._stream or not self.held else "not connected to Parlour"

    @property
    def health(self) -> ConnectionHealth:
        """One connection."""
        return ConnectionHealth((PartHealth("parlour", self._stream is not None, 0.0),))

    def received_until(self, part: str) -> datetime | None:
        """Everything is received at once."""
        return datetime.now(UTC) if self._stream else None

    async def communities(self) -> tuple[TenantRecord, ...]:
        """Request each workspace by its token."""
        found = []
        for workspace_id, token in self._tokens.items():
            with suppress(Refused):
                workspace = await self._house.request(workspace_id, token.value, "workspace")
                found.append(TenantRecord(platform_id=workspace.id, name=workspace.name))
        return tuple(found)

    def is_member(self, tenant_platform_id: str) -> bool:
        """Whether there is a token for it."""
        return tenant_platform_id in self._tokens and tenant_platform_id in self._house.workspaces

    def stream(self, tenant_platform_id: str) -> Stream | None:
        """One for all workspaces."""
        return Stream(self._stream, 0) if self._stream and self.is_member(tenant_platform_id) else None

    def doubt(self, tenant_platform_id: str) -> Callable[[str], bool]:
        """Begin a new connection."""
        self.lose_connection()
        return lambda _: True

    @property
    def invite_url(self) -> str | None:
        """None."""
        return None

    async def sync(
        self,
        tenant_platform_id: str,
        body: Callable[["ParlourSession"], Awaitable[T]],
        on_rate_limit: Callable[[RateLimited], Awaitable[None]] | None = None,
    ) -> T:
        """Run ``body`` with a session."""
        token = self._tokens.get(tenant_platform_id)
        if token is None:
            raise TenantUnavailable
        session = ParlourSession(self._house, tenant_platform_id, token, self._hash_user, self.stream)
        try:
            return await body(session)
        except RateLimited as limit:
            if on_rate_limit is not None:
                await on_rate_limit(limit)
            raise
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
