"""What people write: above all every way in which a text can name someone.

Names are written only where an archive can know them for names: as ``@name`` or ``name#1234``, or as a whole text,
in a payload that also holds the user.
"""

from datetime import timedelta
from urllib.parse import quote

from adapters.discord.simulator.model import User
from adapters.discord.simulator.payloads import user_payload
from adapters.discord.simulator.scene import Scene


def text_shapes(scene: Scene) -> None:
    """One message of each kind of text."""
    mentions(scene)
    ids_in_text(scene)
    pictures_in_text(scene)
    names(scene)
    other_references(scene)
    odd_characters(scene)


def percent(digits: str) -> str:
    """Digits with each one percent-encoded, which no browser does and any may."""
    return "".join(f"%{ord(digit):02X}" for digit in digits)


def mentions(scene: Scene) -> None:
    """Mentions as people's clients write them, old and new, and to everyone."""
    one, two, three = scene.people[:3]
    both = [user_payload(one), user_payload(two)]
    scene.say(f"<@{one.id}> can you have a look?", mentions=both[:1])
    scene.say(f"<@!{one.id}> and <@{two.id}>: ready when you are", mentions=both)
    scene.say(f"<@{one.id}><@{one.id}><@!{two.id}>", mentions=both)
    scene.say(f"<@{three.id}> left before this was sent")  # not in `mentions`: no longer a member
    scene.say("@everyone movie night on Friday", mention_everyone=True)
    scene.say("@here anyone for a quick round?", mention_everyone=True)
    role_ids = [str(role_id) for role_id in list(scene.guild.roles)[-2:]]
    scene.say(" ".join(f"<@&{role_id}>" for role_id in role_ids) + " please vote", mention_roles=role_ids)
    elsewhere = next(iter(scene.guild.channels.values()))
    shown = {"id": str(elsewhere.id), "name": "news", "type": 5, "guild_id": str(scene.guild.id)}
    scene.say(f"see <#{elsewhere.id}>", mention_channels=[shown], flags=1)


def ids_in_text(scene: Scene) -> None:
    """Ids without the brackets of a mention: logs of moderation bots, links to profiles, encoded forms."""
    ids = [str(user.id) for user in scene.people[:6]]
    scene.say(f"Banned {ids[0]} for spam (reported by {ids[1]}, seen in 3 channels)")
    scene.say(f"{ids[2]}")
    scene.say(f"ids: {ids[0]},{ids[1]};{ids[2]}/{ids[3]}")
    scene.say(f"my profile: https://discord.com/users/{ids[0]} or discord://-/users/{ids[1]}")
    scene.say(f"old ones: https://discordapp.com/users/{ids[2]} https://canary.discord.com/users/{ids[3]}")
    scene.say(f"https://example.com/report?user={ids[0]}&by=%3C%40{ids[1]}%3E&also=%3C%40%21{ids[2]}%3E")
    scene.say(f"https://example.com/q?text=%40{ids[3]}+hello&x=%21{ids[4]}")
    scene.say(f"https://example.com/u/{percent(ids[0])}/edit")
    scene.say(f"https://example.com/u/{ids[1][:6]}{percent(ids[1][6:9])}{ids[1][9:]}")
    scene.say(f"https://example.com/search?q={quote(f'<@{ids[5]}> and <@!{ids[4]}>')}")
    scene.say(f"```\nwarn user_{ids[0]} x{ids[1]}y\n```")
    scene.say(f"**{ids[0]}** __{ids[1]}__ ||{ids[2]}|| `{ids[3]}` ~~<@{ids[4]}>~~")
    scene.say(f"\\<@{ids[0]}> \\@{ids[1]} <@ {ids[2]}> <@{ids[3]}")
    scene.say("short numbers stay: 1234567890123456 and 42, 16 digits at most")
    scene.say(f"a longer one goes: 00{ids[0]}")


def pictures_in_text(scene: Scene) -> None:
    """Avatars and banners, whose URLs tell whose they are; and pictures of things, whose URLs do not."""
    cdn, media, user = "https://cdn.discordapp.com", "https://media.discordapp.net", scene.people[0]
    member = f"guilds/{scene.guild.id}/users/{user.id}"
    face = user.avatar or "0" * 32
    scene.say(f"{cdn}/avatars/{user.id}/{face}.png?size=1024 nice picture")
    scene.say(f"new banner {cdn}/banners/{user.id}/a_{face}.gif\nand {media}/{member}/avatars/{face}.webp")
    scene.say(f"{cdn}/{member}/banners/{face}.png {cdn}/embed/avatars/{(user.id >> 22) % 6}.png")
    scene.say(f"{cdn}/emojis/{scene.guild.emojis[0].id}.webp?size=48 {cdn}/icons/{scene.guild.id}/{face}.png")
    scene.say(f"{cdn}/stickers/{scene.any_id()}.png {cdn}/splashes/{scene.guild.id}/{face}.jpg")
    scene.say(f"{cdn}/role-icons/{list(scene.guild.roles)[-1]}/{face}.png {cdn}/channel-icons/{scene.channel.id}/x.png")
    picture = scene.file("photo.png", 1_200, "image/png")
    scene.say(f"look: {picture['url']} (again {picture['proxy_url']} )")
    scene.say(f"{cdn}/ephemeral-attachments/{scene.channel.id}/{scene.any_id()}/shot.png")


def names(scene: Scene) -> None:
    """Names of people whom the payload also holds: the author and those mentioned."""
    ana, anabel, odd, old = scene.people[6:10]
    both = [user_payload(ana), user_payload(anabel)]
    scene.say(f"thanks @{anabel.username} and @{ana.username}!", mentions=both)
    scene.say(f"(@{ana.username}, @{anabel.username})", mentions=both[::-1])
    scene.say(f"@{odd.global_name}: the odd one", mentions=[user_payload(odd)])
    scene.say(f"still {old.username}#{old.discriminator} to some", mentions=[user_payload(old)])
    scene.say(f"that is me, @{ana.username}", author=ana)
    scene.say(ana.username, author=ana)
    scene.say(str(anabel.global_name), mentions=[user_payload(anabel)])
    whispered = f"@{ana.username}{'!' * 3}@{anabel.username}#0001 {anabel.username}#1234."
    scene.say(whispered, mentions=both)
    scene.say(f"hidden: @{ana.username[:4]}\x00{ana.username[4:]}", mentions=both)
    single = User(id=scene.people[10].id, username=scene.people[10].username, global_name="Z")
    scene.say("@Z is a name of one letter, which stays", author=single)


def other_references(scene: Scene) -> None:
    """Everything in brackets or URLs that has an id and names no one."""
    guild_id, channel_id = scene.guild.id, scene.channel.id
    custom, animated = scene.guild.emojis[:2]
    scene.say(f"<:{custom.name}:{custom.id}> <a:{animated.name}:{animated.id}> nice")
    scene.say(f"use </play:{scene.any_id()}> or </admin ban user:{scene.any_id()}> in <#{channel_id}>")
    scene.say("see <id:customize>, <id:browse> and <id:guide>")
    scene.say("<t:1700000000:R> and <t:1700000000>")
    links = (
        f"https://discord.com/channels/{guild_id}/{channel_id}/{scene.any_id()}",
        f"https://ptb.discord.com/channels/{guild_id}/{channel_id}",
        f"https://canary.discordapp.com/channels/@me/{scene.any_id()}",
    )
    scene.say("\n".join(links))
    scene.say(f"<:name{scene.people[0].id}:{custom.id}> is no emoji")
    scene.say(f"https://discord.com/channels/{guild_id}/{channel_id}?from={scene.people[0].id}")
    scene.say("https://discord.gg/example and https://example.com/a/b?c=d#e")


def odd_characters(scene: Scene) -> None:
    """Text that trips up tables, indexes and encoders."""
    scene.say("NUL \x00 in the middle \x00\x00", flags=4)
    scene.say("a lone surrogate \ud83d here and \udc00 there")
    scene.say(f"<@{str(scene.people[0].id)[:9]}\x00{str(scene.people[0].id)[9:]}> hidden behind a NUL")
    scene.say("right to left \u202eevil\u202c and zero\u200bwidth, e\u0301 and é, Z\u0351\u036b\u0343a\u0328lgo")
    scene.say("👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 1️⃣ 👍🏽 \U000e0067 𝕱𝖗𝖆𝖐𝖙𝖚𝖗 漢字 العربية हिन्दी ไทย")
    scene.say("fullwidth １２３４５６７８９０１２３４５６７８ is no id; ٣٤٥ neither")
    scene.say("\ufeff\u2028line\u2029paragraph\x85\r\n\ttab \x1b[31mred\x1b[0m \x7f")
    scene.say("x" * 4_000)
    scene.say("🧵" * 2_000)
    scene.say("Robert'); DROP TABLE messages;-- \" ' \\ %s {} $1 :name ? -- /* */")
    scene.say("")
    scene.say("   \n  ")
    scene.say("- [ ] todo\n> quote\n# heading\n||spoiler||", tts=True)
    scene.say("edited a minute later", edited_after=timedelta(minutes=1))
    scene.say("edited a year later, to the microsecond", edited_after=timedelta(days=365, microseconds=123_456))
    scene.say("the time is in the id alone", pinned=True)
