"""What every test may use."""

import asyncio
import gc
import logging
import shutil
import sys
import threading
import warnings
from collections.abc import Generator, Iterator
from pathlib import Path

import discord.gateway
import discord.http
import pytest
import yarl

from bot.logs import LIBRARIES
from storage.database import migrate
from tests.support.compiled import share_compiled_statements
from tests.support.examples import choose_profile
from tests.support.postgres import Postgres, running_postgres

LAST_WAIT_BEGINS = (
    0.7  # of the run's length: the end has only short tests, so that no worker is left alone with a long one
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what makes the run quick, and the two tests longer that could go on for ever."""
    group = parser.getgroup("platform-sync")
    group.addoption("--fast", action="store_true", help="leave out what is marked slow, try fewer examples")
    group.addoption("--soak-minutes", type=float, default=0.0, help="how long the soak lasts at least (default: once)")
    group.addoption("--kills", type=int, default=3, help="how often the daemon is killed (default: 3)")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the number of examples, and which tests run."""
    is_fast = config.getoption("--fast")
    choose_profile(is_fast=is_fast)
    share_compiled_statements()
    if is_fast:
        wanted = config.option.markexpr
        config.option.markexpr = f"({wanted}) and not slow" if wanted else "not slow"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests for several workers: the longest begin first, and those that mostly wait lie among the others."""
    waiting = [item for item in items if item.get_closest_marker("process")]
    busy = [item for item in items if not item.get_closest_marker("process")]
    waiting.sort(key=lambda item: item.get_closest_marker("timeout") is None)
    busy.sort(key=lambda item: item.get_closest_marker("slow") is None)
    place = {id(item): LAST_WAIT_BEGINS * number / len(waiting) for number, item in enumerate(waiting)}
    place |= {id(item): number / len(busy) for number, item in enumerate(busy)}
    items.sort(key=lambda item: place[id(item)])


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Load the tests without collecting garbage; later it passes over them, and is as seldom as in the program."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(3_000, 10, 10)
        gc.enable()


@pytest.fixture
def soak_minutes(pytestconfig: pytest.Config) -> float:
    """How long the soak lasts at least; 0 for one round."""
    return float(pytestconfig.getoption("--soak-minutes"))


@pytest.fixture
def kills(pytestconfig: pytest.Config) -> int:
    """How often the daemon is killed."""
    return int(pytestconfig.getoption("--kills"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """The session's server; with pytest-xdist one for each worker."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres(postgres_server: Postgres) -> Iterator[Postgres]:
    """The server for one test, which may kill it: it runs again for the next one, and its databases are gone."""
    with postgres_server.lent() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated archive to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty archive at the newest schema: a file of the test's own, or a database of the real server."""
    if request.param == "sqlite":
        path = shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "archive.db")
        return f"sqlite+aiosqlite:///{path}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create_database()


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Give logging and Python's hooks back as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    with warnings.catch_warnings():
        yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks


@pytest.fixture
def restored_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py keeps its addresses in class attributes; give them back after the test."""
    monkeypatch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
    gateway = discord.gateway.DiscordWebSocket
    monkeypatch.setattr(gateway, "DEFAULT_GATEWAY", yarl.URL(str(gateway.DEFAULT_GATEWAY)))
