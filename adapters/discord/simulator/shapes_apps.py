"""What applications write: answers to commands, webhooks that imitate people, games, and where they keep user ids.

https://docs.discord.com/developers/interactions/receiving-and-responding
"""

from datetime import timedelta

from adapters.discord.simulator.ids import iso
from adapters.discord.simulator.message_payloads import nested
from adapters.discord.simulator.model import User
from adapters.discord.simulator.payloads import member_payload, role_payload, thread_payload, user_payload
from adapters.discord.simulator.scene import Scene
from adapters.discord.simulator.store import Payload


def app_shapes(scene: Scene, bots: list[User]) -> None:
    """One message of each kind that an application leaves behind."""
    commands(scene, bots)
    menus(scene, bots)
    webhooks(scene, bots)
    games(scene, bots)
    resolved(scene, bots)


def _metadata(scene: Scene, kind: int, user: User, **parts: object) -> Payload:
    """Return who used what: ``authorizing_integration_owners`` names the guild (0) and the user (1)."""
    owners = {"0": str(scene.guild.id), "1": str(user.id)}
    known: Payload = {
        "id": str(scene.any_id()),
        "type": kind,
        "user": user_payload(user),
        "authorizing_integration_owners": owners,
    }
    return known | parts


def commands(scene: Scene, bots: list[User]) -> None:
    """Slash commands: answered, answered later, answered by the bot of another application id."""
    helper, user = bots[0], scene.people[3]
    used = _metadata(scene, 2, user, name="play music", command_type=1)
    app: Payload = {"application_id": str(helper.id), "webhook_id": str(helper.id)}
    legacy = {"id": used["id"], "type": 2, "name": "play", "user": user_payload(user)}
    scene.say("Now playing", helper, kind=20, interaction_metadata=used, interaction=legacy, **app)
    member: Payload = {"nick": f"zq~nick~{user.id % 997}", "roles": [], "avatar": None, "joined_at": iso(scene.start)}
    older = {"id": used["id"], "type": 2, "name": "stats", "user": user_payload(user), "member": member}
    scene.say(f"Stats of @{user.username}", helper, kind=20, interaction=older, **app)
    bare = {key: value for key, value in used.items() if key != "name"}
    scene.say("Nameless", helper, kind=20, interaction_metadata=bare, interaction=legacy, **app)
    other: Payload = {"application_id": str(scene.any_id())}
    late = _metadata(scene, 2, user, original_response_message_id=str(scene.any_id()), command_type=1, name="slow")
    scene.say("Late", helper, kind=20, interaction_metadata=late, edited_after=timedelta(seconds=9), **other)
    scene.say("A command whose user is not told", helper, kind=20, **app)
    named = user_payload(scene.people[9])
    scene.say(f"@{named['username']}", helper, kind=20, interaction_metadata=used | {"user": named}, **app)


def menus(scene: Scene, bots: list[User]) -> None:
    """Context menus on users and messages, buttons, and forms that a command opened."""
    guard, user, target = bots[1], scene.people[4], scene.people[5]
    app: Payload = {"application_id": str(guard.id)}
    on_user = _metadata(scene, 2, user, name="Warn", command_type=2, target_user=user_payload(target))
    scene.say(f"Warned <@{target.id}> ({target.id})", guard, kind=23, interaction_metadata=on_user, **app)
    on_message = _metadata(scene, 2, user, name="Report", command_type=3, target_message_id=str(scene.any_id()))
    scene.say("Reported", guard, kind=23, interaction_metadata=on_message, webhook_id=str(guard.id), **app)
    pressed = _metadata(scene, 3, user, interacted_message_id=str(scene.any_id()))
    scene.say("You pressed it", guard, interaction_metadata=pressed, **app)
    opened = _metadata(scene, 2, target, name="form", command_type=1, target_user=user_payload(user))
    form = _metadata(scene, 5, user, triggering_interaction_metadata=opened)
    scene.say("Form received", guard, interaction_metadata=form, webhook_id=str(guard.id), **app)
    nobody = {key: value for key, value in pressed.items() if key != "user"}
    scene.say("Pressed by nobody", guard, interaction_metadata=nobody, **app)


def webhooks(scene: Scene, bots: list[User]) -> None:
    """Webhooks, whose author has the webhook's id, and a name and face that may be a person's."""
    hook = str(scene.any_id())
    face = {"avatar": scene.people[1].avatar, "bot": True, "banner": None, "global_name": None, "primary_guild": None}
    bridged = user_payload(scene.people[1]) | {"id": hook, "username": "zq_bridged (irc)"} | face
    scene.say("hello from the other side", bridged, webhook_id=hook)
    scene.say("@zq_bridged (irc) speaking", bridged, webhook_id=hook, application_id=str(bots[0].id))
    imitation = bridged | {"username": scene.people[2].username}
    scene.say(f"@{scene.people[2].username} says hi", imitation, webhook_id=hook)
    scene.say(f"relay of {scene.people[2].id}: hi", bridged | {"bot": False}, webhook_id=hook)


def games(scene: Scene, bots: list[User]) -> None:
    """Bots' own posts, invitations to play and listen, messages of game lobbies."""
    music = bots[2]
    scene.say("beep", music, nonce=str(scene.people[0].id))
    scene.say("boop", music, nonce=scene.people[1].id)
    party = {"type": 3, "party_id": f"spotify:{scene.people[2].id}"}
    game = {"id": str(scene.any_id()), "name": "Listening", "icon": None, "description": "", "type": None}
    app = game | {"bot": user_payload(music)}
    scene.say("join me", activity=party, application=app, application_id=game["id"])
    scene.say("from the lobby", lobby_member={"additional_name": "zq_lobby_name"}, application_id=game["id"])
    theme = {"colors": ["5865f2"], "gradient_angle": 0, "base_mix": 58, "base_theme": 1}
    scene.say("my colours", shared_client_theme=theme)


def resolved(scene: Scene, bots: list[User]) -> None:
    """Objects that Discord resolved for select menus: maps with user ids for keys."""
    user, thread = scene.people[7], next(iter(scene.guild.threads.values()))
    member = {"nick": "zq~resolved~nick", "roles": [], "joined_at": iso(scene.start), "flags": 0, "pending": False}
    nothing = dict.fromkeys(("avatar", "banner", "communication_disabled_until", "premium_since"))
    joined: Payload = {"id": str(thread.id), "user_id": str(user.id), "join_timestamp": iso(scene.start), "flags": 0}
    joined["member"] = member_payload(scene.guild, user)
    shown = thread_payload(scene.guild, thread) | {"member": joined}
    role = role_payload(list(scene.guild.roles.values())[-1]) | {"tags": {"bot_id": str(bots[0].id)}}
    private: Payload = {"id": str(scene.any_id()), "type": 1, "flags": 0, "last_message_id": None}
    private |= {"recipients": [user_payload(scene.people[8])]}
    picked = nested(next(iter(scene.channel.messages)))
    found = {
        "users": {str(user.id): user_payload(user)},
        "members": {str(user.id): member | nothing},
        "channels": {str(thread.id): shown, private["id"]: private},
        "messages": {picked["id"]: picked},
        "roles": {role["id"]: role},
    }
    scene.say("Pick someone", bots[0], resolved=found)
