"""Targets of templates, whose rows somebody else has written: a column is a value, and nothing more."""

from __future__ import annotations

import json

import pytest

from attacks.repository import SECRET, Checkout
from reconciler.allow_lists import Reach, Use
from reconciler.desired.load import load
from reconciler.errors import DesiredError
from reconciler.kinds.registry import KINDS
from reconciler.secrets import Secrets

ENV = {"TOKEN": SECRET, "PGSSLMODE": "verify-full"}
SETTINGS = "target: {where: env = prod}\nsettings: {work_mem: 64MB}\n"
OWN = """\
targets:
  all:
    each: {file: %s}
    postgres: "${url}"
    labels: {env: prod, note: "${note}"}
"""


def refused(done) -> str:
    assert done.code == 1, done.shown
    assert done.out == ""
    assert SECRET not in done.err
    assert "Traceback" not in done.err
    return done.err


SOURCES = {
    "a command": "{command: [touch, ../ran]}",
    "a command beside a file": "{file: rows.csv, command: [touch, ../ran]}",
    "a query": "{query: select 1, target: main}",
    "a command by an alias": "&a {command: [touch, ../ran]}",
}


@pytest.mark.parametrize(
    "options", [(), ("--variables", "TEAM"), ("--hosts", "db1")], ids=lambda value: " ".join(value)
)
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_document_runs_no_command_and_asks_no_database(checkout: Checkout, source: str, options):
    checkout.write(
        {"desired/t.yaml": f"targets:\n  a: {{each: {source}, postgres: '${{url}}'}}\n  main: {{postgres: host=x}}\n"}
    )
    for verb in ("plan", "validate"):
        error = refused(checkout.run(*options, verb, env=ENV))
        assert "only taken from the file of --targets" in error or 'unknown key "command"' in error
    assert not (checkout.root / "ran").exists()
    assert not (checkout.root.parent / "ran").exists()


READ = {
    "a file outside": ("../../outside/rows.csv", "is not below"),
    "an absolute path": ("/etc/passwd.csv", "is not below"),
    "a link that leads out": ("link.csv", "is not below"),
    "a folder": ("folder.csv", "Is a directory"),
    "what the kernel makes": ("environ.csv", "is not a regular file"),
    "the configuration of git": ("config.csv", "is inside of .git"),
    "a file of no kind that is read": ("../.env", "expected a file that ends in"),
}


@pytest.mark.parametrize("options", [(), ("--files-below", ".:../outside")], ids=["", "files below"])
@pytest.mark.parametrize(("path", "said"), READ.values(), ids=READ)
def test_rows_are_read_from_files_of_the_repository_alone(checkout: Checkout, path: str, said: str, options):
    """Wherever `--files-below` lets secrets be."""
    checkout.write({"desired/t.yaml": OWN % path, ".env": f"TOKEN={SECRET}\n", "desired/folder.csv/x": ""})
    (checkout.outside / "rows.csv").write_text(f"{SECRET}\n")
    (checkout.desired / "link.csv").symlink_to(checkout.outside / "rows.csv")
    (checkout.desired / "environ.csv").symlink_to("/proc/self/environ")
    (checkout.desired / "config.csv").symlink_to(checkout.root / ".git" / "config")
    assert said in refused(checkout.run(*options, "validate", env=ENV))


WRONG = {
    "no CSV": (f'{SECRET},"{SECRET}\n', "this is not CSV"),
    "a line of a shell": (f"export TOKEN={SECRET}\n", "column 1 has no name"),
    "a row of another length": (f"name,url,note\n{SECRET}\n", "this row has 1 values"),
    "a value that is no URL": (f"name,url,note\na,{SECRET},x\n", "a postgres URL begins with"),
    "a value with a line break": (f'name,url,note\na,host=a,"{SECRET}\n"\n', "holds a line break"),
    "a value that refers to something": (f"name,url,note\na,host=a,{SECRET}${{TOKEN}}\n", "holds ${"),
    "a name that is none": (f"name,url,note\na b,postgresql://u:{SECRET}@h/d,x\n", "the name of the target"),
    "a name that is a password": (f"name,url,note\n{SECRET},postgresql://u:{SECRET}@h/d,x\n", "a password that is"),
    "a password in a label": (f"name,url,note\na,postgresql://u:{SECRET}@h/d,{SECRET}\n", "a password that is known"),
    "a password of another row": (f"name,url,note\na,postgresql://u:{SECRET}@h/d,x\nb,host=b,{SECRET}\n", "a password"),
    "a password as a host": (f"name,url,note\na,postgresql://u:{SECRET}@{SECRET}/d,x\n", "elsewhere than as"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_an_error_repeats_no_value_of_a_row(checkout: Checkout, text: str, said: str):
    checkout.write({"desired/t.yaml": OWN % "rows.csv", "desired/rows.csv": text, "desired/x.yaml": SETTINGS})
    assert said in refused(checkout.run("validate", env={"PGSSLMODE": "prefer"}))


def limited(checkout: Checkout, rows: str, template: str = OWN % "rows.csv", **limits) -> None:
    checkout.write({"desired/t.yaml": template, "desired/rows.csv": rows})
    reach = Reach(variables={"TEAM": frozenset({Use.TEXT})}, files_below=(checkout.root,), **limits)
    load(checkout.desired, KINDS, ENV, Secrets(ENV, reach))


OPTIONS = {
    "a file that the driver opens": "postgresql://h/d?passfile=/outside/secret",
    "a setting of the session": "postgresql://h/d?options=-csession_preload_libraries%3Dx",
    "a service": "postgresql://h/d?service=runner",
    "less protection": "postgresql://h/d?sslmode=disable",
    "less protection without a scheme": "host=h sslmode=disable",
}


@pytest.mark.parametrize("url", OPTIONS.values(), ids=OPTIONS)
def test_a_url_that_is_one_column_is_still_its_authors(checkout: Checkout, url: str):
    """One that is one *variable* is the runner's, and may have any option."""
    with pytest.raises(DesiredError, match=r"which whoever runs this has not left|asks for less protection"):
        limited(checkout, f"name,url,note\na,{url},x\n")


def test_a_column_lowers_no_protection_by_the_name_of_a_variable(checkout: Checkout):
    template = OWN % "rows.csv" + '    memory: "${PGSSLMODE}"\n'
    with pytest.raises(DesiredError, match=r"PGSSLMODE is a column of the file rows\.csv, and a variable"):
        limited(checkout, "name,url,note,PGSSLMODE\na,host=a,x,disable\n", template)
    with pytest.raises(DesiredError, match="asks for less protection"):
        limited(checkout, "name,url,note,PGSSLMODE\na,host=a sslmode=prefer,x,disable\n")


def test_a_template_uses_no_variable_that_is_not_left_to_it(checkout: Checkout):
    for text in ("${TOKEN}", "x${TOKEN:-y}"):
        with pytest.raises(DesiredError, match="the variable TOKEN may not be used"):
            limited(checkout, "name,url\na,host=a\n", OWN.replace("${note}", text) % "rows.csv")


def test_a_column_is_no_way_to_a_variable(checkout: Checkout):
    """Neither by its value, nor by values that only together spell a reference."""
    rows = "name,url,note,a,b\nx,host=a,n,$,{TOKEN}\n"
    template = OWN.replace("${note}", "${a}${b}${a}{TOKEN}") % "rows.csv"
    checkout.write({"desired/t.yaml": template, "desired/rows.csv": rows})
    found = load(checkout.desired, KINDS, ENV, Secrets(ENV))
    assert found.targets["x"].labels["note"] == "${TOKEN}${TOKEN}"


def test_keys_are_not_filled_in(checkout: Checkout):
    rows = "name,url,note,key\na,host=a,x,restart\n"
    with pytest.raises(DesiredError, match="unknown key"):
        limited(checkout, rows, OWN % "rows.csv" + '    "${key}": touch ran\n')


def test_a_column_brings_no_command_of_a_restart(checkout: Checkout):
    rows = "name,url,note,command\na,host=a,x,touch ran\n"
    with pytest.raises(DesiredError, match="a command that restarts a server runs here"):
        limited(checkout, rows, OWN % "rows.csv" + '    restart: "${command}"\n')


def test_no_pattern_of_a_selector_takes_long(checkout: Checkout):
    labels = {f"l{number}": "a" * 200 for number in range(20)}
    where = " and ".join(f"l{number} ~ {'*a' * 20}*b" for number in range(20))
    target = {"postgres": "host=a", "labels": labels}
    checkout.write(
        {"desired/t.yaml": json.dumps({"targets": {"a": target}}), "desired/x.yaml": f"target: {{where: '{where}'}}\n"}
    )
    assert "no target is selected" in refused(checkout.run("validate", env={}))


def test_a_label_that_is_called_env_or_file_is_no_reference_to_a_secret(checkout: Checkout):
    """`{env: prod}` alone looks like one."""
    checkout.write(
        {
            "desired/t.yaml": "targets:\n  a: {postgres: host=a, labels: {env: prod}}\n"
            "  b: {redis: 'redis://b', labels: {file: ../outside/secret}}\n"
        }
    )
    checkout.write(
        {
            "desired/u.yaml": OWN.replace(', note: "${note}"', "") % "rows.yaml",
            "desired/rows.yaml": "- {name: x, url: host=x}\n- {name: y, url: host=y}\n",
        }
    )
    checkout.write({"desired/x.yaml": "target: a\nsettings: {work_mem: 64MB, search_path: elsewhere}\n"})
    env = {"prod": "elsewhere"}
    secrets = Secrets(env, Reach(variables={}))
    found = load(checkout.desired, KINDS, env, secrets)
    assert {name: dict(each.labels) for name, each in found.targets.items()} == {
        "a": {"env": "prod"}, "b": {"file": "../outside/secret"}, "x": {"env": "prod"}, "y": {"env": "prod"},
    }  # fmt: skip
    assert secrets.redact(f"elsewhere {SECRET}") == f"elsewhere {SECRET}"


# --- The catalogue: what its query may run ----------------------------------------------------------------------------

CATALOGUE = """\
targets:
  catalogue: {postgres: "${CATALOGUE}"}
  tenants:
    each: {query: %s, target: catalogue}
    postgres: "${url}"
"""
STRANGE = {
    "a function of hers": "select name, evil.url(name) as url from tenants",
    "a view of hers": "select name, url from evil.tenants",
    "an operator of hers": "select name, name operator(evil.||) name as url from tenants",
}


@pytest.mark.parametrize("query", STRANGE.values(), ids=STRANGE)
def test_a_query_of_the_runner_runs_no_code_of_a_stranger(checkout: Checkout, query, database, sql, mallory, marks):
    sql.execute("create table tenants (name text, url text)")
    sql.execute("insert into tenants values ('a', 'host=a')")
    sql.execute("grant select on tenants to public")
    mallory.execute("create function evil.url(text) returns text language plpgsql immutable as "
                    "$$ begin raise log 'mark: %', current_user; return 'host=a'; end $$")  # fmt: skip
    mallory.execute("create operator evil.|| (function = evil.both, leftarg = text, rightarg = text)"
                    .replace("evil.both", "pg_catalog.textcat"))  # fmt: skip
    mallory.execute("create function evil.both(text, text) returns text language sql immutable as "
                    "'select evil.url($1)'")  # fmt: skip
    mallory.execute("drop operator evil.|| (text, text)")
    mallory.execute("create operator evil.|| (function = evil.both, leftarg = text, rightarg = text)")
    mallory.execute("create view evil.tenants as select name, evil.url(name) as url from public.tenants")
    (checkout.root / "targets.yaml").write_text(CATALOGUE % json.dumps(query))
    env = {"CATALOGUE": database}
    with pytest.raises(DesiredError, match="the query on catalogue was not run: "):
        load(checkout.desired, KINDS, env, Secrets(env, Reach(targets=checkout.root / "targets.yaml")))
    assert marks(sql.info.user) == []
