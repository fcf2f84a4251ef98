"""Why a channel is not archived, in the words of its platform."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.records import SkipReason
from adapters.words import NO_WORDS, PlatformWords

NEUTRAL: Mapping[SkipReason, str] = {
    SkipReason.NOT_PUBLIC: "Not everybody may see it. Only what everybody may see is archived.",
    SkipReason.BOT_LACKS_ACCESS: "The bot may not see it. Give it access there, and the next sync archives it.",
    SkipReason.DELETED: "It was deleted on the platform. What was archived of it stays.",
    SkipReason.UNSUPPORTED: "It holds no messages, like a category, or it is of a type that this version does not "
    "know.",
    SkipReason.EXCLUDED: "The operator left it out, with include or exclude in the configuration of its platform. What "
    "was archived of it stays.",
    SkipReason.OBFUSCATED: "The platform hides it from the bot: its name is unknown, and so is whether everybody may "
    "see it. Give the bot access there if it should be archived.",
}
"""The words that fit any platform."""


@dataclass(frozen=True, slots=True)
class SkipWords:
    """The words of the platforms that are configured, by the platform's name."""

    platforms: Mapping[str, PlatformWords] = field(default_factory=dict)

    def of(self, tenant_id: str) -> Mapping[SkipReason, str]:
        """Return the words for a tenant's channels: of every reason, by its platform or else by none."""
        platform, _, _ = tenant_id.partition("-")
        return {**NEUTRAL, **self.platforms.get(platform, NO_WORDS).skip_reasons}
