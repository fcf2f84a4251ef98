"""People's requests as JSON Lines, to be kept beside the backups and replayed after a restore."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson

from storage import privacy
from storage.privacy import Erased, ErasureRequest, OptOut

Request: TypeAlias = ErasureRequest | OptOut


def kind_of(request: Request) -> str:
    """Name what a request is."""
    return "opt-out" if isinstance(request, OptOut) else "erasure request"


def line_of(request: Request, hash_choice: str) -> bytes:
    """Write a request as a line."""
    row: dict[str, object] = {"user_hash": request.user_hash, "tenant_id": request.tenant_id}
    if isinstance(request, OptOut):
        # Under another name, or a version that knows no opt-outs would take it for an erasure.
        row |= {"opted_out_at": request.requested_at}
        row |= {"withheld_from": request.withheld_from, "withheld_until": request.withheld_until}
    else:
        row |= {"requested_at": request.requested_at}
    return orjson.dumps({**row, "hash_choice": hash_choice}, option=orjson.OPT_APPEND_NEWLINE)


def read_lines(lines: Iterable[bytes], hash_choice: str) -> list[Request]:
    """Read requests, in the order in which they were made: where an opt-out has not ended, no later one can begin.

    Raises:
        ValueError: a line is invalid, or comes from an archive with another hash key.
    """
    requests = [_read(number, line, hash_choice) for number, line in enumerate(lines, 1) if line.strip()]
    return sorted(requests, key=lambda request: request.requested_at)


def _read(number: int, line: bytes, hash_choice: str) -> Request:
    try:
        row = orjson.loads(line)
        request = _opt_out(row) if "opted_out_at" in row else _erasure(row)
        privacy.require_hash(request.user_hash)
        if not (request.tenant_id is None or isinstance(request.tenant_id, str)):
            raise ValueError
        if request.tenant_id == "":  # in the database that stands for all tenants
            raise ValueError
    except (ValueError, KeyError, TypeError, OverflowError) as e:
        raise ValueError(f"line {number} is no request, as 'erasures export' writes them") from e
    if row.get("hash_choice") != hash_choice:
        raise ValueError(f"line {number} is of an archive that hashes its users otherwise: give its key")
    return request


def _erasure(row: dict[str, Any]) -> ErasureRequest:
    return ErasureRequest(
        user_hash=row["user_hash"],
        tenant_id=row["tenant_id"],
        requested_at=_time(row["requested_at"]),
        swept_at=None,
        completed_at=None,
        removed=Erased(),
    )


def _opt_out(row: dict[str, Any]) -> OptOut:
    return OptOut(
        user_hash=row["user_hash"],
        tenant_id=row["tenant_id"],
        requested_at=_time(row["opted_out_at"]),
        withheld_from=None if row["withheld_from"] is None else _time(row["withheld_from"]),
        withheld_until=None if row["withheld_until"] is None else _time(row["withheld_until"]),
        swept_at=None,
        completed_at=None,
        removed=Erased(),
    )


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without its zone")
    return time.astimezone(UTC)
