"""Every request that reached the simulator, so that a test can say "at most four attempts, at these times".

Counts are kept for ever and are small (one number a route, channel and status). The single requests are kept in
a bounded list, because a benchmark makes millions of them.
"""

import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

GATEWAY = "/gateway/"
"""How the gateway's handshake is called in faults and in the request log."""

UNANSWERED = 0
"""The status of a request that has no answer: still in work, hung, or its connection broken before the headers."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request. `status` is filled in when its answer's headers are sent."""

    at_monotonic: float
    method: str
    template: str
    path: str
    query: Mapping[str, str]
    channel_id: int | None
    status: int = UNANSWERED


class RequestLog:
    """Requests by route template, channel and status, and the newest of them one by one."""

    def __init__(self, *, keep_entries: int = 100_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=keep_entries)
        self._counts: Counter[tuple[str, int | None, int]] = Counter()

    def begin(self, method: str, template: str, path: str, query: Mapping[str, str], channel_id: int | None) -> Entry:
        """Log a request at its arrival, so that also one that never gets an answer is seen."""
        entry = Entry(
            at_monotonic=time.monotonic(),
            method=method,
            template=template,
            path=path,
            query=query,
            channel_id=channel_id,
        )
        self._entries.append(entry)
        self._counts[template, channel_id, UNANSWERED] += 1
        return entry

    def end(self, entry: Entry, status: int) -> None:
        """Note how a request was answered."""
        self._counts[entry.template, entry.channel_id, entry.status] -= 1
        self._counts[entry.template, entry.channel_id, status] += 1
        entry.status = status

    def count(self, template: str | None = None, status: int | None = None, channel_id: int | None = None) -> int:
        """Return how many requests had this route template, this status and this channel (None: any)."""
        return sum(
            n
            for (its_template, its_channel, its_status), n in self._counts.items()
            if template in (None, its_template) and status in (None, its_status) and channel_id in (None, its_channel)
        )

    def counts(self) -> dict[str, dict[str, int]]:
        """{template: {status: requests}}, for a benchmark in another process."""
        found: dict[str, dict[str, int]] = {}
        for (template, _, status), n in sorted(self._counts.items(), key=lambda item: (item[0][0], item[0][2])):
            if n:
                by_status = found.setdefault(template, {})
                by_status[str(status)] = by_status.get(str(status), 0) + n
        return found

    def entries(
        self, template: str | None = None, status: int | None = None, channel_id: int | None = None
    ) -> list[Entry]:
        """Return the kept requests, in the order in which they came."""
        return [
            entry
            for entry in self._entries
            if template in (None, entry.template)
            and status in (None, entry.status)
            and channel_id in (None, entry.channel_id)
        ]

    def most_within(self, seconds: float = 1.0) -> int:
        """Return the most REST requests that came within any such time, of the kept ones: Discord allows a bot 50."""
        window: deque[float] = deque()
        most = 0
        for entry in self._entries:
            if entry.template == GATEWAY:
                continue
            window.append(entry.at_monotonic)
            while window[0] <= entry.at_monotonic - seconds:
                window.popleft()
            most = max(most, len(window))
        return most

    def clear(self) -> None:
        """Forget everything; requests still in work are counted when they end."""
        self._entries.clear()
        self._counts.clear()
