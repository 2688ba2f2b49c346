"""The users of a server, as the YAML that declares them.

Rules in the words of the server, without passwords. Each is declared again from what was written and planned against
the server it came from; only what needs no change is kept. Of `default` only what a new server would not have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.errors import DesiredError
from reconciler.kind import Declaration, Kind
from reconciler.kinds.as_yaml import objection
from reconciler.kinds.redis_user.declare import declare
from reconciler.kinds.redis_user.model import NAME, ObservedUser, RedisUser, UserSection
from reconciler.kinds.redis_user.read import observe
from reconciler.model import Address
from reconciler.targets.redis.session import RedisSession, Refusal
from reconciler.targets.undecodable_names import NO_TEXT
from reconciler.yaml.writing import LeftOut, Noted, gathered

SECTION = "users"

DEFAULT = ("on", "nopass", "~*", "&*", "+@all")
"""What the user `default` may on a new server: seen on 6.2, 7.0 and Valkey 9."""


def written(kind: Kind[RedisSession, Any, Any], session: RedisSession) -> dict[str, Any]:
    """The section `users`; none where there is nothing but what a new server has. Raises TargetError."""
    [names] = session.read_all([("ACL", "USERS")])
    if isinstance(names, Refusal):
        return {SECTION: LeftOut(f"not visible: {names.message}")}
    asked = [
        RedisUser(address=Address(session.target.name, NAME, name), rules=DEFAULT if name == "default" else None)
        for name in sorted(names)
    ]
    seen = observe(session, asked)
    entries: dict[str, Any] = {}
    for user in asked:
        observed = seen[user.address]
        if observed.hidden:
            return {SECTION: LeftOut(f"not visible: {observed.hidden}")}
        if not observed.exists:
            entries[user.user] = LeftOut(NO_TEXT)
        elif user.user != "default" or not observed.same_rights:
            entries[user.user] = _entry(kind, session, user, observed)
        elif observed.login != "nopass":
            entries[user.user] = LeftOut(f"as on a new server, but for its login: {_login(user.user, observed)}")
    if not entries:
        return {}
    kept = next(iter(seen.values()))
    where = kept.aclfile or kept.config_file
    return {SECTION: Noted(gathered(entries), f"kept in {where}") if where else gathered(entries)}


def _entry(
    kind: Kind[RedisSession, Any, Any], session: RedisSession, user: RedisUser, observed: ObservedUser
) -> LeftOut | Noted:
    rules = " ".join(observed.rules)
    problem = _objection(kind, session, user.user, rules)
    if problem:
        return LeftOut(f"cannot be declared as it is: {problem}")
    comments = [_login(user.user, observed), "reconciler itself logs in as this user" if observed.own else ""]
    return Noted({"rules": rules}, "; ".join(filter(None, comments)))


def _login(name: str, observed: ObservedUser) -> str:
    variable = f"{re.sub(r'[^A-Za-z0-9]+', '_', name).upper().strip('_') or 'USER'}_REDIS_PASSWORD"
    variable = f"_{variable}" if variable[0].isdigit() else variable
    how = f"declare it by password: {{env: {'REDIS_PASSWORD' if name == 'default' else variable}}}"
    match observed.login:
        case "nopass":
            return "needs no password"
        case "none":
            return "has no password, so that nobody can log in as it"
        case "passwords":
            return f"its passwords are kept as they are; to have one alone, {how}"
        case _:
            return f"its password is kept as it is; {how}"


def _objection(kind: Kind[RedisSession, Any, Any], session: RedisSession, name: str, rules: str) -> str:
    """What a plan has to say against these rules."""
    section: Mapping[str, UserSection] = {name: UserSection(rules=rules)}
    try:
        [user] = declare(Declaration(session.target, SECTION, section, "", lambda path: ""))
    except DesiredError as error:
        return str(error)
    return objection(kind.plan(user, observe(session, [user]).get(user.address)))
