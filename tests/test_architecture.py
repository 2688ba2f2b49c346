"""The house: who may import whom, and what is not loaded before it is needed.

Decided: docs/decisions.md#layers, docs/decisions.md#dependencies-of-development
"""

from __future__ import annotations

import ast
import inspect
import logging.config
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from reconciler.formulas.units import POSTGRES_MEMORY, POSTGRES_TIME, REDIS_MEMORY
from reconciler.kinds.registry import BY_NAME, KINDS
from reconciler.model import System

PACKAGE = Path(__file__).parents[1] / "reconciler"


def test_imports_go_down_only(capsys, monkeypatch):
    # It sets up logging for a process of its own: our loggers would be off for all tests that come after.
    monkeypatch.setattr(logging.config, "dictConfig", lambda _: None)
    assert lint_imports(config_filename=str(PACKAGE.parent / "pyproject.toml")) == EXIT_STATUS_SUCCESS


FENCES = [
    # (a module, an import that is added to it, the rule that it breaks; empty: none)
    ("kinds/toy/__init__.py", "from reconciler.kind import Kind", ""),
    ("kinds/toy/__init__.py", "from reconciler.kind.importing import Imports", ""),
    ("kinds/toy/__init__.py", "from reconciler.kinds.pg_index import KIND", "Kinds do not know each other"),
    ("kinds/pg_index/model.py", "from reconciler.kinds import toy", "Kinds do not know each other"),
    ("planning/order.py", "from reconciler.kinds import toy", "Kinds are reached through the registry"),
    ("reports/labels.py", "from reconciler.kinds.pg_setting import model", "Kinds are reached through the registry"),
    (
        "applying/batches.py",
        "from reconciler.kinds.check.kind import CheckKind",
        "Kinds are reached through the registry",
    ),
    ("insight/candidate.py", "from reconciler.kind import Kind", "Imports go down only"),
    (
        "kinds/pg_setting/values/units.py",
        "from reconciler.kinds.pg_setting.risk import table",
        "The wings of pg_setting",
    ),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("module", "added", "broken"), FENCES)
def test_a_kind_that_is_added_is_fenced_in_by_no_line_of_its_own(tmp_path, module, added, broken):
    """No list names the kinds: one that somebody adds is held to the rules of all."""
    shutil.copytree(PACKAGE, tmp_path / "reconciler", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PACKAGE.parent / "pyproject.toml", tmp_path)
    toy = tmp_path / "reconciler" / "kinds" / "toy"
    toy.mkdir()
    (toy / "__init__.py").touch()
    with (tmp_path / "reconciler" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{added}\n")
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.findall(r"^(.*) BROKEN", done.stdout, re.MULTILINE)
    assert [name.startswith(broken) for name in found] == ([True] if broken else []), done.stdout + done.stderr


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, the first of them once more at its end; none: empty."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_no_modules_import_each_other_in_a_circle():
    """Seen to fail on progress, execute and append_only, on the lock and those of the two systems, and on a session and
    what it is made of.

    Imports inside of functions count as well, and those for type checkers: who reads one has to read the other."""
    graph = grimp.build_graph("reconciler", cache_dir=None)
    found = circle({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    assert not found, " imports ".join(found)


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) in (["b", "c", "b"], ["c", "b", "c"])


@pytest.fixture(scope="module")
def loaded_by_the_help() -> set[str]:
    program = "import sys; from reconciler.cli.app import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(done.stderr.split())


NOT_FOR_HELP = (
    "psycopg", "redis", "httpx", "yaml", "deepdiff", "postgast", "rich", "pydantic", "jinja2",
    "reconciler.cli.logs", "reconciler.model",
)  # fmt: skip


@pytest.mark.parametrize("module", NOT_FOR_HELP)
def test_the_help_loads_nothing_heavy(loaded_by_the_help, module):
    assert "reconciler.cli.app" in loaded_by_the_help
    assert module not in loaded_by_the_help


def test_every_kind_has_a_folder_a_line_in_the_registry_and_tests():
    folders = {path.parent.name for path in (PACKAGE / "kinds").glob("*/__init__.py")}
    assert folders == {type(kind).__module__.split(".")[2] for kind in KINDS}
    assert folders <= {kind.name for kind in KINDS}
    assert folders <= {path.name for path in Path(__file__).parent.iterdir()}


def test_a_kind_is_written_for_the_sessions_of_its_system():
    """The registry holds kinds of any session: no type says that planning hands each one of those it asks for."""
    sessions = {System.POSTGRES: "PostgresSession", System.REDIS: "RedisSession", None: "AnySession"}
    asked = {
        (kind.name, name): inspect.signature(getattr(kind, name)).parameters["session"].annotation
        for kind in KINDS
        for name in ("observe", "advise", "written")
        if hasattr(kind, name)
    }
    assert asked == {(name, method): sessions[BY_NAME[name].system] for name, method in asked}


WORDY = re.compile(
    r"(?:.*_)?(?:answer|deviation|detail|error|hint|instruction|line|message|notice|primary|problem|reason|said|says|"
    r"statement|summary|tail|text|why|words)s?"
)
"""Names of what holds a sentence, or a statement."""

OF_TEXT = {
    "startswith",
    "endswith",
    "find",
    "index",
    "count",
    "removeprefix",
    "removesuffix",
    "partition",
    "rpartition",
}
OF_RE = {"search", "match", "fullmatch", "findall"}

GIVEN = {
    "demo/postgres_server.py: 'could not bind'": "PostgreSQL's log is all that is left of a start that failed",
    "yaml/syntax_errors.py: 'found character that cannot start any token'": "PyYAML tells problems in words alone",
    "yaml/syntax_errors.py: 'did not find expected key'": "PyYAML tells problems in words alone",
    "yaml/syntax_errors.py: \"did not find expected ',' or ']'\"": "PyYAML tells problems in words alone",
    "yaml/syntax_errors.py: \"did not find expected ',' or '}'\"": "PyYAML tells problems in words alone",
    "kinds/check/types/redis_user.py: 'not found'": "ACL DRYRUN answers ERR, whatever is wrong",
    "insight/workload/statement.py: ' FROM '": "shortens what is shown, as the parser spells it",
    "kinds/pg_index/definition/server_printing_faults.py: ' IS DOCUMENT'": "spares reading texts; their tokens decide",
    "kinds/pg_setting/observing/files.py: 'cannot be changed without restarting the server'": "it has no code",
    "kinds/pg_setting/observing/files.py: 'setting could not be applied'": "pg_file_settings has no code for it",
    "targets/redis/session.py: 'unknown command'": "a Redis answers ERR, as to all else",
    "targets/sql_tree.py: 'SELECT '": "the printer prints whole statements",
    "targets/redis/redis_conf.py: 'user '": "a line of an ACL file is made of such words",
}
"""Where nothing but words tells, and why."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def named_texts() -> dict[str, str]:
    """The constants of all modules that are one text."""
    return {
        name: text
        for _, tree in sources()
        for node in tree.body
        if isinstance(node, ast.Assign)
        for name, text in [(getattr(node.targets[0], "id", ""), getattr(node.value, "value", None))]
        if isinstance(text, str)
    }


def words(node: ast.AST, named: Mapping[str, str]) -> Iterator[str]:
    """The texts of more than one word, or with a call, in a constant, or in a tuple, list or set of constants."""
    for part in node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]:
        match part:
            case ast.Constant(value=str(text)):
                pass
            case ast.Name(id=name) | ast.Attribute(attr=name):
                text = named.get(name, "")
            case _:
                continue
        if re.search(r"\w\W*\s|\s\W*\w|\w\(", text):
            yield text


def is_wordy(node: ast.AST) -> bool:
    """Whether it is what holds a sentence: by its name, or since it is made of an error."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return bool(WORDY.fullmatch(name))
        case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
            return bool(WORDY.fullmatch(key)) or is_wordy(value)
        case ast.Subscript(value=value):
            return is_wordy(value)
        case ast.Call(func=ast.Name(id="str" | "repr"), args=[_]):
            return True
        case ast.Call(func=ast.Attribute(value=value, attr=name)):
            return is_wordy(value) or bool(WORDY.fullmatch(name))
        case ast.BoolOp(values=values):
            return any(map(is_wordy, values))
    return False


def decided_by_words(tree: ast.AST, named: Mapping[str, str]) -> Iterator[str]:
    """The texts that a sentence or a statement is searched for, or compared with."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, ops=ops, comparators=others):
                for one, sign, other in zip([left, *others], ops, others, strict=False):
                    if not isinstance(sign, ast.Eq | ast.NotEq | ast.In | ast.NotIn):
                        continue
                    if is_wordy(one):
                        yield from words(other, named)
                    if is_wordy(other):
                        yield from words(one, named)
            case ast.Call(func=ast.Attribute(value=value, attr=name), args=[first, *_]) if name in OF_TEXT:
                if is_wordy(value):
                    yield from words(first, named)
            case ast.Call(func=ast.Attribute(attr=name), args=[pattern, text, *_]) if name in OF_RE:
                if is_wordy(text):
                    yield from words(pattern, named)


def test_no_words_of_a_message_decide():
    """A meaning is a field with a type. Seen to fail on how the messages of settings that wait, the reasons of what is
    not persisted and the refusals of keys begin, and on a timeout of PostgreSQL in English."""
    named = named_texts()
    found = [f"{file}: {text!r}" for file, tree in sources() for text in decided_by_words(tree, named)]
    assert [each for each in found if each not in GIVEN] == []
    assert set(GIVEN) <= set(found), "what is allowed here is no longer done"


@pytest.mark.parametrize(
    "code",
    [
        "'due to statement timeout' in failure.message",
        "str(error) == 'not there'",
        "change.reason.startswith(('running, not persisted', 'persisted, not running'))",
        "entry['error'] not in (None, 'setting could not be applied')",
        "re.search('unexpected keyword', str(error))",
        "'still starting' in problem",
        "' on only ' in text",
        "any('pg_reload_conf()' in statement for statement in step.statements)",
        "one.message.startswith(ledger.WAITS)",
        "(entry['error'] or '').endswith('was removed')",
    ],
)
def test_a_condition_on_words_is_seen(code):
    assert list(decided_by_words(ast.parse(code), {"WAITS": "waits for a restart"}))


@pytest.mark.parametrize(
    "code",
    [
        "observed.source == 'command line'",
        "said == CODE",
        "error.sqlstate == '42501'",
        "text == 'yes'",
        "'a b' in allowed",
    ],
)
def test_a_condition_on_a_code_is_none(code):
    assert not list(decided_by_words(ast.parse(code), {"CODE": "42501"}))


UNITS_OF_AMOUNTS = {unit.lower() for table in (POSTGRES_MEMORY, POSTGRES_TIME, REDIS_MEMORY) for unit in table}


def tables_of_units(tree: ast.Module) -> Iterator[int]:
    """The lines of mappings from two units or more to what each is."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Dict):
            continue
        keys = {key.value.lower() for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
        words = all(isinstance(value, ast.Constant) and isinstance(value.value, str) for value in node.values)
        units = UNITS_OF_AMOUNTS & keys
        if len(units) > 1 and max(map(len, units)) > 1 and not words:  # d and b alone are letters of much else
            yield node.lineno


def test_units_stand_in_one_table_each():
    """Seen to fail on nine tables: of PostgreSQL's memory and time, and of Redis's memory, wherever one was needed."""
    assert {file for file, tree in sources() if list(tables_of_units(tree))} == {"formulas/units.py"}


@pytest.mark.parametrize("code", ['{"kB": 1024, "MB": 1024**2}', 'x = {"d": timedelta(days=1), "min": 1}'])
def test_another_table_of_units_is_seen(code):
    assert list(tables_of_units(ast.parse(code)))


OF_OTHERS = {"patroni/postgresql/config.py", "ha.py"}
"""Files of Patroni, which comments name."""


def files_named_in(text: str) -> set[str]:
    """The names of Python files in comments, docstrings and pages."""
    return set(re.findall(r"(?<![\w./-])((?:\w+/)*\w+\.py)\b", text)) - OF_OTHERS


def test_every_file_that_is_named_is_there():
    root = Path(__file__).parents[1]
    there = [f"/{path.relative_to(root)}" for room in ("reconciler", "tests", "benchmarks", "docs")
             for path in (root / room).rglob("*.py")]  # fmt: skip
    missing = {
        f"{path.relative_to(root)}: {name}"
        for path in [*(root / "reconciler").rglob("*.py"), *(root / "docs").glob("*.md")]
        for name in files_named_in(path.read_text(encoding="utf-8"))
        if not any(each.endswith(f"/{name}") for each in there)
    }
    assert missing == set()


def test_a_file_that_is_gone_is_seen():
    assert files_named_in("as in `planning/gone.py`, and not ha.py") == {"planning/gone.py"}
