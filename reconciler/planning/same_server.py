"""Targets that lead to one server: what two of them declare of the same thing has to be the same.

Else the apply of the one undoes the apply of the other, at every run. A cluster that Patroni keeps counts as one
server, since its settings are one configuration.

Decided: docs/decisions.md#targets-of-one-server, docs/decisions.md#targets-that-cannot-be-read
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.errors import ObservationFailed
from reconciler.kind import AnyKind, NodeOutcomes, Shares
from reconciler.kinds.registry import BY_NAME, KINDS
from reconciler.model import Notice, Outcome, PostgresTarget, Resource, Target, TargetInfo
from reconciler.planning.viewing import TargetView
from reconciler.targets.servers_in_urls import places


def shared_databases(
    views: Mapping[str, TargetView], resources: Mapping[str, Sequence[Resource]]
) -> dict[str, ObservationFailed]:
    """By name, why a target, or a node of one, cannot be planned: it is the same database as another, and both change
    something.

    An apply would meet its own lock there. What is only checked may be looked at by as many targets as one likes.
    """
    found: dict[str, ObservationFailed] = {}
    by_database: dict[tuple[str, str], list[str]] = {}
    for name, view in views.items():
        if view.instance and any(BY_NAME[each.address.kind].system for each in resources[name]):
            by_database.setdefault((view.instance, view.info.database), []).append(name)
    for names in by_database.values():
        for name in names if len(names) > 1 else ():
            other = next(each for each in names if each != name)
            info = views[name].info
            what = f"database {info.database} of the server" if info.database else "server"
            found[name] = ObservationFailed(
                name,
                f"it is the same {what} that {other} leads to ({views[other].info.identity}): an apply would wait for "
                "itself",
                hint=f"declare what {other} and {name} declare for one of them; a second target may hold checks alone",
            )
    return found


def agreed(
    views: Mapping[str, TargetView],
    targets: Mapping[str, Target],
    resources: Mapping[str, Sequence[Resource]],
    unseen: Mapping[str, Target],
    declared: Iterable[Resource],
) -> dict[str, TargetView]:
    """The views, in which what two targets of one server declare differently is blocked for both of them.

    `unseen` are targets that could not be read, of which there is only what is `declared`: what one of them wants
    otherwise, on what its URL says to be the same server, is blocked as well.
    """
    found = dict(views)
    for names in _together(views, targets):
        for kind in _sharing(found[names[0]].info):
            nodes = {name: NodeOutcomes(found[name].info, found[name].outcomes) for name in names}
            wanted = {name: [each for each in resources[name] if each.address.kind == kind.name] for name in names}
            for name, outcomes in kind.agreed(nodes, wanted).items():
                found[name] = _with(found[name], kind.name, outcomes)
    theirs: dict[str, list[Resource]] = {name: [] for name in unseen}
    for resource in declared if unseen else ():
        if resource.address.target in theirs:
            theirs[resource.address.target].append(resource)
    for name, other in _beside_unseen(targets, unseen):
        if name in found:
            for kind in _sharing(found[name].info):
                alike = _machine(targets[name]) == _machine(unseen[other])
                found[name] = _agreed_with_unseen(name, found[name], kind, resources[name], theirs[other], alike=alike)
    return found


def _sharing(info: TargetInfo) -> Iterator[Any]:
    """The kinds of this system whose resources are the server's."""
    return (kind for kind in KINDS if isinstance(kind, Shares) and kind.system is info.system)


def _agreed_with_unseen(
    name: str, view: TargetView, kind: AnyKind, own: Sequence[Resource], theirs: Sequence[Resource], *, alike: bool
) -> TargetView:
    """The view, without what is planned or said of a thing that a target which was not read wants otherwise, or wants
    alone. `alike`: the same words mean the same for both."""
    ours = {each.address.name: each for each in own if each.address.kind == kind.name}
    other = [
        each
        for each in theirs
        if each.address.kind == kind.name
        and not (alike and each.address.name in ours and ours[each.address.name].declaration() == each.declaration())
    ]
    if not other or not isinstance(kind, Shares):
        return view
    unseen = other[0].address.target
    nodes = {name: NodeOutcomes(view.info, view.outcomes), unseen: NodeOutcomes(view.info, ())}
    return _with(view, kind.name, kind.agreed(nodes, {name: [*ours.values()], unseen: other})[name])


def _beside_unseen(targets: Mapping[str, Target], unseen: Mapping[str, Target]) -> Iterator[tuple[str, str]]:
    """Each target that was read, with each that was not and leads to the same server by its URL, or by Patroni's."""
    by_place: dict[str, list[str]] = {}
    for other, target in unseen.items():
        for key in _led_to(target):
            by_place.setdefault(key, []).append(other)
    for name, target in targets.items() if by_place else ():
        for other in dict.fromkeys(other for key in _led_to(target) for other in by_place.get(key, ())):
            yield name, other


def _machine(target: Target) -> tuple[int | None, int | None]:
    """What formulas refer to."""
    return target.memory, target.cpus


def _led_to(target: Target) -> list[str]:
    if not isinstance(target, PostgresTarget):
        return []
    nodes = (target, *target.standbys)
    patroni = [f"Patroni at {target.patroni.get_secret_value()}"] if target.patroni else []
    return [*patroni, *(place for node in nodes for place in places(node))]


def _together(views: Mapping[str, TargetView], targets: Mapping[str, Target]) -> Iterator[Sequence[str]]:
    """The names of targets that share a server, or a cluster of Patroni's."""
    groups: dict[str, list[str]] = {}
    for name, view in views.items():
        system = view.info.identity.partition("/")[0]
        target = targets[name]
        by_patroni = isinstance(target, PostgresTarget) and target.patroni
        for key in (view.instance, f"Patroni of {system}" if by_patroni else ""):
            if key:
                groups.setdefault(key, []).append(name)
    return (names for names in groups.values() if len(names) > 1)


def _with(view: TargetView, kind: str, outcomes: Sequence[Outcome]) -> TargetView:
    """The view with these outcomes; what got one is no longer in sync."""
    before = {outcome.address for outcome in view.outcomes}
    new = [each for each in outcomes if isinstance(each, Notice) and each.address not in before]
    counted = {**view.in_sync, kind: view.in_sync.get(kind, 0) - len(new)} if new else view.in_sync
    return replace(view, outcomes=tuple(outcomes), in_sync=counted)
