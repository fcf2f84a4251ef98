"""Print when how many messages were counted in an archive, as committed with the checkpoints of their channels.

A process of its own, so that it shares no interpreter with what sends the messages.
"""

import sys
import time

from sqlalchemy import create_engine, func, select

from storage.tables import sync_progress

_LOOK_SECONDS = 0.005


def main() -> None:
    """Look until the end of the process; one line for each count: the time, and the count."""
    engine = create_engine(sys.argv[1].replace("+aiosqlite", ""), isolation_level="AUTOCOMMIT")
    count, query = -1, select(func.coalesce(func.sum(sync_progress.c.messages_archived), 0))
    with engine.connect() as connection:
        while True:
            found = int(connection.execute(query).scalar_one())
            if found != count:
                count = found
                print(time.monotonic(), count, flush=True)
            time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    main()
