"""What the YAML may say of indexes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic.config import JsonDict

from reconciler.desired.target_section import Bytes
from reconciler.desired.unlisted import Unlisted
from reconciler.model import Frozen
from reconciler.yaml.verbatim_text import Text


def _statistics_target(value: object) -> object:
    return -1 if value == "default" else value


StatisticsTarget = Annotated[
    int, BeforeValidator(_statistics_target, json_schema_input_type=int | Literal["default"]), Field(ge=-1, le=10000)
]
"""As ALTER INDEX SET STATISTICS takes it; "default" or -1: default_statistics_target."""


_NO_ITEMS: JsonDict = {"default": []}
_NO_ENTRIES: JsonDict = {"default": {}}
"""What the JSON Schema says of a factory. Of a list that is the default itself, pydantic makes a deep copy for every
index, which takes as long as all the rest of its validation."""


class NewPartitionsSection(Frozen):
    """What is done for partitions that come between a plan and its apply."""

    at_most: Annotated[int, Field(ge=1, le=10_000)] = Field(description="how many of them get their index likewise")
    up_to: Bytes = Field(description="how big each of them may be by then, as in 1GB")


class IndexSection(Frozen):
    """One index in YAML: `columns` and what refines them, or the whole statement as `sql`."""

    columns: list[Text] = Field(
        default_factory=list,
        json_schema_extra=_NO_ITEMS,
        description="keys in order: a column or an expression, then what SQL allows",
    )
    using: Text = Field(default="btree", description="access method")
    unique: bool = False
    nulls_not_distinct: bool = Field(default=False, description="PostgreSQL 15+")
    include: list[Text] = Field(
        default_factory=list, json_schema_extra=_NO_ITEMS, description="columns carried along, not searched"
    )
    where: Text = Field(default="", description="predicate of a partial index")
    with_: dict[str, Text] = Field(
        default_factory=dict, json_schema_extra=_NO_ENTRIES, alias="with", description="storage parameters"
    )
    tablespace: Text = ""
    comment: Text | None = Field(default=None, description="COMMENT ON INDEX; empty for none; left out: kept as it is")
    statistics: dict[Annotated[int, Field(ge=1)], StatisticsTarget] = Field(
        default_factory=dict,
        json_schema_extra=_NO_ENTRIES,
        description="statistics targets of expressions, by their place among the columns, from 1",
    )
    sql: Text = Field(
        default="", description="the whole CREATE INDEX statement, instead of all above but comment and statistics"
    )
    new_partitions: NewPartitionsSection | None = Field(
        default=None,
        description="of a partitioned table: those that come between plan and apply; left out: none of them",
    )
    why: Text = Field(default="", description="the query that it serves; shown in the plan")


class TableSection(Frozen):
    """The indexes of one table in YAML."""

    unlisted_indexes: Unlisted = Unlisted.KEEP
    indexes: dict[str, IndexSection | Literal["absent"]] = Field(default_factory=dict, json_schema_extra=_NO_ENTRIES)
