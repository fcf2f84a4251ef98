"""What Discord calls its permissions, for whoever reads why a channel is not archived.

The names are those that its clients show: https://support.discord.com/hc/en-us/articles/206029707. What is not said
here is the same on every platform, and bot/skip_words.py says it.
"""

from adapters.records import SkipReason
from adapters.words import PlatformWords

WORDS = PlatformWords(
    skip_reasons={
        SkipReason.NOT_PUBLIC: "Not everybody may see it: @everyone lacks View Channel or Read Message History (or, "
        "for voice, Connect), or it is a private thread. Only what everybody may see is archived.",
        SkipReason.BOT_LACKS_ACCESS: "The bot may not see it. Give it View Channel and Read Message History there "
        "(and, for voice, Connect), and the next sync archives it.",
        SkipReason.OBFUSCATED: "The platform hides it from the bot: its name is unknown, and so is whether everybody "
        "may see it. Give the bot View Channel there if it should be archived.",
    },
    skipped_channels={
        SkipReason.BOT_LACKS_ACCESS: "everyone may read them, the bot may not: give it View Channel and Read Message "
        "History there, and Connect in voice channels, if they are to be archived",
        SkipReason.OBFUSCATED: "hidden from the bot, which cannot know what they are: if everyone may read them, give "
        "it View Channel and Read Message History there",
    },
    needs="the permissions View Channels, Read Message History and Connect",
)
