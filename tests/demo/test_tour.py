"""The tour of `reconciler demo` goes its whole way, and what it needs to be allowed it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.demo.tour import HAZARDS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.usefixtures("folder")
def test_the_tour_ends_where_it_should(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "demo"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, done.stderr)
    assert "All as declared again." in done.stdout
    needed = f"Apply needs {' '.join(f'--allow {hazard}' for hazard in HAZARDS)}."
    assert needed in done.stdout
