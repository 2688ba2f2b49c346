"""The benchmarks run: nobody looks at them from day to day, and the product changes under them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.thorough
@pytest.mark.usefixtures("folder")  # it starts servers of its own
def test_the_table_of_speed_is_made():
    """On a catalogue that is too small to measure anything. Seen to fail while the seed's plan asked for a permission
    that the benchmark did not give."""
    program = [sys.executable, BENCHMARKS / "speed.py", "--runs", "1", "--tables", "2"]
    environment = os.environ | {"PYTHONPATH": str(BENCHMARKS.parent)}
    done = subprocess.run(program, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = done.stdout.splitlines()
    assert len(rows) == 14, done.stdout
    assert rows[7].startswith("| plan, 20 indexes |")
