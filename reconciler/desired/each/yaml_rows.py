"""Rows of a list of mappings in YAML, or in JSON, which is YAML."""

from __future__ import annotations

from reconciler.desired.each.rows import Row, Rows, refuse_columns, refuse_number
from reconciler.errors import DesiredError
from reconciler.yaml.document import parse
from reconciler.yaml.node import Node, shape
from reconciler.yaml.suggestions import quoted

_EXPECTED = "expected a list of mappings: [{name: a, url: …}, …]"


def yaml_rows(data: bytes, said: str, file: str, name: str) -> Rows:
    """The rows of `data`; `file` is its path in places, `name` that in words. Raises DesiredError."""
    documents = [root for root in parse(data, file) if root.value is not None]
    if not documents:
        raise DesiredError(f"{said} is empty", at=f"{file}:1:1", hint=_EXPECTED)
    if len(documents) > 1:
        raise DesiredError("there is more than one document", at=documents[1].at(file), hint=_EXPECTED)
    [root] = documents
    if not isinstance(root.value, list):
        raise DesiredError(f"{_EXPECTED}, not {shape(root)}", at=root.at(file))
    refuse_number(said, root.value, root.at(file))
    columns: list[str] = []
    rows = []
    for node in root.value:
        if not isinstance(node.value, dict):
            raise DesiredError(f"{_EXPECTED}; this is {shape(node)}", at=node.at(file))
        if not columns:
            columns = list(node.value)
            refuse_columns(columns, node.at(file))
        _refuse_other(columns, node, file)
        rows.append(Row(node.at(file), f"{name}:{node.line}", {key: _value(node, key, file) for key in columns}))
    return Rows(said, columns, rows)


def _refuse_other(columns: list[str], node: Node, file: str) -> None:
    """Raises DesiredError where a row has not the columns of the first one."""
    have = node.keys
    missing = next((column for column in columns if column not in (node.value or ())), None)
    added = next((column for column in have if column not in columns), None)
    if missing or added:
        what = f"lacks {quoted(missing)}" if missing else f"has {quoted(str(added))}, which the first one lacks"
        hint = 'all rows have the same keys; "" is a value, too'
        raise DesiredError(f"this row {what}", at=node.at(file), hint=hint)


def _value(row: Node, key: str, file: str) -> str:
    node = row.child(key)
    if node is None or node.value is None:
        return ""
    if not isinstance(node.value, str):
        raise DesiredError(f"{key}: expected text, not {shape(node)}", at=node.at(file), hint="a value is one text")
    return node.value
