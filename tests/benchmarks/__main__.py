"""The benchmark table: medians of several runs, each of fresh processes on a fresh database."""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.estimates import estimates
from tests.benchmarks.exports import MESSAGES as EXPORTED
from tests.benchmarks.exports import exports
from tests.benchmarks.first_sync import CHANNELS, MESSAGES, limited, memory, reactions, speed
from tests.benchmarks.growth import growth
from tests.benchmarks.live import CHANNELS as LIVE_CHANNELS
from tests.benchmarks.live import live
from tests.benchmarks.plans import queries
from tests.benchmarks.processes import Rows
from tests.benchmarks.search import searches
from tests.benchmarks.several import several
from tests.benchmarks.stops import THREADS, stops
from tests.benchmarks.storm import storm
from tests.benchmarks.tenants import fairness, idle
from tests.support.postgres import running_postgres

SEARCHED = 1_000_000
_SIZES: list[int] = []  # of the archives that are exported or searched, where they were given
_TABLES: list[dict[str, object]] = []  # what was shown, for ``--json``


def show(title: str, columns: tuple[str, ...], rows: Rows) -> None:
    """Print a table, and keep it."""
    _TABLES.append({"title": title, "rows": [dict(zip(columns, row, strict=True)) for row in rows]})
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*row)
    Console(width=150).print(table)


def main() -> None:
    """Measure the named parts, or all."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="of which the median is shown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file, too")
    usual = [part for part in _PARTS if part not in _LONG]
    parser.add_argument(
        "parts",
        nargs="*",
        default=usual,
        help=f"{', '.join(_PARTS)}; all but {', '.join(_LONG)}; behind export and search a number of messages",
    )
    options = parser.parse_args()
    _SIZES[:] = [int(part) for part in options.parts if part.isdecimal()]
    for part in [part for part in options.parts if not part.isdecimal()]:
        _PARTS[part](options.runs)
        if options.json:  # what was measured is kept, whatever comes after it
            options.json.write_text(json.dumps(_TABLES, indent=2, ensure_ascii=False) + "\n")


def _show_speed(runs: int) -> None:
    columns = ("limits off", "messages/s", "CPU s per million", "speed ratio", "CPU ratio", "peak MiB")
    with running_postgres() as postgres:
        show(f"{CHANNELS} channels of {MESSAGES:,} messages", columns, speed(runs, postgres))


def _show_limits(runs: int) -> None:
    columns = ("Discord's limits", "seconds", "pace's floor", "ratio", "requests, login included", "needed", "429s")
    show("default pace", columns, limited(runs))


def _show_memory(runs: int) -> None:
    show("peak memory of the whole daemon", ("SQLite, limits off", "MiB"), memory(runs))


def _show_reactions(runs: int) -> None:
    columns = ("SQLite", "other requests", "for users", "seconds, limits off", "CPU ms each", "seconds at the pace")
    show("the users behind reactions", columns, reactions(runs))


def _show_idle(_: int) -> None:
    columns = ("SQLite, limits off", "first syncs, s", "requests", "CPU s", "seconds", "MiB")
    rows = [row for guilds in (100, 1_000) for row in idle(guilds)] + idle(100, is_verified=True)
    show("an hour in which nothing is new, everything followed live", columns, rows)


def _show_many(_: int) -> None:
    columns = ("SQLite, limits off", "first syncs, s", "requests", "CPU s", "seconds", "MiB")
    show("an hour of very many guilds in which nothing is new", columns, idle(10_000, shards=8))


def _show_fairness(_: int) -> None:
    show("ten tenants of 2,000 messages", ("seconds from joining to archived", "least", "median", "most"), fairness())


def _show_estimates(_: int) -> None:
    columns = ("world", "seconds", "at 25 %", "at 50 %", "at 75 %", "first at")
    show("error of the estimated duration", columns, estimates())


def _show_storm(_: int) -> None:
    columns = ("a storm of events", "events/s", "s", "API ms", "MiB before", "MiB most", "sessions lost", "equal")
    with running_postgres() as postgres:
        show("events sent while connected", columns, storm(postgres))


def _show_live(_: int) -> None:
    columns = (
        "database",
        "wanted/s",
        "sent/s",
        "median ms",
        "99 % ms",
        "most ms",
        "CPU s per 1,000",
        "left to the sync",
    )
    title = f"from the gateway's frame to the committed row, new messages in {LIVE_CHANNELS:,} channels"
    with running_postgres() as postgres:
        show(title, columns, live(postgres))


def _show_several(_: int) -> None:
    columns = ("processes", "messages/s", "CPU s per million", "new messages/s", "CPU s per 1,000")
    with running_postgres() as postgres:
        show("processes that share the shards of one bot, Postgres, limits off", columns, several(postgres))


def _show_plans(_: int) -> None:
    size = "1,000,000 messages, 500,000 totals (360,000 pending), 100,000 threads, 100,000 jobs"
    with running_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        show(size, ("milliseconds", "SQLite", "Postgres"), queries(Path(folder), postgres.create_database()))


def _show_stops(_: int) -> None:
    columns = ("SQLite, limits off", "seconds", "longest stop, ms", "most MiB", "load")
    show(f"the event loop in a guild of {THREADS:,} archived threads", columns, stops())


def _show_growth(_: int) -> None:
    columns = ("limits off", "messages/s", "CPU s per million", "peak MiB")
    with running_postgres() as postgres:
        show("100,000 more messages", columns, growth(postgres))


def _show_exports(_: int) -> None:
    columns = ("a whole tenant, a file a channel", "seconds", "messages/s", "CPU us each", "peak MiB", "files, MiB")
    with running_postgres() as postgres:
        for number in _SIZES or [EXPORTED]:
            show(f"an export of {number:,} messages", columns, exports(postgres, number))


def _show_search(_: int) -> None:
    with running_postgres() as postgres:
        for number in _SIZES or [SEARCHED]:
            title = f"a search in {number:,} messages (the first time; how many hits)"
            show(title, ("milliseconds", "SQLite", "Postgres"), searches(number, postgres))


_PARTS: dict[str, Callable[[int], None]] = {
    "speed": _show_speed,
    "limits": _show_limits,
    "memory": _show_memory,
    "reactions": _show_reactions,
    "idle": _show_idle,
    "many": _show_many,
    "fairness": _show_fairness,
    "estimates": _show_estimates,
    "storm": _show_storm,
    "live": _show_live,
    "several": _show_several,
    "plans": _show_plans,
    "stops": _show_stops,
    "growth": _show_growth,
    "export": _show_exports,
    "search": _show_search,
}
_LONG = ("many", "growth", "export", "search")  # each takes more than ten minutes


if __name__ == "__main__":
    main()
