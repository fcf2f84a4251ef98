"""What can go wrong on the way, on demand: the failures that a client of Discord meets in the field.

A fault knows routes and counts, never who is asking.
"""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from adapters.discord.simulator.limits import Scope

FaultKind = Literal[
    "status",
    "rate_limit",
    "reset",
    "close",
    "truncated",
    "invalid_json",
    "empty",
    "indexing",
    "hang",
    "slow",
    "late",
    "hold",
    "unmoved",
    "hollow",
    "lacking",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to fail, and the requests that it affects.

    kind          what the client sees:
                  status        an answer with `status` and an error body (JSON, or HTML with `html`)
                  rate_limit    a 429 of `scope` with `retry_after` (cloudflare: HTML, without Via)
                  reset         the connection reset before the headers
                  close         the connection closed before the headers
                  truncated     the true answer, cut in the middle of its body
                  invalid_json  the true answer with a body that is no JSON
                  empty         an empty list or object in place of the true answer
                  indexing      202, the message search's "not indexed yet"
                  hang          no answer until the client goes
                  slow          the true answer after `seconds`
                  late          the answer that was true when the request came, after `seconds`
                  hold          the true answer once the faults are cleared
                  unmoved       the true answer to the same request without its cursor: the cursor does not move
                  lacking       the true answer without the entry in the middle of its list
                  hollow        a page with nothing in it that claims that there is more
    route         a route template ("/channels/{channel_id}/messages"), None for any
    channel_id    a channel or thread, None for any
    after         how many matching requests pass first
    every         of those that follow, affect one in so many
    times         how often it takes effect, None for ever
    """

    kind: FaultKind
    route: str | None = None
    channel_id: int | None = None
    times: int | None = 1
    after: int = 0
    every: int | None = None
    status: int = 500
    html: bool = False
    scope: Scope = "user"
    retry_after: float = 1.0
    seconds: float = 1.0

    def matches(self, template: str, channel_id: int | None) -> bool:
        """Return whether a request of this route and channel is meant."""
        return self.route in (None, template) and self.channel_id in (None, channel_id)


EVERYDAY = (
    Fault("status", status=500),
    Fault("status", status=502, html=True),
    Fault("status", status=503),
    Fault("reset"),
    Fault("close"),
    Fault("truncated"),
    Fault("invalid_json"),
)
"""Failures that a client should get over by trying again."""


class ArmedFault:
    """A fault in force, with how many requests it has seen and struck."""

    __slots__ = ("fault", "seen", "struck")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        self.struck = 0

    def strikes(self, template: str, channel_id: int | None) -> bool:
        """Return whether this request, which is counted, is struck."""
        fault = self.fault
        if self.spent or not fault.matches(template, channel_id):
            return False
        self.seen += 1
        number = self.seen - fault.after
        if number <= 0 or (fault.every is not None and number % fault.every):
            return False
        self.struck += 1
        return True

    @property
    def spent(self) -> bool:
        """Whether it has struck as often as it was to."""
        return self.fault.times is not None and self.struck >= self.fault.times


class Faults:
    """The faults in force, oldest first; the first that strikes a request decides."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._armed: list[ArmedFault] = []
        self._scattered: tuple[Fault, ...] = ()
        self._one_in = 0
        self._chance = random.Random(seed)
        self._cleared = asyncio.Event()

    def add(self, *faults: Fault) -> None:
        """Put faults in force, from the next request on."""
        self._armed.extend(ArmedFault(fault) for fault in faults)

    def put_first(self, fault: Fault) -> None:
        """Put a fault in force that strikes before all others."""
        self._armed.insert(0, ArmedFault(fault))

    def remove(self, faults: Iterable[Fault]) -> None:
        """Let these strike no more."""
        over = list(faults)
        self._armed = [armed for armed in self._armed if armed.fault not in over]

    def scatter(
        self, *, one_in: int, among: Iterable[Fault] = EVERYDAY, route: str | None = None, seed: int | None = None
    ) -> None:
        """Strike about one request in so many, by seeded chance, with one of these faults."""
        self._one_in = one_in
        self._scattered = tuple(replace(fault, route=route or fault.route) for fault in among)
        self._chance = random.Random(self._seed if seed is None else seed)

    def clear(self) -> None:
        """Let all be well again from the next request on, and answer those that are held."""
        self._armed.clear()
        self._scattered = ()
        self._cleared.set()
        self._cleared = asyncio.Event()

    async def until_cleared(self) -> None:
        """Hold a request."""
        await self._cleared.wait()

    def ignores_cursor(self, template: str, channel_id: int | None) -> bool:
        """Return whether the cursor of this request is ignored, whatever else it meets."""
        return self._strike(template, channel_id, unmoved=True) is not None

    def strike(self, template: str, channel_id: int | None) -> Fault | None:
        """Return the fault that this request meets, if any, beside an ignored cursor."""
        return self._strike(template, channel_id, unmoved=False)

    def _strike(self, template: str, channel_id: int | None, *, unmoved: bool) -> Fault | None:
        for armed in self._armed:
            if (armed.fault.kind == "unmoved") is unmoved and armed.strikes(template, channel_id):
                if armed.spent:
                    self._armed.remove(armed)
                return armed.fault
        return self._by_chance(template, channel_id) if self._scattered and not unmoved else None

    def _by_chance(self, template: str, channel_id: int | None) -> Fault | None:
        fitting = [fault for fault in self._scattered if fault.matches(template, channel_id)]
        if not fitting or self._chance.random() * self._one_in >= 1:
            return None
        return self._chance.choice(fitting)
