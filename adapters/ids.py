"""What ids of a platform may be. They are texts, and messages' are numbers; an adapter makes them of what it is told.

Addresses of the API, names of exported files and cursors are made of them, so that other characters are refused.
"""

import re

_MESSAGE_ID = re.compile("0|[1-9][0-9]{0,18}", re.ASCII)
_TENANT_ID = re.compile("[A-Za-z0-9]{1,64}", re.ASCII)
_PLACE_ID = re.compile(r"(?=.*[^.])[A-Za-z0-9._-]{1,64}", re.ASCII)  # no name of a folder, such as ".."


class RecordRefused(ValueError):
    """A value of a platform that no record can hold: what it is of is not stored, and everything else is."""

    code = "record_refused"
    remedy = "please report it: the platform sends what this program does not expect"


def require_id(platform: str, id_pattern: str, value: str) -> None:
    """Check that a value has the form of a platform's ids.

    Raises:
        ValueError: the value does not match; the message names the pattern.
    """
    if not re.fullmatch(id_pattern, value):
        raise ValueError(f"must be an id of {platform}, which matches {id_pattern}")


def number(message_id: str | None) -> int:
    """Return a message's id as the number that it is: the order of sending. 0, before all, where there is none.

    Of messages' ids alone: records refuse any that is no number. No other id of a platform is ever taken for one.
    """
    return int(message_id or 0)


def check_message_id(message_id: str) -> None:
    """Check the id of a message.

    Raises:
        RecordRefused: it is none that can be archived.
    """
    if not _MESSAGE_ID.fullmatch(message_id):
        form = f"{len(message_id)} characters, {sum(map(str.isdecimal, message_id))} of them digits"
        raise RecordRefused(f"a message's id is a decimal number of at most 19 digits, and not {form}")


def check_tenant_id(platform_id: str) -> None:
    """Check the id of a community.

    Raises:
        RecordRefused: it is none that can be archived.
    """
    if not _TENANT_ID.fullmatch(platform_id):
        raise RecordRefused(
            f"a community's id is of 1 to 64 letters (A-Z, a-z) and digits, and not {_form(platform_id)}"
        )


def check_place_id(*platform_ids: str | None) -> None:
    """Check the id of a channel, a thread or a file; None is none.

    Raises:
        RecordRefused: it is none that can be archived.
    """
    for platform_id in platform_ids:
        if platform_id is not None and not _PLACE_ID.fullmatch(platform_id):
            form = "1 to 64 letters (A-Z, a-z), digits, dots, hyphens and underscores, not dots alone"
            raise RecordRefused(f"the id of a channel or file is of {form}, and not {_form(platform_id)}")


def _form(platform_id: str) -> str:
    odd = re.search("[^A-Za-z0-9]", platform_id)
    return f"{len(platform_id)} characters" + (f", {odd[0]!r} among them" if odd else "")
