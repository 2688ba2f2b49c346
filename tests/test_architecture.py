"""The house: who may import whom, and what is not loaded before it is needed."""

from __future__ import annotations

import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from reconciler.kinds.registry import KINDS

PACKAGE = Path(__file__).parents[1] / "reconciler"


def test_imports_go_down_only(capsys):
    assert lint_imports(config_filename=str(PACKAGE.parent / "pyproject.toml")) == EXIT_STATUS_SUCCESS


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, the first of them once more at its end; none: empty."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_no_modules_import_each_other_in_a_circle():
    """Seen to fail on progress, execute and append_only, and on the lock and those of the two systems.

    Imports inside of functions count as well: they are run. Those for type checkers are not."""
    graph = grimp.build_graph("reconciler", exclude_type_checking_imports=True, cache_dir=None)
    found = circle({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    assert not found, " imports ".join(found)


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) in (["b", "c", "b"], ["c", "b", "c"])


@pytest.mark.parametrize("module", ["psycopg", "redis", "httpx", "yaml", "deepdiff", "postgast", "rich"])
def test_the_help_loads_nothing_heavy(module):
    program = (
        "import sys; from reconciler.cli.app import run; run(['--help']); "
        f"sys.exit({module!r} in sys.modules and 'loaded {module}')"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_every_kind_has_a_folder_a_line_in_the_registry_and_tests():
    folders = {path.parent.name for path in (PACKAGE / "kinds").glob("*/__init__.py")}
    assert folders == {type(kind).__module__.split(".")[2] for kind in KINDS}
    assert folders <= {kind.name for kind in KINDS}
    assert folders <= {path.name for path in Path(__file__).parent.iterdir()}
