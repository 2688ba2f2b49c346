"""Scripts of others: which there are, what is changed in them so that their indexes stay, and psql, which runs them."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

STATEMENT_TIMEOUT, LOCK_TIMEOUT = "30s", "5s"
"""What a script waits for has no second session, as its authors' tests have, and never comes."""

BUILDS_INDEXES = re.compile(r"create\s+(unique\s+)?index\b", re.I)
_TO_THE_END = r"(?:\s+(?:cascade|restrict))?\s*;"
_NAMES = r"(?:if\s+exists\s+)?([^;$']*?)"
_numbers = itertools.count(1)


def scripts(place: Path, only: str = "") -> list[Path]:
    """`place`, or the SQL files in it, however deep, by name, whose path the pattern `only` fits."""
    found = [place] if place.is_file() else sorted(place.rglob("*.sql"))
    return [path for path in found if re.search(only, str(path))]


def text_of(script: Path) -> str:
    """What is in the file; scripts about encodings hold bytes that are no UTF-8."""
    return script.read_text(encoding="utf-8", errors="replace")


def that_stays(text: str) -> str:
    """The script, but what it has built stays.

    Tests of others clean up behind each case, and take the names once more: a table that is dropped moves to a schema
    of its own instead, an index and a schema are renamed. What else is dropped takes nothing along. A transaction that
    is rolled back is committed. Only what begins at the margin is a statement; inside of functions, lines are indented.
    """
    text = re.sub(rf"^drop\s+(table|materialized\s+view)\s+{_NAMES}{_TO_THE_END}", _each(_moved), text, flags=_FLAGS)
    text = re.sub(rf"^drop\s+(index)\s+(?:concurrently\s+)?{_NAMES}{_TO_THE_END}", _each(_renamed), text, flags=_FLAGS)
    text = re.sub(rf"^drop\s+(schema)\s+{_NAMES}{_TO_THE_END}", _each(_renamed), text, flags=_FLAGS)
    text = re.sub(r"^drop\s+(owned|database|tablespace)\s[^;]*;", "", text, flags=_FLAGS)
    text = re.sub(r"^(drop\s[^;$']*?)\s+cascade\s*;", r"\1;", text, flags=_FLAGS)
    text = re.sub(r"^(rollback|abort)\s*;", "commit;", text, flags=_FLAGS)
    # The database has another name than the authors' own.
    return re.sub(r"^\\c(?:onnect)?\s+(?:\w+_)?regression\b", r"\\c -", text, flags=_FLAGS)


_FLAGS = re.I | re.M


def _each(instead: Callable[[str, str], str]) -> Callable[[re.Match[str]], str]:
    """What is written for a DROP: `instead` of the object's type and each of its names."""
    return lambda found: " ".join(instead(found[1], name.strip()) for name in found[2].split(","))


def _moved(kind: str, name: str) -> str:
    schema = f"suites_dropped_{next(_numbers)}"
    moved = f"create schema {schema}; alter {kind} if exists {name} set schema {schema};"
    return f"{moved} drop {kind} if exists {name};"  # a temporary table cannot be moved


def _renamed(kind: str, name: str) -> str:
    exists = "if exists " if kind.lower() == "index" else ""
    return f"alter {kind} {exists}{name} rename to suites_dropped_{next(_numbers)};"


class Psql:
    """psql, which runs a script at a database as a person would; `seconds`: as long as it may take."""

    def __init__(self, client: Path, seconds: float) -> None:
        self.client = client
        self.seconds = seconds

    def run(self, url: str, script: Path) -> bool:
        """Whether it came to the script's end. One for another version, or for C functions, has errors on its way."""
        # pg_regress starts psql beside `sql`, and names that folder by PG_ABS_SRCDIR.
        folder = script.parent.parent if script.parent.name == "sql" else script.parent
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {
            "PGOPTIONS": f"-c statement_timeout={STATEMENT_TIMEOUT} -c lock_timeout={LOCK_TIMEOUT}",
            "PGCLIENTENCODING": "UTF8",
            "PG_ABS_SRCDIR": str(folder.resolve()),
            "PG_ABS_BUILDDIR": "/nonexistent",
            "PG_LIBDIR": "/nonexistent",
            "PG_DLSUFFIX": ".so",
        }
        command: list[str | Path] = [
            self.client,
            "-X",
            "-q",
            "-v",
            "ON_ERROR_ROLLBACK=on",
            "-v",
            "HIDE_TABLEAM=on",
            "-f",
            "-",
            url,
        ]
        try:
            subprocess.run(
                command, input=that_stays(text_of(script)).encode(), cwd=folder, env=environment,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=self.seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return False
        return True
