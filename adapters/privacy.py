"""One-way hashes in place of user ids; every adapter uses this and nothing else for them."""

import hashlib
import hmac
from functools import lru_cache

_REMEMBERED = 65_536  # users whose hash is kept at hand; people who write, write often


class UserHasher:
    """Turns a user id into the hash that stands for it in the archive.

    Without a key this is SHA-256 of the id's text, which anyone who tries every id can reverse; with one it is
    HMAC-SHA-256, which they cannot.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key
        self.of = lru_cache(maxsize=_REMEMBERED)(self._hash)

    def _hash(self, user_id: str) -> str:
        text = user_id.encode()
        if self._key is None:
            return hashlib.sha256(text).hexdigest()
        return hmac.digest(self._key, text, "sha256").hex()

    @property
    def choice(self) -> str:
        """How ids are hashed, to be stored with an archive: tells one key from another without revealing it."""
        if self._key is None:
            return "sha256"
        return "hmac-sha256:" + hmac.digest(self._key, b"platform-sync key fingerprint", "sha256").hex()[:16]
