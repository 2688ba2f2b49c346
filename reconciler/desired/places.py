"""Places in documents, as errors name them: `file:line:column`."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.yaml.node import Node


def of_key(file: str, root: Node, key: str) -> str:
    """Where a key of a document stands."""
    return of_path(file, root, key, ())


def of_path(file: str, root: Node, key: str, path: Sequence[str | int]) -> str:
    """Where the deepest part of `path` that there is stands under a key."""
    line, column = root.mark_of((key, *path))
    return f"{file}:{line}:{column}"
