"""What the archive need not keep for ever goes by itself, from the start of the daemon on."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import utc_now
from storage.database import open_database
from storage.jobs import JobKind, JobStatus, finish
from storage.sql import utc_text
from storage.tenants import save_tenant
from tests.support.delivering import delivering
from tests.support.job_steps import claimed, queued
from tests.support.post_office import VILLAGE, PostOffice
from tests.support.tables_of import run_sql

TENANT = "post-T0VILLAGE"
GAP = (
    "INSERT INTO sync_gaps (tenant_id, reason, began_at, ended_at, planned_at, repaired_at, created_at, updated_at)"
    " VALUES (:tenant, 'outage', :at, :at, :at, :at, :at, :at)"
)


def gaps_in(archive: Path) -> int:
    """Count the gaps, the repaired ones too."""
    with closing(sqlite3.connect(archive)) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM sync_gaps")
    return int(count)


@pytest.mark.slow
async def test_old_jobs_repaired_gaps_and_impossible_waits_go(tmp_path: Path) -> None:
    url, long_ago = f"sqlite+aiosqlite:///{tmp_path}/archive.db", utc_now() - timedelta(days=91)
    db = await open_database(url, hash_choice="sha256")
    await save_tenant(db, "post", VILLAGE, connected=True, now=long_ago)
    ids = []
    for hours in range(2):
        at = long_ago + timedelta(hours=hours)
        ids.append((await queued(db, TENANT, JobKind.SCHEDULED, at)).id)
        _, lease = await claimed(db, at)
        await finish(db, lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=at)
    await run_sql(db, GAP, tenant=TENANT, at=utc_text(long_ago))
    await run_sql(db, "UPDATE tenants SET not_before = '2343-01-01 00:00:00.000000+00:00'")
    await db.close()
    async with delivering(url, {"post": PostOffice(20)}) as daemon:
        await daemon.until(lambda: daemon.ask("GET", f"/api/jobs/{ids[0]}"), lambda answer: answer[0] == 404)
        await daemon.until(lambda: daemon.get(f"/api/tenants/{TENANT}/sync"), lambda it: it["not_before"] is None)
        await daemon.sees(lambda: gaps_in(tmp_path / "archive.db") == 0)
        assert (await daemon.get(f"/api/jobs/{ids[1]}"))["status"] == "succeeded", "it says what the tenant's status is"
