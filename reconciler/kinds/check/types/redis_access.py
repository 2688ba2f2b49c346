"""Items about who may do what on Redis."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from reconciler.kinds.check.model import RedisUserCheck
from reconciler.kinds.check.types.redis_answers import Command, as_commands, ask
from reconciler.kinds.check.verdict import Part, Unavailable, Verdict
from reconciler.model import CheckStatus, Frozen, RedisTarget
from reconciler.targets.redis.dry_run import DRYRUN_SINCE, may, trial

if TYPE_CHECKING:
    from reconciler.targets.redis.session import RedisSession

PING_TIMEOUT = 5.0
"""Seconds for connecting and for the answer."""


class FoundPermissions(Frozen):
    """Which of an item's commands the user may run, and which this server does not have (renamed away).

    `exists` false: there is no such user.
    """

    exists: bool
    may: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


class FoundPing(Frozen):
    """What an unauthenticated PING was answered."""

    answer: str
    refused: bool


def read_users(
    session: RedisSession, checks: Mapping[Part, RedisUserCheck]
) -> dict[Part, FoundPermissions | Unavailable]:
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


def decide_user(check: RedisUserCheck, found: FoundPermissions) -> Verdict:
    """The user exists, and may run none of the commands. One that the server does not have, nobody may run."""
    user = check.redis_user
    if not found.exists:
        return Verdict(CheckStatus.FAIL, f"there is no user {user}: whoever connects as another may run more", "live")
    if found.may:
        names = ", ".join(name.upper().replace("|", " ") for name in found.may)
        return Verdict(CheckStatus.FAIL, f"user {user} may run {names}", "live")
    gone = f" ({', '.join(found.gone)}: not a command of this server)" if found.gone else ""
    return Verdict(CheckStatus.PASS, f"user {user} may not run {', '.join(check.may_not)}{gone}", "live")


def ping_without_credentials(target: RedisTarget) -> str:
    """What the server answers to a PING of somebody who has no credentials: PONG, or its refusal.

    A connection of its own. Raises redis.RedisError, OSError where there is no answer.
    """
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    from reconciler.targets.redis.opening import SCHEMES

    url = target.url.get_secret_value()
    scheme = url.partition(":")[0]
    known = inspect.signature(redis.connection.AbstractConnection.__init__).parameters
    # Nothing but the PING is sent: a greeting would be refused before it, in other words.
    silent = {"driver_info": None} if "driver_info" in known else {"lib_name": None, "lib_version": None}
    with redis.Redis.from_url(
        SCHEMES[scheme] + url.removeprefix(scheme),
        protocol=2,
        decode_responses=True,
        socket_timeout=PING_TIMEOUT,
        socket_connect_timeout=PING_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        **silent,
    ) as client:
        # The URL's own words win over those above: its credentials are taken out here.
        client.connection_pool.connection_kwargs |= {"username": None, "password": None, "db": 0}
        try:
            return "PONG" if client.ping() else "something else than PONG"
        except (redis.AuthenticationError, redis.ResponseError) as error:
            return str(error)


def read_ping(session: RedisSession) -> FoundPing | Unavailable:
    """A PING without credentials, on a connection of its own."""
    import redis

    try:
        answer = ping_without_credentials(session.target)
    except (redis.RedisError, OSError) as error:
        said = session.secrets.redact(str(error))
        return Unavailable(status=CheckStatus.ERROR, message=f"no second connection to ask without credentials: {said}")
    return FoundPing(answer=session.secrets.redact(answer), refused=answer != "PONG")


def decide_ping(found: FoundPing) -> Verdict:
    """Refused is right."""
    if found.refused:
        return Verdict(CheckStatus.PASS, f"a PING without credentials is refused: {found.answer}", "live")
    return Verdict(CheckStatus.FAIL, "a PING without credentials is answered: anyone who can connect is in", "live")
