"""Formulas over memory, processors and other settings, on live servers."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as examples
from live import changes, converge, outcomes, run
from pg_setting.setting_cases import declared, definitions, reload, settings
from pg_setting.test_values import amounts

from reconciler.errors import DesiredError
from reconciler.formulas.quantity_arithmetic import Dimension
from reconciler.kinds.pg_setting import KIND, values
from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.values import known_types
from reconciler.kinds.pg_setting.values import offline as numeric
from reconciler.kinds.pg_setting.values.units import InvalidValue, dimension, size_of
from reconciler.model import Notice, NoticeType, PostgresTarget
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect


@pytest.fixture
def target(pg_target):
    """16 GB and 8 processors."""
    return pg_target.model_copy(update={"cpus": 8})


class Case(NamedTuple):
    """`others` are declared beside `name`; `given` is run, and loaded, before."""

    reason: str
    name: str
    value: Any
    literal: str
    note: str
    others: dict[str, Any] = {}
    given: tuple[str, ...] = ()


CASES = [
    Case("of a declared setting, which is a formula itself", "work_mem",
         "(memory - shared_buffers) / (3 * max_connections)", "20971kB",
         "(memory - shared_buffers) / (3 * max_connections) with memory 16GB, shared_buffers 4GB, max_connections 200",
         {"shared_buffers": "25% of memory", "max_connections": "200"}),
    Case("of one that the files change at the next start", "effective_cache_size", "3 * shared_buffers", "768MB",
         "3 * shared_buffers with shared_buffers 256MB", given=("alter system set shared_buffers = '256MB'",)),
    Case("of one that simply runs", "effective_cache_size", "3 * shared_buffers", "384MB",
         "3 * shared_buffers with shared_buffers 128MB"),
    Case("of one that the server works out by itself", "commit_siblings", "min(5, ceil(wal_buffers / 2MB))", "2",
         "min(5, ceil(wal_buffers / 2MB)) with wal_buffers 4MB"),
    Case("of one that goes back to its default", "maintenance_work_mem", "2 * work_mem", "8MB",
         "2 * work_mem with work_mem 4MB", {"work_mem": "default"}, ("alter system set work_mem = '1GB'",)),
    Case("of a range that is kept", "maintenance_work_mem", "2 * work_mem", "20MB", "2 * work_mem with work_mem 10MB",
         {"work_mem": {"at_least": "8MB", "at_most": "1GB"}}, ("alter system set work_mem = '10MB'",)),
    Case("of a range that is violated", "maintenance_work_mem", "2 * work_mem", "32MB",
         "2 * work_mem with work_mem 16MB", {"work_mem": {"at_least": "8MB", "otherwise": "memory / 1024"}},
         ("alter system set work_mem = '1MB'",)),
    Case("of the processors", "max_parallel_workers_per_gather", "min(4, ceil(cpus / 2))", "4",
         "min(4, ceil(cpus / 2)) with cpus 8"),
    Case("a bound of a range", "work_mem", {"at_least": "memory / 1024", "at_most": "1GB"}, "16MB",
         "wanted at least memory / 1024 and at most 1GB; memory / 1024 with memory 16GB"),
    Case("a percentage of another", "wal_writer_flush_after", "min(16MB, 3% of effective_cache_size)", "16MB",
         "min(16MB, 3% of effective_cache_size) with effective_cache_size 4GB"),
    Case("of time", "lock_timeout", "50% of statement_timeout", "15s", "50% of statement_timeout (30s)",
         {"statement_timeout": "30s"}),
    Case("a real, to the digits that the server shows", "checkpoint_completion_target", "2 / 3", "0.666666", "2 / 3"),
    Case("a real with a unit", "vacuum_cost_delay", "5ms / 2", "2500us", "5ms / 2"),
    Case("of a real", "random_page_cost", "1.5 * seq_page_cost", "1.65", "1.5 * seq_page_cost with seq_page_cost 1.1",
         {"seq_page_cost": "1.1"}),
    Case("names in any case", "work_mem", "Memory / MAX_connections", "167772kB",
         "Memory / MAX_connections with memory 16GB, max_connections 100"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_a_formula_is_frozen_as_a_number_and_the_plan_says_how_it_came_about(clean, target, case):
    for statement in case.given:
        clean.execute(statement)
    reload(clean)
    wanted = settings({case.name: case.value, **case.others})
    planned = {change.address.name: change for change in changes(KIND, target, wanted)}
    change = planned[case.name]
    assert change.steps[0].statements == (f"alter system set {case.name} = '{case.literal}'",)
    assert case.note in change.notes
    converge(KIND, target, wanted)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_apply_comes_to_the_same_number_though_it_looks_at_one_setting_alone(clean, target, case):
    for statement in case.given:
        clean.execute(statement)
    reload(clean)
    planned = changes(KIND, target, settings({case.name: case.value, **case.others}))
    planned.sort(key=lambda change: change.address.name == case.name)  # what it refers to is applied before
    for change in planned:
        resource = KIND.resource.model_validate_json(
            KIND.resource.model_validate(dict(change.desired)).model_dump_json()
        )
        assert [each.steps for each in changes(KIND, target, [resource])] == [change.steps]
        run(target, [change])
        reload(clean)


class Refused(NamedTuple):
    reason: str
    name: str
    value: Any
    message: str
    others: dict[str, Any] = {}
    offline: bool = False


REFUSED = [
    Refused("a name that nobody knows", "work_mem", "memory / max_conections",
            "memory / max_conections cannot be told: "
            "PostgreSQL {release} has no setting max_conections; did you mean max_connections"),
    Refused("a machine that was misspelled", "work_mem", "memroy / 4", "did you mean memory"),
    Refused("a setting that was renamed", "max_wal_size", "16MB * wal_keep_segments",
            "wal_keep_segments is now wal_keep_size"),
    Refused("a setting that is no number", "work_mem", "2 * search_path", "search_path is not a number"),
    Refused("minus one, which is no amount", "effective_cache_size", "2 * wal_buffers",
            "wal_buffers is -1, which stands for no amount: declare an amount of it", {"wal_buffers": "-1"}),
    Refused("a time of nothing, which is no limit", "lock_timeout", "statement_timeout / 2",
            "statement_timeout is 0, which stands for no amount"),
    Refused("itself", "work_mem", "2 * work_mem", "work_mem is declared by means of itself (work_mem → work_mem)",
            offline=True),
    Refused("a circle", "work_mem", "maintenance_work_mem / 2",
            "maintenance_work_mem is declared by means of itself "
            "(maintenance_work_mem → work_mem → maintenance_work_mem)",
            {"maintenance_work_mem": "2 * work_mem"}, offline=True),
    Refused("a division by zero", "work_mem", "memory / max_prepared_transactions", "it divides by zero",
            {"max_prepared_transactions": "0"}, offline=True),
    Refused("time for memory", "work_mem", "statement_timeout * 2", "it is an amount of memory, not an amount of time",
            {"statement_timeout": "1s"}, offline=True),
    Refused("a number for memory", "work_mem", "4 * 1024", "it is an amount of memory, not a number", offline=True),
    Refused("a sum of two sorts", "work_mem", "shared_buffers + max_connections",
            "a number cannot be added to an amount of memory: give the number a unit", offline=True),
    Refused("less than the least", "work_mem", "memory / 1000000", "memory / 1000000 comes to 16kB: it may be 64kB"),
    Refused("more than the most", "max_connections", "1000 * 1000",
            "1000 * 1000 comes to 1000000: it may be 1 to 262143"),
    Refused("less than nothing", "work_mem", "shared_buffers - memory", "which is less than nothing"),
    Refused("nothing, which would be no limit", "statement_timeout", "1ms / 3",
            "it comes to 333.333us, and to nothing when it is rounded down to 1ms", offline=True),
    Refused("what the server would raise", "wal_buffers", "8kB * 2",
            "8kB * 2 comes to 16kB, of which the server would make 32kB: put max(32kB, …) around it"),
    Refused("a formula that refers to one that is refused", "effective_cache_size", "2 * work_mem",
            "2 * work_mem cannot be told: PostgreSQL {release} has no setting nonsense",
            {"work_mem": "memory / nonsense"}),
    Refused("a bound", "work_mem", {"at_least": "1min / 2"}, "it is an amount of memory, not an amount of time",
            offline=True),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.reason)
def test_a_formula_that_comes_to_nothing_says_why(target, postgres, case):
    """`offline`: where it is declared; before, all of them by the plan alone."""
    if case.offline:
        with pytest.raises(DesiredError, match=r"settings\.yaml:1:1") as refused:
            settings({case.name: case.value, **case.others})
        assert case.message in refused.value.message
        return
    found = outcomes(KIND, target, settings({case.name: case.value, **case.others}))
    [notice] = [outcome for outcome in found if outcome.address.name == case.name]
    assert isinstance(notice, Notice)
    assert notice.type is NoticeType.BLOCKED
    major, minor = divmod(psycopg.connect(target.url.get_secret_value()).info.server_version, 10000)
    assert case.message.format(release=f"{major}.{minor}") in notice.message


SLIPS = [
    (
        {"work_mem": "25%"},
        'work_mem: "25%" is neither a number nor a formula: a percentage is written like 25% of memory',
    ),
    ({"work_mem": "200% of memory"}, "more than 0, at most 100"),
    ({"WORK_MEM": "memory /"}, "a number, a name or ( is missing behind 'memory /'"),
    ({"work_mem": "2GB + 100ms"}, "an amount of time cannot be added to an amount of memory"),
    ({"work_mem": "memory + cpus"}, "a number cannot be added to an amount of memory"),
    ({"anything.at_all": {"at_least": "(1"}}, 'anything.at_all: "(1" is neither a number nor a formula'),
]


@pytest.mark.parametrize(("section", "message"), SLIPS, ids=[message[:40] for _, message in SLIPS])
def test_a_slip_of_the_pen_is_found_without_a_server_and_where_it_is_written(tmp_path, section, message):
    from reconciler.desired.load import load
    from reconciler.errors import DesiredError
    from reconciler.kinds.registry import KINDS

    [(name, value)] = section.items()
    written = f"'{value}'" if isinstance(value, str) else f"{{at_least: '{value['at_least']}'}}"
    (tmp_path / "a.yaml").write_text(
        "targets: {main: {postgres: 'postgresql://nowhere'}}\n"
        f"target: main\nsettings:\n  fsync: on\n  {name}: {written}\n"
    )
    with pytest.raises(DesiredError) as refused:
        load(tmp_path, KINDS, {}, Secrets({}), offline=True)
    assert refused.value.at.endswith("a.yaml:5:3")
    assert message in refused.value.message


@pytest.mark.parametrize("value", ["%m [%p] %q", "25%", "memory /", "cp %p /archive/%f"])
def test_a_text_is_no_formula_where_no_number_is_wanted(target, value):
    [change] = changes(KIND, target, settings({"log_line_prefix": value}))
    assert change.after["value"] == value


OFFLINE = [
    ({"work_mem": "64mb"}, 'work_mem: "64mb" is not a value for it', "a unit in the wrong case"),
    ({"statement_timeout": "10 seconds"}, "is not a value for it", "a unit that nobody knows"),
    ({"work_mem": "5min"}, "is not a value for it", "time for memory"),
    ({"max_connections": "100MB"}, "is not a value for it", "a unit where none is taken"),
    ({"work_mem": {"at_least": "64mb"}}, "is not a value for it", "a bound"),
    ({"fsync": "maybe"}, "it is on or off", "no boolean"),
    ({"random_page_cost": {"at_least": "1e400"}}, "is not a value for it", "more than any number"),
    ({"seq_page_cost": "2 * random_page_cost", "random_page_cost": "1e400"}, "is not a value", "twice that"),
    ({"work_mem": ["4MB"]}, "it is not a list", "a list of a number"),
    ({"jit": {"at_least": "1"}}, "it is not a number", "a bound of a boolean"),
    ({"work_mem": "memory - 32GB"}, "it comes to -16GB, which is less than nothing", "more than the machine has"),
    ({"work_mem": "statement_timeout / 2"}, "it is an amount of memory, not an amount of time", "a setting's unit"),
    ({"lock_timeout": "statement_timeout / 2", "statement_timeout": "0"}, "stands for no amount", "no limit"),
]


@pytest.mark.matrix
@pytest.mark.parametrize(("section", "message", "reason"), OFFLINE, ids=[reason for *_, reason in OFFLINE])
def test_a_value_that_no_server_takes_is_refused_where_it_is_declared(section, message, reason, clean):
    """Before, by the plan. The server refuses those that are plain values, too."""
    with pytest.raises(DesiredError, match=r"settings\.yaml:1:1") as refused:
        settings(section)
    assert message in refused.value.message
    for name, value in section.items():
        if reason in {"a unit in the wrong case", "a unit that nobody knows", "time for memory", "no boolean"}:
            with pytest.raises(psycopg.errors.InvalidParameterValue):
                clean.execute(f"alter system set {name} = '{value}'")


def test_a_setting_of_a_role_may_be_a_formula_over_those_of_the_instance(clean, target, role):
    wanted = declared("roles", {role: {"settings": {"work_mem": "3 * work_mem"}}})
    [change] = converge(KIND, target, wanted)
    assert change.steps[0].statements == (f"alter role {role} set work_mem = '12MB'",)
    assert "3 * work_mem with work_mem 4MB" in change.notes


def test_a_setting_of_a_role_comes_to_the_same_alone_as_beside_settings_of_the_instance(clean, target, role):
    clean.execute("alter system set shared_buffers = '256MB'")
    scoped = declared("roles", {role: {"settings": {"work_mem": "shared_buffers / 4"}}})
    beside_others = changes(KIND, target, [*settings({"fsync": "off"}), *scoped])
    assert beside_others == changes(KIND, target, scoped)
    assert beside_others[0].after["value"] == "64MB"


def test_a_value_of_the_planning_role_itself_is_not_taken_for_the_instances(clean, target):
    clean.execute("alter role postgres set work_mem = '1GB'")
    try:
        [change] = changes(KIND, target, settings({"maintenance_work_mem": "5 * work_mem"}))
    finally:
        clean.execute("alter role postgres reset work_mem")
    assert "5 * work_mem with work_mem 4MB" in change.notes


def test_the_servers_machine_tells_its_processors_and_a_declared_number_wins(pg_target):
    here = Path("/proc/cpuinfo").read_text(encoding="utf-8").count("processor\t")
    for declared_cpus, expected in ((None, here), (3, 3)):
        with closing(connect(pg_target.model_copy(update={"cpus": declared_cpus}), Secrets({}))) as session:
            assert session.cpus() == expected


def test_what_stands_on_the_servers_command_line_counts_and_not_what_is_declared(target, postgres):
    wanted = settings({"port": "7000", "vacuum_cost_limit": "port / 100"})
    [change] = changes(KIND, target, wanted)
    assert f"port / 100 with port {postgres.port}" in change.notes


def test_processors_that_the_role_may_not_count_are_to_be_declared(as_role):
    [found] = outcomes(KIND, as_role, settings({"max_worker_processes": "max(8, cpus)"}))
    assert isinstance(found, Notice)
    assert found.message == "max(8, cpus) cannot be told: declare cpus for target main"
    again = as_role.model_copy(update={"cpus": 12})
    [change] = changes(KIND, again, settings({"max_worker_processes": "max(8, cpus)"}))
    assert change.after["value"] == "12"


def test_the_combinations_that_keep_a_server_from_starting_are_seen_through_formulas(target):
    wanted = settings({"max_connections": "2 * 10", "superuser_reserved_connections": "4 * 5"})
    found = [outcome.message for outcome in outcomes(KIND, target, wanted) if isinstance(outcome, Notice)]
    assert len(found) == 2
    assert all("the server would not start: superuser_reserved_connections (20)" in each for each in found)


def test_a_declaration_that_comes_to_nothing_does_not_hide_what_would_keep_the_server_from_starting(target):
    wanted = settings({"max_connections": "nonsense * 2", "superuser_reserved_connections": "5000"})
    found = {outcome.address.name: outcome for outcome in outcomes(KIND, target, wanted)}
    assert "the server would not start" in found["superuser_reserved_connections"].message


@pytest.mark.matrix
def test_the_table_of_numbers_is_the_servers(clean):
    numbers = {definition.name for definition, _ in definitions(clean) if definition.vartype in ("integer", "real")}
    there = {definition.name for definition, _ in definitions(clean)}
    assert known_types.UNITS.keys() & there <= numbers
    own = {name for name in numbers - known_types.UNITS.keys() if "." not in name}
    assert own <= {"ssl_renegotiation_limit", "trace_sort"} or not own, own


@pytest.mark.matrix
def test_the_tables_of_types_are_the_servers(clean):
    for definition, _ in definitions(clean):
        if definition.name in known_types.UNITS:
            assert definition.unit == known_types.UNITS[definition.name]
            assert (definition.vartype == "real") == (definition.name in known_types.REALS)
        assert definition.name not in known_types.BOOLEANS or definition.vartype == "bool", definition.name


@pytest.mark.matrix
def test_every_number_of_a_server_is_in_sync_with_a_formula_that_comes_to_it(pg_target, sql):
    chosen = {}
    for definition, setting in definitions(sql):
        value = values.read(definition, setting)
        if definition.vartype not in ("integer", "real") or value < 0:
            continue
        unit = {Dimension.MEMORY: "B", Dimension.TIME: "us"}.get(dimension(definition.unit), "")
        amount = Fraction(str(value)) * size_of(definition.unit)
        if amount or not unit:
            chosen[definition.name] = f"2 * {float(amount) if amount.denominator > 1 else amount}{unit} / 2"
    assert len(chosen) > 90
    assert outcomes(KIND, pg_target, settings(chosen)) == []


SORTS = {
    "work_mem": Definition(name="work_mem", vartype="integer", unit="kB", context="user"),
    "statement_timeout": Definition(name="statement_timeout", vartype="integer", unit="ms", context="user"),
    "vacuum_cost_limit": Definition(name="vacuum_cost_limit", vartype="integer", context="user"),
    "vacuum_cost_delay": Definition(name="vacuum_cost_delay", vartype="real", unit="ms", context="user"),
    "random_page_cost": Definition(name="random_page_cost", vartype="real", context="user"),
}


@examples(max_examples=500, deadline=None)
@given(amounts)
def test_no_number_that_a_server_takes_is_refused_before(text):
    beside = numeric.Beside(PostgresTarget(name="main", url="postgresql://nowhere"), {})
    for name, definition in SORTS.items():
        try:
            values.canonical(definition, text)
        except InvalidValue:
            continue
        beside.check(name, text)
