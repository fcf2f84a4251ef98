"""The people of a world, with names that occur nowhere else: a search for them in an archive means something."""

from itertools import count

from adapters.discord.simulator.ids import DISCORD_EPOCH_MS, mix, snowflake
from adapters.discord.simulator.model import User

_ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z")
_VOWELS = ("a", "e", "i", "o", "u", "y")
_DAY_MS = 86_400_000


def syllables(seed: int, number: int) -> str:
    """Return a word of no language, the same for the same numbers."""
    bits, word = mix(seed), ""
    for _ in range(number):
        bits, onset = divmod(bits, len(_ONSETS))
        bits, vowel = divmod(bits, len(_VOWELS))
        word += _ONSETS[onset] + _VOWELS[vowel]
    return word


def person(seed: int, index: int) -> User:
    """Return someone: ``zq_`` and letters, an account opened between 2015 and 2025."""
    bits = mix(seed * 1_000_003 + index)
    word = syllables(bits, 5)
    opened = DISCORD_EPOCH_MS + 200 * _DAY_MS + bits % (3_600 * _DAY_MS)
    has_avatar, has_name = bits >> 50 & 3, bits >> 52 & 3
    return User(
        id=snowflake(opened, index),
        username=f"zq_{word}",
        global_name=f"Zq {word.capitalize()}" if has_name else None,
        avatar=f"{mix(bits):016x}{mix(bits + 1):016x}" if has_avatar else None,
        banner=f"a_{mix(bits + 2):016x}{mix(bits + 3):016x}" if bits >> 54 & 15 == 0 else None,
        tag="GARD" if bits >> 58 & 7 == 0 else None,
        decoration=f"{mix(bits + 4):016x}{mix(bits + 5):016x}" if bits >> 59 & 3 == 0 else None,
    )


def crowd(seed: int, size: int) -> list[User]:
    """Make so many people, no two of one name."""
    people: dict[str, User] = {}
    for index in count():
        if len(people) == size:
            return list(people.values())
        found = person(seed, index)
        people.setdefault(found.username, found)
    raise AssertionError("count() has no end")


def bot(seed: int, index: int, name: str) -> User:
    """Return an application's account, with the four-digit tag that bots still have."""
    bits = mix(seed * 7_919 + index)
    opened = DISCORD_EPOCH_MS + 900 * _DAY_MS + bits % (2_000 * _DAY_MS)
    discriminator = f"{bits % 9999 + 1:04d}"
    return User(id=snowflake(opened, index), username=f"zq_{name}_bot", discriminator=discriminator, bot=True)


_MANNERS = (
    "Mossy",
    "Quiet",
    "Rusty",
    "Sunny",
    "Windy",
    "Velvet",
    "Copper",
    "Frosty",
    "Humble",
    "Lucky",
    "Misty",
    "Nimble",
)
_CREATURES = (
    "Otter", "Badger", "Heron", "Lynx", "Marten", "Newt", "Osprey", "Puffin", "Robin", "Stoat", "Toad", "Vole", "Wren",
)  # fmt: skip


def neighbours(seed: int, size: int) -> list[User]:
    """Make people for the demo, with names for human eyes; no two of one name."""
    people = []
    for index, stranger in enumerate(crowd(seed, size)):
        round_number, place = divmod(mix(seed) + index * 7, len(_MANNERS) * len(_CREATURES))
        manner, creature = _MANNERS[place // len(_CREATURES)], _CREATURES[place % len(_CREATURES)]
        stranger.username = f"{manner}{creature}{round_number % 10_000 or ''}".lower()
        stranger.global_name = f"{manner} {creature}" if stranger.global_name else None
        people.append(stranger)
    return people
