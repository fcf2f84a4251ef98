"""How every story ends: all is well again, everything is read, and archive and words are held against the guild."""

import asyncio

from adapters.errors import CredentialRefused
from tests.simulation.stage import Stage
from tests.simulation.verdict import assert_rows, assert_words, impatience, remaining
from tests.simulation.witness import Witness

_MOST_SYNCS = 12
_PATIENCE_SECONDS = 4_500.0  # a wait that was noted while the clock was an hour ahead lasts so long


async def end_well(stage: Stage, witness: Witness, *, with_audit: bool = True) -> None:
    """End every trouble, let everything be read, judge, and stop the daemon.

    Raises:
        AssertionError: something is false, or is left behind.
    """
    machine, discord, forgotten = stage.machine, stage.sim.world, stage.life.forgotten
    await _recover(stage)
    await _read_everything(stage, with_audit=with_audit)
    witness.look(at_once=True)
    assert not witness.lies, "\n".join(witness.lies)
    assert not (asked := impatience(stage.sim, stage.life)), "\n".join(asked)
    await assert_rows(machine, discord, forgotten)
    await _until_ready(stage)  # the next heartbeat may not be due before
    await assert_words(machine, discord, with_audit=with_audit)
    await machine.stop()
    await asyncio.sleep(1)
    assert not (left := machine.leftovers()), f"the daemon has ended, and there is still {left}"
    assert not witness.lies, "\n".join(witness.lies)


async def _recover(stage: Stage) -> None:
    """End every trouble that has not ended by itself; the daemon must not have ended."""
    stage.sim.faults.clear()
    stage.sim.gateway.silent_shards = set()
    for place in (*stage.guild.channels.values(), *stage.guild.threads.values()):
        place.omits_head = False
    stage.world.net.heal()
    for hidden in list(stage.life._hidden):
        stage.life.show(hidden)
    if isinstance(stage.machine.error, CredentialRefused):  # a session that began while content was withheld
        stage.machine.start()
    process = stage.machine.process
    assert process is not None
    if process.done():
        process.result()
        raise AssertionError("the daemon has ended by itself")


async def _read_everything(stage: Stage, *, with_audit: bool) -> None:
    """Sync until nothing is left to be read, then audit, then sync until nothing is left."""
    await _until_ready(stage)
    await _sync_until_nothing_remains(stage)
    await assert_rows(stage.machine, stage.sim.world, stage.life.forgotten)
    if with_audit:
        await _sync_until_nothing_remains(stage, "audit")


async def _until_ready(stage: Stage) -> None:
    gateway = stage.sim.gateway
    tenant = f"/api/tenants/discord-{stage.guild.id}"
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            status, _ = await stage.machine.ask("GET", "/readyz")
            is_told = gateway.connected >= gateway.shards  # a cut may be noticed by the next heartbeat alone
            found, view = await stage.machine.ask("GET", tenant)
            if is_told and (status, found) == (200, 200) and view["sync_status"] != "disconnected":
                return
            _assert_alive(stage)
            await asyncio.sleep(1)


async def _sync_until_nothing_remains(stage: Stage, kind: str = "manual") -> None:
    for _ in range(_MOST_SYNCS):
        created, job = await _sync(stage, kind)
        left = remaining(stage.machine)
        if created and job["status"] == "succeeded" and not left:
            return
        if created:
            kind = "manual"
    raise AssertionError(f"{_MOST_SYNCS} syncs were not enough: {left} remain, the last one was {job}")


async def _sync(stage: Stage, kind: str) -> tuple[bool, dict[str, object]]:
    status, asked = await stage.machine.ask("POST", f"/api/tenants/discord-{stage.guild.id}/sync", json={"kind": kind})
    assert status in (200, 202), (status, asked)
    pause = 0.5
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            _assert_alive(stage)
            status, job = await stage.machine.ask("GET", f"/api/jobs/{asked['job_id']}")
            if status == 200 and job["finished_at"]:
                return asked["created"], job
            await asyncio.sleep(pause)
            pause = min(1.05 * pause, 20.0)


def _assert_alive(stage: Stage) -> None:
    process = stage.machine.process
    if process is not None and process.done():
        process.result()
        raise AssertionError("the daemon has ended by itself")
