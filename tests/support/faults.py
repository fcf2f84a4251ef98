"""Faults of the database, between any two statements."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event

from storage.database import Database
from tests.support.patience import PATIENCE_SECONDS


class Killed(Exception):
    """The connection broke before a statement, and the transaction with it."""


@contextmanager
def killed_before(
    db: Database, *beginnings: str, value: str | None = None, error: type[BaseException] = Killed
) -> Iterator[None]:
    """Refuse every statement that begins like one of these, as if the process had been killed before it.

    With ``value`` only statements with that parameter are refused.
    """

    def refuse(_c: object, _cursor: object, statement: str, parameters: Any, *_: Any) -> None:
        given = parameters.values() if isinstance(parameters, dict) else parameters
        if " ".join(statement.split()).startswith(beginnings) and (value is None or value in given):
            raise error(statement)

    engine = db._writer.sync_engine
    event.listen(engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", refuse)


def refuse_updates(file: Path, table: str, column: str) -> None:
    """Make an SQLite archive refuse every update of a column from now on, as one that is damaged there would."""
    with closing(sqlite3.connect(file, timeout=PATIENCE_SECONDS)) as connection:
        connection.execute(
            f"CREATE TRIGGER refuse_{column} BEFORE UPDATE OF {column} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
        )


def refuse_message(file: Path, message_id: str) -> None:
    """Make an SQLite archive refuse one message from now on, by an error that is not about its values."""
    with closing(sqlite3.connect(file, timeout=PATIENCE_SECONDS)) as connection:
        connection.execute(
            f"CREATE TRIGGER refuse_message BEFORE INSERT ON messages WHEN NEW.platform_id = '{message_id}' "
            "BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
        )


def refuse_reactions(file: Path, channel_id: int | str) -> None:
    """Make an SQLite archive refuse the reactions of a channel from now on, by an error that is about their values."""
    with closing(sqlite3.connect(file, timeout=PATIENCE_SECONDS)) as connection:
        connection.execute("CREATE TABLE refused (platform_id TEXT, number INTEGER PRIMARY KEY)")
        connection.execute("INSERT INTO refused VALUES (?, 1)", (str(channel_id),))
        connection.execute(
            "CREATE TRIGGER refuse_reactions BEFORE INSERT ON reactions "
            "WHEN NEW.channel_id IN (SELECT id FROM channels JOIN refused USING (platform_id)) "
            "BEGIN UPDATE refused SET number = 'no number'; END"
        )
        connection.commit()


def accept_reactions(file: Path) -> None:
    """End what ``refuse_reactions`` began."""
    with closing(sqlite3.connect(file, timeout=PATIENCE_SECONDS)) as connection:
        connection.execute("DROP TRIGGER refuse_reactions")
