"""What has become of that which an apply has made: looked at, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import groupby

from reconciler.errors import ReconcilerError
from reconciler.model import Address, Change, Plan, Target
from reconciler.planning.staleness import Look, Standing, judge, looks, resource_of
from reconciler.secrets import Secrets
from reconciler.targets.nodes import nodes_of_all
from reconciler.targets.open_sessions import OpenSessions, open_sessions
from reconciler.targets.session import Session

UNDONE = "it is as it was before"


def changed_since(plan: Plan, targets: Mapping[str, Target], secrets: Secrets) -> dict[Address, str]:
    """By address, in words, what of the changes of `plan`, which was applied, is otherwise by now; empty where all of
    it still is as promised. `targets` as they are declared.

    Raises TargetError and ReconcilerError where nobody says which nodes a target has.
    """
    found: dict[Address, str] = {}
    infos = plan.targets
    owners = {infos[change.address.target].node_of or change.address.target for change in plan.changes}
    with open_sessions(secrets) as sessions:
        nodes = nodes_of_all({name: targets[name] for name in targets if name in owners}, sessions)
        for (name, _), group in groupby(plan.changes, key=lambda change: change.address[:2]):
            changes = list(group)
            found |= _of_node(name, changes, plan, nodes, sessions)
    return found


def _of_node(
    name: str, changes: list[Change], plan: Plan, nodes: Mapping[str, Target], sessions: OpenSessions
) -> dict[Address, str]:
    def of_all(why: str) -> dict[Address, str]:
        return dict.fromkeys((change.address for change in changes), why)

    if name not in nodes:
        return of_all(f"there is no {name} any more")
    try:
        identity, seen = sessions.ask(nodes[name], partial(_seen, changes))
    except ReconcilerError as error:
        return of_all(f"nobody could look at it: {sessions.secrets.redact(str(error))}")
    if identity != plan.targets[name].identity:
        return of_all(f"{name} leads to another system by now: {identity}")
    told = {}
    for change in changes:
        judged = judge(change, seen[change.address])
        if judged.standing is not Standing.ALREADY_MADE:
            told[change.address] = judged.message if judged.standing is Standing.STALE else UNDONE
    return told


def _seen(changes: list[Change], session: Session) -> tuple[str, Mapping[Address, Look]]:
    found = looks(session, [resource_of(change) for change in changes])
    return session.info.identity, found
