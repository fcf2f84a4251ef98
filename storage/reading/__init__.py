"""The door to reading the archive: windows of messages, and what a reader is shown around them."""

from storage.reading.model import ShownAttachment, ShownChannel, ShownMessage, ShownReaction

__all__ = ["ShownAttachment", "ShownChannel", "ShownMessage", "ShownReaction"]
