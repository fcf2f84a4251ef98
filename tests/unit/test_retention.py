"""Which clock is believed, and what is left of a message whose content has had its time."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.records import Metadata
from storage.privacy import EXPIRED, FORGOTTEN, is_expired, without_content, without_words
from storage.retention import Readings, next_readings
from tests.support.builders import HOUR, NOW, attachment, message

WORD = "unmistakable"
WORDS = st.recursive(
    st.sampled_from([WORD, 1, None, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["content", WORD]), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["embeds", "poll", "stickers", "components", "forward", "interaction", "new", WORD])


@given(st.lists(st.integers(-600, 600), max_size=30))
def test_a_time_counts_when_it_is_an_hour_old_and_was_never_taken_back(steps: list[int]) -> None:
    looks, known = [NOW], Readings(NOW, None)
    for minutes in steps:
        looks.append(looks[-1] + timedelta(minutes=minutes))
        before, known = known, next_readings(known, looks[-1])
        if (trusted := known.trusted_at) != before.trusted_at:
            assert trusted is not None
            assert trusted <= looks[-1] - HOUR
            seen = len(looks) - 1 - looks[::-1].index(trusted)
            assert min(looks[seen:]) >= trusted


@given(st.dictionaries(KEYS, WORDS, max_size=6))
def test_no_word_is_left(metadata: dict[str, object]) -> None:
    record = message(1, content=WORD, metadata=metadata, attachments=(attachment("1", filename=WORD),))
    emptied = without_content(record)
    assert WORD not in str(emptied)
    assert is_expired(emptied.metadata)
    assert without_content(emptied) == emptied
    assert (emptied.author_hash, emptied.sent_at) == (record.author_hash, record.sent_at)


def test_what_an_erasure_emptied_stays_as_it_is() -> None:
    gone: Metadata = {FORGOTTEN: True, "flags": 2}
    assert without_words(gone) == gone
    forward: Metadata = {"forward": {FORGOTTEN: True}, "pinned": True}
    assert without_words(forward) == {**forward, EXPIRED: True}
