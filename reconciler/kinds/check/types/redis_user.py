"""A user of Redis, and what it may not run.

What
    The user exists and may run none of the commands in `may_not`.

    `config|set` names one subcommand, `config` all of them but HELP. Since Redis 7.0 the server tries it (ACL DRYRUN);
    before, the user's rules are read.

Why
    One FLUSHALL by the application empties everything, and one KEYS stops everybody else while it walks through all
    keys.

How to write it
    id: redis-dangerous-commands
    title: The application cannot run dangerous commands
    check: {redis_user: app, may_not: [flushall, flushdb, keys, config, debug]}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from reconciler.kinds.check.check_type import CheckType, Circumstances
from reconciler.kinds.check.field_types import Words
from reconciler.kinds.check.redis_answers import Command, as_commands, ask
from reconciler.kinds.check.verdict import Part, Unavailable, Verdict
from reconciler.model import CheckStatus, Frozen, System
from reconciler.targets.redis.dry_run import DRYRUN_SINCE, may, trial

if TYPE_CHECKING:
    from reconciler.targets.redis.session import RedisSession


RedisCommand = Annotated[str, Field(pattern=r"^[A-Za-z0-9.|_-]+$")]


class RedisUserCheck(Frozen):
    """A user exists and may run none of the commands; `config|set` names a subcommand, `config` all but HELP."""

    redis_user: Words
    may_not: Annotated[tuple[RedisCommand, ...], Field(min_length=1)]


class FoundPermissions(Frozen):
    """Which of an item's commands the user may run, and which this server does not have (renamed away).

    `exists` false: there is no such user.
    """

    exists: bool
    may: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def read(session: RedisSession, checks: Mapping[Part, RedisUserCheck]) -> dict[Part, FoundPermissions | Unavailable]:
    """Asks for the commands in question, then about each user: two round trips and more. Raises ConnectionFailed."""
    names = sorted({_base(name) for check in checks.values() for name in check.may_not})
    table = ask(session, [("COMMAND", "INFO", *names)])[0]
    if isinstance(table, Unavailable):
        return dict.fromkeys(checks, table)
    commands = as_commands(table)
    read_one = _by_trying if session.version >= DRYRUN_SINCE else _by_rules
    return {part: read_one(session, check, commands) for part, check in checks.items()}


def _base(name: str) -> str:
    """The command of `config|set`, and of any other name, in lower case."""
    return name.lower().partition("|")[0]


def _leaves(name: str, commands: Mapping[str, Command]) -> tuple[Command, ...]:
    """What `name` stands for: the command itself, or its subcommands but HELP, which changes and tells nothing.

    Empty where the server has no such command: it was renamed away.
    """
    known = commands.get(_base(name))
    if known is None:
        return ()
    if "|" in name:
        return tuple(sub for sub in known.subcommands if sub.name == name.lower())
    return tuple(sub for sub in known.subcommands if not sub.name.endswith("|help")) or (known,)


def _by_trying(
    session: RedisSession, check: RedisUserCheck, commands: Mapping[str, Command]
) -> FoundPermissions | Unavailable:
    """ACL DRYRUN: proof, with selectors and all."""
    trials = {leaf.name: leaf for name in check.may_not for leaf in _leaves(name, commands)}
    asked = [trial(check.redis_user, leaf.name, abs(leaf.arity)) for leaf in trials.values()]
    first, *answers = ask(session, [("ACL", "DRYRUN", check.redis_user, "PING"), *asked])
    if isinstance(first, Unavailable):
        if "not found" in first.message:
            return FoundPermissions(exists=False)
        return first
    found = []
    for name, answer in zip(trials, answers, strict=True):
        if isinstance(answer, Unavailable):
            return answer
        if may(answer):
            found.append(name)
    return FoundPermissions(exists=True, may=tuple(found), gone=_gone(check, commands))


def _by_rules(
    session: RedisSession, check: RedisUserCheck, commands: Mapping[str, Command]
) -> FoundPermissions | Unavailable:
    """Before 7.0: the user's rules from left to right, over the commands and their categories."""
    described = ask(session, [("ACL", "GETUSER", check.redis_user)])[0]
    if isinstance(described, Unavailable):
        return described
    if described is None:
        return FoundPermissions(exists=False)
    rules = str(described["commands"]).lower().split()
    may = [name.lower() for name in check.may_not if _allowed(name.lower(), commands, rules)]
    return FoundPermissions(exists=True, may=tuple(may), gone=_gone(check, commands))


def _allowed(name: str, commands: Mapping[str, Command], rules: Iterable[str]) -> bool:
    base, _, sub = name.partition("|")
    known = commands.get(base)
    if known is None:
        return False
    allowed = False
    for rule in rules:
        grants, subject = rule.startswith("+"), rule[1:]
        command, _, only = subject.partition("|")
        if subject == "@all" or subject in known.categories or subject == base:
            allowed = grants
        elif command == base and only and (not sub or sub == only):
            # 6.2 can add a subcommand to what is denied (+config|get), never take one away.
            allowed = allowed or grants
    return allowed


def _gone(check: RedisUserCheck, commands: Mapping[str, Command]) -> tuple[str, ...]:
    return tuple(name for name in check.may_not if not _leaves(name, commands))


def decide(check: RedisUserCheck, found: FoundPermissions, known: Circumstances) -> Verdict:
    """The user exists, and may run none of the commands. One that the server does not have, nobody may run."""
    user = check.redis_user
    if not found.exists:
        return Verdict(CheckStatus.FAIL, f"there is no user {user}: whoever connects as another may run more", "live")
    if found.may:
        names = ", ".join(name.upper().replace("|", " ") for name in found.may)
        return Verdict(CheckStatus.FAIL, f"user {user} may run {names}", "live")
    gone = f" ({', '.join(found.gone)}: not a command of this server)" if found.gone else ""
    return Verdict(CheckStatus.PASS, f"user {user} may not run {', '.join(check.may_not)}{gone}", "live")


TYPE = CheckType(RedisUserCheck, System.REDIS, read, decide)
