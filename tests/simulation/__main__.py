"""``./run simulate``: run seeds of the simulated daemon, and print those that fail."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from tests.simulation import mutations
from tests.simulation.campaign import Campaign, Progress

_KEPT = Path(__file__).with_name("seeds.txt")
_MOST_SEEDS_OF_A_MUTATION = 50
_MOST_COMMITS = 1_000


def main() -> int:
    """Do what the command line says; 1 where something differs."""
    parser = argparse.ArgumentParser(prog="./run simulate", description="Run the whole daemon, simulated.")
    parser.add_argument("--seeds", type=int, default=25, help="how many (default: 25)")
    parser.add_argument("--from", dest="first", type=int, default=1, help="the first one (default: 1)")
    parser.add_argument("--only", default="", help="draw only these troubles, with commas")
    parser.add_argument("--commits", action="store_true", help="also kill after every commit of a small sync, in turn")
    parser.add_argument("--mutations", action="store_true", help="switch each safeguard off, and find that out")
    parser.add_argument("--mutation", default="", help="only this one", choices=["", *mutations.ALL])
    parser.add_argument("--processes", type=int, default=2, help="at a time (default: 2)")
    options = parser.parse_args()
    if options.mutations or options.mutation:
        seeds = range(options.first, options.first + _MOST_SEEDS_OF_A_MUTATION)
        return asyncio.run(mutate(options.processes, seeds, options.mutation))
    status = asyncio.run(simulate(options)) if options.seeds else 0
    return asyncio.run(crash(options.processes)) or status if options.commits else status


async def simulate(options: argparse.Namespace) -> int:
    """Run the seeds that are kept, then those that were asked for."""
    kept = [int(line.split()[0]) for line in _KEPT.read_text().splitlines() if line and not line.startswith("#")]
    seeds = [*range(options.first, options.first + options.seeds)]
    seeds = [seed for seed in kept if seed not in seeds and not options.only] + seeds
    only = [name for name in options.only.split(",") if name]
    campaign = Campaign(options.processes, only, show=Progress(len(seeds)))
    await campaign.run(seeds)
    again = Campaign(1, only)
    await again.run(seeds[:1])
    is_same = again.results[seeds[0]]["digest"] == campaign.results[seeds[0]]["digest"]
    if not is_same:
        print(f"seed {seeds[0]} does not run the same again in another process: something escapes the simulation")
    print(f"failed: {campaign.failed}" if campaign.failed else f"{len(seeds)} seeds are equal to the truth")
    return 1 if campaign.failed or not is_same else 0


async def crash(processes: int) -> int:
    """Kill after the first commit, after the second, ..., until a sync is over before."""
    campaign = Campaign(processes, commits=True, show=_show_failure)
    await campaign.run(range(1, _MOST_COMMITS), until=lambda result: result.get("value") is False)
    reached = [number for number, one in campaign.results.items() if one.get("value") is not False]
    failed = [number for number in campaign.failed if number in reached]
    print(f"failed after commit {failed}" if failed else f"killed after each of {len(reached)} commits, and equal")
    return 1 if failed else 0


def _show_failure(result: dict[str, Any]) -> None:
    if result["error"]:
        print(f"killed after commit {result['seed']}:\n{result['error']}", flush=True)


async def mutate(processes: int, seeds: range, wanted: str) -> int:
    """Switch each safeguard off, and run seeds until one finds it; a seed that fails without that finds nothing."""
    unfound, sound = [], Campaign(processes)
    for name in [wanted] if wanted else mutations.ALL:
        with mutations.ALL[name]():
            pass  # or the daemon has no such part any more, and every seed would fail
        found = await _find(name, seeds, processes, sound)
        unfound += [] if found else [name]
        print(f"{name}: {found or 'NOT FOUND'}", flush=True)
    print(f"{len(unfound)} were not found" if unfound else "every one was found")
    return 1 if unfound else 0


async def _find(name: str, seeds: range, processes: int, sound: Campaign) -> str:
    """Return which seed finds a mutation, and by what; nothing where none does."""
    left = sorted(seeds, key=lambda seed: seed != mutations.FOUND_BY.get(name))
    while left:
        campaign = Campaign(processes, mutation=name)
        await campaign.run(left, until=lambda result: bool(result["error"]))
        for seed in campaign.failed:
            await sound.run([seed] if seed not in sound.results else [])
            if seed not in sound.failed:
                return f"found by seed {seed}: {_last_line(campaign.results[seed]['error'])}"
        left = [seed for seed in left if seed not in campaign.results]
    return ""


def _last_line(cause: str) -> str:
    return next((line for line in cause.splitlines() if "Error" in line), cause)[:240]


if __name__ == "__main__":
    sys.exit(main())
