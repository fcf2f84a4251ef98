"""Which page of which channel holds a message: settled before the first page is written, so that links are right.

The plan is kept in the folder. An attempt that goes on takes it over: by it the pages that are there lead to others.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import orjson

from adapters.ids import number
from bot.export import ExportFolder, FolderRefused
from storage.reading import ShownChannel

NAME = "_pages.json"
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

Bound: TypeAlias = tuple[int, int]
"""Where a page begins: microseconds since 1970, and the number that the id of its first message is."""


def bound_of(sent_at: datetime, message_id: str) -> Bound:
    """Return where a message stands in its channel."""
    return (sent_at - _EPOCH) // _MICROSECOND, number(message_id)


def time_of(bound: Bound) -> datetime:
    """Return the time at which a page begins."""
    return _EPOCH + bound[0] * _MICROSECOND


@dataclass(slots=True, kw_only=True)
class PlannedChannel:
    """A channel's folder and where its pages begin; the first page also holds what is before its beginning."""

    folder: str
    bounds: list[Bound] = field(default_factory=list)
    messages: int = 0  # that this attempt found

    def file(self, index: int) -> str:
        """Return the name of a page, from the folder of the export on; it is named by its first message."""
        return f"{self.folder}/{self.bounds[index][1]}.html"

    def index_of(self, bound: Bound) -> int:
        """Return the number of the page on which a message is, from 0 on."""
        return max(bisect_right(self.bounds, bound) - 1, 0)


@dataclass(slots=True, kw_only=True)
class Plan:
    """All channels and threads with pages, and which channels have such threads, by the platform's ids."""

    channels: dict[str, PlannedChannel] = field(default_factory=dict)
    threads: Counter[str] = field(default_factory=Counter)  # how many, by their channel
    folders: dict[str, str] = field(default_factory=dict)  # of channels with threads
    strays: list[ShownChannel] = field(default_factory=list)  # threads whose channel is not known

    def take(self, channel: ShownChannel, planned: PlannedChannel, folder: ExportFolder) -> None:
        """Add a channel that has pages."""
        self.channels[channel.platform_id] = planned
        parent = channel.parent_platform_id
        if channel.type == "thread" and parent:
            self.threads[parent] += 1
            known = self.channels.get(parent)
            self.folders[parent] = known.folder if known else folder.name_for(parent, channel.parent_name)
        elif channel.type == "thread":
            self.strays.append(channel)

    def files(self) -> Iterable[str]:
        """Name all pages with messages."""
        for planned in self.channels.values():
            yield from map(planned.file, range(len(planned.bounds)))

    def save(self, folder: ExportFolder) -> None:
        """Keep the plan beside the pages."""
        kept = {key: {"folder": one.folder, "pages": one.bounds} for key, one in self.channels.items()}
        with folder.file(NAME) as file:
            file.write(orjson.dumps(kept, option=orjson.OPT_APPEND_NEWLINE))


def read_plan(path: Path) -> Plan:
    """Read the plan of an earlier attempt from an export's folder; an empty one where there is none.

    Raises:
        FolderRefused: it cannot be read, or leads out of the folder.
    """
    try:
        kept: dict[str, Any] = orjson.loads((path / NAME).read_bytes())
        return Plan(channels={key: _planned(one) for key, one in kept.items()})
    except FileNotFoundError:
        return Plan()
    except (ValueError, LookupError, TypeError, AttributeError) as e:
        raise FolderRefused(f"{path / NAME} cannot be read: give a new folder") from e


def _planned(kept: dict[str, Any]) -> PlannedChannel:
    folder = kept["folder"]
    if Path(folder).name != folder:
        raise ValueError
    return PlannedChannel(folder=folder, bounds=[(int(at), int(number)) for at, number in kept["pages"]])


def address(name: str) -> str:
    """Write the name of a file as a part of an address."""
    return quote(name)
