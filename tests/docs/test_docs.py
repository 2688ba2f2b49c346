"""What the documentation says is so: its YAML loads, its commands parse, what is generated is up to date."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest
import yaml
from docs.pages import ROOT, Block, anchors, blocks, commands, generate, marked, scripts
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from reconciler import __version__
from reconciler.cli.app import VERBS, reconciler
from reconciler.desired.load import load
from reconciler.kinds.registry import KINDS
from reconciler.secrets import Secrets

ENV = {"DATABASE_URL": "postgresql://app@localhost:5432/app", "REDIS_URL": "redis://localhost:6379"}
TARGETS = """\
targets:
  main: {postgres: "${DATABASE_URL}", memory: 16GB}
  cache: {redis: "${REDIS_URL}", memory: 8GB}
  app: {http: "${APP_URL:-}"}
"""
PAGES = [str(page.relative_to(ROOT)) for page in generate.pages()]


def at(block: Block) -> str:
    return block.at


def verb_command(name: str) -> click.Command:
    return reconciler.get_command(click.Context(reconciler), name)


@pytest.mark.parametrize("page", PAGES)
def test_help_texts_are_up_to_date(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    # Another version of click may wrap lines elsewhere.
    assert text.split() == generate.updated(text).split(), "run: make docs"


def test_a_help_text_that_is_out_of_date_is_seen():
    stale = "<!-- help:plan -->\nsomething of yesterday\n<!-- /help -->"
    assert generate.updated(stale) != stale
    assert "--detailed-exitcode" in generate.updated(stale)


def test_the_json_schema_is_up_to_date():
    schema = json.loads(generate.SCHEMA.read_text(encoding="utf-8"))
    assert schema == json.loads(generate.schema()), "run: make docs"


def test_the_schema_of_events_is_up_to_date():
    schema = json.loads(generate.EVENTS.read_text(encoding="utf-8"))
    assert schema == json.loads(generate.schema_of_events()), "run: make docs"


@pytest.mark.parametrize(
    ("published", "made"), [(generate.PLAN, generate.schema_of_plans), (generate.RECEIPT, generate.schema_of_receipts)]
)
def test_the_schemas_of_plans_and_receipts_are_up_to_date(published, made):
    assert json.loads(published.read_text(encoding="utf-8")) == json.loads(made()), "run: make docs"


def test_every_event_is_documented_with_its_fields():
    page = (ROOT / "docs/machines.md").read_text(encoding="utf-8")
    text = page.partition("## Plans and receipts")[0]
    rows = {found[1]: found[0] for found in re.finditer(r"^\| `([a-z]+)` \|.+$", text, re.M)}
    del rows["type"]  # the heading
    schema = json.loads(generate.schema_of_events())
    alike = {"type", "at", "format_version"}
    for reference in schema["oneOf"]:
        event = schema["$defs"][reference["$ref"].rpartition("/")[2]]
        row = rows.pop(event["properties"]["type"]["const"])
        assert [field for field in event["properties"] if field not in alike and f"`{field}`" not in row] == []
    assert not rows


def exit_codes(text: str) -> set[str]:
    """The numbers of one digit that begin what an exit code means."""
    return set(re.findall(r"(?<![\w-])([0-9])(?![\w-])", text))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_documented_with_its_exit_codes(verb):
    rows = re.findall(rf"^\| `{verb}` \| (.+?) \| (.+?) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    assert len(rows) == 1
    promised = verb_command(verb).help.partition("Exit codes:")[2]
    assert exit_codes(promised), f"{verb} --help names no exit codes"
    assert exit_codes(rows[0][1]) == exit_codes(promised)
    assert f"<!-- help:{verb} -->" in (ROOT / "docs/command-line.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", blocks("yaml"), ids=at)
def test_yaml_loads(block, tmp_path):
    (tmp_path / "block.yaml").write_text(block.text, encoding="utf-8")
    if "targets:" not in block.text:
        (tmp_path / "targets.yaml").write_text(TARGETS, encoding="utf-8")
    if "tenants.csv" in block.text:
        (tmp_path / "tenants.csv").write_text(marked("tenants"), encoding="utf-8")
    loaded = load(tmp_path, KINDS, ENV, Secrets(ENV))
    assert loaded.resources or loaded.targets
    assert_fits_the_schema(block.text)


def assert_fits_the_schema(text: str) -> None:
    validator = Draft202012Validator(json.loads(generate.SCHEMA.read_text(encoding="utf-8")))
    for document in yaml.load_all(text, Editor):
        assert [error.message for error in validator.iter_errors(document)] == []


class Editor(yaml.SafeLoader):
    """As editors read it: YAML 1.2, where `on` and `yes` are text, and without dates, which JSON does not have."""


Editor.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(("timestamp", "bool"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Editor.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))

DESIRED = sorted(path.relative_to(ROOT) for path in (ROOT / "desired").rglob("*.yaml"))


@pytest.mark.parametrize("path", DESIRED, ids=str)
def test_the_example_fits_the_schema_that_it_names(path: Path):
    text = (ROOT / path).read_text(encoding="utf-8")
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert named, "its first line names no schema"
    assert ((ROOT / path).parent / named[1]).resolve() == generate.SCHEMA
    assert_fits_the_schema(text)


def calls(program: str) -> list[tuple[str, list[str]]]:
    return [(script.at, arguments) for script in scripts() for arguments in commands(script.text, program)]


def parse(arguments: list[str]) -> None:
    """Parses as the program would, and runs nothing."""
    place = next(index for index, word in enumerate(arguments) if word in VERBS)
    group = reconciler.make_context("reconciler", arguments[: place + 1])
    verb_command(arguments[place]).make_context(arguments[place], arguments[place + 1 :], parent=group)


@pytest.mark.parametrize(("where", "arguments"), calls("reconciler"), ids=lambda value: " ".join(value)[:60])
def test_commands_parse(where, arguments):
    parse(arguments)


@pytest.mark.parametrize("arguments", [["plan", "--ot", "x"], ["show", "a", "b"], ["plan", "--format", "pdf"]])
def test_commands_that_do_not_exist_would_be_seen(arguments):
    with pytest.raises(click.UsageError):
        parse(arguments)


def test_the_commands_of_the_road_are_among_those_that_are_tried():
    verbs = {word for _, arguments in calls("reconciler") for word in arguments if word in VERBS}
    assert {"validate", "plan", "apply", "drift"} <= verbs


@pytest.mark.parametrize(("where", "arguments"), calls("make"), ids=lambda value: " ".join(value)[:60])
def test_make_targets_exist(where, arguments):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert arguments[0] in targets


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    tokens = MarkdownIt().enable("table").parse((ROOT / page).read_text(encoding="utf-8"))
    for token in (child for each in tokens for child in each.children or () if child.type == "link_open"):
        path, _, anchor = token.attrs["href"].partition("#")
        if "://" in path:
            continue
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), token.attrs["href"]
        assert not anchor or anchor in anchors(target), token.attrs["href"]


def test_the_changelog_names_this_version():
    versions = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert versions[0] == __version__


def test_the_picture_of_a_plan_has_the_form_of_one():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    picture = re.search(r"<!-- picture -->\n```text\n(.*?)```", readme, re.DOTALL)[1]
    golden = (ROOT / "tests/views/golden/plan.txt").read_text(encoding="utf-8")
    for form in [
        r"(?m)^main +PostgreSQL [0-9.]+, app at \S+$|^main +PostgreSQL [0-9.]+, app at \S+ +cache",
        r"(?m)^  \+ main/pg_index/public\.tasks_queue_idx",
        r"      create index concurrently tasks_queue_idx on public\.tasks ",
        r"(?m)^  ~ main/pg_setting/work_mem +4MB → 16MB",
        r"      alter system set work_mem = '16MB'; …\n",
        r"(?m)^… of pg_setting is: select (?:pg_catalog\.)?pg_reload_conf\(\)$",
        r"(?m)^  ✗ main/check/pg-slow-log +log_min_duration_statement is off; wanted at most 250ms$",
        r"(?m)^  ~ cache/redis_setting/maxmemory +0 → 6GB(?: +75% of memory \(8GB\))?$",
        r"(?m)^Plan: \d+ to create, .*\d+ to change, \d+ to drop\.$",
    ]:
        assert re.search(form, picture), form
        assert re.search(form, golden), form
