"""Text as people of a community write it, by arithmetic. No user's name ever occurs in it."""

from collections.abc import Callable
from functools import cache

from adapters.discord.simulator.ids import mix

_OPENINGS = (
    "I think", "pretty sure", "not sure if", "has anyone noticed that", "just found out that", "turns out",
    "ok so", "honestly", "fun fact:", "small update:", "no idea why but", "looks like", "I hope", "fwiw",
    "quick question, is it normal that", "good news,", "bad news,", "so", "in my case", "hmm",
)  # fmt: skip
_THINGS = (
    "the build", "the new release", "my garden", "that recipe", "the docs page", "the second episode", "the parser",
    "the old server", "the bread dough", "the search index", "our raid group", "the soldering iron", "the last patch",
    "the telescope", "the chord progression", "the migration", "the train to the coast", "my keyboard",
    "the weekly challenge", "the sourdough starter", "the tomato seedlings", "the beta", "the map", "the queue",
)  # fmt: skip
_HAPPENINGS = (
    "works again", "broke after the update", "is way faster now", "needs another day", "finally makes sense",
    "behaves differently on Tuesdays", "looks amazing", "takes 40% longer than before", "was worth the wait",
    "keeps crashing at step 3", "is on sale", "has a nice view of the sea", "got three new maintainers",
    "could use some help", "tastes better with lemon", "is documented in the wiki", "is waiting for review",
    "got delayed until next week", "runs fine here", "deserves its own channel",
)  # fmt: skip
_ENDINGS = (
    "", "", "", ".", "!", " :)", " 🎉", " 🤔", ", any ideas?", ", thanks everyone", ", will report back", " lol",
    ", see the pinned post", " – more tomorrow", ", sorry for the noise", " ❤️", ", what do you think?", "…",
)  # fmt: skip
_SHORT = (
    "yes", "no way", "same here", "thanks!", "that did it, thank you", "lol", "👍", "agreed", "good morning",
    "nice one", "wait, really?",
    "congrats!", "brb", "welcome!", "will try", "can confirm", "this ^", "oh no", "🔥🔥🔥",
    "good question",
)  # fmt: skip
_LINKS = (
    "https://example.org/wiki/{}", "https://example.com/posts/{}", "https://github.com/example/project/issues/{}",
    "https://www.youtube.com/watch?v=ex{}", "https://docs.example.net/guide#section-{}",
)  # fmt: skip
_CODE = (
    "```py\nfor row in rows[{0}:]:\n    print(row)\n```",
    "```\nTraceback (most recent call last):\n  line {0}\nKeyError: 'page'\n```",
    "`make test N={0}`",
    "```json\n{{\"retries\": {0}, \"ok\": true}}\n```",
)  # fmt: skip


def clause(bits: int) -> str:
    """Return something that someone noticed."""
    bits, opening = divmod(bits, len(_OPENINGS))
    bits, thing = divmod(bits, len(_THINGS))
    bits, happening = divmod(bits, len(_HAPPENINGS))
    ending = _ENDINGS[bits % len(_ENDINGS)]
    return f"{_OPENINGS[opening]} {_THINGS[thing]} {_HAPPENINGS[happening]}{ending}"


def _short(bits: int) -> str:
    return _SHORT[bits % len(_SHORT)]


def _two(bits: int) -> str:
    return f"{clause(bits)} {clause(mix(bits))}"


def _linked(bits: int) -> str:
    return f"{clause(bits)} {_LINKS[bits % len(_LINKS)].format(bits % 9973)}"


def _coded(bits: int) -> str:
    return f"{clause(bits)}\n{_CODE[bits % len(_CODE)].format(bits % 97)}"


def _essay(bits: int) -> str:
    return "\n\n".join(_two(mix(bits + part)) for part in range(2 + bits % 5))


_KINDS: tuple[Callable[[int], str], ...] = (
    *[_short] * 5, *[clause] * 9, *[_two] * 5, *[_linked] * 2, _coded, _essay,
)  # fmt: skip


def utterance(bits: int) -> str:
    """Return what one message says: mostly a line, sometimes a word, a link, code or an essay."""
    bits = mix(bits)
    return _KINDS[bits % len(_KINDS)](bits >> 5)


def title(bits: int) -> str:
    """Return a post's or thread's name."""
    bits = mix(bits)
    return f"{_THINGS[bits % len(_THINGS)]} {_HAPPENINGS[(bits >> 8) % len(_HAPPENINGS)]}"


@cache
def utterances(seed: int, size: int) -> tuple[str, ...]:
    """Return a pool to draw from where making each text anew would cost too much."""
    return tuple(utterance(seed * 1_000_033 + index) for index in range(size))
