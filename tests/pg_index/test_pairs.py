"""Every construct inside every other: what psql builds of a text is what we build of it, whatever form it has."""

from __future__ import annotations

import pytest

from pg_index.beside_psql import (
    ON_ONE_TABLE,
    Written,
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
    restored,
    section,
)
from pg_index.constructs import known_to, pairs

pytestmark = pytest.mark.matrix

PARTS = 8
PART = [
    pytest.param(number, marks=[] if number == 0 else [pytest.mark.thorough, pytest.mark.long])
    for number in range(PARTS)
]
"""One part is enough for every day."""

FORMS = [as_columns, as_lines, as_sql]


def indexes(part: int, version: int, *, xml: bool) -> list[Written]:
    """Indexes that hold every pair of this part whose types fit: truths as conditions, all as keys."""
    known = known_to(version, xml=xml)
    fitting = [pair for pair in pairs(typed=True) if {pair.outer, pair.inner} <= known]
    fitting = fitting[part::PARTS]
    conditions = [pair.text for pair in fitting if pair.outer.result == "bool"]
    keys = [pair.text for pair in fitting if pair.outer.result != "xml"]
    found = []
    for number in range(max(len(conditions), len(keys))):
        where = conditions[number] if number < len(conditions) else ""
        chosen = keys[2 * number : 2 * number + 2]
        if where or chosen:
            found.append(Written(chosen or ["id + 1"], where))
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("part", PART)
def test_what_is_declared_is_what_psql_builds(postgres, part, form):
    with databases(postgres, tables=12) as made:
        wanted = indexes(part, made.version, xml=made.has_xml)
        assert len(wanted) < made.tables * ON_ONE_TABLE
        by_hand = made.fresh()
        refused = build(by_hand, wanted)
        # What depends on the session's time zone or language is no business of an index.
        assert {why for why in refused.values() if "IMMUTABLE" not in why} == set()
        declared = section(
            {number: form(index, *place(number)) for number, index in enumerate(wanted) if number not in refused}
        )
        assert differences(compared(by_hand, declared)) == []
        ours = made.fresh()
        apply(ours, declared)
        assert definitions(ours) == definitions(by_hand)


@pytest.mark.parametrize("part", PART)
def test_what_is_imported_builds_the_same_elsewhere(postgres, part):
    with databases(postgres, tables=12) as made:
        by_hand = made.fresh()
        build(by_hand, indexes(part, made.version, xml=made.has_xml))
        found = imported(by_hand)
        assert differences(compared(by_hand, found)) == []
        ours = made.fresh()
        apply(ours, found)
        wanted, there = definitions(by_hand), definitions(ours)
        # PostgreSQL flattens a nested AND when it reads its own text again, as pg_dump does.
        other = {name: text for name, text in wanted.items() if there.get(name) != text}
        assert {name: there.get(name) for name in other} == restored(made.fresh(), other)
