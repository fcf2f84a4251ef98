"""Changes of messages of which an event does not say whether they lie in a channel or in a thread of it."""

from storage.channels import channel_states, save_channels
from storage.database import Database
from storage.live import MessageChange, ReactionState, apply_changes
from storage.tables import reactions
from storage.tenants import Tenant
from tests.support.builders import NOW, channel, message, thread
from tests.support.tables_of import rows_of

WHO = "a" * 64


async def test_a_new_message_of_a_thread_and_its_reaction_may_be_written_again(db: Database, tenant: Tenant) -> None:
    """As where the database was busy: each is where it belongs, and once."""
    await save_channels(db, tenant.id, [channel("5"), thread("6", "5")], NOW)
    new, given = message(7), ReactionState(emoji_key="x", burst=False, emoji="x", user_hash=WHO, is_given=True)
    created = MessageChange(tenant_id=tenant.id, channel_platform_id="6", message_platform_id="7", created=new)
    vague = MessageChange(tenant_id=tenant.id, channel_platform_id="5", message_platform_id="7", sent_at=new.sent_at)
    vague.react(given)
    of_thread = {state.platform_id: state.id for state in await channel_states(db, tenant.id)}["6"]
    for _ in range(2):
        await apply_changes(db, [created, vague], NOW)
        (row,) = await rows_of(db, reactions)
        assert (row["channel_id"], row["message_platform_id"], row["user_hash"]) == (of_thread, "7", WHO)
