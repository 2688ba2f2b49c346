"""What a server shows of declared users, in two round trips for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Literal

from reconciler.kinds.redis_user.model import ObservedUser, RedisUser
from reconciler.kinds.redis_user.rules import Commands, Rights, RuleProblem, categories_in, evaluate
from reconciler.model import Address
from reconciler.targets.redis import RedisSession, Refusal

ALWAYS = ("fast", "slow", "dangerous")
"""Every command is either @fast or @slow (seen on 6.2, 7.0 and Valkey 9): together they are all commands."""

NEEDED = (
    *("config|get", "config|set", "config|rewrite", "info", "ping"),
    *("client|setname", "client|getname", "client|list"),
    *("acl|getuser", "acl|setuser", "acl|deluser", "acl|save", "acl|cat", "acl|whoami"),
)
"""What this tool runs: observing, changing, and its lock."""

ASIDE = (("ACL", "WHOAMI"), ("CONFIG", "GET", "aclfile"), ("CONFIG", "GET", "acl-pubsub-default"))


def observe(session: RedisSession, wanted: Sequence[RedisUser]) -> Mapping[Address, ObservedUser]:
    """Every wanted user by its address. Raises ConnectionFailed; DesiredError where a secret is missing."""
    answers = session.read_all(
        [
            *(("ACL", "GETUSER", user.user) for user in wanted),
            *ASIDE,
            *(("ACL", "CAT", category) for category in ALWAYS),
        ]
    )
    users, (whoami, aclfile, channels), known = (
        answers[: len(wanted)],
        answers[len(wanted) : len(wanted) + len(ASIDE)],
        answers[len(wanted) + len(ASIDE) :],
    )
    server = f"{session.info.product} {session.info.version}"
    refused = [answer for answer in [*users, aclfile, *known] if isinstance(answer, Refusal)]
    if refused:
        hidden = ObservedUser(server=server, hidden=refused[0].message)
        return {user.address: hidden for user in wanted}
    printed = [() if answer is None else _printed(answer) for answer in users]
    commands = _commands(session, dict(zip(ALWAYS, known, strict=True)), channels, wanted, printed)
    own = session.user if isinstance(whoami, Refusal) else whoami
    return {
        user.address: _observed(session, commands, user, answer, rules, user.user == own).model_copy(
            update={"aclfile": aclfile.get("aclfile", ""), "config_file": session.config_file}
        )
        for user, answer, rules in zip(wanted, users, printed, strict=True)
    }


def _commands(
    session: RedisSession,
    known: Mapping[str, Sequence[str]],
    channels: Any,
    wanted: Sequence[RedisUser],
    printed: Sequence[Sequence[str]],
) -> Commands:
    named = categories_in(rule for rules in [*printed, *(user.rules or () for user in wanted)] for rule in rules)
    further = sorted(named - known.keys())
    answers = session.read_all([("ACL", "CAT", category) for category in further]) if further else []
    found = {
        **known,
        **{
            category: answer
            for category, answer in zip(further, answers, strict=True)
            if not isinstance(answer, Refusal)
        },
    }
    default = channels.get("acl-pubsub-default") if isinstance(channels, dict) else None
    return Commands(
        version=session.version,
        every=frozenset(known["fast"]) | frozenset(known["slow"]),
        categories={category: frozenset(names) for category, names in found.items()},
        all_channels=default == "allchannels" if default else session.version < (7,),
    )


def _printed(user: Mapping[str, Any]) -> tuple[str, ...]:
    """The rules of ACL GETUSER as words of ACL SETUSER, without what every user has, and without passwords."""
    flags = [flag for flag in user["flags"] if flag in ("on", "off", "nopass", "skip-sanitize-payload")]
    databases = [word for word in user.get("databases", "").split() if word != "alldbs"]
    selectors = [f"({' '.join(_permissions(selector))})" for selector in user.get("selectors", [])]
    return (*flags, *databases, *_permissions(user), *selectors)


def _permissions(selector: Mapping[str, Any]) -> list[str]:
    return [
        *_words(selector["keys"], "~"),
        *(_words(selector.get("channels", []), "&") or ["resetchannels"]),
        *selector["commands"].split(),
    ]


def _words(patterns: str | Sequence[str], sign: str) -> list[str]:
    """Patterns are a text with signs (7.0), or a list without (6.2)."""
    return patterns.split() if isinstance(patterns, str) else [f"{sign}{pattern}" for pattern in patterns]


def _observed(
    session: RedisSession, commands: Commands, user: RedisUser, answer: Any, rules: tuple[str, ...], own: bool
) -> ObservedUser:
    seen: dict[str, Any] = {
        "server": f"{session.info.product} {session.info.version}",
        "exists": answer is not None,
        "own": own,
        "rules": rules,
        "reset": _reset(commands, answer),
    }
    now = evaluate(rules, commands, fresh=False)
    hashes: list[str] = answer["passwords"] if answer is not None else []
    seen["login"] = _login(now, hashes)
    seen["was_on"] = now.on
    if user.rules is None:
        return ObservedUser(**seen)
    try:
        then = evaluate(user.rules, commands, fresh=True)
    except RuleProblem as problem:
        return ObservedUser(**seen, problem=str(problem))
    if answer is not None and not {"sanitize-payload", "skip-sanitize-payload"} & set(answer["flags"]):
        then.unsanitized = now.unsanitized  # Valkey takes either rule and shows neither
    before, after = now.root.effective(commands.containers), then.root.effective(commands.containers)
    gains = after - before
    seen |= {
        "same_rights": answer is not None and now.meaning(commands) == then.meaning(commands),
        "gains": tuple(sorted(gains)),
        "loses": tuple(sorted(before - after)),
        "dangerous": tuple(sorted(gains & commands.categories["dangerous"])),
        "is_off": not then.on,
        "own_loses": _own_loses(now, then, commands) if own else (),
    }
    return ObservedUser(**(seen | _logins(session, user, now, hashes, own)))


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
    password = session.secrets.resolve(user.password)
    return {
        "same_login": not now.nopass and list(hashes) == [sha256(password.encode()).hexdigest()],
        "url_has_it": not own or session.logs_in_with(password),
    }


def _own_loses(now: Rights, then: Rights, commands: Commands) -> tuple[str, ...]:
    lost = [name for name in NEEDED if now.root.may(name, commands) and not then.root.may(name, commands)]
    return ("to log in",) if now.on and not then.on else tuple(lost)
