"""Redaction: no erased person's hash is left in any record."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.privacy import Absence, Redactor
from tests.support.builders import HOUR, NOW, SECOND, channel, message
from tests.support.erasure_steps import OTHER, WHO, channel_ref_of, naming
from tests.support.examples import examples


def without(*erased: str) -> Redactor:
    return Redactor(dict.fromkeys(erased, (Absence(),)))


class TestRedactor:
    def test_without_an_erasure_request_nothing_is_looked_at(self) -> None:
        assert not Redactor()
        assert not Redactor().is_absent_at(WHO, NOW)
        assert without(WHO).is_absent_at(WHO, NOW)
        assert not without(WHO).is_absent_at(None, NOW)

    def test_an_opt_out_is_about_its_time(self) -> None:
        """What has two times is judged by both; of what has none the end of the opt-out must have come before."""
        away = Absence(since=NOW, until=NOW + HOUR, is_opt_out=True)
        redactor = Redactor({WHO: (away,)})
        before, after = NOW - SECOND, NOW + HOUR
        assert [redactor.is_absent_at(WHO, time) for time in (before, NOW, after - SECOND, after)] == [
            *(False, True, True, False)
        ]
        for sent, edited, is_kept in ((before, None, True), (before, after, True), (before, NOW, False)):
            mine = message(1, author_hash=WHO, sent_at=sent, edited_at=edited)
            named = message(1, content=WHO, reply_to_author_hash=WHO, sent_at=sent, edited_at=edited)
            assert (redactor.message(mine) is mine) is (redactor.message(named) is named) is is_kept
        assert redactor.message(message(1, author_hash=WHO, sent_at=after, edited_at=NOW)).metadata == {
            "forgotten": True,
            "opted_out": True,
        }
        for created_at, is_kept in ((None, False), (before, False), (after - SECOND, False), (after, True)):
            named_there = channel("5", name=WHO, created_at=created_at)
            assert (redactor.channel(named_there) is named_there) is is_kept
        both = Redactor({WHO: (away, Absence())})
        assert both.message(message(1, author_hash=WHO, sent_at=NOW)).metadata == {"forgotten": True}

    def test_what_names_nobody_is_the_same_object(self) -> None:
        redactor = without(WHO)
        record, place = naming(OTHER)[2], channel_ref_of(OTHER)[0]
        assert redactor.message(record) is record
        assert redactor.channel(place) is place

    @settings(max_examples=examples(200), deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        texts=st.lists(st.sampled_from([WHO, OTHER, "a" * 64, "x", "f", "0", "<@", " "]), max_size=12).map("".join),
        erased=st.sets(st.sampled_from([WHO, OTHER, "a" * 64]), min_size=1),
    )
    def test_no_hash_is_left_in_any_text(self, texts: str, erased: set[str]) -> None:
        redactor = without(*erased)
        record = message(1, author_hash="9" * 64, content=texts, metadata={texts: [texts, {"n": 1.5, "deep": texts}]})
        kept = redactor.message(record)
        assert not [known for known in erased if known in str(kept)]
        assert (kept is record) is not any(known in texts for known in erased)
        place = channel("1", name=texts, metadata={"topic": texts})
        assert not [known for known in erased if known in str(redactor.channel(place))]
