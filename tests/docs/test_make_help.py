"""`make help` tells every target, and `make` alone tells the same and starts nothing."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from docs.pages import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z-]+):", MAKEFILE, re.M)


def said(*arguments: str) -> list[str]:
    """What make prints; of its own, though these tests may be run by another one."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    }
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_every_target_is_told_with_what_it_does():
    told = [re.fullmatch(r"make ([a-z-]+) +(\S.*)", line) for line in said("help")]
    assert [line[1] for line in told] == TARGETS, "write ## and what it does behind the target"
    assert len(TARGETS) > 10


def test_make_alone_says_what_there_is():
    assert said() == said("help")


@pytest.mark.parametrize("target", TARGETS)
def test_no_target_is_taken_for_a_file(target):
    assert target in re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.M)[1].split()


def test_the_help_fits_a_terminal():
    assert max(map(len, said("help"))) <= 110
