"""Targets of templates: what is made of rows, and the very words that refuse what cannot be one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import NamedTuple

import psutil
import pytest
from desired.reading import load_files, load_refused
from desired.standin_kinds import INDEXES, KINDS
from hypothesis import given
from hypothesis import strategies as st
from waiting import PATIENCE, until

from reconciler.allow_lists import Reach, Use
from reconciler.desired.each import command as commands
from reconciler.desired.each.csv_rows import csv_rows
from reconciler.desired.each.yaml_rows import yaml_rows
from reconciler.desired.load import load
from reconciler.desired.narrowing import EVERYTHING, Narrowing
from reconciler.errors import DesiredError, UsageError
from reconciler.secrets import Secrets

TEMPLATE = """\
targets:
  tenants:
    each: {file: tenants.csv}
    postgres: "${url}"
    memory: "${memory}"
    labels: {env: prod, region: "${region}"}
"""
CSV = """\
name,url,memory,region
a,postgresql://app:wh1spered@db1/a,16GB,eu
b,postgresql://app:sh0uted@db2/b,8GB,us
"""
SETTINGS = "target: {where: env = prod}\nsettings: {work_mem: 64MB}\n"


def folder(tmp_path):
    (tmp_path / ".git").mkdir(exist_ok=True)
    return tmp_path / "desired"


def seen(found):
    return {
        name: (target.url.get_secret_value(), target.memory, dict(target.labels))
        for name, target in found.targets.items()
    }


MADE = {
    "a": ("postgresql://app:wh1spered@db1/a", 16 << 30, {"env": "prod", "region": "eu"}),
    "b": ("postgresql://app:sh0uted@db2/b", 8 << 30, {"env": "prod", "region": "us"}),
}


def test_each_row_of_a_csv_file_is_a_target(tmp_path):
    found = load_files(folder(tmp_path), {"t.yaml": TEMPLATE, "tenants.csv": CSV, "x.yaml": SETTINGS})
    assert seen(found) == MADE
    assert [str(each.address) for each in found.resources] == ["a/pg_setting/work_mem", "b/pg_setting/work_mem"]


ROWS = """\
- {name: a, url: "postgresql://app:wh1spered@db1/a", memory: 16GB, region: eu}
- {name: b, url: "postgresql://app:sh0uted@db2/b", memory: 8GB, region: us}
"""


def test_so_is_each_mapping_of_a_list_which_is_no_document_of_its_own(tmp_path):
    template = TEMPLATE.replace("tenants.csv", "tenants.yaml")
    found = load_files(folder(tmp_path), {"t.yaml": template, "tenants.yaml": ROWS, "x.yaml": SETTINGS})
    assert seen(found) == MADE


def test_a_list_that_no_template_names_is_still_no_document(tmp_path):
    files = {"t.yaml": TEMPLATE, "tenants.csv": CSV, "other.yaml": ROWS}
    error = load_refused(folder(tmp_path), files)
    assert error == "other.yaml:1:1: expected a mapping with target, targets or a section, not a list"


def test_a_csv_file_of_a_spreadsheet_is_read(tmp_path):
    text = "\ufeff" + CSV.replace("\n", "\r\n").replace("eu\r\n", '"eu, west ""1"""\r\n\r\n')
    found = load_files(folder(tmp_path), {"t.yaml": TEMPLATE, "tenants.csv": text.encode()})
    assert found.targets["a"].labels["region"] == 'eu, west "1"'


def test_names_are_made_of_columns_and_variables_fill_in_the_rest(tmp_path):
    template = """\
    targets:
      all:
        each: {file: ../tenants.csv}
        name: "tenant-${id}"
        postgres: "postgresql://app:${PASSWORD}@${host}/app?x=$${y}"
        labels: {tier: "${tier:-none}"}
    """
    files = {"t.yaml": template, "../tenants.csv": "id,host,tier\n1,db1,gold\n2,db2,\n"}
    found = load_files(folder(tmp_path), files, env={"PASSWORD": "s3cret-of-all"})
    assert seen(found) == {
        "tenant-1": ("postgresql://app:s3cret-of-all@db1/app?x=${y}", None, {"tier": "gold"}),
        "tenant-2": ("postgresql://app:s3cret-of-all@db2/app?x=${y}", None, {"tier": "none"}),
    }


def test_what_a_section_declares_is_worked_out_once_for_all_targets_that_are_alike(tmp_path, monkeypatch):
    """Those whose memory differs may have other values of a formula."""
    rows = "".join(f"t{number},host=a,{8 + number % 2}GB,eu\n" for number in range(500))
    sections = "tables: {public.t: {indexes: {a: {columns: [a]}}}}\n"
    calls = []
    declare = INDEXES.declare
    monkeypatch.setattr(INDEXES, "declare", lambda declaration: calls.append(1) or declare(declaration))
    files = {"t.yaml": TEMPLATE, "tenants.csv": f"name,url,memory,region\n{rows}", "x.yaml": SETTINGS + sections}
    found = load_files(folder(tmp_path), files)
    assert len(found.resources) == 2 * 500
    assert len(calls) == 2
    assert [each.address.target for each in found.resources[:2]] == ["t0", "t2"]


def test_only_those_that_are_asked_for_are_looked_into(tmp_path):
    files = {"t.yaml": TEMPLATE, "tenants.csv": CSV.replace("postgresql://app:sh0", "mysql://x"), "x.yaml": SETTINGS}
    found = load_files(folder(tmp_path), files, only=Narrowing(("a",)))
    assert list(found.targets) == ["a"]
    assert {each.address.target for each in found.resources} == {"a"}


def test_passwords_of_rows_are_known_before_anything_is_held_against_them(tmp_path):
    early = 'targets: {first: {postgres: host=a, labels: {note: "sh0uted"}}}\n'
    error = load_refused(folder(tmp_path), {"a.yaml": early, "t.yaml": TEMPLATE, "tenants.csv": CSV})
    assert error.startswith("a.yaml:1:52: a password that is known is in this text")


def test_the_passwords_of_rows_are_blotted_out(tmp_path):
    home = folder(tmp_path)
    load_files(home, {"t.yaml": TEMPLATE, "tenants.csv": CSV})
    secrets = Secrets({})
    load(home, KINDS, {}, secrets)
    assert secrets.redact("wh1spered and sh0uted") == "(sensitive) and (sensitive)"


class Case(NamedTuple):
    reason: str
    error: str
    csv: str | bytes | None = CSV
    template: str = TEMPLATE
    env: dict[str, str] = {}


def of(**keys):
    """A template with these keys beside or instead of its own."""
    lines = {"each": "{file: tenants.csv}", "postgres": '"${url}"', **keys}
    return "targets:\n  tenants:\n" + "".join(f"    {key}: {value}\n" for key, value in lines.items() if value)


NAMES = "name,url\n{},host=a\n"
CASES = [
    Case(
        "no file",
        "t.yaml:3:11: the file tenants.csv does not exist\n"
        "  a path is relative to the folder of this YAML file: FOLDER",
        csv=None,
    ),
    Case(
        "an empty file",
        "tenants.csv:1:1: the file tenants.csv is empty\n  its first line names columns: name,url,region",
        csv="",
    ),
    Case(
        "a header alone",
        "tenants.csv:1:1: the file tenants.csv has no rows: there would be no target\n"
        "  remove the template, or add a row",
        csv="name,url,memory,region\n",
    ),
    Case(
        "no header: nothing of the line is said",
        "tenants.csv:1:1: column 2 has no name: expected letters, digits and _, without blanks around them\n"
        "  the first line names the columns, divided by commas: name,url,region",
        csv="a,postgresql://app:wh1spered@db1/a,16GB,eu\n",
    ),
    Case(
        "semicolons",
        "tenants.csv:1:1: column 1 has no name: expected letters, digits and _, without blanks around them\n"
        "  the first line names the columns, divided by commas: name,url,region",
        csv="name;url\na;host=a\n",
    ),
    Case(
        "two columns of one name",
        'tenants.csv:1:1: two columns are called "url"\n  rename one of them',
        csv="name,url,url\na,b,c\n",
    ),
    Case(
        "rows that are uneven",
        "tenants.csv:3:1: this row has 3 values, and the header 4 columns\n"
        '  put a value that holds a comma between quotes: "a,b"',
        csv=CSV.replace(",us", ""),
    ),
    Case(
        "a quote that is not closed",
        "tenants.csv:3:1: this is not CSV: a quote is not closed, or stands inside of a value, or a value is longer"
        ' than 131,072 letters\n  a value with quotes is written "so ""quoted"""',
        csv=CSV.replace("b,post", 'b,"post'),
    ),
    Case(
        "another encoding",
        "tenants.csv:4:1: this is not UTF-8 text\n  save it as UTF-8: iconv -f LATIN1 -t UTF-8",
        csv=CSV.encode() + "ü,host=c,1GB,eu\n".encode("latin-1"),
    ),
    Case("a NUL", "tenants.csv:2:1: this is no text: it holds a NUL\n  save it as UTF-8", csv="name,url\na\0,host=a\n"),
    Case(
        "UTF-16",
        "tenants.csv:1:1: this is not UTF-8 text\n  save it as UTF-8: iconv -f LATIN1 -t UTF-8",
        csv=CSV.encode("utf-16"),
    ),
    Case(
        "a line break in a value",
        'tenants.csv:2:1: the value of the column "region" holds a line break, or another sign that cannot '
        "be printed (tenants.csv:2)\n  write it on one line",
        csv=CSV.replace(",eu", ',"eu\nwest"'),
    ),
    Case(
        "a reference in a value",
        'tenants.csv:2:1: the value of the column "region" holds ${ (tenants.csv:2)\n'
        "  values are never read again: write the value itself; %24%7B stands for ${ in a URL",
        csv=CSV.replace(",eu", ",${HOME}"),
        env={"HOME": "/root"},
    ),
    Case(
        "a column that is not there",
        't.yaml:6:33: unknown column "region"; did you mean "regoin"? (valid: name, url, memory, regoin)\n'
        "  the file tenants.csv has no such column, and the environment no such variable",
        csv=CSV.replace("region", "regoin"),
    ),
    Case(
        "a column that is a variable as well",
        "t.yaml:4:15: url is a column of the file tenants.csv, and a variable of the environment as well\n"
        "  rename the column, or unset url: neither wins",
        env={"url": "postgresql://elsewhere", "name": "not used by the template"},
    ),
    Case(
        "no column of the name",
        "t.yaml:3:11: the file tenants.csv has no column that is called name\n"
        '  say how its targets are called: name: "tenants-${id}"',
        csv=CSV.replace("name,", "id,"),
    ),
    Case(
        "two targets of one name",
        'tenants.csv:3:1: the target "a" is declared twice; the first one is at tenants.csv:2\n'
        "  remove or rename one of them",
        csv=CSV.replace("\nb,", "\na,"),
    ),
    Case(
        "a target of one name elsewhere",
        't.yaml:7:3: the target "b" is declared twice; the first one is at tenants.csv:3\n'
        "  remove or rename one of them",
        template=TEMPLATE + "  b: {postgres: host=b}\n",
    ),
    Case(
        "a name with a slash",
        'tenants.csv:2:1: the name of the target "a/b" holds a slash (tenants.csv:2)\n'
        "  a slash ends the target's name in an address",
        csv=NAMES.format("a/b"),
        template=of(),
    ),
    Case(
        "a name with an at sign",
        'tenants.csv:2:1: the name of the target "a@b" holds an at sign (tenants.csv:2)\n'
        "  an at sign stands before the name of a node in an address",
        csv=NAMES.format("a@b"),
        template=of(),
    ),
    *(
        Case(
            f"a name like {name}",
            f'tenants.csv:2:1: the name of the target "{name}" is none (tenants.csv:2)\n'
            "  expected at most 200 letters, digits and _ . + : -, beginning with a letter or a digit",
            csv=NAMES.format(name),
            template=of(),
        )
        for name in ("a*", "--targets", "a b", ".git")
    ),
    Case(
        "an empty name",
        "tenants.csv:2:1: the name of the target is empty (tenants.csv:2)\n"
        "  expected at most 200 letters, digits and _ . + : -, beginning with a letter or a digit",
        csv=NAMES.format(""),
        template=of(),
    ),
    Case(
        "a value that is none of its key: it is not repeated",
        "t.yaml:5:13: memory: an amount of memory is a number and a unit, like 16GB, 512MB or 1.5GB (tenants.csv:2)",
        csv=CSV.replace("16GB", "a lot of it"),
    ),
    Case(
        "a URL that is none",
        "t.yaml:4:15: a postgres URL begins with postgresql:// or postgres://; this one does not (tenants.csv:2)",
        csv="name,url\na,wh1spered@db1\n",
        template=of(),
    ),
    Case(
        "an empty URL",
        "t.yaml:4:15: the URL is empty (tenants.csv:2)\n  is the column empty?",
        csv="name,url\na,\n",
        template=of(),
    ),
    Case(
        "a URL in a label",
        "t.yaml:5:21: the column url holds a password, which people and servers would read here (tenants.csv:2)\n"
        "  a secret only stands in the URL of a target, or as a reference: {env: NAME} or {file: PATH}",
        csv="name,url\na,postgresql://u:p@h\n",
        template=of(labels='{where: "${url}"}'),
    ),
    Case(
        "a password in a name",
        "t.yaml:5:11: the column password holds a password, which people and servers would read here (tenants.csv:2)\n"
        "  a secret only stands in the URL of a target, or as a reference: {env: NAME} or {file: PATH}",
        csv="id,password\n1,pw\n",
        template=of(postgres='"postgresql://u:${password}@h"', name='"a-${password}"'),
    ),
    Case(
        "a file of another kind",
        "t.yaml:3:11: file: expected a file that ends in .csv, .yaml, .yml or .json",
        template=of(each="{file: tenants.txt}"),
    ),
    Case(
        "no source",
        't.yaml:3:11: each: expected a mapping {key: value}, not "tenants.csv"',
        template=of(each="tenants.csv"),
    ),
    Case(
        "an unknown source",
        't.yaml:3:12: unknown key "fil"; did you mean "file"? (valid: file)',
        template=of(each="{fil: x.csv}"),
    ),
    Case(
        "a name without rows",
        "t.yaml:1:11: a: a target is called by its key: `name` is for templates, with `each`",
        template="targets: {a: {postgres: host=a, name: b}}\n",
    ),
    Case(
        "a row of YAML that lacks a key",
        'tenants.yaml:2:3: this row lacks "url"\n  all rows have the same keys; "" is a value, too',
        csv=None,
        template=of(each="{file: tenants.yaml}"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_a_wrong_row_is_refused_in_plain_words(case, tmp_path):
    files = {"t.yaml": case.template} | ({} if case.csv is None else {"tenants.csv": case.csv})
    if "tenants.yaml" in case.template:
        files["tenants.yaml"] = "- {name: a, url: host=a}\n- {name: b}\n"
    assert load_refused(folder(tmp_path), files, env=case.env) == case.error


def test_a_list_in_yaml_with_a_wrong_end_is_an_error_once(tmp_path):
    files = {"t.yaml": of(each="{file: tenants.yaml}"), "tenants.yaml": "- {name: a\n"}
    assert load_refused(folder(tmp_path), files).count("tenants.yaml") == 1


@given(st.binary(max_size=200) | st.text(alphabet="name,url\n\r\"'é;", max_size=60).map(str.encode))
def test_any_bytes_are_rows_or_refused_at_a_place(data):
    for reader in (csv_rows, yaml_rows):
        try:
            rows = reader(data, "the file x", "x", "x").rows
            places = [row.at for row in rows]
            assert len({tuple(row.values) for row in rows}) == 1
        except DesiredError as error:
            places = [error.at]
        assert all(place.startswith("x:") for place in places)


# --- What only the file of --targets may ask ------------------------------------------------------------------------


def by_command(tmp_path, program, *, env=None, offline=False, only=EVERYTHING, more="", documents=SETTINGS):
    """What is loaded where the runner's own file has a command for its targets."""
    home = folder(tmp_path)
    home.mkdir(exist_ok=True)
    (home / "x.yaml").write_text(documents)
    targets = tmp_path / "targets.yaml"
    command = "\n".join(f"      - {json.dumps(word)}" for word in program)
    template = TEMPLATE.replace("    each: {file: tenants.csv}\n", f"    each:\n     command:\n{command}\n")
    targets.write_text(template + more)
    secrets = Secrets(env or {}, Reach(targets=targets))
    return load(home, KINDS, env or {}, secrets, offline=offline, only=only)


def refused_command(tmp_path, program, **options):
    with pytest.raises(DesiredError) as refused:
        by_command(tmp_path, program, **options)
    return str(refused.value).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize("text", [CSV, ROWS], ids=["CSV", "YAML"])
def test_a_command_of_the_runners_file_prints_rows(tmp_path, text):
    (tmp_path / "rows").write_text(text)
    assert seen(by_command(tmp_path, ["cat", str(tmp_path / "rows")])) == MADE


NOT_ROWS = [
    (
        "it fails",
        ["sh", "-c", "echo first >&2; echo no token >&2; exit 3"],
        'the command "sh" exited with 3\n  no token',
    ),
    (
        "it is killed",
        ["sh", "-c", "kill -9 $$"],
        'the command "sh" was ended by signal 9\n  it said nothing on standard error',
    ),
    (
        "there is none",
        ["/no/such"],
        'the command "/no/such" could not be run: No such file or directory\n  it is run without a shell',
    ),
    (
        "it prints nothing",
        ["true"],
        "what the command printed cannot be read: line 1: the command is empty",
    ),
    (
        "it prints garbage, which may be anything",
        ["printf", r"\377\376hunter2-the-token"],
        "what the command printed cannot be read: line 1: this is not UTF-8 text",
    ),
    (
        "it prints a page of HTML",
        ["echo", "<html>hunter2-the-token</html>"],
        "what the command printed cannot be read: line 1: column 1 has no name: expected letters, digits and _, "
        "without blanks around them",
    ),
    (
        "it prints half a list",
        ["echo", "[{name: a, url: hunter2-the-token"],
        "what the command printed cannot be read: line 2: this is no list of mappings",
    ),
]


@pytest.mark.parametrize(("command", "said"), [case[1:] for case in NOT_ROWS], ids=[case[0] for case in NOT_ROWS])
def test_a_command_that_prints_no_rows_is_an_error_that_repeats_nothing(tmp_path, command, said):
    error = refused_command(tmp_path, command)
    assert error == f"targets.yaml:4:6: {said}"
    assert "hunter2" not in error


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "SECONDS", 0.3)
    pid = tmp_path / "pid"
    error = refused_command(tmp_path, ["sh", "-c", f"sleep 600 & echo $! > {pid}; wait"])
    assert error == (
        'targets.yaml:4:6: the command "sh" did not end within 0 s, and was ended\n'
        "  it gets no input: does it ask for a password?"
    )
    child = int(pid.read_text())
    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie", "the end of its child")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_ends_a_verb_ends_the_command_that_it_waits_for(tmp_path, number):
    """Before, a job that was cancelled (SIGTERM) left it to itself, for as long as it liked."""
    pid = tmp_path / "pid"
    command = json.dumps(["sh", "-c", f"echo $$ > {pid}.new; mv {pid}.new {pid}; sleep 600"])
    (tmp_path / "targets.yaml").write_text(f"targets:\n  a: {{each: {{command: {command}}}, postgres: '${{url}}'}}\n")
    (tmp_path / "desired").mkdir()
    verb = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "--targets", "targets.yaml", "drift"],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    until(pid.exists, "the command")
    child = int(pid.read_text())
    verb.send_signal(number)
    assert verb.wait(PATIENCE) == (1 if number is signal.SIGINT else -number)
    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie", "the end of the command")


def test_what_a_command_prints_is_not_believed_while_something_may_print_more(tmp_path, monkeypatch):
    """Before, after a minute without a word, the rows until then were all there are."""
    monkeypatch.setattr(commands, "SECONDS", 1.0)
    pid = tmp_path / "pid"
    error = refused_command(tmp_path, ["sh", "-c", f"echo name,url; echo a,host=a; sleep 600 & echo $! > {pid}"])
    assert error == (
        'targets.yaml:4:6: the command "sh" has ended, and what it started still held its output after 1 s\n'
        "  start it with its output elsewhere: >/dev/null 2>&1"
    )
    child = int(pid.read_text())
    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie", "the end of its child")


def test_a_command_that_never_stops_printing_is_ended(tmp_path):
    assert refused_command(tmp_path, ["yes", "name,url"]) == (
        'targets.yaml:4:6: the command "yes" printed more than 8 MB, and was ended'
    )


def test_validate_runs_no_command_and_says_so(tmp_path):
    mark = tmp_path / "ran"
    found = by_command(tmp_path, ["touch", str(mark)], offline=True)
    assert not mark.exists()
    assert found.targets == {}
    assert [(each.name, each.source, each.at.rpartition("/")[2]) for each in found.unseen] == [
        ("tenants", "the command", "targets.yaml:2:3")
    ]


UNSEEN = [
    ("target: tenant-7\nsettings: {work_mem: [1]}\n", "x.yaml:2:12: work_mem: expected"),
    ("target: {where: region = eu}\nsettings: {work_mem: [1]}\n", "x.yaml:2:12: work_mem: expected"),
    (
        "target: {where: regoin = eu}\nsettings: {work_mem: 1MB}\n",
        'x.yaml:1:17: where: unknown label "regoin"; did you mean "region"?',
    ),
    ("target: [a, b]\nusers: {}\n", 'x.yaml:2:1: the section "users" is for targets of redis'),
]  # fmt: skip


@pytest.mark.parametrize(("documents", "said"), UNSEEN)
def test_what_is_declared_for_targets_that_are_not_seen_is_checked_as_far_as_it_goes(tmp_path, documents, said):
    error = refused_command(tmp_path, ["false"], offline=True, documents=documents)
    assert error.removeprefix("desired/").startswith(said)


def test_a_template_that_is_wrong_is_refused_without_its_rows(tmp_path):
    error = refused_command(tmp_path, ["false"], offline=True, more="    memroy: 1GB\n")
    assert error.startswith('targets.yaml:9:5: unknown key "memroy"; did you mean "memory"?')


def test_nobody_is_asked_where_a_run_is_about_other_targets(tmp_path):
    mark = tmp_path / "ran"
    found = by_command(
        tmp_path,
        ["touch", str(mark)],
        only=Narrowing(("main",)),
        more="  main: {postgres: host=a, labels: {env: prod}}\n",
    )
    assert list(found.targets) == ["main"]
    assert not mark.exists()


def test_no_server_is_asked_in_the_place_of_one_whose_url_is_missing(tmp_path, monkeypatch):
    """Seen to fail: without the variable the URL was empty, and the query went to the server of libpq's defaults."""

    def asked(*_):
        raise AssertionError("a server was asked")

    monkeypatch.setattr("reconciler.desired.each.templates.rows_of_query", asked)
    (tmp_path / "desired").mkdir()
    targets = tmp_path / "targets.yaml"
    targets.write_text(
        """targets:
  catalogue: {postgres: "${CATALOGUE_URL}"}
  tenants: {each: {query: select 1, target: catalogue}, postgres: "${url}"}
"""
    )
    with pytest.raises(DesiredError) as refused:
        load(tmp_path / "desired", KINDS, {}, Secrets({}, Reach(targets=targets)))
    assert str(refused.value).replace(f"{tmp_path}/", "") == (
        "targets.yaml:2:25: the environment variable CATALOGUE_URL is not set\n"
        "  export CATALOGUE_URL=… or give a default: ${CATALOGUE_URL:-…}\n"
        'targets.yaml:3:19: the target "catalogue" cannot be asked: see its own error'
    )


def test_an_unknown_name_may_be_one_of_those_that_nobody_was_asked_for(tmp_path):
    with pytest.raises(UsageError) as refused:
        by_command(tmp_path, ["false"], offline=True, only=Narrowing(("tenant-7",)))
    assert refused.value.hint == "it may be one of tenants: nobody was asked for those"


LIMITS = [Reach(), Reach(variables={"TEAM": frozenset({Use.TEXT})}), Reach(files_below=())]
SOURCES = ["{command: [touch, /tmp/x]}", "{query: select 1, target: main}"]


@pytest.mark.parametrize("reach", LIMITS, ids=["nothing is limited", "variables", "files"])
@pytest.mark.parametrize("source", SOURCES, ids=["command", "query"])
@pytest.mark.parametrize("offline", [True, False], ids=["offline", "online"])
def test_documents_name_no_query_and_no_command(tmp_path, reach, source, offline, monkeypatch):
    monkeypatch.setattr(commands.subprocess, "Popen", None)
    home = folder(tmp_path)
    home.mkdir()
    (home / "t.yaml").write_text("targets:\n  main: {postgres: host=a}\n" + of(each=source).partition("\n")[2])
    with pytest.raises(DesiredError, match="is not for documents to name: it is only taken from the file of --targets"):
        load(home, KINDS, {}, Secrets({}, reach), offline=offline)
