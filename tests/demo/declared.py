"""The declared state as plain YAML, and the smallest way from there to SQL: independent of the code that it tests."""

from __future__ import annotations

from pathlib import Path

import yaml

DESIRED = Path(__file__).parents[2] / "desired"


def documents(folder: str) -> dict[str, dict]:
    """The YAML documents of a folder by file name, all scalars as text."""
    return {
        path.name: yaml.load(path.read_text(), yaml.BaseLoader)  # noqa: S506 - BaseLoader makes nothing but text
        for path in sorted((DESIRED / folder).glob("*.yaml"))
    }


def indexes() -> dict[str, tuple[str, dict]]:
    """Table and declaration of every declared index, by name."""
    return {
        name: (table, index)
        for document in documents("postgres").values()
        for table, section in document.get("tables", {}).items()
        for name, index in section["indexes"].items()
    }


def create_index(name: str, table: str, index: dict) -> bytes:
    """The statement that makes a declared index."""
    parts = [
        "create unique index" if index.get("unique") == "true" else "create index",
        f"{name} on {table} using {index.get('using', 'btree')} ({', '.join(index['columns'])})",
        f"include ({', '.join(index['include'])})" if "include" in index else "",
        f"with ({', '.join(f'{key} = {value}' for key, value in index['with'].items())})" if "with" in index else "",
        f"where {index['where']}" if "where" in index else "",
    ]
    return " ".join(parts).encode()
