"""Whether a planned change is still the same at the moment of its apply: of any two changes, without a server."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reconciler.documents.change_fingerprint import fingerprint
from reconciler.kinds.registry import KINDS
from reconciler.model import (
    Action,
    Address,
    Change,
    Fact,
    Hazard,
    HazardType,
    ManualStep,
    Notice,
    NoticeType,
    RedisStep,
    SqlStep,
    Step,
)
from reconciler.planning.staleness import Look, Standing, differences, judge, would_run

any_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

DROP = SqlStep(statements=("drop index i",), hazards=(Hazard(type=HazardType.INDEX_DROP, message="12 kB"),))
GROWN = DROP.model_copy(update={"hazards": (Hazard(type=HazardType.INDEX_DROP, message="13 kB"),)})
RISKIER = DROP.model_copy(update={"hazards": (*DROP.hazards, Hazard(type=HazardType.LESS_SAFE, message="12 kB"))})
BUILD = SqlStep(statements=("create index i on t (a)",))
SET = RedisStep(command=("CONFIG", "SET", "hz", "20"))

STEPS: tuple[tuple[Step, ...], ...] = (
    (), (DROP,), (GROWN,), (RISKIER,), (BUILD,), (BUILD, DROP), (DROP, BUILD), (SET,), (SET, SET),
    (BUILD.model_copy(update={"lock_timeout": "1h"}),), (BUILD.model_copy(update={"on_failure": ("drop index i",)}),),
    (BUILD.model_copy(update={"transaction": True}),), (BUILD.model_copy(update={"reloads": True}),),
    (ManualStep(instruction="restart it"),),
)  # fmt: skip
STATES = (None, {}, {"value": "1"}, {"value": "2"}, {"value": 1}, {"value": "1", "source": "default"})
WORDS = ("", "a", "b")
FIELDS: dict[str, tuple[Any, ...]] = {
    "action": tuple(Action),
    "before": STATES, "after": STATES, "summary": WORDS,
    "steps": STEPS, "undo": STEPS, "inverse": STEPS,
    "sensitive": ((), ("value",), ("value", "source")),
    "desired": ({}, {"name": "i"}, {"name": "i", "why": "a"}, {"name": "i", "declared_at": "a"}, {"name": "j"}),
    "lane": WORDS, "phase": (0, 1, 2),
    "reason": WORDS, "why": WORDS, "deviation": WORDS, "declared_at": WORDS,
    "notes": ((), ("a",)), "evidence": ((), (Fact(name="rows", value=1),), (Fact(name="rows", value=2),)),
}  # fmt: skip
"""What stands in a change, some of it only otherwise said."""

ADDRESSES = [Address("main", kind.name, "x") for kind in KINDS]
CHANGES = st.builds(
    Change,
    address=st.sampled_from(ADDRESSES),
    **{name: st.sampled_from(values) for name, values in FIELDS.items()},
)

DECIDES = (
    "action", "before", "after", "summary", "steps", "undo", "inverse", "sensitive", "desired", "lane", "phase",
)  # fmt: skip
"""What was reviewed, or decides what runs and when: where one of these is another, the change is stale."""

SAID = ("reason", "why", "notes", "evidence", "deviation", "declared_at")
"""What people are told beside it."""


def sealed(change: Change) -> Change:
    return change.model_copy(update={"fingerprint": fingerprint(change)})


def counted(name: str, value: Any) -> Any:
    """Of a field what counts: no words of hazards, and no place or reason of the declaration."""
    if name in ("steps", "undo", "inverse"):
        return [_without_words(step) for step in value]
    if name == "desired":
        return {key: each for key, each in value.items() if key not in ("why", "declared_at")}
    return value


def _without_words(step: Step) -> dict[str, Any]:
    return step.model_dump() | {"hazards": [hazard.type for hazard in step.hazards]}


def seen(*outcomes: Change | Notice) -> Look:
    return Look(None, list(outcomes))


@any_machine
@given(CHANGES, CHANGES, st.sets(st.sampled_from(SAID)))
def test_what_is_only_said_makes_no_change_stale(change, other, fields):
    now = change.model_copy(update={name: getattr(other, name) for name in fields})
    found = judge(sealed(change), seen(now))
    assert (found.standing, tuple(found.steps), found.undo) == (Standing.AS_PLANNED, change.steps, change.undo)


@any_machine
@given(CHANGES, CHANGES, st.sets(st.sampled_from(DECIDES)))
def test_whatever_decides_makes_it_stale_where_it_is_another(change, other, fields):
    now = change.model_copy(update={name: getattr(other, name) for name in fields})
    same = all(counted(name, getattr(change, name)) == counted(name, getattr(now, name)) for name in DECIDES)
    found = judge(sealed(change), seen(now))
    assert found.standing is (Standing.AS_PLANNED if same else Standing.STALE)
    if not same:
        assert found.message == differences(sealed(change), now) != ""
        assert not found.steps


@pytest.mark.parametrize("field", DECIDES)
def test_each_of_them_alone_makes_it_stale(field):
    plain = Change(address=ADDRESSES[0], action=Action.CREATE, before=None, after=None, steps=(), desired={})
    differ = 0
    for value, other in permutations(FIELDS[field], 2):
        change, now = (plain.model_copy(update={field: each}) for each in (value, other))
        same = counted(field, value) == counted(field, other)
        differ += not same
        assert judge(sealed(change), seen(now)).standing is (Standing.AS_PLANNED if same else Standing.STALE), (
            value,
            other,
        )
    assert differ


def test_every_field_of_a_change_is_decided_here():
    """A new one either decides, and makes a change stale, or is only said."""
    elsewhere = {
        "address", "fingerprint",  # what it is
        "difference", "provenance",  # read off before and the resource
        "forbidden", "undo_unseen", "new_partitions",  # below, and in tests/attacks/test_plan_files.py
    }  # fmt: skip
    assert set(Change.model_fields) == {*DECIDES, *SAID} | elsewhere


@any_machine
@given(CHANGES, CHANGES)
def test_a_fingerprint_of_something_else_is_stale(change, other):
    assume(fingerprint(change) != fingerprint(other))
    altered = change.model_copy(update={"fingerprint": fingerprint(other)})
    assert judge(altered, seen(change)).standing is Standing.STALE


@any_machine
@given(CHANGES)
def test_a_role_that_may_not_run_it_is_told_so(change):
    found = judge(sealed(change), seen(change.model_copy(update={"forbidden": "not the owner"})))
    assert (found.standing, found.message) == (Standing.FORBIDDEN, "not the owner")


@any_machine
@given(CHANGES, st.sampled_from(STEPS), st.sampled_from(STEPS))
def test_an_undo_that_was_unseen_is_that_of_this_moment_and_no_other_is_made_anew(change, undo, other):
    unseen = change.model_copy(update={"undo": (), "undo_unseen": True})
    found = judge(sealed(unseen), seen(unseen.model_copy(update={"undo": undo, "undo_unseen": False})))
    assert (found.standing, found.undo) == (Standing.AS_PLANNED, undo)
    assume(counted("undo", undo) != counted("undo", other))
    known = change.model_copy(update={"undo": undo})
    assert judge(sealed(known), seen(known.model_copy(update={"undo": other}))).standing is Standing.STALE


IN_THE_WAY = {NoticeType.BLOCKED, NoticeType.NOT_VISIBLE, NoticeType.BEING_BUILT}


@any_machine
@given(CHANGES, st.lists(st.tuples(st.sampled_from(NoticeType), st.sampled_from(["a", "b"])), max_size=3))
def test_without_a_change_it_is_made_unless_something_is_in_the_way(change, notices):
    told = [Notice(address=change.address, type=kind, message=message) for kind, message in notices]
    found = judge(sealed(change), seen(*told))
    stale = any(kind in IN_THE_WAY for kind, _ in notices)
    assert found.standing is (Standing.STALE if stale else Standing.ALREADY_MADE)
    assert found.message == "; ".join(message for kind, message in notices if kind is not NoticeType.NOTE)
    assert not found.steps


@any_machine
@given(CHANGES, CHANGES)
def test_a_change_of_another_resource_is_not_taken_for_it(change, other):
    other = other.model_copy(update={"address": change.address._replace(name="y")})
    assert judge(sealed(change), seen(other)).standing is Standing.ALREADY_MADE
    assert judge(sealed(change), seen(other, change)).standing is Standing.AS_PLANNED


@any_machine
@given(CHANGES, CHANGES)
def test_a_step_would_run_where_its_very_statements_are_planned_for_its_very_address(change, other):
    for step in change.steps:
        if isinstance(step, SqlStep):
            assert would_run([other, change], change.address, step.statements)
            assert not would_run([change], change.address._replace(name="y"), step.statements)
            assert not would_run([change], change.address, (*step.statements, "commit"))
