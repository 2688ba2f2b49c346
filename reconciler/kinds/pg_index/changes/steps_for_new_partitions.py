"""What a plan holds for partitions that are not there yet: the steps for one of them, with names to be filled in.

Decided: docs/decisions.md#templates-for-partitions-to-come
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.formulas.memory_amounts import format_bytes
from reconciler.kinds.pg_index.changes import partitioned_build
from reconciler.kinds.pg_index.model import Definition, ForNewPartitions
from reconciler.kinds.pg_index.observed import PartitionIndex
from reconciler.model import NewPartitions, SqlStep
from reconciler.targets.postgres.quoting import identifier

SCHEMA, PARTITION, INDEX, LASTING, ABOVE_SCHEMA, ABOVE = (
    "<schema>", "<partition>", "<its index>", "<its index in the end>", "<schema of the index above>",
    "<index above>",
)  # fmt: skip
"""What stands for names. None of these can be written without quotes."""


def template(wanted: ForNewPartitions, definition: Definition, *, beside: bool) -> NewPartitions:
    """The template of a change to an index of this definition; `beside`: it is built under a temporary name first."""
    part = PartitionIndex(
        schema_name=SCHEMA,
        table=PARTITION,
        parent=(ABOVE_SCHEMA, ABOVE),
        relkind="r",
        rows=-1,
        name=INDEX,
        final=LASTING if beside else INDEX,
    )
    run = [*partitioned_build.cover_part(part, (ABOVE_SCHEMA, ABOVE), definition, [])]
    run += partitioned_build.once_all_have(partitioned_build.rename([part])) if beside else []
    return NewPartitions(at_most=wanted.at_most, up_to=wanted.up_to, steps=tuple(run))


def filled_in(found: NewPartitions, part: PartitionIndex, above: tuple[str, str]) -> list[SqlStep]:
    """The steps of a template for one partition; `above` is the index that its own is attached to."""
    names = {
        SCHEMA: part.schema_name,
        PARTITION: part.table,
        INDEX: part.name,
        LASTING: part.final,
        ABOVE_SCHEMA: above[0],
        ABOVE: above[1],
    }
    quoted = {identifier(mark).as_string(None): identifier(name).as_string(None) for mark, name in names.items()}
    return [
        step.model_copy(
            update={
                "statements": tuple(_replaced(text, quoted) for text in step.statements),
                "on_failure": tuple(_replaced(text, quoted) for text in step.on_failure),
                "partition": part.full_name,
            }
        )
        for step in found.steps
    ]


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for mark, name in names.items():
        text = text.replace(mark, name)
    return text


def said(found: NewPartitions) -> str:
    """A template for people."""
    texts: Sequence[str] = [text for step in found.steps for text in step.statements]
    return (
        f"of the partitions that come before it is applied, {found.at_most} of up to {format_bytes(found.up_to)} each "
        f"get theirs likewise: {'; '.join(texts)}"
    )
