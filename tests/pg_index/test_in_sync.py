"""What is in sync at the first glance is so at every other; and nothing that was seen is overlooked for it."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.kinds.pg_index.changes.in_sync import _ORDINARY, is_in_sync
from reconciler.kinds.pg_index.changes.plan import plan_index
from reconciler.kinds.pg_index.model import Definition, Element, PgIndex, Swapped
from reconciler.kinds.pg_index.observed import LiveIndex, Need, ObservedIndex, ObservedKey, PartitionIndex, TableFacts
from reconciler.model import Address

DEFINITION = Definition(keys=(Element(column="a"),))
LIVE = LiveIndex(
    name="i", method="btree", unique=False, nulls_not_distinct=False, keys=(ObservedKey(column="a"),), include=(),
    predicate="", options=(), tablespace="pg_default", valid=True, partitioned=False,
)  # fmt: skip
SEEN = ObservedIndex(table=TableFacts(relkind="r", rows=1, bytes=1), live=LIVE, same=True, version_num=180000)
DECLARED = PgIndex(
    address=Address("main", "pg_index", "public.i"), schema_name="public", table="t", name="i", definition=DEFINITION
)

PART = PartitionIndex(
    schema_name="public", table="p", parent=("public", "t"), relkind="r", rows=1, name="p_i", final="p_i"
)
SWAPPED = Swapped(table="t", name="j", definition=DEFINITION)
OTHERWISE: dict[type, Any] = {str: "something", int: 1, bool: True}

REMARKABLE: dict[str, Any] = {
    "live": None,
    "same": False,
    "table": None,
    "twin": LIVE,
    "fresh": LIVE,
    "old": LIVE,
    "elsewhere": LIVE,
    "leftovers": (("public", "i_ccnew"),),
    "partitions": (PART,),
    "fresh_partitions": (PART,),
    "elsewhere_parts": (PART,),
    "circle": (SWAPPED,),
    "identities": {"i": ("public.p",)},
    "needed_by": Need(),
    "reserved": (("public", "j"),),
}


def in_sync(declared: PgIndex, seen: ObservedIndex) -> bool:
    assert declared.definition is not None
    return is_in_sync(declared, declared.definition, seen)


def test_an_index_as_declared_is_in_sync():
    assert in_sync(DECLARED, SEEN)
    assert plan_index(DECLARED, SEEN) == []


@pytest.mark.parametrize("field", sorted({*ObservedIndex.model_fields} - _ORDINARY | REMARKABLE.keys()))
def test_whatever_else_is_seen_is_looked_at(field):
    value = REMARKABLE.get(field, OTHERWISE.get(type(getattr(SEEN, field))))
    assert not in_sync(DECLARED, SEEN.model_copy(update={field: value}))


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ({"options": (("fillfactor", "70"),)}, {}),
        ({}, {"options": (("fillfactor", "70"),)}),
        ({"tablespace": "fast"}, {}),
        ({"comment": "so"}, {}),
        ({"statistics": ((1, 100),)}, {}),
        ({}, {"valid": False}),
        ({}, {"partitioned": True}),
        ({}, {"builder": 1}),
    ],
)
def test_what_can_be_changed_in_place_is_looked_at(declared, live):
    wanted = DECLARED.model_copy(update={"definition": DEFINITION.model_copy(update=declared)})
    assert not in_sync(wanted, SEEN.model_copy(update={"live": LIVE.model_copy(update=live)}))


def test_a_search_path_that_was_another_is_looked_at():
    assert not in_sync(DECLARED.model_copy(update={"search_path": ("public",)}), SEEN)
