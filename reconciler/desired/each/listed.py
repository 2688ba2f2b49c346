"""YAML files of rows that lie among the documents: they are no documents."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from reconciler.desired.each.file import place
from reconciler.desired.each.source import FileSource
from reconciler.desired.each.templates import EACH
from reconciler.desired.urls import targets
from reconciler.yaml.files import Document
from reconciler.yaml.node import Node


def without_rows(documents: Iterable[Document], declaring: Iterable[Document]) -> Iterator[Document]:
    """`documents` without the lists that a template of `declaring` names as its file."""
    files = {
        os.path.realpath(place(FileSource(file=node.value), file))
        for file, root in declaring
        for each in _sources(root)
        if (node := each.child("file")) is not None and isinstance(node.value, str) and node.value
    }
    for document in documents:
        if not (isinstance(document.root.value, list) and os.path.realpath(document.file) in files):
            yield document


def _sources(root: Node) -> Iterator[Node]:
    """What stands under `each` in the targets of a document."""
    for target in targets(root):
        if (each := target.child(EACH)) is not None:
            yield each
