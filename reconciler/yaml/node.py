"""The tree of a YAML document: values that know where they are written."""

from __future__ import annotations

from collections.abc import Sequence

Mark = tuple[int, int]
"""Line and column, from 1."""

_NO_KEYS: dict[str, Mark] = {}


class Node:
    """One value: None, text, a list of nodes or a mapping of text to nodes. `line` and `column` count from 1.

    `keys` tells where each key of a mapping is written. Aliases share the node that they stand for: a tree must not be
    changed.
    """

    __slots__ = ("column", "keys", "line", "value")

    def __init__(
        self,
        line: int,
        column: int,
        value: str | list[Node] | dict[str, Node] | None,
        keys: dict[str, Mark] = _NO_KEYS,
    ) -> None:
        self.line = line
        self.column = column
        self.value = value
        self.keys = keys

    def at(self, file: str) -> str:
        """`file:line:column`, as errors name a place."""
        return f"{file}:{self.line}:{self.column}"

    def child(self, step: str | int) -> Node | None:
        """What is under a key or an index; None where there is no such thing."""
        if isinstance(self.value, dict):
            return self.value.get(str(step))
        if isinstance(self.value, list) and isinstance(step, int) and 0 <= step < len(self.value):
            return self.value[step]
        return None

    def texts(self) -> list[str]:
        """All texts in it, keys among them, in no order that means anything."""
        found: list[str] = []
        nodes = [self]
        for node in nodes:  # which grows
            value = node.value
            if isinstance(value, str):
                found.append(value)
            elif isinstance(value, dict):
                found += value
                nodes += value.values()
            elif isinstance(value, list):
                nodes += value
        return found

    def mark_of(self, path: Sequence[str | int]) -> Mark:
        """Where the deepest part of `path` that exists is written: its key, in a mapping, else its value."""
        mark, node = (self.line, self.column), self
        for step in path:
            child = node.child(step)
            if child is None:
                break
            mark = node.keys.get(str(step)) or (child.line, child.column)
            node = child
        return mark


def shape(node: Node) -> str:
    """What a node is, in the words of errors."""
    return {"dict": "a mapping", "list": "a list", "str": "text"}.get(type(node.value).__name__, "nothing")
