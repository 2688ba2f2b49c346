"""Runs a command while every core is busy with something else: what passes only on a fast machine shows itself.

    python tests/under_load.py [--loops 3] COMMAND …

Each loop takes one share of a core, so that with three of them per core the command has about a quarter of the machine.
They end with the command, or after an hour, whatever becomes of this program.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

LOOP = """
import os, time
parent, end = os.getppid(), time.monotonic() + 3600
while time.monotonic() < end and os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs a command while every core is busy.")
    parser.add_argument("--loops", type=int, default=3, help="busy loops for each core (3)")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    loops = [subprocess.Popen([sys.executable, "-S", "-c", LOOP]) for _ in range(chosen.loops * cores)]
    try:
        return subprocess.run(chosen.command, check=False).returncode
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


if __name__ == "__main__":
    sys.exit(main())
