"""A first sync: as fast as it can, under Discord's limits, its memory, and the users behind the reactions."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tests.benchmarks.processes import NO_PACE, ONLY_MESSAGES, Rows, Usage, run_daemon, run_plain_loop, simulator
from tests.support.postgres import Postgres

PACE = 40.0
CHANNEL_PACE = 0.9
REACTION_PACE = 4.0  # of one channel
CHANNELS, MESSAGES = 20, 15_000
LONG_CHANNELS = (100_000, 2_000_000)
REACTION_MESSAGES = 1_000
USERS_ROUTE = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}"
LIMITED_CHANNELS, LIMITED_MESSAGES, LATENCY_MS = (20, 60, 200), 5_000, 80
LIMITED_REACTED = ((20, 500), (60, 200), (200, 60))


def medians(runs: int, measure: Callable[[Path], Usage]) -> Usage:
    """The median of each figure over runs in fresh folders."""
    used = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            used.append(measure(Path(folder)))
    return Usage(
        seconds=median(u.seconds for u in used),
        cpu_seconds=median(u.cpu_seconds for u in used),
        peak_mib=median(u.peak_mib for u in used),
        requests=int(median(u.requests for u in used)),
    )


def speed(runs: int, postgres: Postgres) -> Rows:
    """Limits off: the daemon on both databases, and the plain loop, over the same world."""
    total = CHANNELS * MESSAGES
    world = ("--world", "uniform", "--channels", str(CHANNELS), "--messages", str(MESSAGES))

    def plain(folder: Path) -> Usage:
        with simulator(*world) as discord:
            return run_plain_loop(discord, folder)

    def sqlite(folder: Path) -> Usage:
        with simulator(*world) as discord:
            return run_daemon(discord, folder, f"sqlite+aiosqlite:///{folder}/archive.db", **NO_PACE, **ONLY_MESSAGES)

    def on_postgres(folder: Path) -> Usage:
        with simulator(*world) as discord:
            return run_daemon(discord, folder, postgres.create_database(), **NO_PACE, **ONLY_MESSAGES)

    base = medians(runs, plain)
    rows = [_speed_row("plain history() loop into sqlite3", total, base, base)]
    for name, measure in (("daemon on SQLite", sqlite), ("daemon on Postgres", on_postgres)):
        rows.append(_speed_row(name, total, medians(runs, measure), base))
    return rows


def _speed_row(name: str, total: int, used: Usage, base: Usage) -> tuple[str, ...]:
    return (
        name,
        f"{total / used.seconds:,.0f}",
        f"{used.cpu_seconds * 1e6 / total:.1f}",
        f"{base.seconds / used.seconds:.2f}",
        f"{used.cpu_seconds / base.cpu_seconds:.2f}",
        f"{used.peak_mib:.0f}",
    )


def memory(runs: int) -> Rows:
    """One channel, short and long."""
    rows, peaks = [], []
    for messages in LONG_CHANNELS:

        def long_channel(folder: Path, messages: int = messages) -> Usage:
            with simulator("--world", "uniform", "--channels", "1", "--messages", str(messages)) as discord:
                return run_daemon(
                    discord, folder, f"sqlite+aiosqlite:///{folder}/archive.db", **NO_PACE, **ONLY_MESSAGES
                )

        used = medians(runs, long_channel)
        peaks.append(used.peak_mib)
        rows.append((f"{messages:,} messages in one channel", f"{used.peak_mib:.1f}"))
    return [*rows, ("difference", f"{peaks[-1] - peaks[0]:.1f}")]


def limited(runs: int) -> Rows:
    """Under Discord's limits, at the default pace, with latency: messages alone, and with who reacted."""
    alone = [_limited(runs, channels, LIMITED_MESSAGES, is_alone=True) for channels in LIMITED_CHANNELS]
    return alone + [_limited(runs, channels, messages, is_alone=False) for channels, messages in LIMITED_REACTED]


def _limited(runs: int, channels: int, messages: int, *, is_alone: bool) -> tuple[str, ...]:
    refused, lists = list[int](), list[int]()

    def under_limits(folder: Path) -> Usage:
        world = ("--world", "uniform", "--channels", str(channels), "--messages", str(messages))
        with simulator(*world, "--limits", "truthful", "--latency-ms", str(LATENCY_MS)) as discord:
            url, settings = f"sqlite+aiosqlite:///{folder}/archive.db", ONLY_MESSAGES if is_alone else {}
            used = run_daemon(discord, folder, url, **settings)
            answered = discord.requests()
            refused.append(sum(statuses.get("429", 0) for statuses in answered.values()))
            lists.append(sum(answered.get(USERS_ROUTE, {}).values()))
            return used

    used = medians(runs, under_limits)
    pages, listings = channels * (messages // 100 + 1), 3 + channels  # the last one is not full
    of_channel = max((pages / channels - 1) / CHANNEL_PACE, lists[-1] / channels / REACTION_PACE)
    floor = max((pages + listings + lists[-1]) / PACE, of_channel)
    kind = "messages" if is_alone else "messages and reactions"
    return (
        f"{channels} channels of {messages:,} {kind}, {LATENCY_MS} ms latency",
        f"{used.seconds:.1f}",
        f"{floor:.1f}",
        f"{used.seconds / floor:.3f}",
        str(used.requests),
        str(pages + listings + lists[-1]),
        str(max(refused)),
    )


def reactions(runs: int) -> Rows:
    """The users behind reactions, on top of the messages."""
    world = ("--channels", str(CHANNELS), "--messages", str(REACTION_MESSAGES))
    lists: list[int] = []

    def measured(folder: Path, **settings: str) -> Usage:
        with simulator("--world", "uniform", *world) as discord:
            used = run_daemon(discord, folder, f"sqlite+aiosqlite:///{folder}/archive.db", **NO_PACE, **settings)
            lists.append(sum(discord.requests().get(USERS_ROUTE, {}).values()))
            return used

    without = medians(runs, lambda folder: measured(folder, **ONLY_MESSAGES))
    used = medians(runs, measured)
    requests = lists[-1]
    return [
        (
            f"{CHANNELS} channels of {REACTION_MESSAGES:,}",
            f"{without.requests:,}",
            f"{requests:,}",
            f"{used.seconds - without.seconds:.1f}",
            f"{(used.cpu_seconds - without.cpu_seconds) * 1000 / requests:.2f}",
            f"{requests / min(PACE, CHANNELS * REACTION_PACE):.0f}",
        )
    ]
