"""Which changes are sent as one command, and as which: of any changes, without a server."""

from __future__ import annotations

from itertools import chain, pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.applying.batches import batches, merged
from reconciler.model import Action, Address, Change, Hazard, HazardType, RedisStep, SqlStep, Step

any_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

REWRITE = RedisStep(command=("CONFIG", "REWRITE"))
LATER = REWRITE.model_copy(update={"waits_for": "append-only-file"})
SQL = SqlStep(statements=("alter system set work_mem = '4MB'",))


def setting(name: int, together: str, risky: bool) -> RedisStep:
    hazards = (Hazard(type=HazardType.LESS_SAFE, message=str(name)),) if risky else ()
    return RedisStep(command=("CONFIG", "SET", f"p{name}", str(name)), together=together, hazards=hazards)


def change(name: int, together: str, risky: bool, behind: tuple[Step, ...], of_sql: bool) -> Change:
    steps = (SQL,) if of_sql else (setting(name, together, risky), *behind)
    address = Address("cache", "redis_setting", str(name))
    return Change(address=address, action=Action.UPDATE, before=None, after=None, steps=steps, desired={})


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["CONFIG SET", "CONFIG SET", ""]),
        st.booleans(),
        st.sampled_from([(), (REWRITE,), (REWRITE,), (LATER,)]),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=8,
).map(lambda drawn: [change(name, *each) for name, each in enumerate(drawn)])


def shares(left: Change, right: Change) -> bool:
    """Whether two neighbours are set by one command, and followed by the same."""
    firsts = [each.steps[0] for each in (left, right)]
    return (
        all(isinstance(first, RedisStep) and first.together for first in firsts) and left.steps[1:] == right.steps[1:]
    )


@any_machine
@given(CHANGES)
def test_every_change_is_in_one_batch_and_in_its_place(changes):
    assert list(chain.from_iterable(batches(changes))) == changes
    assert all(batches(changes))


@any_machine
@given(CHANGES)
def test_neighbours_are_in_one_batch_where_they_share_a_command_and_what_comes_behind(changes):
    batch_of = {each.address: number for number, batch in enumerate(batches(changes)) for each in batch}
    for left, right in pairwise(changes):
        assert (batch_of[left.address] == batch_of[right.address]) is shares(left, right)


@any_machine
@given(CHANGES)
def test_a_batch_sets_all_its_pairs_in_order_and_does_the_rest_once(changes):
    for batch in batches(changes):
        if len(batch) == 1:
            continue
        first, *behind = merged(batch)
        pairs = [word for each in batch for word in each.steps[0].command[2:]]
        assert list(first.command) == ["CONFIG", "SET", *pairs]
        assert first.hazards == tuple(hazard for each in batch for hazard in each.steps[0].hazards)
        assert tuple(behind) == batch[0].steps[1:]


def test_a_change_without_a_step_is_a_batch_of_its_own():
    """It comes of an altered plan, and is refused when it is looked at."""
    empty = change(1, "", False, (), False).model_copy(update={"steps": ()})
    assert batches([empty, empty]) == [[empty], [empty]]
