"""Redaction: no erased person's hash is left in any record."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.privacy import Redactor
from tests.support.builders import channel, message
from tests.support.erasure_steps import OTHER, WHO, channel_ref_of, naming
from tests.support.examples import examples


class TestRedactor:
    def test_without_an_erasure_request_nothing_is_looked_at(self) -> None:
        assert not Redactor()
        assert not Redactor().is_erased(WHO)
        assert Redactor(frozenset([WHO])).is_erased(WHO)
        assert not Redactor(frozenset([WHO])).is_erased(None)

    def test_what_names_nobody_is_the_same_object(self) -> None:
        redactor = Redactor(frozenset([WHO]))
        record, place = naming(OTHER)[2], channel_ref_of(OTHER)[0]
        assert redactor.message(record) is record
        assert redactor.channel(place) is place

    @settings(max_examples=examples(200), deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        texts=st.lists(st.sampled_from([WHO, OTHER, "a" * 64, "x", "f", "0", "<@", " "]), max_size=12).map("".join),
        erased=st.sets(st.sampled_from([WHO, OTHER, "a" * 64]), min_size=1),
    )
    def test_no_hash_is_left_in_any_text(self, texts: str, erased: set[str]) -> None:
        redactor = Redactor(frozenset(erased))
        record = message(1, author_hash="9" * 64, content=texts, metadata={texts: [texts, {"n": 1.5, "deep": texts}]})
        kept = redactor.message(record)
        assert not [known for known in erased if known in str(kept)]
        assert (kept is record) is not any(known in texts for known in erased)
        place = channel("1", name=texts, metadata={"topic": texts})
        assert not [known for known in erased if known in str(redactor.channel(place))]
