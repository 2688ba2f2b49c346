"""The catalogue's desired state as each neighbour is given it: the same indexes, as a person would write them."""

from __future__ import annotations

import json
from pathlib import Path

from catalogue import TABLE, Shape

COLUMNS = """
    Column("id", BigInteger, primary_key=True), Column("account_id", BigInteger, nullable=False), Column("name", Text),
    Column("email", Text), Column("status", String(20), nullable=False), Column("amount", Numeric(12, 2)),
    Column("meta", JSONB), Column("created_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
"""

MODELS = """
import sys
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import *
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
{tables}
with create_engine(sys.argv[1]).connect() as connection:
    differences = compare_metadata(MigrationContext.configure(connection), metadata)
print(*differences, sep="\\n")
sys.exit(2 if differences else 0)
"""


AS_THE_SERVER_PRINTS = {
    "day": (
        "date_trunc('day'::text, (created_at AT TIME ZONE 'UTC'::text))",
        "((COALESCE(name, 'nobody'::text) || ' {table}'::text))",
    )
}
"""In the catalogue's own spelling of these, alembic sees a difference where there is none."""


def write_playbook(path: Path, port: int, database: str, tables: int, shapes: tuple[Shape, ...]) -> None:
    """For Ansible's check mode. Its module knows no `include`."""
    items = []
    for table, shape in _each(tables, shapes):
        item = {"table": _name(table), "name": _index(table, shape), "columns": [_of(c, table) for c in shape.columns]}
        item |= {"type": shape.using, "unique": shape.unique}
        items.append(item | ({"cond": _of(shape.where, table)} if shape.where else {}))
    wanted = {name: f"{{{{ item.{name} }}}}" for name in ("table", "columns", "type", "unique")}
    task = {
        "community.postgresql.postgresql_idx": wanted
        | {"idxname": "{{ item.name }}", "cond": "{{ item.cond | default(omit) }}", "schema": "public"}
        | {"login_host": "127.0.0.1", "login_port": port, "login_user": "postgres", "login_db": database}
        | {"concurrent": False},
        "loop": items,
    }
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}
    path.write_text(json.dumps([play]), encoding="utf-8")  # which YAML is a superset of


def write_models(path: Path, tables: int, shapes: tuple[Shape, ...]) -> None:
    """A program for alembic: SQLAlchemy's tables, compared; it exits with 2 where they differ."""
    lines = []
    for table in range(1, tables + 1):
        indexes = "".join(f"    {_sqlalchemy(shape, table)},\n" for shape in shapes)
        lines.append(f'Table("{_name(table)}", metadata,{COLUMNS}{indexes})')
    path.write_text(MODELS.format(tables="\n".join(lines)), encoding="utf-8")


def _sqlalchemy(shape: Shape, table: int) -> str:
    """Index(...), with operator classes where alembic asks for them."""
    columns, classes = [], {}
    for column in AS_THE_SERVER_PRINTS.get(shape.name, shape.columns):
        name, _, rest = column.partition(" ")
        if rest.endswith("_ops"):
            classes[name] = rest
            columns.append(repr(name))
        elif f" {column} " in TABLE or f"\n    {column} " in TABLE:
            columns.append(repr(column))
        else:
            columns.append(f"text({_of(column, table)!r})")
    words = {"unique": shape.unique, "postgresql_using": shape.using}
    words |= {"postgresql_ops": classes} if classes else {}
    words |= {"postgresql_include": list(shape.include)} if shape.include else {}
    options = ", ".join(f"{word}={value!r}" for word, value in words.items())
    if shape.where:
        options += f", postgresql_where=text({_of(shape.where, table)!r})"
    return f"Index({_index(table, shape)!r}, {', '.join(columns)}, {options})"


def _each(tables: int, shapes: tuple[Shape, ...]) -> list[tuple[int, Shape]]:
    return [(table, shape) for table in range(1, tables + 1) for shape in shapes]


def _name(table: int) -> str:
    return f"item_{table:04}"


def _index(table: int, shape: Shape) -> str:
    return f"{_name(table)}_{shape.name}_idx"


def _of(text: str, table: int) -> str:
    return text.replace("{table}", str(table))
