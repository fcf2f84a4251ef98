"""One person's wish: to be erased, or to see what is held of them."""

from storage.privacy.erasure import (
    Forgotten,
    forget_user,
)
from storage.privacy.export import (
    export_user,
)
from storage.privacy.redaction import (
    Forgetter,
    forgotten,
    forgotten_in,
    forgotten_in_each,
)

__all__ = [
    "Forgetter",
    "Forgotten",
    "export_user",
    "forget_user",
    "forgotten",
    "forgotten_in",
    "forgotten_in_each",
]
