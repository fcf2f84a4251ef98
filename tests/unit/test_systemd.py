"""What the service manager receives, over a real socket."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.systemd import Notifier
from storage.errors import DatabaseUnreachable
from tests.support.patience import PATIENCE_SECONDS

WATCHED = {"WATCHDOG_USEC": "20000", "WATCHDOG_PID": str(os.getpid())}


class Manager:
    """A service manager's end."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)
        self.environment = {"NOTIFY_SOCKET": address}

    def received(self) -> list[str]:
        """Every datagram since the last time."""
        found = []
        while True:
            try:
                found.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return found

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """A socket of either kind."""
    made = Manager(str(tmp_path / "notify") if request.param == "path" else f"@platform-sync-test-{os.getpid()}")
    yield made
    made.close()


class Look:
    """The daemon's status: a line, an error, or nothing for a long time."""

    def __init__(self, *outcomes: str | BaseException | None) -> None:
        self.outcomes = list(outcomes)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if outcome is None:
            await asyncio.sleep(60)
        if isinstance(outcome, BaseException):
            raise outcome
        return str(outcome)


async def watched(notifier: Notifier, look: Look, manager: Manager, times: int) -> list[str]:
    """What has been received once there are so many datagrams."""
    watching = asyncio.create_task(notifier.watch(look))
    received: list[str] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(received) < times:
            assert not watching.done()
            received += manager.received()
            await asyncio.sleep(0.001)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return received[:times]


def test_the_stages_are_told(manager: Manager) -> None:
    notifier = Notifier(manager.environment)
    notifier.opening()
    notifier.ready()
    notifier.stopping()
    assert manager.received() == [
        "STATUS=opening the database",
        "READY=1\nSTATUS=serving",
        "STOPPING=1\nSTATUS=stopping: running syncs go to a safe point",
    ]


async def test_a_healthy_daemon_gives_its_sign_of_life_with_its_status(manager: Manager) -> None:
    received = await watched(
        Notifier({**manager.environment, **WATCHED}), Look("3 tenants,\n1 sync running"), manager, 3
    )
    assert set(received) == {"STATUS=3 tenants, 1 sync running\nWATCHDOG=1"}


async def test_no_sign_of_life_while_the_database_does_not_answer(
    manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    look = Look("well", DatabaseUnreachable("It is away."), DatabaseUnreachable("It is away."), "well")
    assert await watched(Notifier({**manager.environment, **WATCHED}), look, manager, 4) == [
        "STATUS=well\nWATCHDOG=1",
        "STATUS=the database cannot be used: It is away.",
        "STATUS=the database cannot be used: It is away.",
        "STATUS=well\nWATCHDOG=1",
    ]
    (record,) = [record for record in caplog.records if record.name == "bot.systemd"]
    assert record.getMessage() == "no sign of life for the service manager's watchdog"
    assert record.__dict__["reason"] == "the database cannot be used: It is away."


async def test_a_look_that_a_library_cancels_is_no_end_of_the_signs_of_life(manager: Manager) -> None:
    look = Look("well", asyncio.CancelledError(), "well")
    assert await watched(Notifier({**manager.environment, **WATCHED}), look, manager, 3) == [
        "STATUS=well\nWATCHDOG=1",
        "STATUS=a fault of the program (StrayCancellation)",
        "STATUS=well\nWATCHDOG=1",
    ]


async def test_a_look_that_hangs_is_not_repeated(manager: Manager) -> None:
    look = Look(None)
    received = await watched(Notifier({**manager.environment, **WATCHED}), look, manager, 3)
    assert set(received) == {"STATUS=the database does not answer"}
    assert look.calls == 1


@pytest.mark.parametrize("watchdog", [{}, {"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}])
async def test_where_nobody_waits_for_signs_of_life_the_status_is_told_at_leisure(
    manager: Manager, watchdog: dict[str, str]
) -> None:
    look = Look("well")
    assert await watched(Notifier({**manager.environment, **watchdog}), look, manager, 1) == ["STATUS=well"]
    assert look.calls == 1


async def test_without_a_service_manager_nothing_happens() -> None:
    notifier = Notifier({})
    notifier.ready()
    look = Look("well")
    await notifier.watch(look)
    assert look.calls == 0


def test_a_service_manager_that_has_gone_is_no_matter(tmp_path: Path) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()
