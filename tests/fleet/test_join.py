"""The index of a fleet: written and read again, altered and refused, of parts that are joined."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.documents import fleet as fleet_file
from reconciler.documents.digest import digest
from reconciler.errors import DocumentError
from reconciler.fleet import folder
from reconciler.fleet.join import joined
from reconciler.model import (
    Action,
    ChangeGroup,
    Fleet,
    Partial,
    Rollout,
    Shard,
    TargetPlan,
    Unreachable,
    UnreadReason,
    Verdict,
    Wave,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
GROUPS = [f"{number:064x}" for number in range(4)]

NAMES = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8)


def fleet(groups: dict[str, list[str]], unread: list[str] = (), shard: Shard | None = None, **others: Any) -> Fleet:
    """Targets with the groups of their changes."""
    by_group: dict[str, list[str]] = {}
    for name, of in sorted(groups.items()):
        for group in of:
            by_group.setdefault(group, []).append(name)
    made = {
        "reconciler_version": "1.0", "created_at": NOW, "declared": "d" * 64, "shard": shard,
        "targets": {
            name: TargetPlan(
                digest=f"{len(name):064x}", verdict=Verdict.DIFFERS if of else Verdict.IN_SYNC, groups=tuple(sorted(of))
            )
            for name, of in sorted(groups.items())
        },
        "groups": tuple(
            ChangeGroup(digest=group, action=Action.CREATE, kind="pg_index", name="public.i", targets=tuple(targets))
            for group, targets in sorted(by_group.items())
        ),
        "unreachable": tuple(
            Unreachable(target=name, node=name, reason=UnreadReason.SILENT, message="silent") for name in unread
        ),
        "verdict": Verdict.UNREACHABLE if unread else Verdict.DIFFERS if by_group else Verdict.IN_SYNC,
    }  # fmt: skip
    return fleet_file.seal(Fleet(**{**made, **others}))


FLEETS = st.dictionaries(NAMES, st.lists(st.sampled_from(GROUPS), unique=True), max_size=12)


@given(FLEETS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_index_is_read_as_it_was_written(groups):
    made = fleet(groups)
    assert fleet_file.load(fleet_file.dump(made), source="fleet.json") == made


@given(FLEETS, st.integers(1, 5), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_in_which_part_together_they_are_the_whole(groups, of, random):
    where = {name: random.randrange(of) for name in groups}
    shards = [Shard(number=number, of=of) for number in range(of)]
    rollout = Rollout(waves=(Wave(by="share 100%", targets=tuple(groups)),))
    parts = {
        folder.index_name(each): fleet(
            {n: g for n, g in groups.items() if where[n] == each.number}, shard=each, rollout=rollout
        )
        for each in shards
    }
    mixed = [*parts.items()]
    random.shuffle(mixed)
    assert joined(dict(mixed)) == fleet(groups, rollout=rollout)


def parts(of: int = 2, **others: Any) -> dict[str, Fleet]:
    made = {}
    for number in range(of):
        shard = Shard(number=number, of=of)
        made[folder.index_name(shard)] = fleet({f"t{number}": [GROUPS[0]]}, shard=shard, **others)
    return made


REFUSED: dict[str, tuple[Callable[[], dict[str, Fleet]], str]] = {
    "one is missing": (lambda: dict([*parts(3).items()][:2]), "missing are 2/3"),
    "many are missing": (lambda: dict([*parts(20).items()][:2]), "missing are 2/20, 3/20, 4/20, 5/20, 6/20 and 13"),
    "one is there twice": (lambda: parts() | {"x": parts()["fleet-0-of-2.json"]}, "are both of the shard 0/2"),
    "of another number": (lambda: parts(2) | {"x": parts(3)["fleet-2-of-3.json"]}, "the number of shards differs"),
    "a target twice": (
        lambda: parts() | {"fleet-1-of-2.json": fleet({"t0": []}, shard=Shard(number=1, of=2))},
        "t0 is in fleet-0-of-2.json, and in fleet-1-of-2.json as well",
    ),
    "a target that only one has read": (
        lambda: parts() | {"fleet-1-of-2.json": fleet({}, ["t0"], shard=Shard(number=1, of=2))},
        "t0 is in",
    ),
    "of something else that was declared": (
        lambda: parts() | {"x": fleet({}, shard=Shard(number=1, of=2), declared="e" * 64)},
        "what is declared differs",
    ),
    "of another version": (
        lambda: parts() | {"x": fleet({}, shard=Shard(number=1, of=2), reconciler_version="2.0")},
        "the version of reconciler differs",
    ),
    "made to allow what is blocked": (
        lambda: parts() | {"x": fleet({}, shard=Shard(number=1, of=2), allow_blocked=True)},
        "--allow-blocked differs",
    ),
    "in other waves": (
        lambda: parts() | {"x": fleet({}, shard=Shard(number=1, of=2), rollout=Rollout(waves=()))},
        "the rollout differs",
    ),
    "of no shard": (lambda: parts() | {"x": fleet({})}, "is of a whole fleet"),
}  # fmt: skip


@pytest.mark.parametrize(("made", "said"), REFUSED.values(), ids=REFUSED)
def test_parts_that_are_not_one_fleet_are_refused(made, said):
    with pytest.raises(DocumentError) as refused:
        joined(made())
    assert said in refused.value.message
    assert refused.value.hint


def altered(alter: Callable[[dict[str, Any]], object], *, resealed: bool = True) -> str:
    content = json.loads(fleet_file.dump(fleet({"a": GROUPS[:1], "b": []})))
    alter(content)
    if resealed:
        content["digest"] = digest({key: value for key, value in content.items() if key != "digest"})
    return json.dumps(content)


def waves(*targets: list[str], bake: int = 0) -> dict[str, Any]:
    return {"waves": [{"by": "share 1%", "bake": bake, "checks": False, "targets": each} for each in targets]}


ALTERED = {
    "nothing": ("", "is empty"),
    "a plan": ('{"format_version": "2.3"}', "its format is not reconciler-fleet"),
    "a later version": (altered(lambda c: c.update(format_version="3.0")), "reads 2.x"),
    "the digest taken out": (altered(lambda c: c.pop("digest"), resealed=False), "has no digest"),
    "another digest of a plan": (
        altered(lambda c: c["targets"]["a"].update(digest="0"), resealed=False),
        "was altered",
    ),
    "a target that is in no group": (altered(lambda c: c["targets"]["b"].update(groups=GROUPS[:1])), "about b"),
    "a group without its target": (altered(lambda c: c["groups"][0].update(targets=[])), "about a"),
    "a group twice": (altered(lambda c: c["groups"].append(c["groups"][0])), "listed twice"),
    "another verdict": (altered(lambda c: c.update(verdict="in-sync")), "its verdict"),
    "a key that nobody knows": (altered(lambda c: c.update(x=1)), "x: Extra inputs"),
    "a target that is in no wave": (altered(lambda c: c.update(rollout=waves(["a"]))), "about b: in which wave"),
    "a target that is in two waves": (
        altered(lambda c: c.update(rollout=waves(["a", "b"], ["a"]))),
        "about a: in which wave",
    ),
    "a wave that bakes for a year": (
        altered(lambda c: c.update(rollout=waves(["a", "b"], bake=31_000_000))),
        "rollout.waves.0.bake",
    ),
    "a shard that is none": (altered(lambda c: c.update(shard={"number": -1, "of": 2})), "shard.number"),
}


@pytest.mark.parametrize(("text", "said"), ALTERED.values(), ids=ALTERED)
def test_an_index_that_was_altered_is_refused(text, said):
    with pytest.raises(DocumentError) as refused:
        fleet_file.load(text, source="fleet.json")
    assert said in refused.value.message


@given(st.text(min_size=1).filter(lambda name: "/" not in name))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_file_of_a_target_is_in_the_folder_and_nobody_elses(name):
    found = folder.file_of(name, "plan")
    assert not set(found) & set('/\\:*?"<>|\0\n')
    assert len({found, folder.WHOLE, folder.file_of(f"{name} ", "plan")}) == 3


@pytest.mark.parametrize("letter", ["a", "é", "語", "\U00020000"])
def test_a_file_of_a_long_name_can_be_written(tmp_path, letter):
    """Before, 28 letters that are not ASCII made a target that could not be saved, once all were planned."""
    names = [letter * 199 + end for end in "xy"]
    for name in names:
        for what in ("plan", "receipt"):
            (tmp_path / folder.file_of(name, what)).write_text(name)
    assert len([*tmp_path.iterdir()]) == 4
    assert folder.file_of("tenant-7", "plan") == "tenant-7.plan.json"


@pytest.mark.parametrize("name", ["fleet", "fleet-0-of-2", "fleet-x", ".."])
def test_a_target_that_is_called_like_an_index_is_taken_for_none(tmp_path, name):
    made = fleet({name: []})
    (tmp_path / folder.file_of(name, "plan")).write_text("{}")
    folder.write(tmp_path, made, {})
    folder.prepare(tmp_path, None)
    assert folder.read(tmp_path) == made


def test_parts_that_were_narrowed_are_of_one_fleet_that_is(tmp_path):
    """A shard without a target, or with such as are asked for whole, was narrowed to nothing."""

    def part(number: int, to: str = "", left_out: int = 0) -> Fleet:
        partial = Partial(to=(to,), left_out=left_out) if to else None
        return fleet({f"t{number}": GROUPS[:1]}, shard=Shard(number=number, of=3), partial=partial)

    parts = {"a": part(0), "b": part(1, "*/pg_index/i", 2), "c": part(2, "*/pg_index/i", 3)}
    found = joined(parts).partial
    assert found is not None
    assert (found.to, found.left_out) == (("*/pg_index/i",), 5)
    with pytest.raises(DocumentError, match="what they were narrowed to differs"):
        joined({**parts, "c": part(2, "*/pg_index/j")})
