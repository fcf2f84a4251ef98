"""Work on SQLite is not broken off in the middle.

A cancelled call to the driver leaves a statement that runs on in its thread. Closing the connection does not end it
(https://www.sqlite.org/c3ref/close.html, "zombie"): its transaction keeps the write lock until Python happens to free
the cursor, and every other write fails meanwhile. PostgreSQL's driver cancels on the server, properly; but on the way
through driver and pool a cancellation can be lost (asyncio.wait_for of Python 3.11 returns normally where it comes with
the result, https://github.com/python/cpython/issues/86296; some versions of both wait by it), or an error take its
place. Either is made good here.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar


class HasDialect(Protocol):
    """An open archive."""

    dialect: str


P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D", bound=HasDialect)


def finish_before_cancel(
    function: Callable[Concatenate[D, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[D, P], Coroutine[Any, Any, T]]:
    """Let a call on SQLite finish, and only then its cancellation go on. Nothing here takes long.

    On either database a call that was cancelled ends with its cancellation, whatever else came of it.
    """

    @wraps(function)
    async def call(db: D, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if db.dialect != "sqlite":
            return await _heeded(function(db, *args, **kwargs))
        return await _settled(asyncio.ensure_future(function(db, *args, **kwargs)))

    return call


async def _heeded(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.current_task()
    requests = task.cancelling() if task else 0
    try:
        result = await work
    except Exception as error:
        if task and task.cancelling() > requests:
            raise asyncio.CancelledError from error
        raise
    if task and task.cancelling() > requests:
        raise asyncio.CancelledError
    return result


async def _settled(task: asyncio.Task[T]) -> T:
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # the one who cancelled does not want to know
    raise cancelled
