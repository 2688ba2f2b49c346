"""`reconciler import`: what is there, as YAML, of which a plan is empty; the kinds have tests of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta

import pytest
import yaml
from psycopg import sql as compose
from waiting import reload

SECRET = "hunter2-planted"

TABLES = """
    create schema app;
    create schema empty;
    create extension ltree;
    create table empty.nothing (id int);
    create table app.users (id int primary key, email text unique, name text);
    create index users_name_idx on app.users (lower(name) desc) where email in ('a', 'b');
    comment on index app.users_name_idx is 'by ${HOME}';
    create index tasks_status_idx on tasks using hash (status);
    create index tasks_title_idx on tasks (title, priority) with (fillfactor = 70);
    create table dates (id int, note text);
    create index dates_note_idx on dates (note, (id + 1));
    alter index dates_note_idx alter column 2 set statistics 50;
    create temporary table passing (id int primary key);
    create index passing_idx on passing (id);
"""

WRITTEN = """\
tables:
  app.users:
    indexes:
      # users_email_key, users_pkey: left to the constraint that it belongs to
      users_name_idx: {columns: [lower(name) desc], where: "email IN ('a', 'b')", comment: "by $${HOME}"}
  public.dates:
    indexes:
      dates_note_idx: {columns: [note, (id + 1)], statistics: {2: 50}}
  public.tasks:
    indexes:
      # tasks_pkey: left to the constraint that it belongs to
      tasks_status_idx: {columns: [status], using: hash}
      tasks_title_idx: {columns: [title, priority], with: {fillfactor: 70}}
"""


@pytest.fixture
def there(world, desired):
    """A database with indexes, of which nothing is declared."""
    (desired / "tasks.yaml").unlink()
    world.execute(TABLES)
    return world


def test_what_is_there_is_printed_and_a_plan_of_it_is_empty(there, reconciler, desired):
    there.execute("alter system set work_mem = '64MB'")
    reload(there)
    code, out, err = reconciler("import", "main")
    assert (code, err) == (0, "")
    head, body = out.split("target: main\n", 1)
    assert body.startswith("settings:\n")
    assert "\n  work_mem: 64MB  # postgresql.auto.conf\n" in body
    assert body.endswith(WRITTEN)
    assert all(line.startswith("#") for line in head.splitlines())
    assert "PostgreSQL" in head
    assert "reconciler plan main" in head
    (desired / "main.yaml").write_text(out)
    code, out, _ = reconciler("plan", "--detailed-exitcode")
    assert code == 0
    assert re.search(r"No changes. 4 indexes and \d+ settings", out)
    assert reconciler("drift")[0] == 0


def test_the_same_database_is_written_the_same_way_and_without_its_address(there, reconciler, database):
    first = reconciler("import", "main")
    assert reconciler("import", "main") == first
    assert "127.0.0.1" not in first[1]
    assert "postgresql://" not in first[1]


def test_a_redirection_into_the_folder_works_though_the_shell_has_made_the_file(there, desired):
    with (desired / "main.yaml").open("w") as file:
        subprocess.run(
            [sys.executable, "-m", "reconciler", "--desired", desired, "import", "main"], check=True, stdout=file
        )
    assert (desired / "main.yaml").read_text().endswith(WRITTEN)


def test_only_the_schemas_that_are_named_are_written(there, reconciler):
    out = reconciler("import", "main", "--schema", "app")[1]
    assert "app.users:" in out
    assert "public." not in out
    out = reconciler("import", "main", "--schema", "app", "--schema", "public")[1]
    assert out.endswith("target: main\n" + WRITTEN)


def test_files_of_several_schemas_stand_beside_each_other_and_leave_settings_to_another(there, reconciler, desired):
    for schema in ("app", "public"):
        code, out, err = reconciler("import", "main", "--schema", schema)
        assert (code, err) == (0, "Not imported, and not touched while undeclared: pg_setting.\n")
        assert "settings:" not in out
        (desired / f"{schema}.yaml").write_text(out)
    code, out, _ = reconciler("plan", "--detailed-exitcode")
    assert (code, "No changes. 4 indexes" in out) == (0, True)


@pytest.mark.parametrize("schema", ["ap", "empty", "pg_catalog"])
def test_a_schema_without_indexes_is_an_error_that_names_those_there_are(there, reconciler, schema):
    code, out, err = reconciler("import", "main", "--schema", schema)
    assert (code, out) == (1, "")
    assert (
        err
        == f"error: no table with an index in schema {schema!r}\n  names are taken as written; there are: app, public\n"
    )


def test_a_database_without_indexes_is_a_valid_document(reconciler, world, desired):
    (desired / "tasks.yaml").unlink()
    world.execute("drop table tasks")
    code, out, _ = reconciler("import", "main")
    assert (code, out.splitlines()[-1]) == (0, "tables: {}")
    (desired / "main.yaml").write_text(out)
    assert reconciler("plan", "--detailed-exitcode")[0] == 0


def test_what_is_broken_or_being_built_is_left_out_with_its_reason(there, reconciler, desired):
    there.execute("insert into tasks values (1, 'a', 1, 'x'), (2, 'a', 1, 'x')")
    with pytest.raises(Exception, match="could not create unique index"):
        there.execute("create unique index concurrently tasks_broken_idx on tasks (title)")
    code, out, _ = reconciler("import", "main")
    assert code == 0
    assert "      # tasks_broken_idx: INVALID, since its build failed or parts of it are missing\n" in out


def commented(out: str) -> dict[str, str]:
    """By index, what is said beside it."""
    return dict(re.findall(r"^      (\S+): \{.*\}  # (.*)$", out, re.MULTILINE))


def test_beside_an_index_stands_what_else_answers_its_queries(there, reconciler, desired):
    there.execute("create index tasks_a_idx on tasks (status, priority); create index tasks_b_idx on tasks (status)")
    there.execute("create index tasks_c_idx on tasks (status); create index tasks_id_idx on tasks (id)")
    there.execute("create index tasks_part_idx on tasks (status) where priority > 1")
    there.execute("create unique index tasks_u_idx on tasks (status, id)")
    code, out, _ = reconciler("import", "main", "--schema", "public")
    assert code == 0
    assert commented(out) == {
        "tasks_b_idx": "duplicate of tasks_c_idx; covered by tasks_a_idx, tasks_u_idx",
        "tasks_c_idx": "duplicate of tasks_b_idx; covered by tasks_a_idx, tasks_u_idx",
        "tasks_id_idx": "covered by tasks_pkey",
    }
    above = "      # covered by tasks_a_idx, tasks_b_idx, tasks_c_idx, tasks_u_idx\n      tasks_part_idx: {"
    assert above in out  # there is no room behind it
    (desired / "main.yaml").write_text(out)
    assert reconciler("plan", "--detailed-exitcode")[0] == 0


def test_that_nobody_has_scanned_an_index_is_said_once_that_is_counted_for_long_enough(there, reconciler, monkeypatch):
    assert "never scanned" not in reconciler("import", "main")[1]
    there.execute("create unique index tasks_u_idx on tasks (status, id)")
    there.execute("set enable_seqscan = off; select from tasks where title = 'x'; select pg_stat_force_next_flush()")
    monkeypatch.setattr("reconciler.kinds.pg_index.yaml_comments.LONG_ENOUGH", timedelta(0))
    said = commented(reconciler("import", "main", "--schema", "public")[1])
    assert said.keys() == {"tasks_status_idx", "dates_note_idx"}
    assert re.fullmatch(r"never scanned since \d{4}-\d\d-\d\d", said["tasks_status_idx"])


HOSTILE = [
    "x\nsettings: {port: '1'}",
    "a\r# b",
    "c\u2028d: absent",
    "\u202egpj",
    "\x1b[2Je",
    "# f",
    "*/ : {g}",
    "-" * 63,
]


def test_no_name_leaves_its_comment(there, reconciler, desired):
    for name in HOSTILE:
        there.execute(compose.SQL("create index {} on tasks (priority)").format(compose.Identifier(name)))
    code, out, _ = reconciler("import", "main", "--schema", "public")
    assert code == 0
    assert out.count("duplicate of") == len(HOSTILE)
    assert all(sign.isprintable() for line in out.split("\n") for sign in line)
    [document] = yaml.safe_load_all(out)
    assert document.keys() == {"target", "tables"}
    assert document["tables"]["public.tasks"]["indexes"].keys() == {*HOSTILE, "tasks_status_idx", "tasks_title_idx"}
    (desired / "main.yaml").write_text(out)
    assert reconciler("plan", "--detailed-exitcode")[0] == 0


def test_tables_of_extensions_are_the_extensions(there, reconciler):
    there.execute("create table theirs (id int); create index theirs_idx on theirs (id)")
    there.execute("alter extension ltree add table theirs")
    code, out, _ = reconciler("import", "main")
    assert code == 0
    assert "theirs" not in out


def test_names_with_dots_are_told_apart(there, reconciler, desired):
    there.execute('create schema "a.b"; create schema a')
    there.execute('create table "a.b".t (x int); create index c on "a.b".t (x)')
    there.execute('create table a.t (x int); create index "b.c" on a.t (x)')
    code, out, _ = reconciler("import", "main", "--schema", "a", "--schema", "a.b")
    assert code == 0
    assert "cannot be declared" not in out
    (desired / "main.yaml").write_text(out)
    code, out, _ = reconciler("plan", "--detailed-exitcode")
    assert code == 0
    assert "2 indexes" in out


def test_what_cannot_be_declared_exactly_is_left_out_and_says_so(there, reconciler, desired):
    there.execute('create schema "a.b"; create schema """a"')
    there.execute('create table "a.b".t (x int); create index c on "a.b".t (x)')
    there.execute('create table """a".t (x int); create index "b"".c" on """a".t (x)')
    code, out, _ = reconciler("import", "main")
    assert code == 0
    assert 'c: cannot be declared exactly: another index has the address main/pg_index/"a.b".c, too' in out
    (desired / "main.yaml").write_text(out)
    assert reconciler("plan", "--detailed-exitcode")[0] == 0


def test_an_expression_that_the_role_may_not_read_is_written_as_postgresql_prints_it(
    there, reconciler, desired, database, monkeypatch
):
    there.execute("create schema secret; create role importer login; grant select on tasks to importer")
    there.execute("create function secret.f(text) returns text language sql immutable as $$ select $1 $$")
    there.execute("create index tasks_f_idx on tasks (secret.f(status || 'x'))")
    try:
        monkeypatch.setenv("DATABASE_URL", database.replace("postgres@", "importer@"))
        code, out, _ = reconciler("import", "main", "--schema", "public")
        (desired / "main.yaml").write_text(out)
        planned = reconciler("plan", "--detailed-exitcode")[0]
    finally:
        there.execute("drop owned by importer; drop role importer")
    assert code == 0
    assert "tasks_f_idx: {columns: [\"secret.f(status || 'x'::text)\"]}" in out
    assert planned == 0


def test_a_role_that_sees_only_the_catalogue_can_import(there, reconciler, database, monkeypatch):
    there.execute("create role importer login")
    try:
        monkeypatch.setenv("DATABASE_URL", database.replace("postgres@", "importer@"))
        code, out, _ = reconciler("import", "main", "--schema", "public")
    finally:
        there.execute("drop role importer")
    assert code == 0
    assert "tasks_title_idx: {columns: [title, priority], with: {fillfactor: 70}}" in out


@pytest.fixture
def cache(redis_server, desired, monkeypatch):
    """A Redis of which nothing is declared."""
    (desired / "tasks.yaml").unlink()
    (desired / "targets.yaml").write_text("targets: {cache: {redis: '${REDIS_URL}'}}")
    monkeypatch.setenv("REDIS_URL", redis_server.url("default", SECRET))
    return redis_server


def test_a_redis_is_printed_with_its_users_and_a_plan_of_it_is_empty(cache, redis_client, reconciler, desired):
    redis_client.config_set("maxmemory", "64mb")
    redis_client.execute_command("ACL", "SETUSER", "app", "on", f">{SECRET}", "~app:*", "+@all", "-@dangerous")
    redis_client.config_set("requirepass", SECRET)
    redis_client.config_rewrite()
    code, out, err = reconciler("import", "cache")
    assert (code, err) == (0, "")
    assert SECRET not in out
    head, body = out.split("target: cache\n", 1)
    assert re.match(r"# What cache has: (Redis|Valkey) \d+\.\d+\.\d+\.\n", head)
    assert "unlisted_indexes" not in head
    assert body.index("users:") < body.index("settings:")
    assert "  maxmemory: 64mb  # default 0\n" in body
    (desired / "cache.yaml").write_text(out)
    code, out, err = reconciler("plan", "--detailed-exitcode")
    assert (code, "No changes." in out) == (0, True)
    assert reconciler("drift")[0] == 0


def test_a_redis_has_no_schemas(cache, reconciler):
    code, out, err = reconciler("import", "cache", "--schema", "public")
    assert (code, out) == (1, "")
    assert err == "error: cache is a redis target, and has no schemas\n"


def test_a_target_of_which_nothing_can_be_imported_is_an_error(reconciler, desired):
    (desired / "targets.yaml").write_text("targets: {app: {http: 'http://127.0.0.1:1'}}")
    (desired / "tasks.yaml").unlink()
    code, out, err = reconciler("import", "app")
    assert (code, out) == (1, "")
    assert err.startswith("error: app is a http target, and of those nothing can be imported")


@pytest.mark.parametrize(
    ("arguments", "said"), [(["import"], "names of declared targets, or URLs"), (["import", "mian"], "main")]
)
def test_usage_errors_say_what_is_valid(there, reconciler, arguments, said):
    code, out, err = reconciler(*arguments)
    assert (code, out) == (1, "")
    assert said in err
