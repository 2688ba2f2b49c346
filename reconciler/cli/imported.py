"""What a target has, as documents of YAML with their remarks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.yaml.writing import document

if TYPE_CHECKING:
    from reconciler.planning.importing import Written

TARGETS = "targets.yaml"

_BESIDE = {"databases": "settings", "roles": "settings"}
"""Sections that stand in the file of another one; each other one has a file of its own name."""


def whole(written: Written, declared: Mapping[str, Any] | None = None) -> str:
    """All of it as one document; with the section `targets` of `declared`, which nothing else declares yet, two."""
    target = written.target
    tables = " (unlisted_indexes: report says what is added by hand)" if "tables" in written.sections else ""
    remarks = [
        f"What {_of(written)}.",
        f"Written by `reconciler import`. A plan is empty: `reconciler plan {target}`. From here on, edit this file,",
        f"plan and apply; what is not listed is not touched{tables}.",
        *_nodes(written),
        "",
    ]
    before = document({"targets": declared}) + "---\n" if declared else ""
    return before + document({"target": target, **written.sections}, remarks)


def files(written: Written) -> Iterator[tuple[str, str]]:
    """The same as several files, by their names within a folder of the target."""
    by_file: dict[str, dict[str, Any]] = {}
    for section, entries in written.sections.items():
        by_file.setdefault(_BESIDE.get(section, section), {})[section] = entries
    for name, sections in by_file.items():
        remarks = [
            f"The {name} that {_of(written)}. Written by `reconciler init`; yours to edit.",
            "What is not listed is not touched.",
            *_nodes(written),
            "",
        ]
        yield f"{written.target}/{name}.yaml", document({"target": written.target, **sections}, remarks)


def _of(written: Written) -> str:
    info = written.info
    database = f", database {info.database}" if info.database else ""
    return f"{written.target} has: {info.product} {info.version}{database}"


def _nodes(written: Written) -> Iterator[str]:
    if len(written.nodes) > 1:
        yield f"Of {len(written.nodes)} nodes {written.node} was read: a plan says where another one differs."
    for each in written.unread:
        yield f"{each.node} could not be read: nobody knows whether it has the same."
