"""A window of a channel that is read again after a gap, as two ranges: what was sent lately, and what is older.

What is a day old is edited and reacted to far more often than what is a week old. So the former is read again first, in
all channels. Of few older messages the latter would be a request of its own: they are read with the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer, Text

from adapters.ids import number
from storage.messages import lesser
from storage.repair.model import RefetchKind
from storage.sql import CHANNEL_ID, NOW, RANGE_ID, Id, RowId, all_rows, dump_json, json_objects
from storage.tables import messages, refetch_ranges

LATELY = timedelta(days=1)
"""How long before a gap what was sent counts as sent lately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The messages of a channel behind ``after`` up to ``until``; those behind ``lately`` were sent lately."""

    channel_id: int
    after: str
    lately: str
    until: str

    @property
    def is_empty(self) -> bool:
        """Whether no message can lie in it."""
        return number(self.after) >= number(self.until)

    @property
    def is_divided(self) -> bool:
        """Whether it holds both what was sent lately and what is older."""
        return number(self.after) < number(self.lately) < number(self.until)


_Ends: TypeAlias = tuple[str | None, str]  # of a range: after_platform_id and until_platform_id
_Rows: TypeAlias = Mapping[RefetchKind, Mapping[str, Any]]

_windows = json_objects("windows", id=RowId, after=Id(), until=Id())
# The ids of a window have one length as a rule, and are in the order of the index then.
_behind_a_page = (
    select(messages.c.id)
    .where(messages.c.channel_id == _windows.c.id)
    .where(messages.c.platform_id > _windows.c.after, messages.c.platform_id <= _windows.c.until)
    .where(func.length(messages.c.platform_id) == func.length(_windows.c.until))
    .order_by(messages.c.platform_id)
    .limit(1)
    .offset(bindparam("page_size", type_=Integer))
    .scalar_subquery()
)
_HOLDS_MORE = select(_windows.c.id).where(_behind_a_page.is_not(None))
_PLANNED = (
    select(refetch_ranges)
    .where(refetch_ranges.c.channel_id.in_(select(_windows.c.id)))
    .where(refetch_ranges.c.kind.in_((RefetchKind.GAP.value, RefetchKind.WINDOW.value)))
    .order_by(refetch_ranges.c.id)
    .with_for_update(of=refetch_ranges)
)
_AFTER, _UNTIL = bindparam("after", type_=Id), bindparam("until", type_=Id)
_INSERT = insert(refetch_ranges).values(
    channel_id=CHANNEL_ID,
    kind=bindparam("of_kind", type_=Text),
    after_platform_id=_AFTER,
    until_platform_id=_UNTIL,
    created_at=NOW,
    updated_at=NOW,
)
_CHANGE = (
    update(refetch_ranges)
    .where(refetch_ranges.c.id == RANGE_ID)
    .values(after_platform_id=_AFTER, until_platform_id=_UNTIL, updated_at=NOW)
)
_DELETE = delete(refetch_ranges).where(refetch_ranges.c.id == RANGE_ID)


async def add_windows(connection: AsyncConnection, windows: Sequence[Window], *, page_size: int, now: datetime) -> int:
    """Store the ranges of windows, each of another channel, with what is left of earlier ones.

    Returns:
        How many ranges are new or were changed.
    """
    if not windows:
        return 0
    divided = await _divide(connection, windows, page_size)
    planned: dict[int, dict[RefetchKind, dict[str, Any]]] = {}
    for row in await all_rows(connection, _PLANNED, {"windows": _as_json(windows)}):
        planned.setdefault(row["channel_id"], {})[RefetchKind(row["kind"])] = {**row}
    new, changed, gone = [], [], []
    for window in divided:
        rows = planned.get(window.channel_id, {})
        ranges = ranges_of(window, rows)
        for kind, (after, until) in ranges.items():
            ends = {"after": after, "until": until, "now": now}
            if kind not in rows:
                new.append({"channel": window.channel_id, "of_kind": kind.value, **ends})
            elif (after, until) != _ends(rows[kind]):
                changed.append({"range": rows[kind]["id"], **ends})
        gone += [{"range": row["id"]} for kind, row in rows.items() if kind not in ranges]
    for statement, given in ((_DELETE, gone), (_CHANGE, changed), (_INSERT, new)):
        if given:
            await connection.execute(statement, given)
    return len(new) + len(changed)


async def _divide(connection: AsyncConnection, windows: Sequence[Window], page_size: int) -> list[Window]:
    """Leave only those windows divided of which the older part is more than a page."""
    older = [replace(window, until=window.lately) for window in windows if window.is_divided]
    counted = [window for window in older if len(window.after) == len(window.until)]
    few = {window.channel_id for window in counted}
    if counted:
        given = {"windows": _as_json(counted), "page_size": page_size}
        few -= {row["id"] for row in await all_rows(connection, _HOLDS_MORE, given)}
    return [replace(w, lately=w.after) if w.channel_id in few else w for w in windows]


def ranges_of(window: Window, rows: _Rows) -> dict[RefetchKind, _Ends]:
    """Return the ranges that hold a window and what is left of earlier ones, no message twice.

    What was read again between an earlier gap and this one may have changed since, and is in them once more.
    """
    lately, older = rows.get(RefetchKind.GAP), rows.get(RefetchKind.WINDOW)
    after = lesser(window.after, older["after_platform_id"]) if older else window.after
    until = max((window.until, *(row["until_platform_id"] for row in rows.values())), key=number)
    if lately is None and number(window.lately) >= number(window.until):
        return {RefetchKind.WINDOW: (after, until)}
    border = lesser(window.lately, lately["after_platform_id"]) if lately else window.lately
    ranges: dict[RefetchKind, _Ends] = {RefetchKind.GAP: (border, until)}
    if border is not None and number(after) < number(border):
        ranges[RefetchKind.WINDOW] = after, border
    return ranges


def _ends(row: Mapping[str, Any]) -> _Ends:
    return row["after_platform_id"], row["until_platform_id"]


def _as_json(windows: Iterable[Window]) -> str:
    return dump_json([{"id": w.channel_id, "after": w.after, "until": w.until} for w in windows])
