"""What differs, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from reconciler.kinds.redis_user.model import ObservedUser, RedisUser
from reconciler.model import (
    SENSITIVE,
    Action,
    Change,
    Difference,
    Hazard,
    HazardType,
    Notice,
    NoticeType,
    Outcome,
    RedisStep,
    SecretArgument,
)
from reconciler.targets.redis.unloadable_users import DENIED

NAMED = 8
"""So many commands are named in a note; of more, the number."""


def plan(desired: RedisUser, observed: ObservedUser) -> Sequence[Outcome]:
    """The outcomes of one user. Pure."""
    found = _outcome(desired, observed)
    if isinstance(found, Change) and observed.rewrite_breaks:
        return [_notice(desired, NoticeType.BLOCKED, observed.rewrite_breaks)]
    return [] if found is None else [found]


def _outcome(desired: RedisUser, observed: ObservedUser) -> Outcome | None:
    if observed.hidden:
        return _notice(desired, NoticeType.NOT_VISIBLE, observed.hidden)
    if desired.rules is None:
        if observed.exists:
            return _removal(desired, observed)
        return _persisting(desired, observed) if observed.in_file == "other" else None
    if observed.problem:
        return _notice(desired, NoticeType.BLOCKED, f"{observed.server} would refuse the rules: {observed.problem}")
    if observed.unwritable:
        message = f"the server would write it down, and not read the same again: {observed.unwritable}"
        return _notice(desired, NoticeType.BLOCKED, message)
    if observed.contradicted:
        message = f"the rules deny {_listed(observed.contradicted)}, and yet ACL DRYRUN lets {desired.user} run it"
        return _notice(desired, NoticeType.BLOCKED, message)
    if observed.same_rights and observed.same_login:
        if observed.in_file in ("other", "missing"):
            return _persisting(desired, observed)
        if not observed.aclfile and observed.config_file == "" and observed.persists:
            message = "exists, not persisted: the server has neither an ACL file nor a config file"
            return _notice(desired, NoticeType.NOT_PERSISTED, message)
        return None
    if observed.own_loses:
        message = f"this tool's own user would lose {_listed(observed.own_loses)}: give it a user of its own first"
        return _notice(desired, NoticeType.BLOCKED, message)
    return _change(desired, observed)


def _persisting(desired: RedisUser, observed: ObservedUser) -> Change:
    """It is as declared, and a start would bring something else."""
    if not observed.exists:
        what, persisted = "is gone", f"bring it back, from {observed.line}"
    elif observed.in_file == "missing":
        what, persisted = "exists", f"take it away: {observed.aclfile or observed.config_file} has no line for it"
    else:
        what, persisted = (
            "is as declared",
            f"bring other rules or passwords, from {observed.line or observed.config_file}",
        )
    state = _state(observed.rules, observed.login) if observed.exists else {}
    return Change(
        address=desired.address,
        action=Action.UPDATE,
        before={**state, "persisted": "no"},
        after={**state, "persisted": "yes"},
        sensitive=_sensitive(observed.login) if observed.exists else (),
        difference=Difference.NOT_PERSISTED,
        reason=f"it {what}, and a restart would {persisted}",
        why=desired.why,
        summary="to be persisted",
        notes=_of_the_file(observed),
        steps=_persist(observed),
        forbidden=_forbidden(observed),
        desired=desired.model_dump(mode="json"),
        declared_at=desired.declared_at,
    )


def _removal(desired: RedisUser, observed: ObservedUser) -> Outcome:
    if observed.own:
        return _notice(desired, NoticeType.BLOCKED, "this tool logs in as this user: give it one of its own first")
    risk = _risk(f"{desired.user} is removed: its connections end, and nobody can log in as it any more")
    return Change(
        address=desired.address,
        action=Action.DELETE,
        before=_state(observed.rules, observed.login),
        after=None,
        sensitive=_sensitive(observed.login),
        deviation="; ".join(observed.deviates),
        why=desired.why,
        notes=_of_the_file(observed),
        steps=(
            *_persist_before(observed),
            RedisStep(command=("ACL", "DELUSER", desired.user), hazards=(risk,)),
            *_persist(observed),
        ),
        forbidden=_forbidden(observed),
        desired=desired.model_dump(mode="json"),
        declared_at=desired.declared_at,
    )


def _change(desired: RedisUser, observed: ObservedUser) -> Change:
    rules = desired.rules or ()
    now = observed.rules
    login = "password" if desired.password else "nopass" if "nopass" in rules else observed.login
    persist = _persist(observed)
    keeps_login = observed.exists and not desired.decides_login
    start = observed.reset if keeps_login else ("reset",)
    password = (SecretArgument(secret=desired.password, form="acl-hash"),) if desired.password else ()
    command = ("ACL", "SETUSER", desired.user, *start, *rules, *password)
    back = ("ACL", "SETUSER", desired.user, *observed.reset, *(rule for rule in now if rule != "nopass"))
    return Change(
        address=desired.address,
        action=Action.UPDATE if observed.exists else Action.CREATE,
        before=_state(now, observed.login) if observed.exists else None,
        after=_state(now if observed.same_rights else rules, login),
        sensitive=_sensitive(observed.login, login),
        why=desired.why,
        summary="; ".join((*observed.becomes, *_gets_login(desired, observed))),
        deviation="; ".join((*observed.deviates, *_has_login(desired, observed))) if observed.exists else "",
        notes=(*_notes(desired, observed), *_of_the_file(observed)),
        steps=(
            *_persist_before(observed),
            RedisStep(command=command, hazards=_risks(desired, observed)),
            *persist,
        ),
        undo=(RedisStep(command=back), *persist) if keeps_login else (),
        forbidden=_forbidden(observed),
        desired=desired.model_dump(mode="json"),
        declared_at=desired.declared_at,
    )


def _gets_login(desired: RedisUser, observed: ObservedUser) -> list[str]:
    """How its way of logging in changes."""
    if observed.exists and observed.same_login:
        return []
    if desired.password is None:
        return ["needs no password"] if desired.decides_login else []
    match observed.login:
        case "password" | "passwords":
            return ["its password is changed"]
        case "nopass":
            return ["needs a password from then on"]
    return ["gets a password"]


def _has_login(desired: RedisUser, observed: ObservedUser) -> list[str]:
    """How it logs in otherwise than declared."""
    if observed.same_login:
        return []
    match observed.login:
        case "nopass":
            return ["needs no password"]
        case "none":
            return ["has no password, so that nobody can log in as it"]
        case "passwords":
            return ["has several passwords"]
    return ["has another password" if desired.password else "needs a password"]


def _state(rules: Sequence[str], login: str) -> dict[str, str]:
    shown = {"nopass": "not needed", "none": "none"}.get(login, SENSITIVE)
    return {"rules": " ".join(rule for rule in rules if rule != "nopass"), "password": shown}


def _sensitive(*logins: str) -> tuple[str, ...]:
    return ("password",) if {"password", "passwords"} & set(logins) else ()


def _persist(observed: ObservedUser) -> tuple[RedisStep, ...]:
    """Users are kept in the ACL file where there is one, and only there; else in the configuration file."""
    if observed.aclfile:
        return (RedisStep(command=("ACL", "SAVE")),)
    waits_for: Literal["", "append-only-file"] = "append-only-file" if observed.writes_append_only else ""
    return () if observed.config_file == "" else (RedisStep(command=("CONFIG", "REWRITE"), waits_for=waits_for),)


def _persist_before(observed: ObservedUser) -> tuple[RedisStep, ...]:
    """The file is written once before, too: a lost password cannot be put back, so nothing is changed that could not be
    persisted afterwards. Not where the user as it is now would make a file that the server cannot read."""
    return () if observed.misread_now else _persist(observed)


def _risks(desired: RedisUser, observed: ObservedUser) -> tuple[Hazard, ...]:
    risks = []
    was_open = observed.was_on and observed.login == "nopass"
    if _is_open(desired, observed) and not was_open:
        risks.append(_risk(f"{desired.user} logs in without a password"))
    if observed.exists and observed.was_on and observed.dangerous:
        risks.append(_risk(f"{desired.user} may then run {_listed(observed.dangerous)}, which are @dangerous"))
    if observed.exists and observed.was_on and observed.is_off:
        risks.append(_risk(f"{desired.user} is turned off: nobody can log in as it any more"))
    return tuple(risks)


def _is_open(desired: RedisUser, observed: ObservedUser) -> bool:
    """Whether anybody can then log in as it: who is turned on again comes with what is not declared of its login."""
    nopass = "nopass" in (desired.rules or ()) if desired.decides_login else observed.login == "nopass"
    return nopass and not observed.is_off


def _notes(desired: RedisUser, observed: ObservedUser) -> list[str]:
    notes = []
    if not observed.exists and not desired.decides_login:
        notes.append("no password is declared: nobody can log in as it")
    if observed.login == "passwords" and desired.decides_login:
        notes.append("its other passwords stop working")
    if not observed.url_has_it:
        notes.append("the target's URL does not carry it: until it follows, the declared one is used")
    return notes


def _forbidden(observed: ObservedUser) -> str:
    """Why the steps may not be run by who sees no more: no file is written that the server may not start with."""
    return "" if observed.others_seen or not _persist(observed) else DENIED


def _of_the_file(observed: ObservedUser) -> tuple[str, ...]:
    """What is to be known of how it is persisted."""
    if observed.overwritten:
        command, loads = ("ACL SAVE", "ACL LOAD") if observed.aclfile else ("CONFIG REWRITE", "a restart")
        lines = _listed(observed.overwritten)
        return (f"{command} overwrites {lines}: edited and waiting for {loads}, or changed since and not saved",)
    if observed.aclfile or observed.config_file or not observed.persists:
        return ()
    if observed.config_file is None:
        return ("whether the server has a config file is not to be seen without INFO: taken for granted",)
    return ("not persisted: the server has neither an ACL file nor a config file",)


def _listed(names: Sequence[str]) -> str:
    further = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + further


def _risk(message: str) -> Hazard:
    return Hazard(type=HazardType.LESS_SAFE, message=message)


def _notice(desired: RedisUser, kind: NoticeType, message: str) -> Notice:
    return Notice(address=desired.address, type=kind, message=message, declared_at=desired.declared_at)
