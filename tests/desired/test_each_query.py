"""Targets of a query on a catalogue, which a real server answers."""

from __future__ import annotations

import json

import pytest
from desired.standin_kinds import KINDS

from reconciler.allow_lists import Reach
from reconciler.cli.app import run
from reconciler.desired.load import Desired, load
from reconciler.desired.narrowing import Narrowing
from reconciler.errors import DesiredError
from reconciler.secrets import Secrets

TARGETS = """\
targets:
  tenants:
    each: {query: %s, target: catalogue}
    name: "tenant-${id}"
    postgres: "${url}"
    labels: {tier: "${tier:-none}"}
  catalogue: {postgres: "${CATALOGUE}"%s}
"""
SETTINGS = "target: {where: tier = gold}\nsettings: {work_mem: 64MB}\n"
QUERY = "select id, url, tier from tenants order by id"


@pytest.fixture
def fleet(tmp_path, database, sql):
    """Loads the targets that a query makes."""
    sql.execute("create table tenants (id int, url text, tier text)")
    sql.execute("insert into tenants values (1, 'postgresql://app:wh1spered@db1/a', 'gold'), (2, 'host=db2', null)")
    (tmp_path / ".git").mkdir()
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / "x.yaml").write_text(SETTINGS)
    targets = tmp_path / "targets.yaml"
    env = {"CATALOGUE": database}

    def loaded(query: str, more: str = "", **options: object) -> Desired:
        targets.write_text(TARGETS % (json.dumps(query), more))
        return load(tmp_path / "desired", KINDS, env, Secrets(env, Reach(targets=targets)), **options)

    def refused(query: str, more: str = "") -> str:
        with pytest.raises(DesiredError) as error:
            loaded(query, more)
        return str(error.value).removeprefix(f"{tmp_path}/")

    loaded.refused = refused
    return loaded


def test_each_row_of_the_answer_is_a_target(fleet):
    found = fleet(QUERY)
    assert {name: target.url.get_secret_value() for name, target in found.targets.items() if name != "catalogue"} == {
        "tenant-1": "postgresql://app:wh1spered@db1/a",
        "tenant-2": "host=db2",
    }
    assert {name: dict(found.targets[name].labels) for name in ("tenant-1", "tenant-2")} == {
        "tenant-1": {"tier": "gold"},
        "tenant-2": {"tier": "none"},
    }
    assert [str(each.address) for each in found.resources] == ["tenant-1/pg_setting/work_mem"]


def test_the_query_may_be_one_that_is_no_plain_select(fleet):
    found = fleet("with t as (select * from tenants where url like '%db1%') select id, url, tier from t; -- all of it")
    assert sorted(found.targets) == ["catalogue", "tenant-1"]


def test_validate_asks_nobody(fleet):
    found = fleet("select 1 / 0", offline=True)
    assert list(found.targets) == ["catalogue"]
    assert [each.source for each in found.unseen] == ["the query on catalogue"]


REFUSED = [
    ("select id, ur from tenants", "3:11: the query on catalogue failed: "),
    ("select 1 / 0 as id, url, tier from tenants", "3:11: the query on catalogue failed: "),
    ("select id, url, tier from tenants where false", "3:11: the query on catalogue has no rows: there"),
    ("select url, tier from tenants", '4:11: unknown column "id" (valid: url, tier)'),
    ("select id, url, url, tier from tenants", "3:11: two columns are called"),
    ('select id, url, tier as "a b" from tenants', "3:11: column 3 has no name"),
    (
        "select id, url, E'a\\nb' as tier from tenants",
        '3:11: the value of the column "tier" holds a line break, or another sign that cannot be printed (row 1 of '
        "the query on catalogue)",
    ),
    (
        "select 1 as id, url, tier from tenants",
        '3:11: the target "tenant-1" is declared twice; the first one is at row 1 of the query on catalogue',
    ),
    ("insert into tenants values (3) returning *", "3:19: query: expected a statement that reads"),
    ("select 1; select 2", "3:19: query: expected one statement, found 2"),
    (
        "select id, url, tier from tenants, pg_terminate_backend(1)",
        "3:11: the query on catalogue was not run: pg_catalog.pg_terminate_backend() is volatile: it may do more "
        "than reading",
    ),
    (
        "select rolname as id, rolpassword as url, '' as tier from pg_authid",
        "3:11: the query on catalogue was not run: pg_authid may hold passwords",
    ),
    (
        "select g as id, 'host=a' as url, '' as tier from generate_series(1, 20000) g",
        "3:11: the query on catalogue has more than 10,000 rows",
    ),
]


@pytest.mark.parametrize(("query", "said"), REFUSED, ids=[case[0][:40] for case in REFUSED])
def test_a_query_that_gives_no_targets_is_refused_in_plain_words(fleet, query, said):
    error = fleet.refused(query)
    assert error.startswith(f"targets.yaml:{said}")
    assert "wh1spered" not in error


def test_it_is_run_as_whoever_may_less(fleet, database, sql, postgres):
    name = f"lesser_{sql.info.dbname}"
    sql.execute(f"create role {name} login")
    try:
        lesser = f", checks_as: {json.dumps(postgres.url(sql.info.dbname, name))}"
        assert "permission denied" in fleet.refused(QUERY, lesser) or "may not" in fleet.refused(QUERY, lesser)
        sql.execute(f"grant select on tenants to {name}")
        assert "tenant-1" in fleet(QUERY, lesser).targets
        assert "leads to another server or another database" in fleet.refused(
            QUERY, f", checks_as: {json.dumps(postgres.url('postgres', name))}"
        )
    finally:
        sql.execute(f"drop owned by {name}")
        sql.execute(f"drop role {name}")


def test_a_catalogue_that_cannot_be_asked_is_an_error_at_the_query(fleet, sql):
    error = fleet.refused(QUERY, ", checks_as: 'postgresql://nobody@127.0.0.1:1/x'")
    assert error.startswith("targets.yaml:3:11: the query on catalogue failed: ")


def test_a_catalogue_that_does_not_answer_hides_its_own_targets_alone(fleet):
    silent = ", checks_as: 'postgresql://nobody@127.0.0.1:1/x'"
    found = fleet(QUERY, silent, partial=True)
    assert list(found.targets) == ["catalogue"]
    [unseen] = found.unseen
    assert (unseen.name, unseen.source) == ("tenants", "the query on catalogue")
    assert unseen.unanswered.message.startswith("the query on catalogue failed: ")
    for name in ("tenant-1", "tenant-*"):
        with pytest.raises(DesiredError, match=r"targets\.yaml:3:11: the query on catalogue failed: "):
            fleet(QUERY, silent, partial=True, only=Narrowing((name,)))


def test_a_catalogue_that_does_not_answer_is_told_beside_the_rest(fleet, tmp_path, database, capsys, monkeypatch):
    """Before, nothing else was told."""
    fleet(QUERY, ", checks_as: 'postgresql://nobody@127.0.0.1:1/x'", partial=True)
    with (tmp_path / "desired" / "x.yaml").open("a") as file:
        file.write("---\ntarget: catalogue\nsettings: {work_mem: 65MB}\n")
    monkeypatch.setenv("CATALOGUE", database)
    targets, saved = str(tmp_path / "targets.yaml"), tmp_path / "plan.json"

    def told(*words: str) -> tuple[int, str, str]:
        code = run(["--desired", str(tmp_path / "desired"), "--targets", targets, *words])
        captured = capsys.readouterr()
        return code, captured.out, " ".join(captured.err.split())

    known = "error: tenants: the targets of this template are not known: the query on catalogue failed: "
    for verb in ("plan", "drift"):
        code, out, err = told(verb)
        assert (code, "work_mem" in out) == (1, True), verb + err
        assert err.startswith(known)
    assert told("check")[0] == 1
    for words in (("plan", "--out", str(saved)), ("plan", "--out-dir", str(tmp_path / "plans")), ("apply", "--yes")):
        code, out, err = told(*words)
        assert (code, out) == (1, ""), words
        assert "targets.yaml:3:11: the query on catalogue failed: " in err
    assert not saved.exists()


@pytest.mark.parametrize(("query", "said"), REFUSED[:3])
def test_a_query_that_is_wrong_stays_an_error(fleet, query, said):
    with pytest.raises(DesiredError, match=said.split(": ")[1]):
        fleet(query, partial=True)


def test_nothing_is_said_of_values_that_are_hidden(fleet):
    error = fleet.refused("select (url || '')::int as id, url, tier from tenants", ", hide_values: yes")
    assert error.startswith("targets.yaml:3:11: the query on catalogue failed: ")
    assert "wh1spered" not in error
    assert "db1" not in error
