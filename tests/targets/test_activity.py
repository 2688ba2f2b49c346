"""Statements of others are shown without their values, whatever an apostrophe stands in."""

from __future__ import annotations

import pytest

from reconciler.targets.postgres.redacted_statements import masked, without_values

STATEMENTS = [
    ("update t set a = 'x' where b = 'it''s'", "update t set a = '…' where b = '…'", "literals"),
    ("""select 1 as "o'b", 'hunter2' as pw""", """select 1 as "o'b", '…' as pw""", "an apostrophe in a name"),
    ('select "a ""\' b", \'x\'', 'select "a ""\' b", \'…\'', "a quote in a name"),
    ("/* don't */ alter role bob password 'x'", "alter role bob password '…'", "an apostrophe in a comment"),
    ("/* a /* b */ don't */ select 'x'", "select '…'", "a comment inside of a comment"),
    ("-- it's\nalter role bob password 'x'", "alter role bob password '…'", "an apostrophe in a comment of one line"),
    ("select 'a -- b', 'x'", "select '…', '…'", "a comment that is none"),
    ("select E'it\\'s', 'x'", "select '…', '…'", "a backslash that escapes"),
    ("select $tag$ ' $tag$, 'x'", "select '…', '…'", "dollars"),
    ("select 'it\\'s', 'x'", "select '…'", "a backslash that a setting decides about: nothing after it is shown"),
    ("select 'cut off", "select '…'", "its end was cut off"),
    ("select /* cut off 'x", "select", "the end of a comment was cut off"),
    ('select "cut off', 'select "cut off', "the end of a name was cut off"),
]


@pytest.mark.parametrize(("statement", "shown", "reason"), STATEMENTS, ids=[case[2] for case in STATEMENTS])
def test_a_statement_is_shown_without_its_values(statement, shown, reason):
    assert masked(statement) == shown


def test_numbers_are_hidden_where_a_target_hides_values_and_names_are_not():
    assert without_values("""create index "o'b2" on t2 (a) where b > 42 and c = 'x'""", numbers=True) == (
        """create index "o'b2" on t2 (a) where b > … and c = '…'"""
    )
