"""The script for psql: what is not SQL of the plan stays a comment, and what psql would take for itself is left out."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from views.arbitrary import NASTY
from views.sample import PLAN, index

from reconciler import views
from reconciler.model import Action, SqlStep
from reconciler.reports.plan import change_row
from reconciler.views import sql

ANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(
    ("statement", "runs"),
    [
        ("create index x on t (a)", True),
        ("create index x on t (a) where b ~ '\\.com$'", True),
        ("create index x\n\ton t (a)", True),
        ('create index "a\\b" on t (a)', True),
        ("select 1 \\! ls", False),
        ("select 1;\n\\! ls", False),
        ("select E'\\'' \\! ls '", False),
        ("select $$'$$ \\! ls '", False),
        ("select 1 -- '\n\\! ls '", False),
        ("select 1 /* ' */ \\! ls '", False),
        ("select '\x1b'", False),
    ],
)
def test_psql_gets_no_command_of_its_own(statement: str, runs: bool):
    assert sql.runs_as_it_reads(statement) is runs
    plan = PLAN.model_copy(update={"changes": (index("x", Action.CREATE, SqlStep(statements=(statement,))),)})
    script = views.render(plan, "sql")
    assert (f"\n{statement};\n" in script) is runs
    assert ("NOT IN THIS SCRIPT" in script) is not runs
    commands = [line for line in script.split("\n") if line.startswith("\\")]
    assert commands == ["\\set ON_ERROR_STOP on"]


@ANY
@given(text=st.text() | st.sampled_from(NASTY))
def test_a_comment_is_one_line(text: str):
    assert len(sql.comment(text).splitlines()) == 1


def test_a_semicolon_is_not_swallowed_by_a_comment():
    steps = (SqlStep(statements=("select 1 -- one", "select 2;", "select 3")),)
    lines = sql.change_lines(change_row(index("x", Action.CREATE, *steps)))
    assert lines[-3:] == ["select 1 -- one\n;", "select 2;", "select 3;"]


@pytest.mark.parametrize(
    ("text", "constant"),
    [("15min", "'15min'"), ("it's", "'it''s'"), ("a\\b", "'a\\b'"), ("\n\\'", "U&'\\+00000a\\\\'''")],
)
def test_a_constant_holds_any_text(text: str, constant: str):
    assert sql.literal(text) == constant
