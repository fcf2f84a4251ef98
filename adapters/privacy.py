"""One-way hashes in place of user ids: the only way in which any adapter hands users on."""

import hashlib
import hmac
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

HashUser: TypeAlias = Callable[[str], str]
"""From a user's id to the hash that stands for it."""

_CACHED_USERS = 65_536  # people who write, write often


class UserHasher:
    """Turn a user id into the hash that stands for it in the archive.

    Without a key this is SHA-256 of the id's text, which anyone who tries every id can reverse; with one it is
    HMAC-SHA-256, which they cannot.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key
        self.of = lru_cache(maxsize=_CACHED_USERS)(self._hash)

    def _hash(self, user_id: str) -> str:
        text = user_id.encode()
        if self._key is None:
            return hashlib.sha256(text).hexdigest()
        return hmac.digest(self._key, text, "sha256").hex()

    @property
    def choice(self) -> str:
        """How ids are hashed, to be stored with an archive: one key differs from another, and none is revealed."""
        if self._key is None:
            return "sha256"
        return "hmac-sha256:" + hmac.digest(self._key, b"platform-sync key fingerprint", "sha256").hex()[:16]
