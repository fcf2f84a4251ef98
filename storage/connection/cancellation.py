"""Keep cancellation from interrupting database calls half-way.

A cancelled call to SQLite's driver leaves a statement running in the driver's thread. Closing the connection does not
end it (https://www.sqlite.org/c3ref/close.html, "zombie"): its transaction keeps the write lock until Python frees the
cursor, and every other write fails meanwhile. PostgreSQL's driver cancels on the server. But between driver and pool a
cancellation can be lost (asyncio.wait_for of Python 3.11 returns normally where both arrive together,
https://github.com/python/cpython/issues/86296; some versions of driver and pool use it), or be replaced by an error.
The decorator here corrects both.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar


class HasDialect(Protocol):
    """An open archive, or a part of it."""

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        ...


P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D", bound=HasDialect)


def finish_before_cancel(
    function: Callable[Concatenate[D, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[D, P], Coroutine[Any, Any, T]]:
    """Delay the cancellation of a SQLite call until the call has finished; no call here takes long.

    On both databases a cancelled call raises CancelledError, whatever its result.
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
