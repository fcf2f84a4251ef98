"""The simulator as a process of its own, for benchmarks and for trying things by hand.

Prints one line of JSON (rest_url, gateway_url, token), then serves until SIGTERM or SIGINT.
"""

import argparse
import asyncio
import json
import signal
import sys

from adapters.discord.simulator import (
    Limits,
    Simulator,
    World,
    demo_world,
    rich_world,
    tree_world,
    uneven_world,
    uniform_world,
)

LIMITS = {"off": None, "truthful": Limits(), "lying": Limits(headers="lying")}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m adapters.discord.simulator", description=__doc__)
    parser.add_argument("--world", choices=("rich", "demo", "uniform", "uneven", "tree"), default="demo")
    parser.add_argument("--channels", type=int, default=20, help="a guild, of the worlds uniform, uneven and tree")
    parser.add_argument("--guilds", type=int, default=1, help="of the world uniform")
    parser.add_argument("--sizes", default="10000,1000", help="messages of each guild of the world uneven")
    parser.add_argument("--messages", type=int, default=1_000, help="a channel, of the world uniform")
    parser.add_argument("--threads", type=int, default=0, help="of the worlds uniform and tree")
    parser.add_argument("--archived", action="store_true", help="the threads of the world uniform are archived")
    parser.add_argument("--shards", type=int, default=1, help="how many Discord recommends")
    parser.add_argument("--max-concurrency", type=int, default=1, help="how many shards may identify at once")
    parser.add_argument("--identify-seconds", type=float, default=5.0, help="0: no IDENTIFY is too fast")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency-ms", type=float, default=0.0, help="added to every REST answer")
    parser.add_argument("--limits", choices=tuple(LIMITS), default="off", help="what X-RateLimit headers say")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    return parser.parse_args(arguments)


def build_world(options: argparse.Namespace) -> World:
    """Build the world that the options name."""
    match options.world:
        case "uniform":
            sizes = options.channels, options.messages, options.seed, options.threads, options.guilds
            return uniform_world(*sizes, archived=options.archived)
        case "uneven":
            return uneven_world([int(size) for size in options.sizes.split(",")], options.channels, options.seed)
        case "tree":
            return tree_world(options.channels, options.threads, options.seed)
        case "rich":
            return rich_world(options.seed)
        case _:
            return demo_world(options.seed)


async def serve(options: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    simulator = Simulator(
        build_world(options),
        limits=LIMITS[options.limits],
        latency_seconds=options.latency_ms / 1000,
        seed=options.seed,
        port=options.port,
    )
    simulator.gateway.shards = options.shards
    simulator.gateway.starts.max_concurrency = options.max_concurrency
    simulator.gateway.starts.interval_seconds = options.identify_seconds
    async with simulator as sim:
        line = {"rest_url": sim.rest_url, "gateway_url": sim.gateway_url, "token": sim.world.token}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(parse(sys.argv[1:])))
