"""Comparing a table with its copy, row by row, as the program sees the values on both sides."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Table

from storage.move.copying import cleaned
from storage.move.model import MovedTable, RowsDiffer
from storage.move.selection import named, ordered_columns
from storage.move.source import Source
from storage.move.target import Target


async def compare(source: Source, target: Target, table: Table, *, batch: int) -> AsyncIterator[MovedTable]:
    """Compare all rows that were not compared yet; yields how many of the table are equal so far.

    Raises:
        RowsDiffer: it names the first row that is not the same.
    """
    found, last = target.compared(table)
    yield found
    while True:
        ours, theirs = await asyncio.gather(source.rows(table, last, batch), target.rows(table, last, batch))
        cleaned_rows = _require_cleaned(table, ours, theirs) if ours != theirs else 0
        if not ours:
            return
        last = tuple(ours[-1][: len(table.primary_key.columns)])
        found = replace(found, rows=found.rows + len(ours), cleaned=found.cleaned + cleaned_rows)
        await target.note_compared(table, found, last)
        yield found


def _require_cleaned(table: Table, ours: Sequence[tuple[Any, ...]], theirs: Sequence[tuple[Any, ...]]) -> int:
    """Accept rows that differ by nothing but what was cleaned. Returns how many do."""
    unlike = [(one, other) for one, other in zip(ours, theirs, strict=False) if one != other]
    for one, other in unlike:
        if cleaned(table, one) != other:
            raise RowsDiffer(f"{_difference(table, one, other)} {RowsDiffer.remedy}")
    if len(ours) != len(theirs):
        longer = max(ours, theirs, key=len)
        where = "the archive" if longer is ours else "the copy"
        row = longer[min(len(ours), len(theirs))]
        raise RowsDiffer(f"A row is only in {where}: {_named(table, row)}. {RowsDiffer.remedy}")
    return len(unlike)


def _difference(table: Table, one: tuple[Any, ...], other: tuple[Any, ...]) -> str:
    """Say where two rows differ, without their values."""
    if _named(table, one) != _named(table, other):
        first = min((one, "the archive"), (other, "the copy"), key=lambda row: row[0][: len(table.primary_key.columns)])
        return f"A row is only in {first[1]}: {_named(table, first[0])}."
    names = [c.name for c, a, b in zip(ordered_columns(table), one, other, strict=True) if a != b]
    return f"A row is not the same in {' and '.join(names)}: {_named(table, one)}."


def _named(table: Table, row: tuple[Any, ...]) -> str:
    return named(table, row[: len(table.primary_key.columns)])
