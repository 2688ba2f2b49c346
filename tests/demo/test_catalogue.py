from __future__ import annotations

from pathlib import Path

import pytest
from live import outcomes

from reconciler.desired.load import load
from reconciler.kinds import pg_index


@pytest.fixture
def catalogue(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import catalogue

    return catalogue


def test_the_large_catalogue_is_in_sync_with_its_declarations(catalogue, sql, pg_target, secrets, tmp_path):
    catalogue.make_database(sql, tables=3)
    catalogue.write_desired(tmp_path, tables=3)
    env = {"DATABASE_URL": pg_target.url.get_secret_value()}
    resources = load(tmp_path, [pg_index.KIND], env, secrets).resources
    assert sum(resource.stands_for_itself for resource in resources) == 30
    assert outcomes(pg_index.KIND, pg_target, resources) == []


def test_half_of_it_is_spelled_otherwise_than_postgresql_prints_it(catalogue, sql):
    catalogue.make_database(sql, tables=1)
    printed = {
        text for [text] in sql.execute("select indexdef from pg_indexes where tablename = 'item_0001'").fetchall()
    }
    spelled = [shape.where or ", ".join(shape.columns) for shape in catalogue.SHAPES]
    otherwise = [text for text in spelled if not any(text.lower() in known.lower() for known in printed)]
    assert len(otherwise) == 5


def test_a_table_cannot_have_more_indexes_than_there_are_shapes(catalogue, tmp_path):
    with pytest.raises(ValueError, match="1 to 10 indexes, not 11"):
        catalogue.write_desired(tmp_path, tables=1, indexes_per_table=11)
