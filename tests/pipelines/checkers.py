"""What others have written to check files of pipelines, run without network: each where it is installed.

`pip install .[dev]` brings all of them but hadolint and ShellCheck. `make test` has none, so what asks them is
`thorough`.

Decided: docs/decisions.md#checkers-of-pipelines
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def complaints(program: str, *arguments: str | Path) -> str:
    """What a checker says where it ends with anything but 0, else nothing. Skips the test where there is no such
    checker."""
    beside = Path(sys.executable).parent
    found = shutil.which(program, path=str(beside)) or shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [found, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else f"{done.returncode}: {done.stdout}{done.stderr}"


needs_programs = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "git", "jq", "ssh-keygen"))),
    reason="bash, git, jq or ssh-keygen is not installed",
)
"""What runners have, and not every machine of a user."""
