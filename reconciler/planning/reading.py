"""Reads all targets side by side: what those say that answer, and why the others could not be read.

A target is read whole, with all of its nodes, or not at all: what one node would have said may be what speaks against a
change of another.

Decided: docs/decisions.md#targets-that-cannot-be-read
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from reconciler.errors import ConnectionFailed, TargetError
from reconciler.kind import OnNodes
from reconciler.kinds.registry import BY_NAME
from reconciler.model import Resource, System, Target, Unreachable, UnreadReason
from reconciler.planning.ignoring import NOTHING, Ignoring
from reconciler.planning.same_cluster import check_nodes
from reconciler.planning.same_server import shared_databases
from reconciler.planning.unread import unread
from reconciler.planning.viewing import TargetView, view_target
from reconciler.secrets import Secrets
from reconciler.targets.nodes import nodes
from reconciler.targets.open_sessions import OpenSessions, open_sessions
from reconciler.targets.servers_in_urls import places, sessions_to
from reconciler.targets.thread_pool import MOST_SESSIONS_ON_A_SERVER, Pool


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read of all targets.

    nodes      all nodes of the targets that were read, by name.
    resources  what is declared of each of them, by the name of the node.
    views      what they said, in the order of `nodes`; none of a target that has no system behind it, and no checks.
    unread     what could not be read, in the order of the targets.
    """

    nodes: Mapping[str, Target]
    resources: Mapping[str, Sequence[Resource]]
    views: Mapping[str, TargetView]
    unread: tuple[Unreachable, ...]


def read_all(
    targets: Mapping[str, Target], resources: Sequence[Resource], secrets: Secrets, *, advised: bool, at_once: int,
    of_nodes: bool = False, left: OpenSessions | None = None, ignoring: Ignoring = NOTHING,
) -> Readings:  # fmt: skip
    """Reads `targets`, so many systems `at_once`, and of each what is declared of it among `resources`; `of_nodes`:
    each of these is of the one node that its address names, and of no other.

    `left`: takes over the session to each target that is one node and shares its server with no other target.
    """
    declared: dict[str, Sequence[Resource]] = dict.fromkeys(targets, ())
    if of_nodes:
        declared = dict.fromkeys(targets, resources)
    else:
        of_target: defaultdict[str, list[Resource]] = defaultdict(list)
        for resource in resources:
            of_target[resource.address.target].append(resource)
        declared |= {name: each for name, each in of_target.items() if name in targets}
    found = _asked(
        targets, declared, secrets,
        advised=advised, at_once=at_once, of_nodes=of_nodes, left=left, ignoring=ignoring,
    )  # fmt: skip
    for one in found.values():
        if not one.errors:
            try:
                check_nodes({name: view.info for name, view in one.views.items()})
            except TargetError as error:
                one.mistaken.append(error)
    wanted = {node: each for one in found.values() if one.is_read for node, each in one.resources.items()}
    views = {node: view for one in found.values() if one.is_read for node, view in one.views.items()}
    for node, shared in shared_databases(views, wanted).items():
        found[views[node].info.node_of or node].mistaken.append(shared)
    whole = [one for one in found.values() if one.is_read]
    return Readings(
        nodes={node.name: node for one in whole for node in one.nodes},
        resources={name: each for one in whole for name, each in one.resources.items()},
        views={node.name: one.views[node.name] for one in whole for node in one.nodes if node.name in one.views},
        unread=tuple(each for name, one in found.items() for each in one.why_not(targets[name], secrets)),
    )


class _Found:
    """What was found of one declared target so far."""

    def __init__(self) -> None:
        self.nodes: Sequence[Target] = ()
        self.resources: dict[str, list[Resource]] = {}
        self.views: dict[str, TargetView] = {}
        self.errors: dict[str, TargetError] = {}
        self.mistaken: list[TargetError] = []

    @property
    def is_read(self) -> bool:
        """Whether all of it was read, and is what it is declared as."""
        return not self.errors and not self.mistaken

    def why_not(self, target: Target, secrets: Secrets) -> list[Unreachable]:
        """Why it was not, node by node in their order."""
        rank = {node.name: place for place, node in enumerate(self.nodes)}
        errors = sorted(self.errors.values(), key=lambda error: rank.get(error.target, 0))
        return [
            *(unread(target, error, secrets) for error in errors),
            *(unread(target, error, secrets, UnreadReason.NOT_AS_DECLARED) for error in self.mistaken),
        ]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one system said, or why it said nothing; `nodes` all of the declared target, where it was asked for them."""

    target: str
    said: TargetView | TargetError | None
    node: Target
    nodes: Sequence[Target] = ()


def _asked(
    targets: Mapping[str, Target], declared: Mapping[str, Sequence[Resource]], secrets: Secrets,
    *, advised: bool, at_once: int, of_nodes: bool, left: OpenSessions | None, ignoring: Ignoring,
) -> dict[str, _Found]:  # fmt: skip
    """Asks each target for its nodes and, in the same breath, the first of them; then the others, which wait until all
    targets had their turn."""
    silences = _Silences()
    on_servers = Counter(place for target in targets.values() for place in sessions_to(target)) if left else {}
    of_node = _named if of_nodes else _of_node
    seen = partial(view_target, advised=advised, ignoring=ignoring)

    def first(target: Target) -> _Answer:
        # What the nodes were asked of is read next. It ends with its target: a server has few sessions of ours at once.
        with open_sessions(secrets) as sessions:
            try:
                silences.expect_an_answer(target)
                found = nodes(target, sessions)
            except TargetError as error:
                return _Answer(target.name, error, target)
            answer = view(target.name, found[0], sessions, found)
            if left and found == (target,) and all(on_servers[place] == 1 for place in sessions_to(target)):
                sessions.hand_on(target, left)
            return answer

    def further(name: str, node: Target) -> _Answer:
        with open_sessions(secrets) as sessions:
            return view(name, node, sessions)

    def view(name: str, node: Target, sessions: OpenSessions, found: Sequence[Target] = ()) -> _Answer:
        wanted = of_node(node, declared[name])
        # An HTTP target without a URL has no system behind it, but its checks still have to be decided.
        if not wanted and node.system is System.HTTP:
            return _Answer(name, None, node, found)
        try:
            silences.expect_an_answer(node)
            return _Answer(name, seen(node, wanted, sessions), node, found)
        except TargetError as error:
            return _Answer(name, error, node, found)

    all_found = {name: _Found() for name in targets}
    with Pool[_Answer](at_once) as pool:
        for target in targets.values():
            pool.add(partial(first, target), sessions_to(target))
        for answer in pool.answers():
            one = all_found[answer.target]
            if answer.nodes:
                one.nodes = answer.nodes
                one.resources = {node.name: of_node(node, declared[answer.target]) for node in answer.nodes}
                for node in answer.nodes[1:]:
                    pool.add(partial(further, answer.target, node), sessions_to(node))
            silences.heard(answer.node, answer.said)
            match answer.said:
                case TargetView():
                    one.views[answer.node.name] = answer.said
                case TargetError():
                    one.errors[answer.node.name] = answer.said
    return all_found


class _Silences:
    """Servers that say nothing: whoever has as many targets there as one likes waits for it only so often."""

    def __init__(self) -> None:
        self._in_a_row: defaultdict[frozenset[str], int] = defaultdict(int)

    def heard(self, target: Target, said: object) -> None:
        """Whether `target` said something."""
        if isinstance(said, ConnectionFailed) and said.silent:
            self._in_a_row[places(target)] += 1
        else:
            self._in_a_row.pop(places(target), None)

    def expect_an_answer(self, target: Target) -> None:
        """Raises ConnectionFailed where as many others in a row as may ask at once have had none from there."""
        there = places(target)
        if there and self._in_a_row.get(there, 0) >= MOST_SESSIONS_ON_A_SERVER:
            where = " and ".join(sorted(there))
            raise ConnectionFailed(
                target.name,
                f"not asked: {MOST_SESSIONS_ON_A_SERVER} others in a row had no answer from {where}",
                hint="see what is said of those",
                silent=True,
            )


def _named(node: Target, declared: Sequence[Resource]) -> list[Resource]:
    """What is of this very node."""
    return [resource for resource in declared if resource.address.target == node.name]


def _of_node(node: Target, declared: Sequence[Resource]) -> list[Resource]:
    """What is declared of a node. Redis replicates neither settings nor users, PostgreSQL all but settings."""
    found: list[Resource] = []
    for resource in declared:
        kind = BY_NAME[resource.address.kind]
        if node.name == resource.address.target:
            found.append(resource)
        elif node.system is System.REDIS or (isinstance(kind, OnNodes) and kind.on_every_node(resource)):
            address = resource.address._replace(target=node.name)
            found.append(resource.model_copy(update={"address": address}))
    return found
