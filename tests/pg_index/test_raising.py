"""Functions that raise when the server folds them: that says nothing of an index, since CREATE INDEX runs them as the
table's owner, and the others are planned.

Each index was blocked before, as one whose definition the server cannot read.
"""

from __future__ import annotations

import pytest
from live import changes, converge, outcomes, run

from pg_index.declared import declared
from pg_index.text_pairs import Case, brought, not_in_sync, planned_after_building
from reconciler.errors import StepFailed
from reconciler.kinds.pg_index import KIND
from reconciler.model import Action, Change, Notice, NoticeType

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
    found = changes(KIND, pg_target, declared(pg_target, moody_idx=other, title_idx=title))
    assert [(change.address.name, change.action) for change in found] == [
        ("public.moody_idx", Action.REPLACE),
        ("public.title_idx", Action.REPLACE),
    ]


def test_what_raises_whoever_reads_it_is_blocked(sql, pg_target):
    sql.execute(MOODY.format(state="P0001"))
    other = {"columns": ["(id + (moody(0) + 1 / 0))"]}
    [notice] = outcomes(KIND, pg_target, declared(pg_target, moody_idx=other))
    assert _blocked(notice).startswith("the server cannot read its definition: division by zero")
    [notice] = outcomes(KIND, pg_target, declared(pg_target, another_idx={"columns": ["id"], "where": "id > 1 / 0"}))
    assert _blocked(notice).startswith("the server cannot read its definition: division by zero")


def _blocked(outcome):
    assert isinstance(outcome, Notice)
    assert outcome.type is NoticeType.BLOCKED
    return outcome.message


OF_THE_OWNER = """
    create table tasks (id int, a text, v varchar(20), n int);
    alter table tasks owner to keeper;
    create schema app;
    create function only_owner() returns void immutable language plpgsql as $$
        begin
            assert current_user = 'keeper', format('called by %s', current_user);
            assert '{path}' in ('', current_setting('search_path')), format('%s', current_setting('search_path'));
        end $$;
    create function f(int) returns int immutable language plpgsql as $$
        begin perform public.only_owner(); return $1; end $$;
    create function g(int) returns int immutable language plpgsql as $$
        begin perform public.only_owner(); return $1; end $$;
    create function app.f(int) returns int immutable language plpgsql as $$
        begin perform public.only_owner(); return $1; end $$;
    create function t(text, n int default 3) returns text immutable language plpgsql as $$
        begin perform public.only_owner(); return $1; end $$;
    create function two(text) returns text immutable language plpgsql as $$
        begin perform public.only_owner(); return $1; end $$;
    create function two(varchar) returns text immutable language plpgsql as $$
        begin perform public.only_owner(); return $1; end $$;
    create function of_any(anyelement) returns anyelement immutable language plpgsql as $$
        begin perform public.only_owner(); return $1; end $$;
    create function bare() returns int immutable language plpgsql as $$
        begin perform public.only_owner(); return 7; end $$;
    create function hides(int) returns int immutable language sql as 'select $1 + public.f(0)';
    create function same(text, text) returns bool immutable language plpgsql as $$
        begin perform public.only_owner(); return $1 = $2; end $$;
    create operator === (function = same, leftarg = text, rightarg = text);
    create function every(variadic anyarray) returns int immutable language plpgsql as $$
        begin perform public.only_owner(); return 1; end $$;
    create function of_record(record) returns int immutable language plpgsql as $$
        begin perform public.only_owner(); return 1; end $$;
    create function inlined(text, text) returns bool immutable language sql as 'select $1 = $2 and public.f(0) = 0';
    create operator ==== (function = inlined, leftarg = text, rightarg = text);
    create domain positive as int check (value > 0)
"""


PATH = "pg_catalog, pg_temp"
"""What CREATE INDEX sets since 17."""


@pytest.fixture
def owned(sql):
    """A table of a role that nobody here is, and functions that do their work as CREATE INDEX runs them."""
    sql.execute("create role keeper")
    try:
        sql.execute(OF_THE_OWNER.format(path=PATH if sql.info.server_version >= 170000 else ""))
        yield sql
    finally:
        sql.execute("drop owned by keeper cascade; drop role keeper")


ALIKE = [
    Case("as PostgreSQL's tests have it", "(f(n) + f(0))", "f(n) + f(0)"),
    Case("its predicate", "f(n + 10) > f(10)", "f(n + 10) > f(10)", where=True),
    Case("another spelling", "F( n )+f( '0' )", "f(n) + f(0)", "one tree"),
    Case("its schema", "f(n) + public.f(0)", "f(n) + f(0)"),
    Case("a text", "t('x') || a", "t('x'::text) || a"),
    Case("names for arguments", "t('x', n => 4) || a", "t('x'::text, n => 4) || a"),
    Case("one in another", "n + f(f(0) + 1)", "n + f((f(0) + 1))"),
    Case("without arguments", "n + bare()", "n + bare()"),
    Case("of any type", "of_any('x'::text) || a", "of_any('x'::text) || a"),
    Case("an overload", "two('x'::text) || a", "two('x'::text) || a"),
    Case("the other overload", "two('x'::varchar) || a", "two('x'::varchar) || a"),
    Case("inlined", "hides(n)", "hides(n)"),
    Case("an operator", "'x' === 'y' or n = 1", "n = 1 or 'x'::text === 'y'::text", where=True),
    Case("of any number", "n + every(1, 2)", "n + every(1, 2)"),
    Case("of an array", "n + every(variadic array[1, 2])", "n + every(1, 2)"),
    Case("of a row", "n + of_record(row(1, 2))", "n + of_record(row(1, 2))"),
    Case("to a domain", "f(0) + n::positive", "f(0) + (n)::positive"),
    Case("a list", "f(0) = 0 and v in ('a', 'b')", "v in ('b', 'a') and f(0) = 0",
         "PostgreSQL prints another tree", where=True),
    Case("between", "n between 1 and 2 and f(1) > n and v in ('a', 'b')",
         "f(1) > n and n between 1 and 2 and v in ('a', 'b')", where=True),
    Case("an overload and a list", "two('x') = 'x' and v in ('a', 'b')", "v in ('b', 'a') and two('x'::text) = 'x'",
         where=True),
    Case("of any type and a list", "of_any(5) = n and v in ('a', 'b')", "v in ('b', 'a') and of_any(5) = n",
         where=True),
]  # fmt: skip


def test_what_psql_builds_is_in_sync(owned, pg_target):
    assert not_in_sync(owned, pg_target, ALIKE) == []


def test_what_is_missing_is_built_and_then_in_sync(owned, pg_target):
    built = {"as PostgreSQL's tests have it", "its predicate", "inlined", "an operator", "a list"}
    assert planned_after_building(pg_target, [case for case in ALIKE if case.name in built]) == []


DIFFERENT = [
    Case("another constant", "n + f(0)", "n + f(1)"),
    Case("another constant of a predicate", "n > f(0)", "n > f(1)", where=True),
    Case("another function", "n + f(0)", "n + g(0)"),
    Case("another schema", "n + f(0)", "n + app.f(0)"),
    Case("another overload", "two('x'::text) || a", "two('x'::varchar) || a"),
    Case("another type", "of_any('x'::text) || a", "of_any('x'::varchar) || a"),
    Case("beside it", "n + f(0) + 1", "n + f(0) + 2"),
    Case("a default argument", "t('x') || a", "t('x', 3) || a", "the default may be changed"),
    Case("swapped", "(f(0) > n or id = 1) and (g(0) > n or id = 2) and v in ('a', 'b')",
         "(g(0) > n or id = 1) and (f(0) > n or id = 2) and v in ('a', 'b')", where=True),
    Case("a value", "n + f(0)", "n + 0", "what it gives today is no matter"),
    Case("and back", "n + 4", "n + f(f(4))", "likewise"),
    Case("the body of one that is inlined", "hides(n)", "n + f(0)"),
    Case("an operator", "'x' === 'y' or n = 1", "'x'::text = 'y' or n = 1", where=True),
    Case("values of an operator", "'x' === 'y' or n = 1", "'x' === 'z' or n = 1", where=True),
    Case("a list", "f(0) = 0 and v in ('a', 'b')", "v in ('c', 'a') and f(0) = 0", where=True),
    Case("one of any number", "n + every(1, 2)", "n + every(1, 3)", "said to be the same"),
    Case("a column of any number", "n + every(n, 2) + f(0)", "n + every(id, 2) + f(0)", "likewise"),
    Case("types of any number", "n + every(1, 2)", "n + every(variadic array[1, 2]::bigint[])", "likewise"),
    Case("types in a row", "n + of_record(row(1, 2))", "n + of_record(row(1, 2::bigint))", "likewise"),
    Case("how rows are nested", "n + of_record(row(1, row(2, 3)))", "n + of_record(row(1, 2, 3))", "likewise"),
    Case("a constant to a domain", "f(0) + 5::positive", "f(0) + 6::positive", "likewise"),
    Case("a column to a domain", "f(0) + n::positive", "f(0) + id::positive", "likewise"),
]  # fmt: skip


def test_what_differs_is_seen(owned, pg_target):
    found = dict(not_in_sync(owned, pg_target, DIFFERENT))
    planned = {name: outcome.action for name, outcome in found.items() if isinstance(outcome, Change)}
    assert planned == {case.name: Action.REPLACE for case in DIFFERENT}


CASTS = [
    ("create cast (mood as int) with function of_mood(mood)", "to what is indexed"),
    ("create cast (int as mood) with function to_mood(int) as assignment", "of what is indexed, where it is assigned"),
    ("create cast (int as mood) with function to_mood(int) as implicit", "of what is indexed, by no word of it"),
]


@pytest.fixture(params=[each[0] for each in CASTS], ids=[each[1] for each in CASTS])
def cast(owned, request):
    owned.execute("create type mood as enum ('good', 'bad')")
    for made in ("of_mood(mood) returns int", "to_mood(int) returns mood"):
        owned.execute(f"create function {made} immutable language plpgsql as $$ begin return null; end $$")
    owned.execute(request.param)
    return owned


def test_a_cast_of_users_beside_them_makes_nothing_the_same(cast, pg_target):
    """The comparison ended with a StopIteration, and the plan with it."""
    found = dict(not_in_sync(cast, pg_target, DIFFERENT))
    assert found.keys() == {case.name for case in DIFFERENT}


def test_a_cast_of_users_beside_them_makes_nothing_different(cast, pg_target):
    """Where it may hide in what is compared, that is said."""
    found = dict(not_in_sync(cast, pg_target, ALIKE))
    assert not [outcome for outcome in found.values() if isinstance(outcome, Change)]


def test_a_list_for_an_operator_of_users_is_never_said_to_be_the_same(owned, pg_target):
    """It was, since a mark stood for the operator, and showed nothing of the list."""
    case = Case("", "f(0) = 0 and a ==== any ('{x,y}'::text[])", "f(0) = 0 and a ==== any ('{x,z}')", where=True)
    assert len(not_in_sync(owned, pg_target, [case])) == 1


def test_beside_casts_that_users_made_it_is_compared(owned, pg_target):
    """The plan of the whole target ended with a traceback."""
    owned.execute("""
        create type mood as enum ('sad', 'glad');
        create function in_words(mood) returns text immutable language plpgsql as $$ begin return 'x'; end $$;
        create cast (mood as text) with function in_words(mood) as implicit;
        alter table tasks add m mood, add other mood
    """)
    alike = [Case("none of them", "n + f(0)", "n + f(0)"), Case("one", "t(m) || f(0)", "t(m) || f(0)")]
    different = [Case("a constant", "n + f(0)", "n + f(1)"), Case("a column", "t(m) || f(0)", "t(other) || f(0)")]
    cases = [*alike, *different]
    assert [name for name, _ in not_in_sync(owned, pg_target, cases)] == [case.name for case in different]


def test_what_differs_is_replaced(owned, pg_target):
    [change] = brought(owned, pg_target, DIFFERENT[0])
    assert change.action is Action.REPLACE


def test_what_differs_is_not_the_twin_of_a_missing_one(owned, pg_target):
    [change] = brought(owned, pg_target, DIFFERENT[0], "there")
    assert change.action is Action.CREATE


def test_what_is_alike_is_renamed(owned, pg_target):
    """By what it comes down to, as with any other."""
    [case] = [case for case in ALIKE if case.name == "a list"]
    [change] = brought(owned, pg_target, case, "there")
    assert change.action is Action.RENAME


def test_a_partitioned_index_is_compared_and_not_built(owned, pg_target):
    """ALTER INDEX … ATTACH PARTITION runs its functions as whoever attaches, which psql has no need of (13 to 18)."""
    owned.execute("""
        drop table tasks;
        create table tasks (n int, v varchar(20)) partition by range (n);
        create table tasks_1 partition of tasks for values from (0) to (10);
        alter table tasks owner to keeper; alter table tasks_1 owner to keeper;
        create index i on tasks ((f(n) + f(0))) where v in ('b', 'a') and f(1) = 1
    """)
    alike = {"columns": ["(f(n) + f('0'))"], "where": "f(1) = 1 and v in ('a', 'b')"}
    assert outcomes(KIND, pg_target, declared(pg_target, i=alike)) == []
    [notice] = outcomes(KIND, pg_target, declared(pg_target, i=alike | {"where": "f(1) = 1"}))
    expected = "to attach the indexes of partitions, PostgreSQL runs its functions as postgres: called by postgres"
    assert _blocked(notice).startswith(expected)


def test_as_the_tables_owner_a_partitioned_index_is_built(owned, pg_target):
    """The way out that the message of the one before names."""
    owned.execute("""
        create or replace function only_owner() returns void immutable language plpgsql as $$
            begin assert current_user = 'keeper', format('called by %s', current_user); end $$;
        drop table tasks;
        create table tasks (n int) partition by range (n);
        create table tasks_1 partition of tasks for values from (0) to (10);
        alter table tasks owner to keeper; alter table tasks_1 owner to keeper;
        grant create, usage on schema public to keeper
    """)
    index = {"columns": ["(f(n) + f(0))"]}
    [notice] = outcomes(KIND, pg_target, declared(pg_target, i=index))
    assert _blocked(notice).endswith("As the table's owner it may do: `role` of the target")
    keeper = pg_target.model_copy(update={"role": "keeper"})
    converge(KIND, keeper, declared(keeper, i=index))
    assert outcomes(KIND, pg_target, declared(pg_target, i=index)) == []


def test_what_the_owner_may_not_either_is_told_by_the_build(owned, pg_target):
    """A plan does not run it as the owner: CREATE INDEX says whether it does its work."""
    owned.execute("alter table tasks owner to current_user")
    [change] = changes(KIND, pg_target, declared(pg_target, i={"columns": ["(n + f(0))"]}))
    assert change.action is Action.CREATE
    with pytest.raises(StepFailed, match="called by"):
        run(pg_target, [change])
