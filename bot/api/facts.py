"""JSON that an older version may have written: what is not there, or not of its type, is told as nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.records import JsonValue


@dataclass(frozen=True, slots=True)
class Facts:
    """A stored JSON object."""

    values: Mapping[str, JsonValue]

    def count(self, name: str) -> int:
        """A count; 0 where there is none."""
        value = self.values.get(name)
        return value if isinstance(value, int) else 0

    def number(self, name: str) -> float | None:
        """A number."""
        value = self.values.get(name)
        return float(value) if isinstance(value, int | float) else None

    def text(self, name: str) -> str | None:
        """A text."""
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def time(self, name: str) -> datetime | None:
        """A time with its zone."""
        text = self.text(name)
        try:
            at = datetime.fromisoformat(text) if text else None
        except ValueError:
            return None
        return at if at and at.tzinfo else None
