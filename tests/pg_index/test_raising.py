"""Functions that raise when the server folds them: what they say is about one index, and the others are planned."""

from __future__ import annotations

import pytest
from live import converge, outcomes

from pg_index.declared import declared
from reconciler.kinds.pg_index import KIND
from reconciler.model import Action, Notice, NoticeType

pytestmark = pytest.mark.matrix

MOODY = """
    create table tasks (id int, title text);
    create function moody(int) returns int immutable language plpgsql as $$
        begin
            if current_setting('test.mood', true) is distinct from 'good' then
                raise 'not today' using errcode = '{state}';
            end if;
            return $1;
        end $$;
    set test.mood = 'good';
    create index moody_idx on tasks ((id + moody(0)));
    create index title_idx on tasks (lower(title))
"""

STATES = [
    ("P0001", "RAISE without a code"),
    ("P0004", "ASSERT"),
    ("23514", "a check of its own"),
    ("3F000", "a schema that is not there, as a constant"),
    ("25006", "it writes"),
    ("55000", "something that is not loaded"),
    ("44000", "a view's condition"),
    ("UX123", "of its author's own making"),
    ("XX000", "internal"),
]


@pytest.mark.parametrize(("state", "reason"), STATES, ids=[state for state, _ in STATES])
def test_what_a_function_raises_is_said_of_its_index_alone(sql, pg_target, state, reason):
    """But for classes 22 and 42 and a few others, the plan of the whole target ended with it."""
    sql.execute(MOODY.format(state=state))
    as_it_is = {"columns": ["(id + moody(0))"]}
    title = {"columns": ["lower(title)"], "where": "id > 1"}
    [change] = converge(KIND, pg_target, declared(pg_target, moody_idx=as_it_is, title_idx=title))
    assert (change.address.name, change.action) == ("public.title_idx", Action.REPLACE)
    other = {"columns": ["(id + (moody(0) + 0))"]}
    title["where"] = "id > 2"
    found = outcomes(KIND, pg_target, declared(pg_target, moody_idx=other, title_idx=title))
    notices = [outcome for outcome in found if isinstance(outcome, Notice)]
    assert [outcome.address.name for outcome in found if outcome not in notices] == ["public.title_idx"]
    [notice] = notices
    assert notice.type is NoticeType.BLOCKED
    assert notice.message.startswith("the server cannot read its definition: not today")
