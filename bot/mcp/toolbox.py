"""The tools by their names: what they are for, what they take, and calling one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from bot.api import Problem
from bot.mcp import answers, arguments
from bot.mcp.archive import Archive, Refused
from bot.mcp.conversation import ConversationTool
from bot.mcp.reading import ReadingTools
from bot.mcp.search import SearchTool
from bot.mcp.survey import SurveyTools
from bot.wording import wrong_fields
from storage.errors import QueryTooLong, StorageError

log = logging.getLogger(__name__)

_AT_ONCE = 2  # calls: there are three connections to answer by
_TOO_LONG = "it took too long and was cut off; ask for less, such as fewer days or rarer words"
_FAULT = "this is a fault of the server; its log, on standard error, has the details"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool, as it is offered and called."""

    name: str
    title: str
    description: str
    takes: type[arguments.Arguments]
    gives: type[answers.Answer]
    call: Callable[[Any], Awaitable[answers.Answer]]


@dataclass(frozen=True, slots=True)
class Toolbox:
    """All tools on one archive."""

    archive: Archive
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    def tools(self) -> list[Tool]:
        """Return the tools in the order in which they are shown."""
        reading, survey = ReadingTools(self.archive), SurveyTools(self.archive)
        messages, given = answers.MessagesAnswer, arguments

        def tool(
            call: Callable[[Any], Awaitable[answers.Answer]],
            takes: type[arguments.Arguments],
            title: str,
            description: str,
            gives: type[answers.Answer] = messages,
        ) -> Tool:
            name = getattr(call, "__name__", "")
            return Tool(name=name, title=title, description=description, takes=takes, gives=gives, call=call)

        return [
            tool(
                SearchTool(self.archive).search,
                given.Search,
                "Search messages",
                "Find archived messages by words and filters. A hit shows the part around the first word that was "
                "found; read_around shows it whole among its neighbours. Deleted messages only with deleted:any.",
            ),
            tool(
                reading.read_around,
                given.ReadAround,
                "Read around a message",
                "Read a message with those before and behind it in its channel, the oldest first, deleted ones marked.",
            ),
            tool(
                reading.read_day,
                given.ReadDay,
                "Read a day",
                "Read what was written in a channel, thread or post on one day, the oldest first.",
            ),
            tool(
                reading.thread,
                given.Thread,
                "Read a thread",
                "Read a thread or forum post from its first message on.",
            ),
            tool(
                ConversationTool(self.archive).conversation,
                given.Conversation,
                "Read a conversation",
                "Read the messages that a message answers, up to the first one, and all replies to it and to those, in "
                "whatever channel, by the time they were sent at.",
            ),
            tool(
                survey.channels,
                given.Channels,
                "List channels",
                "List channels with how much of each is archived, or why it is not; or the threads of one channel.",
                answers.ChannelsAnswer,
            ),
            tool(
                survey.stats,
                given.Stats,
                "Count messages",
                "Count the messages of some days by day, hour, channel or author, or the reactions given.",
                answers.StatsAnswer,
            ),
            tool(
                survey.coverage,
                given.Coverage,
                "How complete the archive is",
                "Say what is archived, until when that is proven, what the last audit found, and what is missing: gaps "
                "and channels that could not be read. Ask this before concluding that something was never said.",
                answers.CoverageAnswer,
            ),
        ]

    async def call(self, name: str, given: Mapping[str, Any]) -> answers.Answer:
        """Answer one call.

        Raises:
            Refused: it cannot be answered; the message says why, and what would be right.
        """
        tools = {tool.name: tool for tool in self.tools()}
        if name not in tools:
            raise Refused(f"there is no such tool; there are {', '.join(tools)}")
        tool = tools[name]
        try:
            params = tool.takes.model_validate(dict(given))
        except ValidationError as e:
            wrong = wrong_fields(tool.takes, e, whole="an object with the arguments")
            raise Refused("; ".join(f"{key}: {words}" if key else words for key, words in wrong)) from e
        try:
            async with self._turns:
                return await tool.call(params)
        except QueryTooLong as e:
            raise Refused(_TOO_LONG) from e
        except Problem as e:
            raise Refused(e.detail) from e
        except StorageError as e:
            log.error("a call failed on the database", extra={"tool": name, "code": e.code, "error": str(e)})
            raise Refused(f"the archive cannot be read at present: {e}") from e
        except Refused:
            raise
        except Exception as e:
            log.exception("a call failed", extra={"tool": name})
            raise Refused(_FAULT) from e
