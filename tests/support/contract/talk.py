"""What is said in a community before the bot comes, and what happens then."""

from tests.support.contract.stage import Stage


def talk(stage: Stage, messages: int = 50) -> tuple[str, str, list[str]]:
    """Fill two channels; return one, the other, and the ids of the first one's messages."""
    one, other = stage.open_channel("one"), stage.open_channel("other")
    ids = []
    for number in range(messages):
        ids.append(stage.say(one, f"message {number}", number % 5))
        if number % 3 == 0:
            stage.say(other, f"elsewhere {number}", number % 4)
    for number in range(0, messages, 7):
        thread, first = stage.open_thread(one, ids[number], f"to {number}", 6)
        stage.react(thread, first, "👍", 7)
        for again in range(number % 5):
            stage.say(thread, f"to {number}, {again}", 8)
    stage.react(one, ids[0], "🔥", 1)
    stage.react(one, ids[0], "🔥", 2)
    stage.react(one, ids[0], "👍", 2)
    return one, other, ids


def go_on(stage: Stage, one: str, ids: list[str]) -> None:
    """Change something of every kind, also in threads, new and old."""
    old, fresh = stage.open_thread(one, ids[1], "a late first answer", 3)
    stage.react(old, fresh, "👍", 4)
    stage.edit(old, fresh, "a late first answer, corrected")
    added = stage.say(one, "new", 2)
    thread, answer = stage.open_thread(one, added, "to the new one", 5)
    again = stage.say(thread, "once more", 5)
    stage.react(thread, answer, "🔥", 1)
    stage.delete(thread, again)
    stage.edit(one, ids[2], "changed")
    stage.delete(one, ids[3])
    stage.react(one, ids[0], "🔥", 1, back=True)
    for user in (8, 9):
        stage.react(one, ids[0], "🔥", user)
    third = stage.open_channel("third")
    stage.say(third, "the first in it", 1)
