"""ACL DRYRUN, since 7.0: what the server itself says a user may run.

Decided: docs/decisions.md#proof-by-acl-dryrun
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.targets.redis.session import RedisSession

DRYRUN_SINCE = (7,)
"""The version of Redis, and of Valkey, that first had ACL DRYRUN."""

PLACEHOLDER = "x"
"""Stands for every argument in ACL DRYRUN, which checks their number before the permission."""


def arities(entries: Iterable[Sequence[Any] | None]) -> dict[str, int]:
    """By name (`config|get`), how many words a command has at least, from the answer to COMMAND INFO."""
    known = [entry for entry in entries if entry is not None]
    subcommands = [sub for entry in known if len(entry) > 9 for sub in entry[9]]
    return {str(entry[0]).lower(): abs(int(entry[1])) for entry in (*known, *subcommands)}


def trial(user: str, command: str, words: int) -> tuple[str, ...]:
    """ACL DRYRUN of `command` (`config|get`) with as many words as it needs at least."""
    names = command.split("|")
    return ("ACL", "DRYRUN", user, *names, *[PLACEHOLDER] * (words - len(names)))


DENIED = (" to run ", " to access database ")
"""How the answer of a server goes on that denies the command itself. Valkey 9.1 looks at databases first: FLUSHALL is
of all of them, and so never for whoever has some, whatever else the rules say of it."""


def may(answer: object) -> bool:
    """What the answer to a trial means: OK, or what is denied. Who is denied a key may run the command on others."""
    return not any(words in str(answer) for words in DENIED)


def allowed(
    session: RedisSession, commands: Mapping[str, Collection[str]], known: Mapping[str, int]
) -> dict[str, tuple[str, ...]]:
    """By user, those of its `commands` that the server lets it run, in one round trip for all of them.

    What cannot be asked, for want of `known` arities or of the right to ask, is left out.
    """
    from reconciler.targets.redis.session import Refusal

    asked = [(user, name) for user, names in commands.items() for name in sorted(names) if name in known]
    trials: Sequence[tuple[str, ...]] = [trial(user, name, known[name]) for user, name in asked]
    answers = session.read_all(trials) if trials else []
    found: dict[str, tuple[str, ...]] = {}
    for (user, name), answer in zip(asked, answers, strict=True):
        if not isinstance(answer, Refusal) and may(answer):
            found[user] = (*found.get(user, ()), name)
    return found
