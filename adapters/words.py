"""What a platform calls its own things, where people are told about it: each adapter declares its words."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.records import SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformWords:
    """A platform's words. What it does not say is said in words that fit any platform.

    ``skip_reasons`` say why a channel is not archived, and what would have to be changed for it, as whole sentences.
    ``skipped_channels`` say the same of several channels, behind a colon and in brackets. ``needs`` is what the bot has
    to be given where it is added to a community, as in "the permissions Read and Listen".
    """

    # Why something is skipped is the adapter's word already; only how it is put into a sentence is declared here.
    skip_reasons: Mapping[SkipReason, str] = field(default_factory=dict)
    skipped_channels: Mapping[SkipReason, str] = field(default_factory=dict)
    needs: str | None = None


NO_WORDS = PlatformWords()
"""Of a platform that says nothing."""
