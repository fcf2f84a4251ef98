"""The parts of a daemon that keep the tenants equal to the platforms' communities, without a gateway."""

from datetime import timedelta

from adapters.events import PlatformEvent
from bot.live import LiveWriter
from bot.membership import Membership
from bot.queue import JobQueue
from bot.scheduler import Scheduler
from storage.database import Database
from tests.support.daemon import Clock

PLATFORM = "discord"


class MembershipParts:
    """A membership with its job queue, live writer and scheduler, over one archive."""

    def __init__(self, db: Database, clock: Clock | None = None) -> None:
        self.db, self.clock = db, clock or Clock()
        self.queue = JobQueue(db, self.clock)
        self.live = LiveWriter(db, {}, "me", self.clock)
        self.scheduler = Scheduler(self.queue, timedelta(hours=1), self.clock)
        self.membership = Membership(db, self.live, self.queue, self.scheduler, auto_create={}, clock=self.clock)

    async def receive(self, *events: PlatformEvent) -> None:
        """Pass events of the platform to the membership."""
        for event in events:
            await self.membership.listen(PLATFORM, event)
