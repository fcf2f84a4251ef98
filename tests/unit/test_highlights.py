"""The places of words in a text: the right ones, soon, and without holding anybody up."""

import asyncio
import random
import time
from dataclasses import fields
from typing import cast

from sqlalchemy import RowMapping

from storage.search import Hit, Span, Term
from storage.search.highlights import highlights_of
from storage.search.hits import hits_of

ENDLESS = "a " * 2_000
PHRASES = [Term(text=f"a a a a a a{number % 2 * ' a'}") for number in range(40)]
PHRASES += [Term(text=" ".join("aaaaa" + "bcdefghij"[n])) for n in range(9)]


def test_phrases_stand_where_comparing_each_word_finds_them() -> None:
    chance = random.Random(5)
    for _ in range(200):
        words = chance.choices(["Ab", "abc", "b", "ä\u0301b"], k=12)
        phrase = chance.choices(["ab", "abc", "b"], k=chance.choice([1, 2, 3]))
        is_prefix = chance.random() < 0.5
        marked: set[int] = set()
        plain = [word.lower().replace("ä\u0301", "a") for word in words]
        for at in range(len(words) - len(phrase) + 1):
            there = plain[at : at + len(phrase)]
            last = there[-1].startswith(phrase[-1]) if is_prefix else there[-1] == phrase[-1]
            if last and there[:-1] == phrase[:-1]:
                begin = len("-".join([*words[:at], ""]))
                marked |= set(range(begin, begin + len("-".join(words[at : at + len(phrase)]))))
        found = highlights_of("-".join(words), [Term(text=" ".join(phrase), is_prefix=is_prefix)], "words")
        assert {n for span in found for n in range(span.start, span.start + span.length)} == marked


def test_accents_alone_are_no_word() -> None:
    assert highlights_of("x \u0301 ab", [Term(text="ab", is_prefix=True)], "words") == (Span(start=4, length=2),)


async def test_many_long_texts_take_a_moment_and_others_have_their_turn_between_them() -> None:
    row = {field.name: None for field in fields(Hit)} | {"content": ENDLESS, "files": 0, "reactions": 0}
    del row["highlights"]
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    began = time.process_time()
    hits = await hits_of([cast("RowMapping", row)] * 20, PHRASES, "words")
    took = time.process_time() - began
    counting.cancel()
    assert hits[-1].highlights[0].start == 0
    assert turns >= 20
    assert took < 1.0  # comparing each phrase with each word took 4 s
