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
    erased_in_channels,
    redactor_for,
    redactors_for,
)

__all__ = [
    "Erased",
    "Redactor",
    "erase_user",
    "erased_in_channels",
    "export_user",
    "redactor_for",
    "redactors_for",
]
