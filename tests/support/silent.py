"""Connections that are opened and then say nothing more."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# A process of its own, because its sockets are descriptors too.
SILENT = """
import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
port, many = map(int, sys.argv[1:])
made = []
for number in range(many):
    made.append(socket.create_connection(("127.0.0.1", port), 10))
    made[-1].sendall(b"GET /healthz HTTP/1.1\\r\\nHost: x\\r\\n"[: number % 40])
print("ready", flush=True)
sys.stdin.read()
"""


@asynccontextmanager
async def silent(port: int, many: int) -> AsyncIterator[None]:
    """So many connections to a port that never finish their headers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SILENT, str(port), str(many), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.stdin.close()
        await process.wait()
