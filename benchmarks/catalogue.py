"""A large catalogue, 1,000 tables with 10 indexes each by default, and the desired state that matches it exactly.

    python benchmarks/catalogue.py FOLDER [TABLES]    # in the database of DATABASE_URL

Declarations and statements come from the same text, written as a person would. PostgreSQL spells half of them otherwise
when it prints them (`status in ('new', 'open')`, casts, parentheses, case): comparing those takes more than comparing
texts. Constants differ from table to table, so that no answer can be remembered from the last one.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

TABLES_IN_A_TRANSACTION = 50
"""Each new table and index holds a lock until its transaction ends, and the default lock table has room for 6,400."""

TABLES_IN_A_FILE = 100

TABLE = """
create table {name} (
    id bigint primary key, account_id bigint not null, name text, email text, status varchar(20) not null,
    amount numeric(12,2), meta jsonb, created_at timestamptz not null, deleted_at timestamptz
)"""


@dataclass(frozen=True, slots=True)
class Shape:
    """An index that each table has. `{table}` in its texts is the table's number."""

    name: str
    columns: tuple[str, ...]
    include: tuple[str, ...] = ()
    using: str = "btree"
    unique: bool = False
    where: str = ""


SHAPES = (
    # Comparable from the catalogue alone
    Shape("account", ("account_id",)),
    Shape("account_created", ("account_id", "created_at desc")),
    Shape("status_created", ("status", "created_at desc nulls last")),
    Shape("created", ("created_at",), include=("amount", "status")),
    Shape("meta", ("meta jsonb_path_ops",), using="gin"),
    # Spelled otherwise than PostgreSQL prints them
    Shape("email", ("LOWER( email )",), unique=True),
    Shape("kind", ("(meta->>'kind{table}')", "id")),
    Shape("open", ("created_at",), where="status in ('new', 'open', 'state {table}')"),
    Shape("large", ("account_id",), where="deleted_at IS NULL AND amount > {table}"),
    Shape(
        "day",
        ("(date_trunc('day', created_at at time zone 'UTC'))", "(coalesce(name, 'nobody') || ' {table}')"),
        where="not status = 'done'",
    ),
)


def make_database(connection: psycopg.Connection, tables: int = 1000, indexes_per_table: int = 10) -> None:
    """Creates the tables and their indexes, in batches. The connection must be in autocommit mode, the schema empty."""
    for start in range(1, tables + 1, TABLES_IN_A_TRANSACTION):
        batch = range(start, min(start + TABLES_IN_A_TRANSACTION, tables + 1))
        statements = [
            _filled(statement, table)
            for table in batch
            for statement in (TABLE, *map(_statement, _shapes(indexes_per_table)))
        ]
        # One message to the server, which runs all of it in one transaction.
        connection.execute(";".join(statements).encode())


def write_desired(folder: Path, tables: int = 1000, indexes_per_table: int = 10) -> None:
    """Writes the desired state of the same catalogue to `folder`, for a target `main` at ${DATABASE_URL}."""
    (folder / "postgres").mkdir(parents=True, exist_ok=True)
    (folder / "targets.yaml").write_text('targets:\n  main: {postgres: "${DATABASE_URL}"}\n', encoding="utf-8")
    for start in range(1, tables + 1, TABLES_IN_A_FILE):
        lines = ["target: main", "tables:"]
        for table in range(start, min(start + TABLES_IN_A_FILE, tables + 1)):
            declared = ["  public.{name}:", "    indexes:"]
            for shape in _shapes(indexes_per_table):
                declared += _declaration(shape)
            lines += [_filled(line, table) for line in declared]
        path = folder / "postgres" / f"items_{start:04}.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def make_partitions(connection: psycopg.Connection, folder: Path, many: int) -> None:
    """A table with so many partitions, one index under which each has a part, and its declaration in `folder`."""
    connection.execute("create table event (id bigint not null, at timestamptz not null) partition by range (id)")
    for start in range(0, many, TABLES_IN_A_TRANSACTION):
        ranges = range(start, min(start + TABLES_IN_A_TRANSACTION, many))
        statements = [
            f"create table event_{n:04} partition of event for values from ({n}) to ({n + 1})" for n in ranges
        ]
        connection.execute(";".join(statements).encode())
    connection.execute("create index event_at_idx on event (at)")
    _write(folder, ["  public.event:", "    indexes:", "      event_at_idx:", "        columns: [at]"])


def make_one_table(connection: psycopg.Connection, folder: Path, many: int) -> None:
    """One table with so many different indexes, each with an expression that PostgreSQL spells otherwise."""
    connection.execute("create table wide (id bigint primary key, meta jsonb)")
    lines = ["  public.wide:", "    indexes:"]
    for n in range(many):
        connection.execute(f"create index wide_{n:03}_idx on wide ((meta->>'kind{n}'))".encode())
        lines += [f"      wide_{n:03}_idx:", f"        columns: [\"(meta->>'kind{n}')\"]"]
    _write(folder, lines)


def _write(folder: Path, tables: list[str]) -> None:
    folder.mkdir(parents=True)
    (folder / "targets.yaml").write_text('targets:\n  main: {postgres: "${DATABASE_URL}"}\n', encoding="utf-8")
    (folder / "main.yaml").write_text("\n".join(["target: main", "tables:", *tables]) + "\n", encoding="utf-8")


def _shapes(many: int) -> tuple[Shape, ...]:
    if not 1 <= many <= len(SHAPES):
        raise ValueError(f"a table can have 1 to {len(SHAPES)} indexes, not {many}")
    return SHAPES[:many]


def _filled(text: str, table: int) -> str:
    return text.replace("{name}", f"item_{table:04}").replace("{table}", str(table))


def _statement(shape: Shape) -> str:
    unique = "unique " if shape.unique else ""
    include = f" include ({', '.join(shape.include)})" if shape.include else ""
    where = f" where {shape.where}" if shape.where else ""
    return (
        f"create {unique}index {{name}}_{shape.name}_idx on {{name}}"
        f" using {shape.using} ({', '.join(shape.columns)}){include}{where}"
    )


def _declaration(shape: Shape) -> list[str]:
    lines = [f"      {{name}}_{shape.name}_idx:", f"        columns: {_quoted(shape.columns)}"]
    if shape.include:
        lines.append(f"        include: {_quoted(shape.include)}")
    if shape.using != "btree":
        lines.append(f"        using: {shape.using}")
    if shape.unique:
        lines.append("        unique: true")
    if shape.where:
        lines.append(f"        where: {shape.where}")
    return lines


def _quoted(texts: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{text}"' for text in texts) + "]"


def main() -> None:
    """Makes both and says how long it took."""
    folder, tables = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    started = time.perf_counter()
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        make_database(connection, tables)
    made = time.perf_counter()
    write_desired(folder, tables)
    print(f"{tables} tables, {tables * len(SHAPES)} indexes: {made - started:.1f} s")
    print(f"desired state in {folder}: {time.perf_counter() - made:.1f} s")


if __name__ == "__main__":
    main()
