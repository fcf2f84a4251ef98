"""Why a channel is not archived: in the words of its platform, or in words that fit any."""

import re

from adapters.discord.adapter import DiscordAdapter
from adapters.records import ChannelRecord, ChannelType, SkipReason
from adapters.words import NO_WORDS, PlatformWords
from bot.check.channels import summarize
from bot.skip_words import NEUTRAL, SkipWords

OF_DISCORD = {
    SkipReason.NOT_PUBLIC: "Not everybody may see it: @everyone lacks View Channel or Read Message History (or, for "
    "voice, Connect), or it is a private thread. Only what everybody may see is archived.",
    SkipReason.BOT_LACKS_ACCESS: "The bot may not see it. Give it View Channel and Read Message History there (and, "
    "for voice, Connect), and the next sync archives it.",
    SkipReason.DELETED: "It was deleted on the platform. What was archived of it stays.",
    SkipReason.UNSUPPORTED: "It holds no messages, like a category, or it is of a type that this version does not "
    "know.",
    SkipReason.EXCLUDED: "The operator left it out, with include or exclude in the configuration of its platform. What "
    "was archived of it stays.",
    SkipReason.OBFUSCATED: "The platform hides it from the bot: its name is unknown, and so is whether everybody may "
    "see it. Give the bot View Channel there if it should be archived.",
}
KNOCK = PlatformWords(skip_reasons={SkipReason.NOT_PUBLIC: "Knock."})
OF_A_PLATFORM = re.compile("Discord|View Channel|Read Message|Connect|@everyone|guild")


def checked(words: PlatformWords) -> list[str]:
    """Say why one channel of every reason is skipped."""
    records = [
        ChannelRecord(
            platform_id=str(number), parent_platform_id=None, name=reason, type=ChannelType.TEXT, skip_reason=reason
        )
        for number, reason in enumerate(SkipReason)
    ]
    return [skipped.text for skipped in summarize(records, words).skipped]


def test_discord_speaks_of_its_permissions() -> None:
    assert SkipWords({"discord": DiscordAdapter.words}).of("discord-1") == OF_DISCORD
    assert (
        "skipped as bot_lacks_access: 1 (everyone may read them, the bot may not: give it View Channel and Read "
        "Message History there, and Connect in voice channels, if they are to be archived): bot_lacks_access"
    ) in checked(DiscordAdapter.words)


def test_each_platform_has_its_words_and_what_it_leaves_out_is_neutral() -> None:
    words = SkipWords({"discord": DiscordAdapter.words, "parlour": KNOCK, "post": NO_WORDS})
    assert words.of("parlour-W1") == {**NEUTRAL, SkipReason.NOT_PUBLIC: "Knock."}
    assert words.of("post-T0") == NEUTRAL
    assert words.of("discord-1") == OF_DISCORD


def test_a_platform_that_is_not_configured_any_more_is_spoken_of_in_neutral_words() -> None:
    assert SkipWords({"parlour": KNOCK}).of("discord-1") == SkipWords().of("parlour-W1") == NEUTRAL


def test_neutral_words_are_there_for_every_reason_and_name_nothing_of_a_platform() -> None:
    assert NEUTRAL.keys() == set(SkipReason)
    said = checked(NO_WORDS)
    assert len(said) == len(SkipReason)
    assert not OF_A_PLATFORM.search(" ".join([*NEUTRAL.values(), *said]))
