"""What a server shows of declared users: two round trips for all of them, and a third that proves what they may not.

Decided: docs/decisions.md#users-that-a-role-may-not-see
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from reconciler.kinds.redis_user.model import ObservedUser, RedisUser
from reconciler.kinds.redis_user.persisted import in_file, waiting
from reconciler.kinds.redis_user.rules.acl_syntax import RuleProblem, categories_in
from reconciler.kinds.redis_user.rules.differences_in_words import FOLDED, told
from reconciler.kinds.redis_user.rules.evaluation import evaluate
from reconciler.kinds.redis_user.rules.powers import powers
from reconciler.kinds.redis_user.rules.rights import Commands, Rights
from reconciler.model import Address
from reconciler.targets.redis.dry_run import DRYRUN_SINCE, allowed, arities
from reconciler.targets.redis.managed import way_of_user
from reconciler.targets.redis.redis_conf import Line
from reconciler.targets.redis.session import RedisSession, Refusal
from reconciler.targets.redis.unloadable_users import breaks, unsettable, unwritable

ALWAYS = ("fast", "slow", "dangerous")
"""Every command is either @fast or @slow (seen on 6.2, 7.0 and Valkey 9): together they are all commands."""

NEEDED = (
    *("config|get", "config|set", "config|rewrite", "info", "ping"),
    *("client|setname", "client|getname", "client|list"),
    *("acl|getuser", "acl|setuser", "acl|deluser", "acl|save", "acl|cat", "acl|whoami", "acl|dryrun", "acl|list"),
    *("client|info", "command|info"),
)
"""What this tool runs: observing, changing, and its lock."""

ASIDE = (
    ("ACL", "WHOAMI"),
    ("CONFIG", "GET", "aclfile"),
    ("CONFIG", "GET", "acl-pubsub-default"),
    ("CONFIG", "GET", "appendonly"),
    ("ACL", "LIST"),
)
"""The hashes of passwords in ACL LIST are not kept."""


def observe(session: RedisSession, wanted: Sequence[RedisUser]) -> Mapping[Address, ObservedUser]:
    """Every wanted user by its address. Raises ConnectionFailed; DesiredError where a secret is missing."""
    answers = session.read_all(
        [
            *(("ACL", "GETUSER", user.user) for user in wanted),
            *ASIDE,
            *(("ACL", "CAT", category) for category in ALWAYS),
        ]
    )
    users, (whoami, aclfile, channels, appendonly, lines_now), known = (
        answers[: len(wanted)],
        answers[len(wanted) : len(wanted) + len(ASIDE)],
        answers[len(wanted) + len(ASIDE) :],
    )
    server = f"{session.info.product} {session.info.version}"
    refused = [answer for answer in [*users, aclfile, *known] if isinstance(answer, Refusal)]
    if refused:
        return {user.address: ObservedUser(server=server, hidden=_hidden(session, user, refused[0])) for user in wanted}
    acl_file = aclfile.get("aclfile", "")
    persists = session.target.persist
    lines = session.files.users(acl_file) if acl_file else session.files.configuration()
    lines = lines if persists else None
    defined = [" ".join(line.words).split() for line in lines or () if line.words[0] == "user"]
    running = () if isinstance(lines_now, Refusal) else tuple(lines_now)
    printed = [() if answer is None else _printed(answer) for answer in users]
    rules = [*printed, *defined, *(line.split() for line in running), *(user.rules or () for user in wanted)]
    commands, arity = _commands(session, dict(zip(ALWAYS, known, strict=True)), channels, rules)
    common = {
        "server": server,
        "aclfile": acl_file if persists else "",
        "config_file": session.config_file if persists else "",
        "persists": persists,
        "overwritten": waiting(lines or (), running, {user.user for user in wanted}, commands),
        "writes_append_only": not isinstance(appendonly, Refusal) and appendonly.get("appendonly") == "yes",
    }
    rereading = _Rereading(
        acl_file=bool(acl_file),
        kept=persists and (bool(acl_file) or session.config_file != ""),
        now=None if isinstance(lines_now, Refusal) else running,
        broken=session.files.save_breaks(acl_file) if acl_file else session.files.rewrite_breaks(session.version),
    )
    own = session.user if isinstance(whoami, Refusal) else whoami
    seen = {
        user.address: _observed(_Place(session, commands, lines, user.user == own), user, answer, its_rules).model_copy(
            update=common | rereading.of(user)
        )
        for user, answer, its_rules in zip(wanted, users, printed, strict=True)
    }
    return _proven(session, commands, arity, wanted, seen)


@dataclass(frozen=True, slots=True)
class _Rereading:
    """Whether the file that users are written into could be read again.

    `kept`: there is one. `now`: ACL LIST, None where it is denied. `broken`: it could not be written at all.
    """

    acl_file: bool
    kept: bool
    now: tuple[str, ...] | None
    broken: str

    def of(self, user: RedisUser) -> dict[str, Any]:
        """With `user` as it is declared, and all others as they are."""
        why = unsettable(user.rules or ())
        if self.kept and not why and user.rules is not None:
            why = unwritable(user.user, user.rules, acl_file=self.acl_file)
        own = [line for line in self.now or () if line.split(" ")[1] == user.user]
        if not self.kept:
            return {"unwritable": why}
        return {
            "unwritable": why,
            "rewrite_breaks": self.broken or breaks(self.now or (), acl_file=self.acl_file, but=user.user),
            "misread_now": bool(breaks(own, acl_file=self.acl_file)),
            "others_seen": self.now is not None,
        }


def _hidden(session: RedisSession, user: RedisUser, refusal: Refusal) -> str:
    """What is missing, and where a provider keeps its users to itself, how they are changed there."""
    if not session.owner:
        return refusal.message
    return (
        f"{refusal.message}; with {session.owner}: {way_of_user(session.owner, user.user, ' '.join(user.rules or ()))}"
    )


def _proven(
    session: RedisSession,
    commands: Commands,
    arity: Mapping[str, int],
    wanted: Sequence[RedisUser],
    seen: Mapping[Address, ObservedUser],
) -> dict[Address, ObservedUser]:
    """With what ACL DRYRUN says of dangerous commands that the rules deny; before 7.0 our own reading has to do."""
    settled = [user for user in wanted if user.rules and seen[user.address].same_rights]
    denied = {
        user.user: evaluate(user.rules or (), commands, fresh=True).denied("dangerous", commands) for user in settled
    }
    found = allowed(session, denied, arity) if session.version >= DRYRUN_SINCE else {}
    return {
        address: each.model_copy(update={"contradicted": found[address.name]}) if address.name in found else each
        for address, each in seen.items()
    }


def _commands(
    session: RedisSession, known: Mapping[str, Sequence[str]], channels: Any, rules: Sequence[Sequence[str]]
) -> tuple[Commands, dict[str, int]]:
    """The server's commands, and of the dangerous ones, how many words they have."""
    further = sorted({*FOLDED, *categories_in(rule for each in rules for rule in each)} - known.keys())
    dangerous = sorted({name.partition("|")[0] for name in known["dangerous"]})
    table, *answers = session.read_all(
        [("COMMAND", "INFO", *dangerous), *(("ACL", "CAT", category) for category in further)]
    )
    found = {
        **known,
        **{
            category: answer
            for category, answer in zip(further, answers, strict=True)
            if not isinstance(answer, Refusal)
        },
    }
    default = channels.get("acl-pubsub-default") if isinstance(channels, dict) else None
    commands = Commands(
        version=session.version,
        product=session.info.product,
        every=frozenset(known["fast"]) | frozenset(known["slow"]),
        categories={category: frozenset(names) for category, names in found.items()},
        all_channels=default == "allchannels" if default else session.version < (7,),
    )
    return commands, {} if isinstance(table, Refusal) else arities(table)


def _printed(user: Mapping[str, Any]) -> tuple[str, ...]:
    """The rules of ACL GETUSER as words of ACL SETUSER, without what every user has, and without passwords."""
    flags = [flag for flag in user["flags"] if flag in ("on", "off", "nopass", "skip-sanitize-payload")]
    selectors = [f"({' '.join(_permissions(selector))})" for selector in user.get("selectors", [])]
    return (*flags, *_permissions(user), *selectors)


def _permissions(selector: Mapping[str, Any]) -> list[str]:
    return [
        *_words(selector["keys"], "~"),
        *(_words(selector.get("channels", []), "&") or ["resetchannels"]),
        *_databases(selector.get("databases", "alldbs")),
        *selector["commands"].split(),
    ]


def _words(patterns: str | Sequence[str], sign: str) -> list[str]:
    """Patterns are a text with signs (7.0), or a list without (6.2)."""
    return patterns.split() if isinstance(patterns, str) else [f"{sign}{pattern}" for pattern in patterns]


def _databases(text: str) -> list[str]:
    """Nothing stands there where there are none, and nothing has to be said of all."""
    return [word for word in text.split() if word != "alldbs"] or ([] if text else ["resetdbs"])


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a user is looked at: the lines are those of the file that users are kept in."""

    session: RedisSession
    commands: Commands
    lines: Sequence[Line] | None
    own: bool


def _observed(place: _Place, user: RedisUser, answer: Any, rules: tuple[str, ...]) -> ObservedUser:
    commands, own = place.commands, place.own
    try:
        now = evaluate(rules, commands, fresh=False)
    except RuleProblem as problem:  # of a module, or of a version to come
        return ObservedUser(server="", hidden=f"what it may do cannot be read: {problem}")
    hashes: list[str] = answer["passwords"] if answer is not None else []
    kept = in_file(user.user, place.lines, now if answer is not None else None, hashes, commands)
    seen: dict[str, Any] = {
        "server": "",
        "exists": answer is not None,
        "own": own,
        "rules": rules,
        "reset": _reset(commands, answer),
        "login": _login(now, hashes),
        "was_on": now.on,
        "powers": powers(now, commands),
        "in_file": kept.state,
        "line": kept.line,
    }
    if user.rules is None:
        return ObservedUser(**seen, deviates=told(None, now, commands) if answer is not None else ())
    try:
        then = evaluate(user.rules, commands, fresh=True)
    except RuleProblem as problem:
        return ObservedUser(**seen, problem=str(problem))
    if answer is not None and not {"sanitize-payload", "skip-sanitize-payload"} & set(answer["flags"]):
        then.unsanitized = now.unsanitized  # Valkey takes either rule and shows neither
    before, after = now.effective(commands.containers), then.effective(commands.containers)
    seen |= {
        "same_rights": answer is not None and now.meaning(commands) == then.meaning(commands),
        "becomes": told(now if answer is not None else None, then, commands),
        "deviates": told(then, now, commands) if answer is not None else (),
        "dangerous": tuple(sorted((after - before) & commands.categories["dangerous"])),
        "is_off": not then.on,
        "own_loses": _own_loses(now, then, commands, place.session.database) if own else (),
    }
    return ObservedUser(**(seen | _logins(place.session, user, now, hashes, own)))


def _reset(commands: Commands, answer: Any) -> tuple[str, ...]:
    return (
        "off",
        "resetkeys",
        "allchannels" if commands.all_channels else "resetchannels",
        "-@all",
        "sanitize-payload",
        *(["clearselectors"] if commands.version >= (7,) else []),
        *(["alldbs"] if answer is not None and "databases" in answer else []),
    )


def _login(rights: Rights, hashes: Sequence[str]) -> Literal["nopass", "none", "password", "passwords"]:
    if rights.nopass:
        return "nopass"
    return "none" if not hashes else "password" if len(hashes) == 1 else "passwords"


def _logins(session: RedisSession, user: RedisUser, now: Rights, hashes: Sequence[str], own: bool) -> dict[str, bool]:
    if user.password is None:
        return {"same_login": now.nopass or not user.decides_login}
    password = session.secrets.resolve(user.password, user)
    return {
        "same_login": not now.nopass and list(hashes) == [sha256(password.encode()).hexdigest()],
        "url_has_it": not own or session.logs_in_with(password),
    }


def _own_loses(now: Rights, then: Rights, commands: Commands, database: int) -> tuple[str, ...]:
    """What this tool would miss of what it has; `database` is the one that its URL selects."""
    if now.on and not then.on:
        return ("to log in",)
    needed = (*NEEDED, "select") if database else NEEDED
    lost = [name for name in needed if now.may(name, commands) and not then.may(name, commands)]
    if database and not then.uses_database(database):
        lost.append(f"database {database}")
    return tuple(lost)
