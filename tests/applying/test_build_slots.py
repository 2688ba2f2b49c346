"""Which steps may run beside each other, and how many of them."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from reconciler.applying.build_slots import BuildSlots
from reconciler.applying.partitions import beside_each_other
from reconciler.model import Hazard, HazardType, SqlStep

READS = Hazard(type=HazardType.INDEX_BUILD, message="reads it twice")


def step(text: str) -> SqlStep:
    """`build a`: of partition a, and builds; `attach a`; `only x`; `rename a!`: needs all; `root`: of no partition."""
    word, _, partition = text.partition(" ")
    return SqlStep(
        statements=(text,),
        partition=partition.rstrip("!"),
        needs_all=text.endswith("!"),
        hazards=(READS,) if word == "build" else (),
    )


TREES = [
    ("root, build a, attach a, build b, attach b", "root | a b", "two partitions"),
    ("root, build a, attach a, only x, build x1, attach x1, build x2, attach x2, attach x", "root | a | x | x1 x2 | x",
     "one that has partitions of its own"),
    ("attach a, build b, build c", "a | b c", "one that is built already"),
    ("drop a, build a, describe a, attach a, drop b, build b", "a b", "what is left goes first"),
    ("build a, attach a, build b, attach b, rename a!, rename b!, root", "a b | a | b | root", "a replacement"),
    ("build a, attach a, rename a!", "a | a", "what needs all is no part of what builds"),
    ("build a, root, build b", "a | root | b", "not across what is for all"),
    ("build a, build b, build a", "a b | a", "never two of one partition"),
    ("root, root", "root | root", "what is for none stands for itself"),
    ("", "", "nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "companies", "why"), TREES, ids=[case[2] for case in TREES])
def test_neighbours_that_build_on_different_partitions_are_independent(steps, companies, why):
    wanted = [step(text) for text in filter(None, steps.split(", "))]
    found = beside_each_other(wanted)
    assert " | ".join(" ".join(part.partition or "root" for part in parts) for parts in found) == companies
    assert [one for parts in found for part in parts for one in part.steps] == list(enumerate(wanted, 1))


def test_lanes_come_first_and_what_they_leave_is_spare():
    slots = BuildSlots(at_once=3, lanes=2)
    with slots.lane():
        assert slots.take_spare(), "one for the lane that runs, one for the lane to come, and one is left"
        assert not slots.take_spare(), "that is for the lane to come"
        with slots.lane():
            assert not slots.take_spare()
            slots.leave()
            assert slots.take_spare()
        assert slots.take_spare(), "the second lane is through"
        assert not slots.take_spare()


def test_with_more_lanes_than_slots_nothing_is_spare_until_they_are_through():
    slots = BuildSlots(at_once=2, lanes=3)
    for _ in range(2):
        with slots.lane():
            assert not slots.take_spare()
    with ExitStack() as last:
        last.enter_context(slots.lane())
        assert slots.take_spare()
        assert not slots.take_spare()
