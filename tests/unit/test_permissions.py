"""Who may read a channel: @everyone and the bot."""

import pytest

from adapters.discord.permissions import (
    ADMINISTRATOR,
    CONNECT,
    READ_MESSAGE_HISTORY,
    VIEW_CHANNEL,
    Permissions,
    Principal,
    everyone,
)

GUILD, ROLE, BOT = "1", "2", "3"
READ = VIEW_CHANNEL | READ_MESSAGE_HISTORY


def overwrite(target: str, kind: int, *, allow: int = 0, deny: int = 0) -> dict[str, object]:
    return {"id": target, "type": kind, "allow": str(allow), "deny": str(deny)}


def may_everyone(base: int, *overwrites: dict[str, object], kind: int = 0) -> bool:
    permissions = Permissions(GUILD, [{"id": GUILD, "permissions": str(base)}])
    return permissions.can_read(everyone(GUILD), {"type": kind, "permission_overwrites": list(overwrites)})


@pytest.mark.parametrize(
    ("base", "overwrites", "kind", "expected"),
    [
        (READ, [], 0, True),
        (VIEW_CHANNEL, [], 0, False),
        (READ_MESSAGE_HISTORY, [], 0, False),
        (READ, [overwrite(GUILD, 0, deny=VIEW_CHANNEL)], 0, False),
        (READ, [overwrite(GUILD, 0, deny=READ_MESSAGE_HISTORY)], 0, False),
        (0, [overwrite(GUILD, 0, allow=READ)], 0, True),
        (READ, [overwrite(GUILD, 0, allow=READ, deny=READ)], 0, True),
        (READ, [overwrite(ROLE, 0, deny=READ), overwrite(BOT, 1, deny=READ)], 0, True),
        (ADMINISTRATOR, [overwrite(GUILD, 0, deny=READ)], 0, True),
        (READ, [], 2, False),
        (READ | CONNECT, [], 2, True),
        (READ | CONNECT, [overwrite(GUILD, 0, deny=CONNECT)], 13, False),
    ],
)
def test_everyone(base: int, overwrites: list[dict[str, object]], kind: int, *, expected: bool) -> None:
    assert may_everyone(base, *overwrites, kind=kind) is expected


@pytest.mark.parametrize(
    ("overwrites", "is_owner", "expected"),
    [
        ([], False, True),
        ([overwrite(GUILD, 0, deny=READ)], False, False),
        ([overwrite(GUILD, 0, deny=READ), overwrite(ROLE, 0, allow=READ)], False, True),
        ([overwrite(ROLE, 0, deny=READ), overwrite(BOT, 1, allow=READ)], False, True),
        ([overwrite(BOT, 1, deny=VIEW_CHANNEL)], False, False),
        ([overwrite(BOT, 1, deny=VIEW_CHANNEL)], True, True),
        ([overwrite("99", 1, deny=VIEW_CHANNEL)], False, True),
    ],
)
def test_the_bot(overwrites: list[dict[str, object]], *, is_owner: bool, expected: bool) -> None:
    permissions = Permissions(GUILD, [{"id": GUILD, "permissions": "0"}, {"id": ROLE, "permissions": str(READ)}])
    bot = Principal(role_ids=frozenset({GUILD, ROLE}), user_id=BOT, is_owner=is_owner)
    assert permissions.can_read(bot, {"type": 0, "permission_overwrites": overwrites}) is expected


ODD: list[object] = [
    [{"id": GUILD, "deny": str(READ)}],
    [{"id": GUILD, "type": None, "deny": READ}],
    [{"id": GUILD, "type": "0", "deny": READ}],
    [{"id": GUILD, "type": 0, "deny": "everything"}],
    [{"id": GUILD, "type": 0, "deny": {}}],
    [{"type": 0, "deny": str(READ)}],
    [None],
    {"id": GUILD},
    "none",
]


@pytest.mark.parametrize("overwrites", ODD)
def test_what_cannot_be_read_hides(overwrites: object) -> None:
    permissions = Permissions(GUILD, [{"id": GUILD, "permissions": str(READ)}])
    assert not permissions.can_read(everyone(GUILD), {"type": 0, "permission_overwrites": overwrites})


@pytest.mark.parametrize("overwrites", [None, [], [{"id": GUILD, "type": 0}], [{"id": GUILD, "type": 0, "deny": "0"}]])
def test_what_says_nothing_hides_nothing(overwrites: object) -> None:
    permissions = Permissions(GUILD, [{"id": GUILD, "permissions": str(READ)}])
    assert permissions.can_read(everyone(GUILD), {"type": 0, "permission_overwrites": overwrites})
