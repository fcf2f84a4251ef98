"""What a running job has to do shows as soon as that is known, and not a heartbeat later."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.attempt import GuardedSync
from bot.live import LiveWriter
from bot.metrics import Metrics
from bot.sections import SyncConfig
from bot.sync import JobContext, Progress
from storage.database import open_database
from storage.jobs import get_job
from storage.tenants import save_tenant
from tests.support.builders import NOW, SHA
from tests.support.daemon import Clock
from tests.support.job_steps import running_job
from tests.support.patience import PATIENCE_SECONDS
from tests.support.post_office import VILLAGE, Counter, PostOffice


async def _nobody_waits(_: datetime) -> bool:
    return False


@pytest.mark.slow
async def test_the_first_heartbeat_comes_once_the_channels_are_counted(tmp_path: Path) -> None:
    db = await open_database(f"sqlite+aiosqlite:///{tmp_path}/archive.db", hash_choice=SHA)
    office, halted = PostOffice(5), asyncio.Event()

    async def halt(_: str | None) -> None:
        halted.set()
        await asyncio.Event().wait()

    office.before_page = halt
    tenant, _ = await save_tenant(db, "post", VILLAGE, connected=True, now=NOW)
    job = JobContext(
        db=db,
        session=Counter(office),
        tenant_id=tenant.id,
        lease=await running_job(db, tenant.id),
        progress=Progress(),
        live=LiveWriter(db, {}, "worker", Clock()),
        config=SyncConfig(),
        clock=Clock(),
        metrics=Metrics(),
        due=None,
    )
    sync = GuardedSync(
        context=job, time_slice=timedelta(hours=1), is_in_the_way=_nobody_waits, heartbeat_seconds=3600.0
    )
    running = asyncio.create_task(sync.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await halted.wait()
        while not (stored := await get_job(db, job.lease.job_id)) or not stored.totals:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.02)
    assert stored.totals["channels_total"] == 1
    assert stored.totals["requests"] in (0, 1), "the page is requested about when the channels are counted"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await db.close()
