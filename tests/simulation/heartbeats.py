"""discord.py's heartbeat as a task of the simulated loop, where the library has a thread."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from discord.gateway import KeepAliveHandler

HEARTBEAT = "heartbeat of a shard"


async def _beat(handler: KeepAliveHandler) -> None:
    """Do what ``KeepAliveHandler.run`` does."""
    while True:
        await asyncio.sleep(handler.interval or 0)
        if handler._stop_ev.is_set():
            return
        if handler._last_recv + handler.heartbeat_timeout < time.perf_counter():
            await handler.ws.close(4000)
            return
        try:
            await handler.ws.send_heartbeat(handler.get_payload())
        except Exception:  # noqa: BLE001 (as the library does)
            handler.stop()
            return
        handler._last_send = time.perf_counter()


@contextmanager
def heartbeats_as_tasks() -> Iterator[None]:
    """Let every heartbeat begun until the block ends be a task."""
    tasks: dict[int, asyncio.Task[None]] = {}

    def start(handler: KeepAliveHandler) -> None:
        tasks[id(handler)] = asyncio.get_running_loop().create_task(_beat(handler), name=HEARTBEAT)

    def stop(handler: KeepAliveHandler) -> None:
        handler._stop_ev.set()
        task = tasks.get(id(handler))
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    with patch.object(KeepAliveHandler, "start", start), patch.object(KeepAliveHandler, "stop", stop):
        yield
