"""What Discord itself writes into a channel: every type of system message, and types nobody has documented.

https://docs.discord.com/developers/resources/message#message-object-message-types
"""

from adapters.discord.simulator.ids import iso
from adapters.discord.simulator.message_payloads import reference
from adapters.discord.simulator.model import User
from adapters.discord.simulator.payloads import member_payload, thread_payload, user_payload
from adapters.discord.simulator.scene import Scene
from adapters.discord.simulator.store import Payload

UNKNOWN_TYPES = (13, 30, 55, 63)


def system_shapes(scene: Scene, discord: User) -> None:
    """One message of each type that is neither ordinary nor a reply nor a command."""
    membership(scene)
    milestones(scene)
    moderation(scene)
    stage(scene)
    commerce(scene)
    discovery(scene, discord)
    for kind in UNKNOWN_TYPES:
        scene.say(kind=kind)


def membership(scene: Scene) -> None:
    """Coming, going, renaming, pinning."""
    user = user_payload(scene.people[2])
    scene.say(kind=1, mentions=[user])
    scene.say(kind=2, mentions=[user])
    call = {"participants": [user["id"]], "ended_timestamp": iso(scene.start)}
    scene.say(kind=3, call=call)
    scene.say("the new name", kind=4)
    scene.say(kind=5)
    pinned = scene.say("worth keeping", pinned=True)
    scene.say(kind=6, message_reference=reference(scene.channel.id, int(pinned["id"]), scene.guild.id))
    scene.say(kind=7)
    scene.say("News of the other guild", kind=12, message_reference=reference(scene.any_id(), None, scene.any_id()))


def milestones(scene: Scene) -> None:
    """Boosts, threads, polls that ended."""
    scene.say("3", kind=8)
    for kind in (9, 10, 11):
        scene.say(kind=kind)
    scene.say("a thread", kind=18, message_reference=reference(scene.any_id(), None, scene.guild.id))
    fields = {"poll_question_text": "Best day?", "victor_answer_votes": "7", "total_votes": "12"}
    listed = [{"name": name, "value": value, "inline": False} for name, value in fields.items()]
    poll = scene.say("how it went")
    scene.say(
        kind=46,
        embeds=[{"type": "poll_result", "fields": listed}],
        message_reference=reference(scene.channel.id, int(poll["id"]), scene.guild.id),
        mentions=[poll["author"]],
    )


def moderation(scene: Scene) -> None:
    """What AutoMod and the incident tools say; the offender is the author."""
    offender = scene.people[5]
    details = {
        "rule_name": "No slurs",
        "decision_id": "b7e0d1f6",
        "keyword": "badword",
        "keyword_matched_content": "badword",
        "flagged_message_id": str(scene.any_id()),
        "channel_id": str(scene.channel.id),
        "timeout_duration": "60",
        "quarantine_user": "username",
        "application_name": f"guard {offender.id}",
    }
    fields = [{"name": name, "value": value, "inline": False} for name, value in details.items()]
    embed = {"type": "auto_moderation_message", "description": f"badword says <@{offender.id}>", "fields": fields}
    scene.say(kind=24, author=offender, embeds=[embed])
    scene.say(iso(scene.start), kind=36)
    for kind in (37, 38, 39):
        scene.say(kind=kind)


def stage(scene: Scene) -> None:
    """A stage's life; the content is the topic."""
    for kind in (27, 28, 29, 31):
        scene.say("Tonight: gardens", kind=kind)


def commerce(scene: Scene) -> None:
    """Subscriptions and purchases."""
    subscription: Payload = {
        "role_subscription_listing_id": str(scene.any_id()),
        "tier_name": f"Gold of {scene.people[0].id}",
        "total_months_subscribed": 0,
        "is_renewal": False,
    }
    scene.say(kind=25, role_subscription_data=subscription)
    renewal = {"total_months_subscribed": 7, "is_renewal": True, "tier_name": "Gold"}
    scene.say(kind=25, role_subscription_data=subscription | renewal)
    scene.say(kind=26)
    scene.say(kind=32, application_id=str(scene.world.application_id))
    product = {"listing_id": str(scene.any_id()), "product_name": "Wallpapers"}
    scene.say(kind=44, purchase_notification={"type": 0, "guild_product_purchase": product})


def discovery(scene: Scene, discord: User) -> None:
    """Letters from Discord's own account."""
    for kind in (14, 15, 16, 17, 22):
        scene.say(kind=kind, author=discord)
    scene.say("An official notice", author=discord, flags=1 << 4)


def starter_shown_in_parent(scene: Scene) -> None:
    """A message on which a thread hangs shows the thread, with its owner and the bot's membership."""
    thread = next(iter(scene.guild.threads.values()))
    shown = thread_payload(scene.guild, thread)
    someone = scene.people[1]
    member: Payload = {"id": str(thread.id), "user_id": str(someone.id), "join_timestamp": iso(scene.start), "flags": 0}
    member["member"] = member_payload(scene.guild, someone)
    original = scene.say("this has a thread", flags=1 << 5, thread=shown | {"member": member})
    scene.reply(original, "as said there")
