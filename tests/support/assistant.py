"""An assistant beside an archive: the protocol's own client, which starts the server as assistants do."""

import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.support.process import ROOT

Json = dict[str, Any]


@dataclass(slots=True)
class Assistant:
    """Calls tools; ``said`` is every text that it was answered."""

    session: ClientSession
    said: list[str] = field(default_factory=list)

    async def ask(self, tool: str, **arguments: Any) -> Json:
        """Return what a tool answers; the client has held it against the tool's schema."""
        result = await self.session.call_tool(tool, arguments)
        text: str = getattr(result.content[0], "text", "")
        assert not result.is_error, f"{tool} {arguments}: {text}"
        self.said.append(text)
        assert json.loads(text) == result.structured_content
        return json.loads(text)

    async def refused(self, tool: str, **arguments: Any) -> str:
        """Return why a tool does not answer."""
        result = await self.session.call_tool(tool, arguments)
        assert result.is_error, f"{tool} {arguments} is answered"
        self.said.append(getattr(result.content[0], "text", ""))
        return self.said[-1]

    async def pages(self, tool: str, **arguments: Any) -> list[Json]:
        """Return all answers, from the first to the one that is not cut."""
        found = [await self.ask(tool, **arguments)]
        while found[-1]["cut"]:
            found.append(await self.ask(tool, **arguments, cursor=found[-1]["cursor"]))
        return found


@asynccontextmanager
async def assistant(url: str, log: Path, *options: str, settings: Mapping[str, str] = {}) -> AsyncIterator[Assistant]:
    """Start the server on the archive at a URL, with a client; ``log`` is what it says on standard error."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("COV_")},
        "PYTHONPATH": str(ROOT),
        "PLATFORM_SYNC_DATABASE__URL": url,
        **settings,
    }
    started = StdioServerParameters(
        command=sys.executable, args=["-m", "bot", "mcp", *options], env=environment, cwd=ROOT
    )
    with log.open("w") as errors:
        async with stdio_client(started, errlog=errors) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            await session.list_tools()
            yield Assistant(session)
