"""docs/trust.md names tests that exist, and no file of attacks is left out."""

from __future__ import annotations

import re

from docs.pages import ROOT

TEXT = (ROOT / "docs/trust.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/\S+?\.py)?(?:::(\w+))?`", TEXT)


def test_every_test_that_the_tables_name_exists():
    missing, path = [], ""
    for named, test in NAMED:
        path = named or path  # `::test_…` alone is of the file before it
        if (named or test) and not (ROOT / path).is_file():
            missing.append(path)
        elif test and f"def {test}(" not in (ROOT / path).read_text(encoding="utf-8"):
            missing.append(f"{path}::{test}")
    assert missing == []
    assert len(NAMED) > 20


def test_every_file_of_attacks_is_in_a_table():
    told = TEXT + (ROOT / "docs/faults.md").read_text(encoding="utf-8")
    files = {f"tests/attacks/{path.name}" for path in (ROOT / "tests/attacks").glob("test_*.py")}
    assert {path for path in files if path not in told} == set()
    assert len(files) > 10
