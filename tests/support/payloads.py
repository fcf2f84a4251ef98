"""Payloads of every shape, with a planted user's id, for the conversion's property tests."""

from hypothesis import strategies as st

from adapters.privacy import UserHasher

USER = "1098765432109876543"
HASH = UserHasher().of

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from([USER, f"<@{USER}>", f"https://cdn.discordapp.com/avatars/{USER}/a.png", "2026-01-01T00:00:00Z"])
)
KEYS = st.sampled_from(
    """id type author content timestamp edited_timestamp message_reference referenced_message mentions member nick
    attachments embeds reactions components interaction interaction_metadata user target_user poll question answers
    sticker_items message_snapshots message application_id webhook_id thread role_subscription_data flags url filename
    emoji name title footer text icon_url fields value options default_values items media accessory results
    answer_counts poll_media size count count_details burst channel_id message_id parent_id thread_metadata owner_id
    topic available_tags applied_tags permission_overwrites allow deny username global_name""".split()  # noqa: SIM905
)
ODD = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=25
)
PAYLOADS = st.dictionaries(KEYS, ODD, max_size=14)
