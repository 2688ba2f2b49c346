"""Targets that lead to one server: what two of them declare of the same thing has to be the same.

Else the apply of the one undoes the apply of the other, at every run. A cluster that Patroni keeps counts as one
server, since its settings are one configuration.

Decided: docs/decisions.md#targets-of-one-server
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from reconciler.errors import ObservationFailed
from reconciler.kind import NodeOutcomes, Shares
from reconciler.kinds.registry import BY_NAME, KINDS
from reconciler.model import Notice, Outcome, PostgresTarget, Resource, Target
from reconciler.planning.target_view import TargetView


def check_databases(views: Mapping[str, TargetView], resources: Mapping[str, Sequence[Resource]]) -> None:
    """Raises ObservationFailed where two targets, both of which change something, are the same database.

    An apply would meet its own lock there. What is only checked may be looked at by as many targets as one likes.
    """
    changing = [name for name in views if any(BY_NAME[each.address.kind].system for each in resources[name])]
    for one, other in combinations(changing, 2):
        first, second = views[one], views[other]
        if first.instance and (first.instance, first.info.database) == (second.instance, second.info.database):
            what = f"database {first.info.database} of the server" if first.info.database else "server"
            raise ObservationFailed(
                other,
                f"it is the same {what} that {one} leads to ({first.info.identity}): an apply would wait for itself",
                hint=f"declare what {one} and {other} declare for one of them; a second target may hold checks alone",
            )


def agreed(
    views: Mapping[str, TargetView], targets: Mapping[str, Target], resources: Mapping[str, Sequence[Resource]]
) -> dict[str, TargetView]:
    """The views, in which what two targets of one server declare differently is blocked for both of them."""
    found = dict(views)
    for names in _together(views, targets):
        for kind in KINDS:
            if not isinstance(kind, Shares) or kind.system is not found[names[0]].info.system:
                continue
            nodes = {name: NodeOutcomes(found[name].info, found[name].outcomes) for name in names}
            wanted = {name: [each for each in resources[name] if each.address.kind == kind.name] for name in names}
            for name, outcomes in kind.agreed(nodes, wanted).items():
                found[name] = _with(found[name], kind.name, outcomes)
    return found


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
    counted = {**view.in_sync, kind: view.in_sync.get(kind, 0) - len(new)}
    return replace(view, outcomes=tuple(outcomes), in_sync=counted)
