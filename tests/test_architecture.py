"""The house: who may import whom, and what is not loaded before it is needed.

Decided: docs/decisions.md#layers, docs/decisions.md#dependencies-of-development
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from reconciler.kinds.registry import KINDS

PACKAGE = Path(__file__).parents[1] / "reconciler"


def test_imports_go_down_only(capsys):
    assert lint_imports(config_filename=str(PACKAGE.parent / "pyproject.toml")) == EXIT_STATUS_SUCCESS


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
