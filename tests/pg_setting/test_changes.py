"""Changes on a live server: the exact statements, and nothing left to do after them."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from applying.acting import apply, plan_for
from live import changes, converge, outcomes, run
from pg_setting.setting_cases import declared, reload, settings

from reconciler.errors import DesiredError
from reconciler.kinds.pg_setting import KIND
from reconciler.model import Change, HazardType, Notice, NoticeType


class Case(NamedTuple):
    """`given`: statements before; `value`: what is declared of `name`; `statement`: the first that runs."""

    reason: str
    name: str
    value: Any
    statement: str
    summary: str
    given: tuple[str, ...] = ()
    notes: tuple[str, ...] = ("reload",)


CASES = [
    Case("a value with a unit is set as it is written", "work_mem", "16MB",
         "alter system set work_mem = '16MB'", "4MB → 16MB", notes=("reload", "default → postgresql.auto.conf")),
    Case("spaces and fractions are the author's", "work_mem", "1.5 MB",
         "alter system set work_mem = '1.5 MB'", "4MB → 1536kB"),
    Case("a share of memory is frozen as a number", "effective_cache_size", "75% of memory",
         "alter system set effective_cache_size = '12GB'", "4GB → 12GB", notes=("75% of memory (16GB)",)),
    Case("a share that is no whole page is rounded down", "effective_cache_size", "0.01% of memory",
         "alter system set effective_cache_size = '1672kB'", "4GB → 1672kB"),
    Case("a boolean", "track_io_timing", "on", "alter system set track_io_timing = 'on'", "off → on"),
    Case("an alias of an enum", "synchronous_commit", "local", "alter system set synchronous_commit = 'local'",
         "on → local"),
    Case("a real number", "random_page_cost", "1.1", "alter system set random_page_cost = '1.1'", "4 → 1.1"),
    Case("minus one is off, and carries no unit", "log_min_duration_statement", "250ms",
         "alter system set log_min_duration_statement = '250ms'", "-1 → 250ms"),
    Case("quotes and backslashes in a text", "log_line_prefix", r"%m '\x' ",
         r"alter system set log_line_prefix = E'%m ''\\x'' '", "%m [%p]  → %m '\\x' "),
    Case("default is RESET", "work_mem", "default", "alter system reset work_mem", "8MB → 4MB",
         given=("alter system set work_mem = '8MB'",), notes=("postgresql.auto.conf → default",)),
    Case("default goes back to what postgresql.conf says", "autovacuum_naptime", "default",
         "alter system reset autovacuum_naptime", "30s → 1min", given=("alter system set autovacuum_naptime = '30s'",)),
    Case("default is a value where the setting has one of that name", "log_error_verbosity", "default",
         "alter system set log_error_verbosity = 'default'", "verbose → default",
         given=("alter system set log_error_verbosity = 'verbose'",)),
    Case("below the range: what else is said", "vacuum_cost_limit",
         {"at_least": "1000", "at_most": "5000", "otherwise": "2000"},
         "alter system set vacuum_cost_limit = '2000'", "200 → 2000", notes=("wanted at least 1000 and at most 5000",)),
    Case("without otherwise, the bound that is violated", "work_mem", {"at_least": "8MB", "at_most": "1GB"},
         "alter system set work_mem = '8MB'", "4MB → 8MB"),
    Case("off is not less than a limit", "log_min_duration_statement", {"at_most": "250ms"},
         "alter system set log_min_duration_statement = '250ms'", "-1 → 250ms"),
    Case("no timeout is not a short one", "statement_timeout", {"at_most": "30s"},
         "alter system set statement_timeout = '30s'", "0 → 30s"),
    Case("items of a quoted list are literals of their own", "search_path", ["app", "Ümlaut, x"],
         "alter system set search_path = 'app', 'Ümlaut, x'", "$user, public → app, Ümlaut, x"),
    Case("a quoted list written as text", "search_path", 'app, "$user"',
         "alter system set search_path = 'app', '$user'",
         "$user, public → app, $user"),
    Case("an empty search_path", "search_path", [], "alter system set search_path = ''", "$user, public → ''"),
    Case("an item is added to a list, the others stay", "search_path", {"include": ["app"]},
         "alter system set search_path = '$user', 'public', 'app'", "$user, public → $user, public, app"),
    Case("an item is taken from a list", "search_path", {"exclude": ["public"]},
         "alter system set search_path = '$user'", "$user, public → $user"),
    Case("a plain list is one text", "log_destination", ["stderr", "csvlog"],
         "alter system set log_destination = 'stderr, csvlog'", "stderr → stderr, csvlog"),
    Case("an item of a plain list", "log_destination", {"include": ["csvlog"]},
         "alter system set log_destination = 'stderr, csvlog'", "stderr → stderr, csvlog"),
    Case("the server spells the name of a time zone", "timezone", "europe/berlin",
         "alter system set timezone = 'europe/berlin'", "Etc/UTC → Europe/Berlin"),
    Case("the time zone of the log, which no session may set", "log_timezone", "europe/berlin",
         "alter system set log_timezone = 'europe/berlin'", "Etc/UTC → Europe/Berlin"),
    Case("a partial DateStyle", "datestyle", "german", "alter system set datestyle = 'german'",
         "iso, mdy → german, dmy"),
    Case("a setting of a loaded library", "pg_stat_statements.track", "ALL",
         "alter system set pg_stat_statements.track = 'ALL'", "top → all"),
    Case("what the server raises without a word is in sync afterwards", "autovacuum_work_mem", "1kB",
         "alter system set autovacuum_work_mem = '1kB'", "-1 → "),
    Case("the session's own timeouts do not hide the instance's", "lock_timeout", "10s",
         "alter system set lock_timeout = '10s'", "0 → 10s"),
    Case("the session is read-only, the instance is not", "default_transaction_read_only", "on",
         "alter system set default_transaction_read_only = 'on'", "off → on"),
    Case("archive_command, which the server does not show", "archive_command", "cp %p /tmp/%f",
         "alter system set archive_command = 'cp %p /tmp/%f'", "'' → cp %p /tmp/%f"),
    Case("a keepalive, which the server shows as the system has it", "tcp_keepalives_idle", "0",
         "alter system set tcp_keepalives_idle = '0'", "1min → 0",
         given=("alter system set tcp_keepalives_idle = '60s'",)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_an_instance_comes_to_what_is_declared(clean, pg_target, case):
    for statement in case.given:
        clean.execute(statement)
    reload(clean)
    before = clean.execute("select pg_read_file('postgresql.auto.conf')").fetchall()
    resources = settings({case.name: case.value})
    [change] = changes(KIND, pg_target, resources)
    assert [step.statements for step in change.steps] == [(case.statement,), ("select pg_catalog.pg_reload_conf()",)]
    assert change.summary.startswith(case.summary)
    assert set(case.notes) <= set(change.notes)
    assert change.lane == "settings"
    converge(KIND, pg_target, resources)
    undone = change.model_copy(update={"steps": change.undo})
    run(pg_target, [undone])
    assert clean.execute("select pg_read_file('postgresql.auto.conf')").fetchall() == before


def test_a_change_of_several_databases_and_roles_converges(clean, pg_target, sql):
    [(database,)] = sql.execute("select current_database()").fetchall()
    clean.execute('create role "Odd role"')
    clean.execute("create role reporting")
    of_database = {"statement_timeout": "30s", "search_path": ["app", "b c"]}
    try:
        resources = [
            *declared("databases", {database: {"settings": of_database}}),
            *declared("roles", {
                "reporting": {
                    "settings": {"work_mem": "64MB", "app.tenant": "x'y", "user.select": "1"},
                    "databases": {database: {"settings": {"work_mem": "25% of memory"}}},
                },
                "Odd role": {"settings": {"synchronous_commit": "local"}},
            }),
        ]  # fmt: skip
        found = converge(KIND, pg_target, resources)
        assert [step.statements[0] for change in found for step in change.steps] == [
            f"alter database {database} set statement_timeout = '30s'",
            f"alter database {database} set search_path = 'app', 'b c'",
            "alter role reporting set work_mem = '64MB'",
            """alter role reporting set "app"."tenant" = 'x''y'""",
            """alter role reporting set "user"."select" = '1'""",
            f"alter role reporting in database {database} set work_mem = '4GB'",
            """alter role "Odd role" set synchronous_commit = 'local'""",
        ]
        assert [change.address.name for change in found][5] == f"role reporting in database {database}/work_mem"
        assert found[0].before == {"value": None, "source": "the instance's"}
        assert found[0].after == {"value": "30s", "source": f"database {database}"}
        assert found[2].summary == "not set → 64MB"

        same = declared("roles", {"reporting": {"settings": {"work_mem": "65536kB"}}})
        assert [each.type for each in outcomes(KIND, pg_target, same)] == [NoticeType.NOTE], "of it in one database"
        reset = declared("roles", {"reporting": {"settings": {"work_mem": "default"}}})
        [change] = converge(KIND, pg_target, reset)
        assert change.steps[0].statements == ("alter role reporting reset work_mem",)
        assert change.undo[0].statements == ("alter role reporting set work_mem = '64MB'",)
    finally:
        clean.execute('drop role "Odd role"')
        clean.execute("drop role reporting")


def test_an_override_of_a_role_is_told_where_the_instance_changes(clean, pg_target):
    clean.execute("create role reporting")
    clean.execute("alter role reporting set work_mem = '64MB'")
    try:
        [change] = changes(KIND, pg_target, settings({"work_mem": "16MB"}))
        assert "not for role reporting" in change.notes
    finally:
        clean.execute("drop role reporting")


@pytest.mark.parametrize("subject", ["role postgres", "database {database}", "role postgres in database {database}"])
def test_the_instances_value_is_seen_through_the_sessions_own(clean, pg_target, sql, subject):
    [(database,)] = sql.execute("select current_database()").fetchall()
    subject = subject.format(database=database)
    for setting in ("work_mem = '64MB'", "statement_timeout = '50s'"):
        clean.execute(f"alter {subject} set {setting}")
    try:
        found = outcomes(KIND, pg_target, settings({"work_mem": "4MB", "statement_timeout": "0"}))
        assert [each.type for each in found] == [NoticeType.NOTE] * 2, "in sync, and not for all"
        found = converge(KIND, pg_target, settings({"work_mem": "64MB", "statement_timeout": "50s"}))
        assert [change.summary for change in found] == ["4MB → 64MB", "0 → 50s"]
    finally:
        clean.execute(f"alter {subject} reset all")


def test_what_alter_role_all_masks_for_everybody_is_not_planned_in_vain(clean, pg_target):
    clean.execute("alter role all set work_mem = '64MB'")
    try:
        for value in ("16MB", "4MB"):  # another than the instance has, and the very one
            [notice] = outcomes(KIND, pg_target, settings({"work_mem": value}))
            assert notice.type is NoticeType.BLOCKED
            assert "no session gets it: ALTER ROLE ALL gives every one 64MB" in notice.message
            assert notice.provenance.masked_for == ("all roles",)
        clean.execute("alter role all reset work_mem")
        converge(KIND, pg_target, settings({"work_mem": "16MB"}))
    finally:
        clean.execute("alter role all reset all")


def test_a_reload_that_was_never_sent_is_all_that_is_left(clean, pg_target):
    clean.execute("alter system set work_mem = '16MB'")
    [change] = converge(KIND, pg_target, settings({"work_mem": "16MB"}))
    assert [step.statements for step in change.steps] == [("select pg_catalog.pg_reload_conf()",)]


def test_a_value_that_the_next_reload_would_take_away_is_drift(clean, pg_target):
    clean.execute("alter system set work_mem = '16MB'")
    [change] = changes(KIND, pg_target, settings({"work_mem": "4MB"}))
    assert change.before == {"value": "16MB", "source": "postgresql.auto.conf"}
    assert change.reason == "postgresql.auto.conf holds another value, which the next reload would bring"
    converge(KIND, pg_target, settings({"work_mem": "4MB"}))


LESS_SAFE = {
    "full_page_writes": "off", "autovacuum": "off", "synchronous_commit": "off", "wal_level": "minimal",
    "zero_damaged_pages": "on", "track_counts": "off",
}  # fmt: skip


@pytest.mark.parametrize("name", LESS_SAFE)
def test_what_makes_a_server_less_safe_is_a_hazard(pg_target, name):
    beside = {"max_wal_senders": "0"} if name == "wal_level" else {}
    [change, *_] = changes(KIND, pg_target, settings({name: LESS_SAFE[name], **beside}))
    assert HazardType.LESS_SAFE in [hazard.type for hazard in change.steps[0].hazards]


@pytest.mark.pg(">= 14")  # before, md5 is the default
def test_weaker_password_hashes_are_a_hazard(pg_target):
    [change] = changes(KIND, pg_target, settings({"password_encryption": "md5"}))
    assert [hazard.type for hazard in change.steps[0].hazards] == [HazardType.LESS_SAFE]


def test_what_makes_a_server_safer_is_no_hazard(pg_target):
    [change] = changes(KIND, pg_target, settings({"fsync": "on"}))
    assert change.steps[0].hazards == ()


class Refused(NamedTuple):
    reason: str
    name: str
    value: Any
    message: str


REFUSED = [
    Refused("out of range", "work_mem", "1kB", "1kB is not a value for it: it may be 64kB to "),
    Refused("not one of the enum", "wal_level", "max", "it is one of minimal, replica, logical"),
    Refused("no number", "work_mem", "lots", "a number is wanted"),
    Refused("unknown", "wrok_mem", "4MB", "has no setting wrok_mem; did you mean work_mem"),
    Refused("renamed", "wal_keep_segments", "4", "wal_keep_segments is now wal_keep_size"),
    Refused(
        "of a library that is not loaded", "auto_explain.log_analyze", "on", "add auto_explain to shared_preload_lib"
    ),
    Refused("fixed when the cluster was made", "block_size", "16384", "cannot be set"),
    Refused("not for ALTER SYSTEM", "data_directory", "/x", "ALTER SYSTEM does not take it"),
    Refused("a range of what is no number", "wal_level", {"at_least": "replica"}, "it is not a number"),
    Refused("what only the server can tell", "timezone", "Middle/Earth", "invalid value for parameter"),
    Refused("given on the command line", "port", "5433", "command line"),
    Refused("a library that is not there", "shared_preload_libraries", {"include": ["pg_nonsense"]}, "would not start"),
    Refused(
        "a session's library that is not there", "session_preload_libraries", "pg_nonsense", "no session could begin"
    ),
    Refused("a list that RESET does not empty", "shared_preload_libraries", [], "postgresql.conf:"),
    Refused("a default that RESET does not bring", "fsync", "default", "which RESET does not change"),
]


OFFLINE = [
    Refused("a unit in the wrong case", "work_mem", "4mb", "the case of letters counts"),
    Refused("a unit of time for memory", "work_mem", "4s", "its unit may be B, kB, MB, GB, TB"),
    Refused("a unit where none is", "max_connections", "100kB", "a number without a unit"),
    Refused("not a boolean", "autovacuum", "maybe", "it is on or off"),
    Refused("a list for what is none", "work_mem", ["4MB"], "it is not a list"),
    Refused("items of what is no list", "work_mem", {"include": ["4MB"]}, "it is not a list"),
    Refused("an empty range", "work_mem", {"at_least": "2GB", "at_most": "1MB"}, "is more than at_most"),
    Refused("otherwise outside", "work_mem", {"at_least": "8MB", "otherwise": "1MB"}, "outside of the range"),
    Refused("a share of time", "statement_timeout", "25% of memory", "not an amount of memory"),
]


@pytest.mark.parametrize("case", OFFLINE, ids=lambda case: case.reason)
def test_what_no_server_takes_is_said_where_it_is_declared(case):
    """Before, by the plan."""
    with pytest.raises(DesiredError, match=r"settings\.yaml:1:1") as refused:
        settings({case.name: case.value})
    assert case.message in refused.value.message


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.reason)
def test_what_cannot_be_is_said_at_plan_time(pg_target, case):
    [found] = outcomes(KIND, pg_target, settings({case.name: case.value}))
    assert isinstance(found, Notice)
    assert found.type is NoticeType.BLOCKED
    assert case.message in found.message
    assert found.declared_at == "settings.yaml:1:1"


@pytest.mark.pg(">= 14")
def test_a_setting_that_was_removed_says_since_when(pg_target):
    [found] = outcomes(KIND, pg_target, settings({"vacuum_cleanup_index_scale_factor": "4"}))
    assert "was removed in PostgreSQL 14" in found.message


SCOPED = [
    Refused(
        "no such database", "databases", {"nowhere": {"settings": {"work_mem": "8MB"}}}, "there is no database nowhere"
    ),
    Refused("no such role", "roles", {"postgers": {"settings": {"work_mem": "8MB"}}}, "did you mean postgres?"),
    Refused(
        "only for an instance", "roles", {"postgres": {"settings": {"max_connections": "8"}}}, "the whole instance"
    ),
    Refused("out of range", "roles", {"postgres": {"settings": {"work_mem": "8"}}}, "it may be 64kB"),
    Refused("unknown", "roles", {"postgres": {"settings": {"wrok_mem": "8"}}}, "did you mean work_mem"),
]


@pytest.mark.parametrize("case", SCOPED, ids=lambda case: case.reason)
def test_what_cannot_be_of_a_role_or_database_is_said_at_plan_time(pg_target, case):
    [found] = outcomes(KIND, pg_target, declared(case.name, case.value))
    assert isinstance(found, Notice)
    assert found.type is NoticeType.BLOCKED
    assert case.message in found.message


def test_a_share_of_unknown_memory_asks_for_it(as_role):
    target = as_role.model_copy(update={"memory": None})
    [found] = outcomes(KIND, target, settings({"work_mem": "1% of memory"}))
    assert isinstance(found, Notice)
    assert found.message == "1% of memory cannot be told: declare memory for target main"


@pytest.mark.parametrize("value", [None, {}, {"at_leest": "1"}, {"include": []}, {"include": ["a"], "exclude": ["a"]}])
def test_a_declaration_of_no_known_form_is_refused(value):
    with pytest.raises(ValueError):
        settings({"work_mem": value})


def test_a_change_carries_its_declaration(pg_target):
    [resource] = settings({"work_mem": {"at_least": "8MB"}})
    [change] = changes(KIND, pg_target, [resource])
    assert isinstance(change, Change)
    assert KIND.resource.model_validate(change.desired) == resource


def test_what_another_excludes_is_switched_off_before_that_is_switched_on(pg_target, clean):
    """On the code before they went by their names: log_parser_stats was refused while log_statement_stats ran, that was
    stale beside it, and the next apply came to the same."""
    assert apply(plan_for(pg_target, settings({"log_statement_stats": "on"})), pg_target).succeeded
    wanted = settings({"log_parser_stats": "on", "log_statement_stats": "off"})
    plan = plan_for(pg_target, wanted)
    assert apply(plan, pg_target).succeeded
    assert plan_for(pg_target, wanted).changes == ()
    back = settings({"log_parser_stats": "off", "log_statement_stats": "on"})
    assert apply(plan_for(pg_target, back), pg_target).succeeded
