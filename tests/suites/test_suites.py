"""`make suites` on a file of our own, and that it can fail: what is altered is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from suites import comparison, plans
from suites.__main__ import exit_code, main, psql
from suites.built import Built, Suite
from suites.comparison import Found, build, examine
from suites.databases import Databases
from suites.edits import Key, another_constant, key_of
from suites.facts import FAULTS, FORMS, Fact, Result, faults, table, told
from suites.plans import Declared, Judgement, Verdict
from suites.scripts import Psql, that_stays

OWN = Path(__file__).parent / "own.sql"
TESTS = OWN.parents[1]


@pytest.mark.thorough
@pytest.mark.usefixtures("folder")  # it starts a server of its own
def test_the_command_finds_what_is_built_in_sync_and_makes_the_same(tmp_path):
    report = tmp_path / "facts.jsonl"
    program = [sys.executable, "-m", "suites", OWN.parent, "--report", report]
    environment = os.environ | {"PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}"}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = dict(line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:])
    assert (rows["built by psql"], rows["declared"]) == ("18", "17")
    assert rows["not declared: changed by a later statement"] == "1"
    assert {rows[f"in sync, {form}"] for form in FORMS[:3]} == {rows[f"applied the same, {form}"] for form in FORMS[:3]}
    assert (rows["in sync, columns"], rows["in sync, import"], rows["applied the same, import"]) == ("17", "18", "18")
    assert int(rows["pairs that differ: seen"]) >= 100
    assert int(rows["pairs that are the same: in sync"]) >= 1
    assert {rows[fault] for fault in FAULTS} == {"0"}
    facts = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    assert {fact["script"] for fact in facts} == {"own.sql"}
    assert sum(fact["result"] == Result.SEEN for fact in facts) == int(rows["pairs that differ: seen"])


@pytest.fixture(scope="module")
def databases(postgres, tmp_path_factory) -> Iterator[Databases]:
    made = Databases(postgres, tmp_path_factory.mktemp("desired"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def built(databases) -> tuple[str, Suite]:
    return build(databases, "template0", Psql(psql(), 60), [OWN])


@pytest.fixture
def found(databases, built):
    """What is found of some of the indexes, where the declarations have another form."""
    name, suite = built

    def of(*names: str, forms=comparison.FORMS) -> list[Found]:
        some = Suite([index for index in suite.declared if index.name in names], [])
        assert len(some.declared) == len(names)
        return list(examine(databases, name, some, forms))

    return of


def without_condition(index: Built) -> dict[str, object]:
    return {name: value for name, value in index.columns.items() if name != "where"}


@pytest.mark.rotated
def test_a_search_path_is_that_of_the_moment(built):
    paths = {index.name: index.path for index in built[1].declared}
    assert paths["tasks_plain_idx"] == ("app",)
    assert paths["tasks_title_idx"] == ("public",)


@pytest.mark.rotated
def test_what_is_declared_otherwise_is_falsely_different(found):
    facts = found("tasks_open_idx", "tasks_tags_idx", forms={"columns": without_condition})
    wrong = [(result, index, form) for result, index, form, _ in facts if result in FAULTS]
    assert wrong == [(Result.FALSELY_DIFFERENT, "app.tasks_open_idx", "columns")]


def blind(_databases: Databases, _name: str, declared: list[Declared]) -> list[Judgement]:
    """A comparison that finds everything in sync."""
    return [Judgement(Verdict.IN_SYNC) for _ in declared]


def sharp(_databases: Databases, _name: str, declared: list[Declared]) -> list[Judgement]:
    """A comparison that finds everything different."""
    return [Judgement(Verdict.DIFFERENT, "replace") for _ in declared]


@pytest.mark.rotated
def test_what_is_made_otherwise_is_found(found, monkeypatch):
    monkeypatch.setattr(plans, "judge", blind)
    facts = found("tasks_open_idx", "tasks_tags_idx", forms={"columns": without_condition})
    made = {
        index: (result, message)
        for result, index, form, message in facts
        if form == "columns" and "MADE" in result.name
    }
    assert made["app.tasks_tags_idx"] == (Result.MADE_THE_SAME, "")
    result, message = made["app.tasks_open_idx"]
    assert result is Result.MADE_DIFFERENT
    assert "WHERE" in message


@pytest.mark.rotated
def test_what_is_not_made_is_found(found, monkeypatch):
    monkeypatch.setattr(plans, "run", lambda *_: None)
    facts = found("tasks_tags_idx", forms={"columns": lambda index: index.columns})
    (said,) = [message for result, _, form, message in facts if result is Result.MADE_DIFFERENT and form == "columns"]
    assert said.startswith("second plan: create")


@pytest.mark.rotated
def test_a_comparison_that_is_blind_misses_pairs_and_one_that_is_too_sharp_makes_some(found, monkeypatch):
    monkeypatch.setattr(plans, "judge", blind)
    results = {result for result, _, form, _ in found("tasks_code_idx") if form not in FORMS}
    assert {Result.MISSED, Result.NOT_DIFFERENT} <= results
    assert Result.SEEN not in results
    monkeypatch.setattr(plans, "judge", sharp)
    results = {result for result, _, form, _ in found("tasks_code_idx") if form not in FORMS}
    assert {Result.SEEN, Result.FALSELY_DIFFERENT} <= results
    assert Result.MISSED not in results


def test_a_table_has_a_column_for_each_server_and_faults_stand_below():
    facts = [
        Fact("13.1", "a.sql", Result.IN_SYNC, "public.i", "sql"),
        Fact("18.1", "a.sql", Result.NOT_DECLARED, "public.j", "", "INVALID"),
        Fact("18.1", "a.sql", Result.MISSED, "public.i", "unique", "in sync"),
        *[Fact("18.1", "a.sql", Result.TOLD, "public.k", form, "it is locked") for form in FORMS],
    ]
    lines = list(table(facts))
    assert lines[:2] == ["| | 13.1 | 18.1 |", "|---|---:|---:|"]
    assert {"| in sync, sql | 1 | 0 |", "| not declared: INVALID | 0 | 1 |", "| missed | 0 | 1 |"} <= set(lines)
    assert list(faults(facts)) == ["- missed: 18.1, a.sql, public.i, unique: in sync"]
    assert len(list(told(facts))) == 1


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([Result.DECLARED, Result.SEEN, Result.TOLD], 0),
        *(([Result.DECLARED, Result.SEEN, fault], 1) for fault in FAULTS),
        ([Result.FAILED], 1),
        ([Result.BUILT, Result.NOT_DECLARED], 2),
    ],
)
def test_the_exit_code_tells_of_faults_and_of_nothing_tried(results, code):
    assert exit_code([Fact("18.1", "a.sql", result, "public.i") for result in results]) == code


def test_a_folder_without_indexes_is_refused(tmp_path, capsys):
    (tmp_path / "a.sql").write_text("create table t (a int);")
    with pytest.raises(SystemExit) as exited:
        main([str(tmp_path)])
    assert exited.value.code == 2
    assert "no script of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("statement", "instead"),
    [
        ("drop index concurrently if exists s.i;", "alter index if exists s.i rename to suites_dropped_"),
        ("DROP TABLE IF EXISTS t CASCADE;", "alter TABLE if exists t set schema suites_dropped_"),
        ("drop materialized view m;", "alter materialized view if exists m set schema suites_dropped_"),
        ("drop schema s restrict;", "alter schema s rename to suites_dropped_"),
        ("drop function f(int) cascade;", "drop function f(int);"),
        ("rollback;", "commit;"),
        ("rollback to savepoint s;", "rollback to savepoint s;"),
        ("    drop table inside_a_function;", "    drop table inside_a_function;"),
        ("\\c regression_two", "\\c regression_two"),
        ("\\c contrib_regression", "\\c -"),
    ],
)
def test_a_script_keeps_what_it_has_built(statement, instead):
    assert instead in that_stays(statement)


@pytest.mark.parametrize(
    "key",
    [
        Key("a", "", "", ""),
        Key('"Größe"', 'collate pg_catalog."C"', "", "nulls first"),
        Key("pg_catalog.lower(b)", 'collate "C"', "x.y_ops (siglen = 10)", "desc nulls last"),
        Key("(a + 1)", "", "int4_ops", "asc"),
    ],
)
def test_a_key_is_taken_apart(key):
    assert key_of(key.text) == key


def test_another_constant_is_the_next_number_or_another_word():
    assert another_constant("(a + 1) where b = 'x'") == "(a + 2) where b = 'x'"
    assert another_constant("a = 'größer' or b = 'x'") == "a = 'größer' or b = 'xx'"
    assert another_constant("lower(a)") == ""
