"""docs/faults.md names tests that exist, and every fault test is in it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/faults.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/\S+?\.py)::(\w+)`", TEXT)


def defined(path: Path) -> set[str]:
    return set(re.findall(r"^ *def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_test_that_the_table_names_exists():
    assert len(NAMED) > 20
    assert [f"{path}::{name}" for path, name in NAMED if name not in defined(ROOT / path)] == []


def test_every_row_names_a_test():
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| fault")]
    assert len(rows) > 15
    assert [row for row in rows if "::test_" not in row.rsplit(" | ", 1)[1]] == []


def test_every_fault_test_is_in_the_table():
    here = {
        (f"tests/faults/{path.name}", name)
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name != Path(__file__).name
        for name in defined(path)
    }
    assert here - set(NAMED) == set()
