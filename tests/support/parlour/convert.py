"""Make records of what Parlour sends."""

from adapters.events import (
    ChannelChanged,
    ChannelRef,
    LiveEvent,
    MessageCreated,
    MessageEdited,
    MessagesDeleted,
    ReactionChanged,
)
from adapters.privacy import HashUser
from adapters.records import AuthorKind, ChannelRecord, ChannelType, MessageRecord, ReactionTotalRecord, SkipReason
from tests.support.parlour.house import EPOCH, Event, Message, Room, Workspace, time_of


def changes_of(workspace: Workspace, event: Event, hash_user: HashUser) -> list[LiveEvent]:
    """Convert an event, which names a channel alone, also where it is about an answer."""
    room = workspace.rooms[event["room"]]
    if event["kind"] == "room":
        return [ChannelChanged(tenant_platform_id=workspace.id, record=room_record(room), is_new=event["is_new"])]
    message = event["message"]
    sent_at = time_of(message if isinstance(message, str) else message.id)
    ref = ChannelRef(tenant_platform_id=workspace.id, platform_id=room.id, message_sent_at=sent_at)
    if room.is_private:
        return []
    match event["kind"]:
        case "said" if event["root"] is None:
            ref = ChannelRef(tenant_platform_id=workspace.id, platform_id=room.id)
            return [MessageCreated(channel=ref, message=message_record(room, message, hash_user))]
        case "said":
            root = event["root"]
            thread = thread_record(room, root)
            ref = ChannelRef(tenant_platform_id=workspace.id, platform_id=thread.platform_id)
            return [
                ChannelChanged(tenant_platform_id=workspace.id, record=thread, is_new=len(root.answers) == 1),
                MessageCreated(channel=ref, message=message_record(room, message, hash_user, root)),
            ]
        case "edited":
            return [MessageEdited(channel=ref, message=message_record(room, message, hash_user, event["root"]))]
        case "deleted":
            return [MessagesDeleted(channel=ref, message_platform_ids=(message,))]
        case _:
            return [
                ReactionChanged(
                    channel=ref,
                    message_platform_id=message,
                    emoji_key=event["emoji"],
                    emoji=event["emoji"],
                    user_hash=hash_user(event["user"]),
                    burst=False,
                    is_given=not event["back"],
                )
            ]


def message_record(
    room: Room, message: Message, hash_user: HashUser, root: Message | None = None, most_users: int | None = None
) -> MessageRecord:
    """Convert a message; ``root`` is the one that it answers, ``most_users`` how many of each emoji came with it."""
    return MessageRecord(
        platform_id=message.id,
        author_hash=hash_user(message.user),
        author_kind=AuthorKind.USER,
        content=message.text,
        type="reply" if root else "default",
        sent_at=time_of(message.id) if message.id.isdecimal() else EPOCH,
        edited_at=message.edited,
        reply_to_channel_platform_id=room.id if root else None,
        reply_to_message_platform_id=root.id if root else None,
        reply_to_author_hash=hash_user(root.user) if root else None,
        metadata={},
        reaction_totals=tuple(
            ReactionTotalRecord(
                emoji_key=emoji,
                burst=False,
                emoji=emoji,
                count=len(users),
                user_hashes=tuple(map(hash_user, users[:most_users])),
            )
            for emoji, users in message.reactions.items()
        ),
    )


def room_record(room: Room, head: str | None = None) -> ChannelRecord:
    """Convert a channel, whose newest message no listing names that is right."""
    return ChannelRecord(
        platform_id=room.id,
        parent_platform_id=None,
        name=room.name,
        type=ChannelType.TEXT,
        skip_reason=SkipReason.NOT_PUBLIC if room.is_private else None,
        last_message_platform_id=head,
        names_head=False,
    )


def thread_record(room: Room, root: Message) -> ChannelRecord:
    """Convert a thread, as a message of its channel shows it."""
    return ChannelRecord(
        platform_id=f"{room.id}-{root.id}",
        parent_platform_id=room.id,
        name=None,
        type=ChannelType.THREAD,
        skip_reason=None,
        last_message_platform_id=max(root.answers, key=int, default=None),
        is_listed=False,
        message_count=len(root.answers),
    )
