"""What a user may that matters to whoever comes upon it: everything, or what is dangerous."""

from __future__ import annotations

from reconciler.kinds.redis_user.rules.rights import Commands, Rights
from reconciler.model import Frozen


class Powers(Frozen):
    """`dangerous`: the commands of @dangerous that any of its permissions lets it run."""

    every_command: bool = False
    every_key: bool = False
    dangerous: tuple[str, ...] = ()


def powers(rights: Rights, commands: Commands) -> Powers:
    """What `rights` come to, selectors among them."""
    selectors = (rights.root, *rights.selectors)
    may = frozenset[str]().union(*(each.effective(commands.containers) for each in selectors))
    return Powers(
        every_command=may >= commands.every - commands.containers,
        every_key=any(each.keys.get("*") == frozenset("RW") for each in selectors),
        dangerous=tuple(sorted(may & commands.categories["dangerous"])),
    )
