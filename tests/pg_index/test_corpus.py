"""Every index that PostgreSQL can have: imported, declared, applied, and never different without a difference."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import psycopg
import pytest
from live import run

from pg_index import corpus
from pg_index.corpus.spelled import short_form
from pg_index.corpus.world import NOT_DECLARED, World, live_indexes
from reconciler.model import Plan
from reconciler.yaml.writing import LeftOut

pytestmark = pytest.mark.matrix

NOT_PLAIN_INDEXES = """
    select c.relname, con.oid is not null
    from pg_index x
    join pg_class c on c.oid = x.indexrelid
    left join pg_constraint con on con.conindid = c.oid and con.contype in ('p', 'u', 'x')
    where c.relnamespace not in ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
      and (con.oid is not null or c.relispartition)
"""


@pytest.fixture(scope="module")
def world(postgres, tmp_path_factory) -> Iterator[World]:
    made = World(postgres, tmp_path_factory.mktemp("desired"))
    yield made
    made.close()


def differences(plan: Plan) -> list[tuple[str, str]]:
    """What keeps a plan from being empty, in words."""
    return [
        *((change.address.name, f"{change.action}: {change.reason}; {change.summary}") for change in plan.changes),
        *((notice.address.name, f"{notice.type}: {notice.message}") for notice in plan.notices),
    ]


def apply(world: World, url: str, text: str) -> None:
    """Plans `text`, runs every step, and plans again: nothing is left."""
    plan = world.plan(url, text)
    assert [notice.message for notice in plan.notices] == []
    run(world.desired(url, text).targets["main"], plan.changes)
    assert differences(world.plan(url, text)) == []


REREAD = {
    ("public", "pr_between", ""): "PostgreSQL flattens a nested AND when it reads its own text again, as pg_dump does"
}


def assert_equal_to_those_made_by_hand(world: World, url: str, *, but: Collection[tuple[str, str, str]] = ()) -> None:
    applied = live_indexes(url)
    expected = {key: live for key, live in world.made.items() if key[:2] not in NOT_DECLARED}
    different = {key: (live, applied.get(key)) for key, live in expected.items() if applied.get(key) != live}
    for key in but:
        made_by_hand, made = different.pop(key)
        assert made._replace(definition="") == made_by_hand._replace(definition="")
        assert made.definition == world.restored(key, made_by_hand.definition)
    assert different == {}
    assert applied.keys() == expected.keys()


def left_out(sections: dict[str, Any]) -> dict[str, str]:
    """Names that an import leaves out, and why."""
    found: dict[str, str] = {}
    for section in sections["tables"].values():
        if isinstance(section, LeftOut):
            for group in section.reason.split("; "):
                names, _, reason = group.partition(": ")
                found |= dict.fromkeys(names.split(", "), reason)
        else:
            for names, entry in section["indexes"].items():
                if isinstance(entry, LeftOut):
                    found |= dict.fromkeys(names.split(", "), entry.reason)
    return found


def test_the_corpus_is_rich_and_what_a_server_cannot_have_is_known(world):
    everything = corpus.indexes()
    assert len(everything) >= 500
    assert len({entry.name for entry in everything}) == len(everything)
    newer = {str(version) for version in range(world.major + 1, 19)}
    assert {need for entry in everything for need in entry.needs - world.abilities} <= newer | {"icu", "xml"}
    assert len(world.entries) >= 480


def test_what_is_imported_is_in_sync(world):
    assert differences(world.plan(world.by_hand, world.imported_text())) == []


def test_an_import_leaves_out_what_is_not_to_be_declared_and_nothing_else(world):
    found = left_out(world.imported)
    assert found.pop("pt_half") == "INVALID, since its build failed or parts of it are missing"
    with psycopg.connect(world.by_hand) as connection:
        rows = connection.execute(NOT_PLAIN_INDEXES).fetchall()
    constraints = {name for name, is_constraint in rows if is_constraint}
    parts = {name for name, is_constraint in rows if not is_constraint}
    assert {name for name, reason in found.items() if "constraint" in reason} == constraints
    assert {name for name, reason in found.items() if "partitioned" in reason} == parts
    assert found.keys() == constraints | parts


def test_an_import_reads_like_written_by_a_person(world):
    text = world.imported_text()
    for line in [
        "  public.tasks:\n    indexes:\n      # tasks_pkey: left to the constraint that it belongs to\n",
        "      bt_desc: {columns: [priority desc]}  # duplicate of bt_asc, bt_last, oc_int_said; ",
        "      bt_include: {columns: [status], include: [title, priority]}\n",
        "      m_gin_path: {columns: [meta jsonb_path_ops], using: gin}\n",
        "      pr_in: {columns: [id], where: \"status IN ('a', 'b')\"}\n",
        "      ts_other: {columns: [nm], tablespace: corpus_space}  # duplicate of oc_name, ts_default_said; ",
        "      ts_default_said: {columns: [nm desc]}  # duplicate of oc_name, ts_other; covered by ts_odd\n",
    ]:
        assert line in text
    assert "sql:" not in {
        word for line in text.splitlines() for word in line.split() if not line.lstrip().startswith("#")
    }


def test_what_is_imported_makes_the_same_indexes_elsewhere(world):
    url = world.fresh()
    apply(world, url, world.imported_text())
    assert_equal_to_those_made_by_hand(world, url, but=REREAD)


def as_sql(entry: corpus.Entry) -> dict[str, Any]:
    return {"sql": entry.create}


def as_columns(entry: corpus.Entry) -> dict[str, Any]:
    return short_form(entry.create)


def as_bare_columns(entry: corpus.Entry) -> dict[str, Any]:
    return short_form(entry.create, bare=True)


FORMS = [as_sql, as_columns, as_bare_columns]


@pytest.mark.parametrize("form", FORMS)
def test_a_declaration_as_written_by_hand_is_in_sync(world, form):
    assert differences(world.plan(world.by_hand, world.declared(form))) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_declaration_as_written_by_hand_makes_the_same_index(world, form):
    url = world.fresh()
    apply(world, url, world.declared(form))
    assert_equal_to_those_made_by_hand(world, url)
