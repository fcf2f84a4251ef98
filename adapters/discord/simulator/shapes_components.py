"""Buttons, menus and whole layouts of components, old (under a text) and new (instead of one).

https://docs.discord.com/developers/components/reference
"""

from adapters.discord.simulator.message_payloads import IS_COMPONENTS_V2
from adapters.discord.simulator.model import User
from adapters.discord.simulator.scene import Scene
from adapters.discord.simulator.store import Payload


def component_shapes(scene: Scene, author: User) -> None:
    """Rows of buttons and menus, then a layout with everything in it."""
    buttons(scene, author)
    selects(scene, author)
    layout(scene, author)
    unknown(scene, author)


def _row(number: int, *parts: Payload) -> Payload:
    return {"type": 1, "id": number, "components": list(parts)}


def _media(scene: Scene, url: str) -> Payload:
    proxy = "https://images-ext-1.discordapp.net/external/y/" + url.replace("https://", "https/")
    size = {"width": 64, "height": 64, "content_type": "image/png"}
    return {"id": str(scene.any_id()), "url": url, "proxy_url": proxy} | size


def _face(user: User) -> str:
    return f"https://cdn.discordapp.com/avatars/{user.id}/{user.avatar}.png?size=64"


def buttons(scene: Scene, author: User) -> None:
    """Buttons: applications keep user ids in ``custom_id``, and link to profiles."""
    user = scene.people[0]
    emoji = {"id": str(scene.guild.emojis[1].id), "name": scene.guild.emojis[1].name, "animated": True}
    approve = {"type": 2, "id": 2, "style": 3, "label": f"Approve {user.id}", "custom_id": f"approve:{user.id}"}
    profile = {"type": 2, "id": 3, "style": 5, "label": "Profile", "url": f"https://discord.com/users/{user.id}"}
    emoted = {"type": 2, "id": 4, "style": 1, "custom_id": "x", "emoji": emoji, "disabled": True}
    thumb = {"type": 2, "id": 5, "style": 2, "custom_id": "y", "emoji": {"name": "👍"}, "disabled": False, "label": ""}
    shop = {"type": 2, "id": 6, "style": 6, "sku_id": str(scene.any_id())}
    scene.say("Please decide", author, components=[_row(1, approve, profile, emoted, thumb, shop)])


def selects(scene: Scene, author: User) -> None:
    """Menus of every kind, with users and roles chosen beforehand."""
    one, two = scene.people[:2]
    limits = {"min_values": 0, "max_values": 3}
    options = [
        {"label": "Red", "value": "red", "description": f"chosen by <@{one.id}>", "default": True},
        {"label": f"User {two.id}", "value": str(two.id), "emoji": {"name": "🔥"}, "default": False},
    ]
    text = {"type": 3, "id": 2, "custom_id": f"pick:{one.id}", "placeholder": "Pick", "options": options} | limits
    chosen = [{"id": str(one.id), "type": "user"}, {"id": str(two.id), "type": "user"}]
    users = {"type": 5, "id": 4, "custom_id": "u", "placeholder": f"not {one.id}", "default_values": chosen} | limits
    role = {"id": str(scene.guild.id), "type": "role"}
    both = {"type": 7, "id": 6, "custom_id": "m", "default_values": [chosen[0], role], "disabled": True} | limits
    place = {"id": str(scene.channel.id), "type": "channel"}
    places = {"type": 8, "id": 8, "custom_id": "c", "channel_types": [0], "default_values": [place]} | limits
    roles = {"type": 6, "id": 10, "custom_id": "r", "default_values": [role]} | limits
    rows = [_row(number * 2 + 1, part) for number, part in enumerate((text, users, both, places, roles))]
    scene.say("Menus", author, components=rows)


def layout(scene: Scene, author: User) -> None:
    """A message whose text is all in nested components."""
    one, two = scene.people[2], scene.people[3]
    text = {"type": 10, "id": 3, "content": f"# Profile of <@{one.id}>\nid {one.id}"}
    picture = {"type": 11, "id": 4, "media": _media(scene, _face(one)), "description": "a face", "spoiler": True}
    section = {"type": 9, "id": 2, "components": [text], "accessory": picture}
    button = {"type": 2, "id": 7, "style": 1, "label": "Go", "custom_id": f"go:{two.id}"}
    second = {"type": 10, "id": 6, "content": "plain", "spoiler": False}
    with_button = {"type": 9, "id": 5, "components": [second], "accessory": button}
    items = [
        {"media": _media(scene, "https://example.com/a.png"), "description": None, "spoiler": False},
        {"media": _media(scene, _face(two)), "description": f"by {two.id}", "spoiler": True},
    ]
    gallery = {"type": 12, "id": 8, "items": items}
    file = {
        "type": 13,
        "id": 9,
        "file": _media(scene, scene.file("report.pdf", 9_000)["url"]),
        "name": f"report-{two.id}.pdf",
        "size": 9_000,
        "spoiler": False,
    }
    line = {"type": 14, "id": 10, "divider": True, "spacing": 2}
    gap = {"type": 14, "id": 11, "divider": False, "spacing": 1}
    inner = [section, with_button, gallery, line, gap, file, _row(12, button | {"id": 13})]
    box = {"type": 17, "id": 1, "accent_color": 0, "components": inner, "spoiler": False}
    scene.say("", author, flags=IS_COMPONENTS_V2, components=[box, {"type": 10, "id": 14, "content": "below"}])
    scene.say("", author, flags=IS_COMPONENTS_V2, components=[box | {"accent_color": None, "spoiler": True}])


def unknown(scene: Scene, author: User) -> None:
    """A component that this version of the API does not describe, as labels were before 2025."""
    inside = {"type": 4, "id": 3, "custom_id": f"t:{scene.people[4].id}", "style": 1, "label": "Why", "value": "x"}
    label = {"type": 18, "id": 2, "label": "Reason", "description": f"for {scene.people[4].id}", "component": inside}
    scene.say("", author, flags=IS_COMPONENTS_V2, components=[label, {"type": 99, "id": 4, "mystery": "kept out"}])
