"""What a definition takes in the catalogue, at least: before 18, a row of pg_index has to fit into a page."""

from __future__ import annotations

import lzma
import zlib
from typing import Any

from reconciler.kinds.pg_index.model import Definition
from reconciler.targets.sql_tree import SyntaxProblem, parse_select

LARGEST_ROW = 8160
"""Bytes."""


def least_size(definition: Definition) -> int:
    """Bytes that a row of pg_index has at least for the constants in a definition.

    Trees are kept as text, squeezed by pglz or lz4, which are worse than what is used here. Every constant is a node,
    and a string's bytes are written as numbers.
    """
    if sum(map(len, definition.expressions)) < LARGEST_ROW // 4:
        return 0
    import postgast
    from postgast.pg_query_pb2 import A_Const

    nodes = []
    for text in definition.expressions:
        try:
            parsed = parse_select(text)
        except SyntaxProblem:
            return 0
        nodes += [_node(constant) for constant in postgast.find_nodes(parsed, A_Const)]
    written = " ".join(nodes).encode()
    return min(len(zlib.compress(written, 9)), len(lzma.compress(written)))


def _node(constant: Any) -> str:
    kind = constant.WhichOneof("val")
    if kind == "ival":
        data = int(constant.ival.ival).to_bytes(8, "little", signed=True)
    else:
        data = str(getattr(getattr(constant, kind), kind)).encode() if kind in ("sval", "fval") else b""
    return f"{{CONST :constvalue {len(data)} [ {' '.join(map(str, data))} ]}}"
