"""Which users nobody declares, and which of them are needed, on any node of the target.

Decided: docs/decisions.md#users-that-are-connected
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

from reconciler.desired.unlisted import Rule, Unlisted, decided
from reconciler.kinds.redis_user.model import RedisUser
from reconciler.kinds.redis_user.read import observe as observe_users
from reconciler.kinds.redis_user.unlisted_model import (
    DEFAULT,
    FoundUser,
    Hold,
    ObservedUnlisted,
    UnlistedUser,
    UnlistedUsers,
)
from reconciler.model import Address
from reconciler.targets.redis.session import RedisSession, Refusal, connect

_IN_USE = (("CLIENT", "LIST"), ("CONFIG", "GET", "masteruser"))

SENTINELS_NAME = "sentinel-"
"""How the names begin that Sentinels give their connections: `sentinel-1f3a9c02-cmd`."""


def observe(session: RedisSession, wanted: Iterable[UnlistedUsers | UnlistedUser]) -> dict[Address, ObservedUnlisted]:
    """What nobody declares. Raises ConnectionFailed, also of another node of the target."""
    return {each.address: _observed(session, each) for each in wanted}


def _observed(session: RedisSession, wanted: UnlistedUsers | UnlistedUser) -> ObservedUnlisted:
    if isinstance(wanted, UnlistedUser):
        chosen = {wanted.user: Rule(pattern=wanted.user, policy=Unlisted.DROP, at=wanted.declared_at)}
    else:
        [names] = session.read_all([("ACL", "USERS")])
        if isinstance(names, Refusal):
            return ObservedUnlisted(hidden=names.message)
        chosen = _chosen(wanted, names)
    seen = observe_users(session, [_absent(wanted, name) for name in chosen]) if chosen else {}
    going = any(rule.policy is Unlisted.DROP for rule in chosen.values())
    held = _held(session) if going else {}
    if isinstance(held, Refusal):
        return ObservedUnlisted(hidden=f"whether they are in use: {held.message}")
    found = []
    for name, rule in chosen.items():
        user = seen[wanted.address._replace(name=name)]
        hold = _hold(name, own=user.own, held=held) if rule.policy is Unlisted.DROP else None
        found.append(FoundUser(name=name, rule=rule, seen=user, hold=hold))
    return ObservedUnlisted(users=tuple(found))


def _chosen(wanted: UnlistedUsers, names: Sequence[str]) -> dict[str, Rule]:
    """Those of `names` that something is to be said of, and by which rule."""
    found = {}
    for name in sorted(set(names) - set(wanted.listed)):
        rule = decided(wanted.rules_of_unlisted, name)
        if rule is None or rule.policy is Unlisted.KEEP or (name == DEFAULT and rule.policy is not Unlisted.DROP):
            continue
        found[name] = rule
    return found


def _absent(wanted: UnlistedUsers | UnlistedUser, name: str) -> RedisUser:
    return RedisUser(address=wanted.address._replace(name=name), rules=None)


def _hold(name: str, *, own: bool, held: Mapping[str, Hold]) -> Hold | None:
    if name == DEFAULT:
        return Hold(why="every server has it; to turn it off, declare it: {rules: off}", lasting=True)
    if own:
        return Hold(why="reconciler itself logs in as it", lasting=True)
    return held.get(name)


def _held(session: RedisSession) -> dict[str, Hold] | Refusal:
    """Who is needed or connected, by user: here, and on the other nodes of the target."""
    found = _held_here(session)
    for node in session.target.beside:
        if isinstance(found, Refusal):
            break
        with closing(connect(node, session.secrets)) as other:
            there = _held_here(other)
        if isinstance(there, Refusal):
            return there
        # A lasting reason says more than that somebody is connected, wherever it was seen.
        found = {**there, **found, **{name: hold for name, hold in there.items() if hold.lasting}}
    return found


def _held_here(session: RedisSession) -> dict[str, Hold] | Refusal:
    clients, replication = session.read_all(_IN_USE)
    for answer in (clients, replication):
        if isinstance(answer, Refusal):
            return answer
    name = session.target.name
    found: dict[str, Hold] = {}
    for client in map(_client, clients.split("\n")):
        found.setdefault(client.get("user", ""), _of_connection(client, name))
    if master := replication.get("masteruser"):
        found[master] = Hold(why=f"{name} replicates as it (masteruser)", lasting=True)
    return found


def _client(line: str) -> dict[str, Any]:
    return {key: value for key, _, value in (pair.partition("=") for pair in line.split(" "))}


def _of_connection(client: Mapping[str, str], node: str) -> Hold:
    if {"S", "M"} & set(client.get("flags", "")):
        why = f"a replica is connected to {node} as it"
    elif client.get("name", "").startswith(SENTINELS_NAME):
        why = f"a Sentinel is connected to {node} as it"
    else:
        why = f"{client.get('addr', 'somebody')} is connected to {node} as it"
    return Hold(why=f"{why}; declare it if it is to stay", lasting=False)
