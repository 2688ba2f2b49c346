"""Observes all targets side by side and makes the plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime

from reconciler import __version__
from reconciler.documents.plan import seal
from reconciler.errors import TargetError
from reconciler.kind import Advises, Clusters, DecidesLast, NodeOutcomes, OnNodes, Sequences
from reconciler.kinds.registry import BY_NAME, KINDS
from reconciler.model import (
    Address,
    Change,
    CheckResult,
    Notice,
    NoticeType,
    Outcome,
    Plan,
    Resource,
    System,
    Target,
)
from reconciler.planning.cluster_identity import check_nodes
from reconciler.planning.order import ordered
from reconciler.planning.same_server import agreed, check_databases
from reconciler.planning.target_view import TargetView
from reconciler.secrets import Secrets
from reconciler.targets import log
from reconciler.targets.connect import connect
from reconciler.targets.nodes import nodes_of_all, raise_together
from reconciler.targets.pool import reading
from reconciler.targets.session import Session


def make_plan(
    targets: Mapping[str, Target],
    resources: Sequence[Resource],
    secrets: Secrets,
    *,
    created_at: datetime,
    advised: bool = False,
    allow_blocked: bool = False,
) -> Plan:
    """The plan that brings `targets` to `resources`.

    `advised`: with what reviewers want to know beside it, which takes longer; see `kind.Advises`. `allow_blocked` is
    noted in it, for its apply.
    A resource of a target that is not in `targets` is not looked at. Raises TargetError for a target, or a node of one,
    that cannot be observed, all such in one: a plan that has not seen everything would claim too much.
    """
    nodes = nodes_of_all(targets, secrets)
    by_node = _by_node(nodes, resources)
    views = _view_all(nodes, by_node, secrets, advised=advised)
    check_nodes({name: view.info for name, view in views.items()})
    check_databases(views, by_node)
    views = _held_back(agreed(views, nodes, by_node))
    outcomes = [outcome for view in views.values() for outcome in view.outcomes]
    in_sync: Counter[str] = Counter()
    for view in views.values():
        in_sync.update(view.in_sync)
    checks = [outcome for outcome in outcomes if isinstance(outcome, CheckResult)]
    for kind in KINDS:
        if isinstance(kind, DecidesLast):
            checks = list(kind.decided(checks, outcomes, resources))
    infos = {name: view.info for name, view in views.items()}
    plan = Plan(
        reconciler_version=__version__,
        created_at=created_at,
        targets=infos,
        changes=ordered((outcome for outcome in outcomes if isinstance(outcome, Change)), infos),
        notices=(*(outcome for outcome in outcomes if isinstance(outcome, Notice)), *_said_once(views)),
        checks=tuple(checks),
        in_sync=dict(sorted(in_sync.items())),
        allow_blocked=allow_blocked,
    )
    return seal(plan)


def _held_back(views: Mapping[str, TargetView]) -> dict[str, TargetView]:
    """The views, without what one node of a cluster holds against another."""
    found = dict(views)
    for declared in {view.info.node_of for view in views.values() if view.info.node_of}:
        names = [name for name, view in views.items() if declared in (name, view.info.node_of)]
        for kind in KINDS:
            if isinstance(kind, Clusters) and kind.system is views[names[0]].info.system:
                nodes = {name: NodeOutcomes(found[name].info, found[name].outcomes) for name in names}
                for name, outcomes in kind.held_back(nodes).items():
                    found[name] = replace(found[name], outcomes=tuple(outcomes))
    return found


def _by_node(nodes: Mapping[str, Target], resources: Sequence[Resource]) -> dict[str, list[Resource]]:
    """What is declared of each node. Redis replicates neither settings nor users, PostgreSQL all but settings."""
    found: dict[str, list[Resource]] = {name: [] for name in nodes}
    for resource in resources:
        kind = BY_NAME[resource.address.kind]
        for name, node in nodes.items():
            if name == resource.address.target:
                found[name].append(resource)
            elif node.node_of == resource.address.target and (
                node.system is System.REDIS or (isinstance(kind, OnNodes) and kind.on_every_node(resource))
            ):
                address = resource.address._replace(target=name)
                found[name].append(resource.model_copy(update={"address": address}))
    return found


def view_target(
    target: Target, resources: Sequence[Resource], secrets: Secrets, *, advised: bool = False
) -> TargetView:
    """Observes one target through one session and plans all its resources, with advice where it is wanted.

    Raises TargetError.
    """
    with closing(connect(target, secrets)) as session:
        outcomes: list[Outcome] = []
        in_sync: dict[str, int] = {}
        info = session.info.model_copy(update={"node_of": target.node_of})
        for kind in KINDS:
            wanted = [resource for resource in resources if resource.address.kind == kind.name]
            if not wanted:
                continue
            with log.stage(f"{kind.name} observed", target.name):
                observed = kind.observe(session, wanted)
            found = [kind.plan(resource, observed.get(resource.address)) for resource in wanted]
            said: Sequence[Outcome] = [outcome for each in found for outcome in each]
            if isinstance(kind, Sequences):
                said = kind.sequenced(said, target, info)
            outcomes += kind.advise(session, said) if advised and isinstance(kind, Advises) else said
            in_sync[kind.name] = sum(
                all(map(_says_nothing_against_it, each))
                for resource, each in zip(wanted, found, strict=True)
                if resource.stands_for_itself
            )
        if advised and session.lesser_role and in_sync and not target.node_of:
            address = Address(target.name, next(iter(in_sync)), "*")
            outcomes.append(Notice(address=address, type=NoticeType.NOTE, message=session.lesser_role))
        return TargetView(
            info=info, instance=session.instance, outcomes=tuple(outcomes), in_sync=in_sync,
            remark=_remark(session, in_sync),
        )  # fmt: skip


def _says_nothing_against_it(outcome: Outcome) -> bool:
    """Whether what `outcome` is about is as declared all the same."""
    return isinstance(outcome, Notice) and outcome.type is NoticeType.NOTE


def _remark(session: Session, declared: Mapping[str, int]) -> Notice | None:
    """What is to be known of all that is `declared` of a system, by kind: checks compare nothing with a restart."""
    managed = [kind.name for kind in KINDS if kind.name in declared and kind.system is session.target.system]
    remark = session.remark if managed else None
    address = Address(session.target.name, managed[0], "*") if managed else None
    return Notice(address=address, type=remark.type, message=remark.message) if remark and address else None


def _said_once(views: Mapping[str, TargetView]) -> list[Notice]:
    """The remarks on all systems; what is the same of all nodes of a cluster is said of the first."""
    found: dict[tuple[str, str], Notice] = {}
    for name, view in views.items():
        if view.remark:
            found.setdefault((view.info.node_of or name, view.remark.message), view.remark)
    return list(found.values())


def _view_all(
    targets: Mapping[str, Target], by_target: Mapping[str, Sequence[Resource]], secrets: Secrets, *, advised: bool
) -> dict[str, TargetView]:
    # An HTTP target without a URL has no system behind it, but its checks still have to be decided.
    wanted = {name: target for name, target in targets.items() if by_target[name] or target.system is not System.HTTP}
    views: dict[str, TargetView] = {}
    errors: list[TargetError] = []
    with reading(len(wanted)) as pool:
        futures = {
            name: pool.submit(view_target, target, by_target[name], secrets, advised=advised)
            for name, target in wanted.items()
        }
        for name, future in futures.items():
            try:
                views[name] = future.result()
            except TargetError as error:
                errors.append(error)
    raise_together(errors)
    return views
