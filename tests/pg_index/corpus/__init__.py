"""Index definitions as people write them: `*.sql` beside this file, over the tables of `00_schema.sql`.

A statement begins at the margin and goes on indented, or with a closing parenthesis. `create index` opens an entry;
what follows it at the margin (a comment, a statistics target, a foreign key) belongs to it. `-- needs 15 pg_trgm`
speaks of all statements up to the next empty line: a version of PostgreSQL, an extension, or a feature of the server's
build (`icu`, `xml`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg

from reconciler.kinds.pg_index.definition.create_index import parse_index

FOLDER = Path(__file__).parent
_NEEDS = re.compile(r"-- needs (.+)")
_CREATE_INDEX = re.compile(r"create (unique )?index ")


@dataclass(frozen=True)
class Entry:
    """One statement with what belongs to it. `needs` are the words of `-- needs`."""

    statements: tuple[str, ...]
    needs: frozenset[str]
    at: str

    @property
    def create(self) -> str:
        return self.statements[0]

    @property
    def name(self) -> tuple[str, str]:
        """Schema and name of the index."""
        parsed = parse_index(self.create)
        return parsed.schema_name, parsed.name

    @property
    def table(self) -> tuple[str, str]:
        parsed = parse_index(self.create)
        return parsed.schema_name, parsed.table


@cache
def schema() -> tuple[Entry, ...]:
    """The statements that make the tables, each for itself."""
    return tuple(_entries(FOLDER / "00_schema.sql"))


@cache
def indexes() -> tuple[Entry, ...]:
    """Every index of the corpus."""
    files = [path for path in sorted(FOLDER.glob("*.sql")) if path.name != "00_schema.sql"]
    return tuple(entry for path in files for entry in _entries(path))


def of(entries: tuple[Entry, ...], abilities: frozenset[str]) -> list[Entry]:
    """The entries that a server of these abilities can have."""
    return [entry for entry in entries if entry.needs <= abilities]


def abilities(connection: psycopg.Connection) -> frozenset[str]:
    """What this server can: its major version and all before it, the extensions that it has, `icu` and `xml`."""
    major = connection.info.server_version // 10000
    found = {str(version) for version in range(13, major + 1)}
    found |= {name for (name,) in connection.execute("select name from pg_available_extensions")}
    # The catalogue lists ICU collations only where initdb had ICU; 17 and later have one (`unicode`) without it.
    if connection.execute("select count(*) > 10 from pg_collation where collprovider = 'i'").fetchone() == (True,):
        found.add("icu")
    try:
        connection.execute("select xmlparse(document '<a/>')")
        found.add("xml")
    except psycopg.errors.FeatureNotSupported:
        pass
    return frozenset(found)


def _entries(path: Path) -> Iterator[Entry]:
    needs: frozenset[str] = frozenset()
    blocks: list[tuple[int, frozenset[str], list[str]]] = []
    begun: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        found = _NEEDS.match(line)
        if not line:
            needs = frozenset()
        elif found:
            needs = frozenset(found[1].split())
        elif line.startswith("--"):
            continue
        elif line.startswith((" ", ")")):
            begun[-1] += f"\n{line}"
        elif blocks and blocks[-1][2] is begun and _CREATE_INDEX.match(begun[0]) and not _CREATE_INDEX.match(line):
            begun.append(line)
        else:
            begun = [line]
            blocks.append((number, needs, begun))
    for number, words, statements in blocks:
        yield Entry(tuple(statements), words, f"{path.name}:{number}")
