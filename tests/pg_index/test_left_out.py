"""What folding leaves out with a type or a collation: two definitions that EXPLAIN shows alike, and which are not.

Each row of `DIFFERENT` but that of "and back" was "in sync" before. PostgreSQL shows no cast that it made by itself at
the top of an expression or inside of another cast, and by which collation something is compared it never shows.
"""

from __future__ import annotations

import pytest

from pg_index.text_pairs import Case, brought, not_in_sync, planned_after_building
from reconciler.model import Action

pytestmark = pytest.mark.matrix

MADE = """
    create schema app;
    create type app.parts as (x float8, m numeric(6, 2), b text);
    create table tasks (id int, a int, f4 real, f8 float8, m numeric, s text, c text collate "C", d text, ch char(5),
                        v varchar(20), b boolean)
"""


DIFFERENT = [
    Case("a branch of CASE", "(case when true then f4 else f8 end)::text", "f4::text",
         "1.1 is 1.10000002384186 as a double"),
    Case("and back", "f4::text", "(case when true then f4 else f8 end)::text", "likewise"),
    Case("a CASE of constants", "(case 1 when 1 then f4 else f8 end)::text", "f4::text", "likewise"),
    Case("a whole key", "case when true then a else 1.5 end", "a", "numeric, not integer"),
    Case("an operator that casts", "(case when true then f4 else f8 end) || 'x'", "f4 || 'x'", "its body casts"),
    Case("a field of a row", "((row(f4, 1, 'x')::app.parts).x)::text", "f4::text", "the field is a double"),
    Case("without the word ROW", "(((f4, 1, 'x')::app.parts).x)::text", "f4::text", "likewise"),
    Case("a field like a call", "x(row(f4, 1, 'x')::app.parts)::text", "f4::text", "likewise"),
    Case("a field with a precision", "(row(1, m, 'x')::app.parts).m", "m", "rounded to two digits"),
    Case("blanks", "(case when true then ch else s end)::varchar", "ch::varchar", "a text has none at its end"),
    Case("the collation of a branch", "(case when false then c else d end) < 'x'", "d < 'x'", "that of c", where=True),
    Case("the collation of an argument", "coalesce('x', c) < d", "'x' < d", "likewise", where=True),
    Case("inside of others", "((case when true then f4 else f8 end)::text = '1.1') is true",
         "(f4::text = '1.1') is true", "wherever it stands", where=True),
]  # fmt: skip

ALIKE = [
    Case("a branch, and AND turned round", "a in (1, 2) and (case when false then c else d end) < 'x'",
         "(case when false then c else d end) < 'x' and a in (2, 1)", "", where=True),
    Case("a CASE of a value", "(case a when 1 then c else d end) < 'x' and a in (1, 2)",
         "a in (2, 1) and (case a when 1 then c else d end) < 'x'", "", where=True),
    Case("a CASE of constants", "(case 1 when 1 then v else d end) < 'x' and v in ('a', 'b')",
         "v in ('b', 'a') and (case 1 when 1 then v else d end) < 'x'", "", where=True),
    Case("a constant without a type", "coalesce('1', v) < 'x' and v in ('a', 'b')",
         "v in ('b', 'a') and coalesce('1', v) < 'x'", "", where=True),
    Case("another spelling of a constant", "coalesce('1', f8, a)", "coalesce(1, f8, a)", "one tree"),
    Case("a field of a row", "x((f4, 1, 'x')::app.parts) > 1 and v in ('a', 'b')",
         "v in ('b', 'a') and x(row(f4, 1, 'x')::app.parts) > 1", "", where=True),
    Case("an element", "(coalesce(array['x'], array[s]))[1] = 'x' and a in (1, 2)",
         "a in (2, 1) and (coalesce(array['x'], array[s]))[1] = 'x'", "", where=True),
    Case("what comes to no constant", "coalesce(a, 0) = 1 and v in ('a', 'b')",
         "v in ('b', 'a') and coalesce(a, 0) = 1", "", where=True),
    Case("what it leaves of it", "(case when true then f4 else f8 end)::text",
         "(case when true then f4 else f8 end)::text", "it was replaced for ever"),
]  # fmt: skip

CAST_ARRAYS = [
    Case("a varchar in it", "s = any (array['x'::varchar(3), s])", "s = any (array['x'::varchar(3), s])", "",
         where=True),
    Case("a char(n) in it", "s = any (array[N'n', s])", "s = any (array[N'n', s])", "", where=True),
    Case("compared with all", "'' <> all (array['x'::varchar(3), s])", "'' <> all (array['x'::varchar(3), s])", "",
         where=True),
    Case("a collation in it, beside what is left out",
         "('{}'::jsonb #>> array['x', N'n' collate \"C\"]) || (case when true then 1 else a end)::text = 'x'",
         "('{}'::jsonb #>> array['x', N'n' collate \"C\"]) || (case when true then 1 else a end)::text = 'x'", "",
         where=True),
    Case("beside what is hidden", "s = any (array[N'n', s]) and coalesce(null, true)",
         "coalesce(null, true) and s = any (array[N'n', s])", "", where=True),
]  # fmt: skip
"""PostgreSQL prints `(ARRAY['x'::varchar, (s)::varchar])::text[]`, and reads it as `ARRAY['x'::text, s]`."""

CAST_COLLATIONS = [
    Case("in a key", "(s collate \"C\")::varchar(20)::text", "(s collate \"C\")::varchar(20)::text",
         "the collation is that of the key"),
    Case("a constant", "('x' collate \"C\")::char(3)::text", "('x' collate \"C\")::char(3)::text", "likewise"),
    Case("the key's", "(s collate \"C\")::varchar", "s::varchar collate \"C\"", "written so"),
    Case("inside", "upper((s collate \"C\")::char(3)::text) > 'x'", "upper((s collate \"C\")::char(3)::text) > 'x'",
         "it is printed around the cast", where=True),
    Case("of what has none", "(s collate \"C\")::int > 1 and a in (1, 2)", "a in (2, 1) and s::int > 1",
         "PostgreSQL forgets it", where=True),
]  # fmt: skip


@pytest.mark.parametrize("case", DIFFERENT, ids=lambda case: case.name)
def test_what_is_left_out_is_seen(sql, pg_target, case):
    sql.execute(MADE)
    [change] = brought(sql, pg_target, case)
    assert change.action is Action.REPLACE, case.reason


@pytest.mark.parametrize("cases", [ALIKE, CAST_ARRAYS, CAST_COLLATIONS], ids=["left out", "arrays", "collations"])
def test_what_is_the_same_is_in_sync(sql, pg_target, cases):
    """All but what folding leaves out was replaced before, though psql had built it of the same text."""
    sql.execute(MADE)
    assert not_in_sync(sql, pg_target, cases) == []


ARRAYS_DIFFER = [
    Case("another constant", "s = any (array['y'::varchar(3), s])", "s = any (array['x'::varchar(3), s])", "",
         where=True),
    Case("char(n) or text", "s = any (array[N'x ', s])", "s = any (array['x ', s])", "blanks at the end", where=True),
    Case("a collation", "(s collate \"C\")::varchar(20)::text > 'x'", "s::varchar(20)::text > 'x'", "", where=True),
    Case("a collation of the key", "(s collate \"C\")::varchar(20)", "s::varchar(20)", ""),
]  # fmt: skip


@pytest.mark.parametrize("case", ARRAYS_DIFFER, ids=lambda case: case.name)
def test_what_is_read_again_is_told_apart(sql, pg_target, case):
    sql.execute(MADE)
    [change] = brought(sql, pg_target, case)
    assert change.action is Action.REPLACE, case.reason


def test_a_twin_of_such_an_array_is_found(sql, pg_target):
    """It was built beside the one that is there."""
    sql.execute(MADE)
    [change] = brought(sql, pg_target, CAST_ARRAYS[0], "there")
    assert change.summary == "there → i"


def test_what_is_built_as_declared_is_in_sync(sql, pg_target):
    """Both sides of every row, built by ourselves: none is replaced for ever."""
    sql.execute(MADE)
    assert planned_after_building(pg_target, DIFFERENT + ALIKE + CAST_ARRAYS + CAST_COLLATIONS + ARRAYS_DIFFER) == []
