"""One person's wish: to be erased, or to see what is held of them."""

from storage.privacy.erasure import (
    Erased,
    erase_user,
)
from storage.privacy.export import (
    export_user,
)
from storage.privacy.redaction import (
    Redactor,
    redactor_for,
    redactor_for_channel,
    redactors_for,
)

__all__ = [
    "Erased",
    "Redactor",
    "erase_user",
    "export_user",
    "redactor_for",
    "redactor_for_channel",
    "redactors_for",
]
