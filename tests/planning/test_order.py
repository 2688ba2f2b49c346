"""The order of a plan, and what is ordered as one: of any changes, on any targets, without a server."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, pairwise, permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.kinds.registry import STAGES
from reconciler.model import Action, Address, Change, System, TargetInfo
from reconciler.planning.order import groups, in_order, ordered

any_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

STAGE = {kind.name: place for place, stage in enumerate(STAGES) for kind in stage}
"""The first kinds come first; those of one stage, settings and restarts, take turns by their phases."""


def target(system: System, identity: str = "", node_of: str = "") -> TargetInfo:
    return TargetInfo(system=system, product="", version="", location="", identity=identity, node_of=node_of)


@st.composite
def worlds(draw) -> dict[str, TargetInfo]:
    """Targets in any order: databases of a few servers, nodes of PostgreSQL's and Redis' clusters, and applications."""
    found: dict[str, TargetInfo] = {}
    for server in draw(st.sets(st.sampled_from("123"), max_size=3)):
        for database in draw(st.lists(st.sampled_from("ab"), min_size=1, unique=True)):
            name = f"{database}{server}"
            found[name] = target(System.POSTGRES, f"{server}/{database}")
            for node in range(draw(st.integers(0, 2))):
                found[f"{name}@db{node}"] = target(System.POSTGRES, f"{server}/{database}", name)
    for name in draw(st.sets(st.sampled_from(["cache", "queue"]))):
        nodes = draw(st.integers(1, 3))
        found |= {
            f"{name}@{node}" if nodes > 1 else name: target(System.REDIS, f"{name}:{node}", name if nodes > 1 else "")
            for node in range(nodes)
        }
    for name in draw(st.sets(st.sampled_from(["app", "site"]))):
        found[name] = target(System.HTTP)
    return {name: found[name] for name in draw(st.permutations(sorted(found)))}


def change(name: int, on: str, kind: str, phase: int, action: Action) -> Change:
    return Change(
        address=Address(on, kind, str(name)), action=action, before=None, after=None, steps=(), desired={}, phase=phase
    )


def changes_on(targets: list[str], size: int = 12) -> st.SearchStrategy[list[Change]]:
    """Changes of every kind, phase and action."""
    parts = st.tuples(
        st.sampled_from(targets), st.sampled_from(sorted(STAGE)), st.integers(0, 3), st.sampled_from(Action)
    )
    return st.lists(parts, max_size=size).map(lambda drawn: [change(name, *each) for name, each in enumerate(drawn)])


plans = worlds().filter(bool).flatmap(lambda world: st.tuples(st.just(world), changes_on(list(world))))


def one(left: str, right: str, targets: dict[str, TargetInfo]) -> bool:
    """Whether two targets are ordered as one: nodes of one target, or databases, and nodes, of one PostgreSQL."""
    both = targets[left], targets[right]
    server, of = ({info.identity.partition("/")[0] for info in both}, {info.node_of for info in both})
    if {info.system for info in both} == {System.POSTGRES} and len(server) == 1:
        return True
    return left == right or (len(of) == 1 and of != {""}) or both[0].node_of == right or both[1].node_of == left


@any_machine
@given(worlds())
def test_what_is_ordered_as_one_is_a_cluster_or_a_server(world):
    group = groups(world)
    for left in world:
        assert group[group[left]] == group[left]
        for right in world:
            assert (group[left] == group[right]) is one(left, right, world), (left, right)


@any_machine
@given(worlds())
def test_a_group_is_named_by_its_first_target(world):
    group = groups(world)
    for name in world:
        assert group[name] == next(other for other in world if group[other] == group[name])


HALF_SEEN = {
    "main": target(System.POSTGRES, "1/a"),
    "main@db2": target(System.POSTGRES, "db2:5432/a", "main"),
    "other@db2": target(System.POSTGRES, "db2:5432/b", "other"),
    "other": target(System.POSTGRES, "2/b"),
    "third": target(System.POSTGRES, "2/c"),
    "apart": target(System.POSTGRES, "3/c"),
}
"""A cluster whose standby does not say that it is of system 1: the role there may not see it."""


@any_machine
@given(st.permutations(list(HALF_SEEN)))
def test_a_node_of_two_identities_joins_what_shares_either(names):
    """Seen to fail: `other@db2` was ordered with `main@db2`, which was ordered with `main`, and `main` with neither."""
    group = groups({name: HALF_SEEN[name] for name in names})
    assert {name for name in names if group[name] == group["main"]} == {*names} - {"apart"}
    for name in names:
        assert group[name] == next(other for other in names if group[other] == group[name])


@any_machine
@given(plans)
def test_nothing_is_lost_and_nothing_comes_twice(plan):
    world, changes = plan
    assert Counter(each.address for each in ordered(changes, world)) == Counter(each.address for each in changes)


@any_machine
@given(plans)
def test_groups_come_one_after_the_other_as_their_targets_do(plan):
    world, changes = plan
    runs = [first for first, _ in groupby(groups(world)[each.address.target] for each in ordered(changes, world))]
    places = [list(world).index(first) for first in runs]
    assert places == sorted(set(places))


@any_machine
@given(plans)
def test_within_a_group_stages_then_phases_then_targets_and_deletes_last(plan):
    world, changes = plan
    group = groups(world)
    for before, after in pairwise(ordered(changes, world)):
        if group[before.address.target] != group[after.address.target]:
            continue
        stages = STAGE[before.address.kind], STAGE[after.address.kind]
        assert stages[0] <= stages[1]
        if stages[0] < stages[1]:
            continue
        assert before.phase <= after.phase
        if before.phase == after.phase and before.address.target == after.address.target:
            assert not (before.action is Action.DELETE and after.action is not Action.DELETE)
        elif before.phase == after.phase:
            assert list(world).index(before.address.target) < list(world).index(after.address.target)


@any_machine
@given(plans)
def test_what_is_alike_stays_as_it_came(plan):
    world, changes = plan

    def alike(each: Change) -> tuple[object, ...]:
        return each.address.target, STAGE[each.address.kind], each.phase, each.action is Action.DELETE

    for kind in set(map(alike, changes)):
        assert [each for each in ordered(changes, world) if alike(each) == kind] == [
            each for each in changes if alike(each) == kind
        ]


@any_machine
@given(plans)
def test_an_ordered_plan_is_in_order_and_stays_as_it_is(plan):
    world, changes = plan
    found = ordered(changes, world)
    assert ordered(found, world) == found
    group = groups(world)
    for first in group.values():
        assert in_order(each for each in found if group[each.address.target] == first)


@any_machine
@given(changes_on(["main", "main@db2"], size=6))
def test_whatever_is_in_order_is_what_some_order_of_the_targets_makes(changes):
    """Nothing else is: a plan whose changes somebody has moved is not applied (see applying/gates/order.py)."""

    def places(first: str) -> list[tuple[object, ...]]:
        return [
            (STAGE[each.address.kind], each.phase, each.address.target != first, each.action is Action.DELETE)
            for each in changes
        ]

    # The order of the targets may be another in each phase: a node that has changed its role has changed its place.
    by_phase = [list(each) for _, each in groupby(changes, lambda each: (STAGE[each.address.kind], each.phase))]
    stages = [(STAGE[block[0].address.kind], block[0].phase) for block in by_phase]
    blocks = all(any(_sorted(block, order) for order in permutations(["main", "main@db2"])) for block in by_phase)
    assert in_order(changes) is (blocks and stages == sorted(stages))
    for first in ("main", "main@db2"):
        if places(first) == sorted(places(first)):
            assert in_order(changes)


def _sorted(block: list[Change], order: tuple[str, ...]) -> bool:
    places = [(order.index(each.address.target), each.action is Action.DELETE) for each in block]
    return places == sorted(places)
