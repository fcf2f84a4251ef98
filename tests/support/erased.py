"""A guild's truth as an archive may tell it once people have been erased from it."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from adapters.discord.simulator import World
from adapters.discord.simulator.truth import Truth, truth

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TruthWithoutPeople:
    """Row by row what `Truth` says, but for what erased people wrote and gave."""

    truth: Truth
    erased: frozenset[str]

    def messages(self) -> Iterator[Row]:
        """Yield messages; of an erased person's only where and when it was written remains."""
        nothing = {"author_hash": None, "content": "", "edited_at": None, "reply_to_author_hash": None}
        for row in self.truth.messages():
            if row["author_hash"] in self.erased:
                yield row | nothing | {"metadata": {"forgotten": True}}
            else:
                replied = None if row["reply_to_author_hash"] in self.erased else row["reply_to_author_hash"]
                named = {name: self._unnamed(row[name]) for name in ("content", "metadata")}
                yield row | named | {"reply_to_author_hash": replied}

    def _unnamed(self, value: Any) -> Any:
        if not self.erased:
            return value
        text = json.dumps(value)
        for user_hash in self.erased:
            text = text.replace(user_hash, "forgotten")
        return json.loads(text)

    def attachments(self) -> Iterator[Row]:
        """Yield the files of those who are not erased."""
        gone: set[tuple[str, str]] = set()
        if self.erased:
            written = (row for row in self.truth.messages() if row["author_hash"] in self.erased)
            gone = {(row["channel_platform_id"], row["platform_id"]) for row in written}
        for row in self.truth.attachments():
            if (row["channel_platform_id"], row["message_platform_id"]) not in gone:
                yield row

    def reaction_totals(self) -> Iterator[Row]:
        """Yield how often each emoji was given, by whomever."""
        return self.truth.reaction_totals()

    def reactions(self) -> Iterator[Row]:
        """Yield who gave them, but for those who are erased."""
        return (row for row in self.truth.reactions() if row["user_hash"] not in self.erased)


def truth_without(world: World, guild_id: int, erased: Collection[str]) -> TruthWithoutPeople:
    """Return what an archive must hold of a guild in which these people (their hashes) are erased."""
    return TruthWithoutPeople(truth(world, guild_id), frozenset(erased))
