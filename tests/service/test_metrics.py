"""The figures are true, hold nobody's id, and come in the format that the caller names."""

import math
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from adapters.discord.simulator import Fault, Simulator, uniform_world
from adapters.records import TenantRecord
from bot.app import utc_now
from bot.metrics import Metrics
from storage import jobs, tenants
from storage.database import open_database
from storage.jobs import JobKind
from tests.support.daemon import running_daemon

pytestmark = pytest.mark.usefixtures("restored_addresses")

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def figures(metrics: Metrics) -> Samples:
    """Every sample by name and labels; the shortened name of this program left out."""
    body, content_type = await metrics.expose("")
    assert content_type.startswith("text/plain")
    samples = [sample for family in parse_text(body.decode()) for sample in family.samples]
    found = {(s.name.removeprefix("platform_sync_"), tuple(sorted(s.labels.items()))): s.value for s in samples}
    assert len(found) == len(samples), "one figure is given twice"
    return found


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum of a figure over all its labels but these."""
    return sum(v for (n, found), v in samples.items() if n == name and labels.items() <= dict(found).items())


@pytest.mark.slow
async def test_a_sync_is_counted_as_it_was(tmp_path: Path) -> None:
    world = uniform_world(3, 250)
    (guild_id,) = world.guilds
    tenant = f"discord-{guild_id}"
    url = f"sqlite+aiosqlite:///{tmp_path / 'archive.db'}"
    async with Simulator(world) as sim, running_daemon(sim, url, PLATFORM_SYNC_SYNC__BATCH_SIZE="100") as daemon:
        await daemon.idle()
        samples = await figures(daemon.metrics)
        route = "GET /channels/{id}/messages"
        requests = sim.requests.count("/channels/{channel_id}/messages", status=200)
        assert total(samples, "requests_total", route=route, status="200") == requests
        assert total(samples, "request_seconds_count", route=route) == requests
        assert total(samples, "messages_archived_total") == 750
        assert total(samples, "batch_commit_seconds_count") == 9
        assert total(samples, "jobs_ended_total", kind="initial", end="succeeded") == 1
        assert samples["gateway_ready", (("platform", "discord"),)] == 1
        assert samples["database_up", ()] == 1
        assert total(samples, "queue_jobs") == 0
        assert 0 <= samples["checkpoint_age_seconds", (("tenant", tenant),)] < 60
        assert total(samples, "process_resident_memory_bytes") > 10_000_000
        assert total(samples, "build_info") == 1
        assert total(samples, "invalid_requests_total") == 0
        sim.faults.add(Fault("rate_limit", times=None))
        await daemon.sync(guild_id)
        samples = await figures(daemon.metrics)
        assert total(samples, "rate_limits_total", scope="user") == 1
        assert total(samples, "invalid_requests_total") == 1
        assert total(samples, "jobs_ended_total", kind="manual", end="rate_limited") == 1


@pytest.mark.slow
async def test_what_waits_and_what_never_succeeded(tmp_path: Path) -> None:
    db = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'archive.db'}", hash_choice="sha256")
    enqueued_at = utc_now()
    for guild_id, connected in (("1", True), ("2", True), ("3", False)):
        record = TenantRecord(platform_id=guild_id, name=None)
        await tenants.save_tenant(db, "discord", record, connected=connected, now=enqueued_at)
    for tenant_id in ("discord-1", "discord-2"):
        await jobs.enqueue(db, tenant_id, JobKind.INITIAL, now=enqueued_at)
    claimed = await jobs.claim(db, "a worker", now=enqueued_at, lease=timedelta(minutes=1))
    assert claimed is not None
    metrics = Metrics()
    metrics.watch(db, {}, lambda: enqueued_at + timedelta(seconds=90))
    samples = await figures(metrics)
    assert samples["queue_jobs", (("state", "waiting"),)] == 1
    assert samples["queue_jobs", (("state", "running"),)] == 1
    assert samples["queue_oldest_waiting_seconds", ()] == 90
    ages = {dict(labels)["tenant"]: age for (name, labels), age in samples.items() if name == "checkpoint_age_seconds"}
    assert ages == {"discord-1": math.inf, "discord-2": math.inf}
    await db.close()
    samples = await figures(metrics)
    assert samples["database_up", ()] == 0
    assert not {"queue_jobs", "checkpoint_age_seconds"} & {name for name, _ in samples}


@pytest.mark.slow
async def test_no_endless_labels(tmp_path: Path) -> None:
    world = uniform_world(2, 30, guilds=2)
    url = f"sqlite+aiosqlite:///{tmp_path / 'archive.db'}"
    async with Simulator(world) as sim, running_daemon(sim, url) as daemon:
        await daemon.idle(len(world.guilds))
        samples = await figures(daemon.metrics)
    routes = {dict(labels)["route"] for name, labels in samples if name == "requests_total"}
    assert "GET /channels/{id}/messages/{id}/reactions/{emoji}" in routes
    assert len(routes) < 20


async def test_openmetrics_where_it_is_asked_for() -> None:
    metrics = Metrics()
    metrics.on_response("GET /x", 200, 0.1)
    metrics.on_response("GET /x", None, 30.0)
    metrics.on_response("GET /x", 403, 0.1)
    for scope in ("shared", "global", "something new"):
        metrics.on_rate_limit(scope)
    body, content_type = await metrics.expose(OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in parse_openmetrics(body.decode())}
    assert {s.labels["status"] for s in families["platform_sync_requests"].samples} == {"200", "none", "403"}
    assert {s.labels["scope"] for s in families["platform_sync_rate_limits"].samples} == {"shared", "global", "other"}
    (invalid,) = families["platform_sync_invalid_requests"].samples
    assert invalid.value == 3
    assert not {"platform_sync_database_up"} & families.keys(), "nothing is watched yet"


async def test_two_daemons_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.job_ended("discord-1", "initial", "succeeded", 3)
    assert total(await figures(one), "jobs_ended_total") == 1
    assert total(await figures(other), "jobs_ended_total") == 0
