"""What the values of filters name: channels, people and messages of one tenant."""

from sqlalchemy import ColumnElement, RowMapping, bindparam, func, literal, or_, select
from sqlalchemy.types import Text

from storage.search.limits import LimitedReader
from storage.search.model import Field, Filter, UnclearFilter
from storage.sql import LIMIT, MESSAGE_PLATFORM_ID, TENANT_ID, Id
from storage.tables import channels, messages

_MOST_CANDIDATES = 10
_FEWEST_DIGITS, _HASH_DIGITS = 8, 64
_GIVEN = bindparam("given", type_=Text)
_is_named: ColumnElement[bool] = or_(channels.c.platform_id == bindparam("given", type_=Id), channels.c.name == _GIVEN)
_NAMED = (
    select(channels.c.id, channels.c.platform_id, channels.c.name, channels.c.type)
    .where(channels.c.tenant_id == TENANT_ID, _is_named)
    .order_by(channels.c.type == literal("thread"), channels.c.id)
    .limit(LIMIT)
)


async def channel_ids(reader: LimitedReader, tenant_id: str, given: Filter) -> list[int]:
    """Find the channel, thread or category that a filter names; a channel before a thread of the same name.

    Raises:
        UnclearFilter: there is none, or more than one.
    """
    wanted = str(given.value).removeprefix("#")
    values = {"tenant": tenant_id, "given": wanted, "limit": _MOST_CANDIDATES + 1}
    found = list(await reader.rows(_NAMED, values))
    if given.field is Field.THREAD:
        found = [row for row in found if row["type"] == "thread"]
    elif any(row["type"] != "thread" for row in found):
        found = [row for row in found if row["type"] != "thread"]
    found = [row for row in found if row["platform_id"] == wanted] or found
    if not found:
        what = "thread" if given.field is Field.THREAD else "channel"
        raise UnclearFilter(given.field, f'no {what} "{wanted}" is known; give its name as it is now, or its id')
    if len(found) > 1:
        named = tuple(map(_candidate, found[:_MOST_CANDIDATES]))
        raise UnclearFilter(given.field, f'several are called "{wanted}": give the id of one', named)
    return [found[0]["id"]]


def _candidate(row: RowMapping) -> str:
    return f"{row['platform_id']} ({row['type']} {row['name']})"


_NEXT_AUTHOR = select(func.min(messages.c.author_hash).label("next")).where(
    messages.c.author_hash >= bindparam("since", type_=Id), messages.c.author_hash < bindparam("until", type_=Id)
)
# Read by the index over authors: the tenant is compared in a way that lets none over its messages be used.
_IS_HERE = (
    select(messages.c.id)
    .where(messages.c.author_hash == bindparam("who", type_=Id), messages.c.tenant_id.concat(literal("")) == TENANT_ID)
    .limit(1)
)


async def author_hash(reader: LimitedReader, tenant_id: str, given: Filter) -> str:
    """Return the pseudonym that a filter means, of which the first eight digits are enough.

    People who wrote in other tenants alone are neither meant nor named.

    Raises:
        UnclearFilter: nobody has it, or more than one.
    """
    digits = str(given.value).lower()
    if len(digits) == _HASH_DIGITS:
        return digits
    found: list[str] = []
    since = digits
    while len(found) < _MOST_CANDIDATES:  # one look at the index each: a person may have written a million
        values = {"since": since, "until": f"{digits}g"}
        (row,) = await reader.rows(_NEXT_AUTHOR, values)
        if (next_hash := row["next"]) is None:
            break
        if await reader.rows(_IS_HERE, {"who": next_hash, "tenant": tenant_id}):
            found.append(str(next_hash))
        since = f"{next_hash}0"
    if not found:
        raise UnclearFilter(given.field, f"nobody whose pseudonym begins with {digits} has written anything here")
    if len(found) > 1:
        raise UnclearFilter(given.field, f"several pseudonyms begin with {digits}: give more digits", tuple(found))
    return found[0]


_MESSAGE = (
    select(messages.c.channel_id, messages.c.sent_at)
    .join(channels, channels.c.id == messages.c.channel_id)
    .where(channels.c.tenant_id == TENANT_ID, messages.c.platform_id == MESSAGE_PLATFORM_ID)
    .limit(2)
)


async def find_message(reader: LimitedReader, tenant_id: str, given: Filter) -> RowMapping:
    """Return channel and time of the message that a filter names.

    Raises:
        UnclearFilter: it is not archived.
    """
    found = await reader.rows(_MESSAGE, {"tenant": tenant_id, "message": str(given.value)})
    if not found:
        raise UnclearFilter(given.field, f"no message with the id {given.value} is archived")
    return found[0]
