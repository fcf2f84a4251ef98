"""``./run simulate``: run seeds of the simulated daemon, and print those that fail."""

import argparse
import asyncio
import sys
from pathlib import Path

from tests.simulation import mutations
from tests.simulation.campaign import Campaign, Progress

_KEPT = Path(__file__).with_name("seeds.txt")
_MOST_SEEDS_OF_A_MUTATION = 50


def main() -> int:
    """Do what the command line says; 1 where something differs."""
    parser = argparse.ArgumentParser(prog="./run simulate", description="Run the whole daemon, simulated.")
    parser.add_argument("--seeds", type=int, default=25, help="how many (default: 25)")
    parser.add_argument("--from", dest="first", type=int, default=1, help="the first one (default: 1)")
    parser.add_argument("--only", default="", help="draw only these troubles, with commas")
    parser.add_argument("--mutations", action="store_true", help="switch each safeguard off, and find that out")
    parser.add_argument("--processes", type=int, default=2, help="at a time (default: 2)")
    options = parser.parse_args()
    if options.mutations:
        return asyncio.run(mutate(options.processes))
    return asyncio.run(simulate(options))


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


async def mutate(processes: int) -> int:
    """Switch each safeguard off, and run seeds until one finds it that is equal to the truth otherwise."""
    unfound = []
    for name in mutations.ALL:
        campaign = Campaign(processes, mutation=name)
        await campaign.run(range(1, _MOST_SEEDS_OF_A_MUTATION + 1), until=lambda result: bool(result["error"]))
        unfound += [name] if not campaign.failed else []
        print(f"{name}: {_found_by(campaign)}", flush=True)
    print("unfound:", *unfound)
    return 1 if unfound else 0


def _found_by(campaign: Campaign) -> str:
    if not campaign.failed:
        return "NOT FOUND"
    seed = campaign.failed[0]
    return f"found by seed {seed}: {campaign.results[seed]['error'].strip().splitlines()[-1][:200]}"


if __name__ == "__main__":
    sys.exit(main())
