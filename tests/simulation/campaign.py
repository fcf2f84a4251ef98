"""Many seeds in several processes, each of which ends after some: what a killed daemon held is never freed."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

_SEEDS_OF_A_PROCESS = 12


@dataclass
class Campaign:
    """Seeds to run, and what came of them."""

    processes: int = 2
    only: Sequence[str] = ()
    mutation: str = ""
    commits: bool = False
    """Whether a seed is the number of a commit after which the process is killed."""
    show: Callable[[dict[str, Any]], None] = lambda _: None
    results: dict[int, dict[str, Any]] = field(default_factory=dict)

    async def run(self, seeds: Sequence[int], *, until: Callable[[dict[str, Any]], bool] = lambda _: False) -> None:
        """Run seeds, all of them or until a result is what was wanted."""
        left = list(seeds)
        wanted: list[dict[str, Any]] = []

        async def work() -> None:
            while left and not wanted:
                batch = [left.pop(0) for _ in range(min(_SEEDS_OF_A_PROCESS, -(-len(left) // self.processes)))]
                async with aclosing(self._process(batch)) as told:
                    async for result in told:
                        self.results[result["seed"]] = result
                        self.show(result)
                        wanted.extend([result] if until(result) else [])
                        if wanted:
                            return
                missing = [seed for seed in batch if seed not in self.results]
                if missing:  # the process ended under the first of these
                    result = {"seed": missing[0], "error": "it hangs, or ended the process", "is_repeatable": True}
                    self.results[missing[0]] = result
                    self.show(result)
                    left[:0] = missing[1:]

        async with asyncio.TaskGroup() as group:
            for _ in range(self.processes):
                group.create_task(work())

    async def _process(self, seeds: Sequence[int]) -> AsyncGenerator[dict[str, Any]]:
        options = {"seeds": seeds, "mutation": self.mutation, "only": list(self.only), "commits": self.commits}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.simulation.worker",
            json.dumps(options),
            stdout=asyncio.subprocess.PIPE,
            stderr=None if os.environ.get("SIMULATION_LOG") else asyncio.subprocess.DEVNULL,
            env=os.environ | {"PYTHONHASHSEED": "0"},  # or sets would be in another order in each process
            limit=2**20,
        )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                yield json.loads(line)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    @property
    def failed(self) -> list[int]:
        """The seeds that differ from the truth, or from themselves."""
        return sorted(seed for seed, one in self.results.items() if one["error"] or not one["is_repeatable"])


class Progress:
    """Shows how far a campaign is: in place on a terminal, else by a line now and then."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = self._failed = 0
        self._began = self._shown = time.monotonic()

    def __call__(self, result: dict[str, Any]) -> None:
        """Take in a result; one that failed is printed at once."""
        self._done += 1
        if result["error"] or not result["is_repeatable"]:
            self._failed += 1
            print(f"\nseed {result['seed']} fails:\n{result['error'] or ''}", flush=True)
            if not result["is_repeatable"]:
                print("and does not run the same again: something escapes the simulation", flush=True)
        is_terminal = sys.stdout.isatty()
        if is_terminal or self._done == self._total or time.monotonic() - self._shown > 10:
            self._shown = time.monotonic()
            line = f"{self._done} of {self._total} seeds in {self._shown - self._began:.0f} s, {self._failed} failed"
            print(f"\r{line}", end="\n" if self._done == self._total or not is_terminal else "", flush=True)
