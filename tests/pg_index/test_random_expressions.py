"""Random expressions over all constructs: declared as they are written, they are what psql builds of them."""

from __future__ import annotations

import os

import pytest
import tiers
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pg_index.beside_psql import (
    ON_ONE_TABLE,
    apply,
    as_columns,
    as_lines,
    as_sql,
    build,
    compared,
    databases,
    definitions,
    differences,
    imported,
    place,
    section,
)
from pg_index.constructs import CONSTRUCTS, known_to
from pg_index.random_expressions import Writer
from reconciler.kinds.pg_index.definition.plain_spelling import tidily
from reconciler.kinds.pg_index.definition.syntax import parse_element, parse_predicate
from reconciler.targets.sql_tree import SyntaxProblem, canonical

EXAMPLES = os.environ.get("RECONCILER_TEST_EXAMPLES", "")
"""How many; where it is said, other ones each time."""

USUAL = 2 if tiers.current() is tiers.Tier.TEST else 5

MANY = 60
"""Indexes of one example: a round of plans costs far more than one index in it."""

SEEDS = st.integers(0, 2**32)
"""All that is random is made of one number: nothing is to be shrunk, which would build thousands of databases."""

QUICK = settings(
    derandomize=not EXAMPLES, database=None, deadline=None, print_blob=False, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


@settings(QUICK, max_examples=500)
@given(SEEDS)
def test_a_random_expression_is_read_as_it_is_written(seed):
    text = Writer(seed, CONSTRUCTS).expression("bool", 5)
    try:
        wanted = canonical(text)
    except SyntaxProblem:
        return  # what stands somewhere without parentheses needs them there
    key = parse_element(f"({text}\n)")
    assert key.collation or key.column or canonical(key.expression) == wanted
    predicate = parse_predicate(text)
    assert predicate == "" or canonical(predicate) == wanted, "empty: always met, as 'yes'"
    assert canonical(tidily(text)) == wanted


@pytest.mark.matrix
@pytest.mark.long
@settings(QUICK, max_examples=int(EXAMPLES or USUAL))
@given(seed=SEEDS)
def test_random_expressions_are_what_psql_builds_of_them(seed, postgres):
    with databases(postgres, tables=MANY // ON_ONE_TABLE + 1) as made:
        writer = Writer(seed, sorted(known_to(made.version, xml=made.has_xml)))
        drawn = [writer.index() for _ in range(MANY)]
        by_hand = made.fresh()
        refused = build(by_hand, drawn)
        there = {number: index for number, index in enumerate(drawn) if number not in refused}
        assert len(there) > MANY / 4, refused
        texts = {f"public.{place(number)[0]}": index for number, index in there.items()}
        declared = section(
            {
                number: writer.form([as_columns, as_lines, as_sql])(index, *place(number))
                for number, index in there.items()
            }
        )
        assert [(why, texts[name]) for name, why in differences(compared(by_hand, declared))] == []
        ours = made.fresh()
        apply(ours, declared)
        assert definitions(ours) == definitions(by_hand)

        written = imported(by_hand)
        assert [(why, texts[name]) for name, why in differences(compared(by_hand, written))] == []
        theirs = made.fresh()
        apply(theirs, written)
        # An import may write otherwise what is folded away: null::text || b::text is null, whatever b is.
        assert [(why, texts[name]) for name, why in differences(compared(theirs, declared))] == []
