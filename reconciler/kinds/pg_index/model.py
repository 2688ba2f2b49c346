"""What an index is, as declared and as observed."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from reconciler.desired.text import Text
from reconciler.model import Frozen, Observed, Resource

LONGEST_NAME = 63
"""Bytes. PostgreSQL cuts longer names without a word (NAMEDATALEN - 1); we refuse them."""


class Element(Frozen):
    """One key of an index: a column or an expression, and how it is indexed.

    Exactly one of `column` (a name, not SQL) and `expression` (SQL) is set. `collation` and `opclass` are names,
    qualified or not; empty means the default of the column's type. `nulls_first` is resolved: PostgreSQL's default is
    first for a descending key, last for an ascending one.
    """

    column: str = ""
    expression: str = ""
    collation: tuple[str, ...] = ()
    opclass: tuple[str, ...] = ()
    opclass_options: tuple[tuple[str, str], ...] = ()
    descending: bool = False
    nulls_first: bool = False


class Definition(Frozen):
    """All that makes an index the one it is. `predicate` is SQL; `options` are storage parameters, sorted by name.

    `comment` None and a key that is not in `statistics` mean: whatever is there is kept. `statistics` are statistics
    targets by the number of the key, from 1, which has to be an expression; -1 is the default.
    """

    method: str = "btree"
    unique: bool = False
    nulls_not_distinct: bool = False
    keys: tuple[Element, ...]
    include: tuple[str, ...] = ()
    predicate: str = ""
    options: tuple[tuple[str, str], ...] = ()
    tablespace: str = ""
    comment: str | None = None
    statistics: tuple[tuple[int, int], ...] = ()


class PgIndex(Resource):
    """A declared index, or one that is declared absent (then without a definition).

    `listed` are other indexes that are known to be declared on the table: they are nobody's to rename. Planning sees
    all of them together; a change carries them along, because apply looks at one resource at a time.
    """

    type: Literal["index"] = "index"
    schema_name: str
    table: str
    name: str
    definition: Definition | None
    listed: tuple[str, ...] = ()


class UnlistedIndexes(Resource):
    """What is to become of the indexes of a table that its declaration does not list."""

    stands_for_itself: ClassVar[bool] = False

    type: Literal["unlisted"] = "unlisted"
    schema_name: str
    table: str
    policy: Literal["report", "drop"]
    listed: tuple[str, ...]


AnyIndex = Annotated[PgIndex | UnlistedIndexes, Field(discriminator="type")]


def _statistics_target(value: object) -> object:
    return -1 if value == "default" else value


StatisticsTarget = Annotated[
    int, BeforeValidator(_statistics_target, json_schema_input_type=int | Literal["default"]), Field(ge=-1, le=10000)
]
"""As ALTER INDEX SET STATISTICS takes it; "default" or -1: default_statistics_target."""


class IndexSection(Frozen):
    """One index in YAML: `columns` and what refines them, or the whole statement as `sql`."""

    columns: list[Text] = Field(
        default=[], description="keys in order: a column or an expression, then what SQL allows"
    )
    using: Text = Field(default="btree", description="access method")
    unique: bool = False
    nulls_not_distinct: bool = Field(default=False, description="PostgreSQL 15+")
    include: list[Text] = Field(default=[], description="columns carried along, not searched")
    where: Text = Field(default="", description="predicate of a partial index")
    with_: dict[str, Text] = Field(default={}, alias="with", description="storage parameters")
    tablespace: Text = ""
    comment: Text | None = Field(default=None, description="COMMENT ON INDEX; empty for none; left out: kept as it is")
    statistics: dict[Annotated[int, Field(ge=1)], StatisticsTarget] = Field(
        default={}, description="statistics targets of expressions, by their place among the columns, from 1"
    )
    sql: Text = Field(
        default="", description="the whole CREATE INDEX statement, instead of all above but comment and statistics"
    )
    why: Text = Field(default="", description="the query that it serves; shown in the plan")


class TableSection(Frozen):
    """The indexes of one table in YAML."""

    unlisted_indexes: Literal["keep", "report", "drop"] = "keep"
    indexes: dict[str, IndexSection | Literal["absent"]] = {}


class ObservedKey(Frozen):
    """One key as the catalogue has it.

    `collation` and `opclass` are schema and name. The `_is_default` flags say whether a declaration may leave them out,
    the `_is_visible` flags whether their bare names find them on this session's search_path.
    """

    column: str = ""
    expression: str = ""
    collation: tuple[str, ...] = ()
    collation_is_default: bool = True
    collation_is_visible: bool = True
    opclass: tuple[str, ...] = ()
    opclass_is_default: bool = True
    opclass_is_visible: bool = True
    opclass_options: tuple[tuple[str, str], ...] = ()
    descending: bool = False
    nulls_first: bool = False


class LiveIndex(Frozen):
    """An index that is there.

    `constraint` names the constraint that it backs, or "the replica identity"; `parent` the partitioned index that it is
    attached to, qualified. `builder` is the process id that is building it at this moment. `clustered`: CLUSTER
    remembers it. `extensions` are those it was made to depend on.
    """

    name: str
    method: str
    unique: bool
    nulls_not_distinct: bool
    keys: tuple[ObservedKey, ...]
    include: tuple[str, ...]
    predicate: str
    options: tuple[tuple[str, str], ...]
    tablespace: str
    valid: bool
    partitioned: bool
    constraint: str = ""
    parent: str = ""
    builder: int | None = None
    bytes: int = 0
    comment: str = ""
    statistics: tuple[tuple[int, int], ...] = ()
    clustered: bool = False
    extensions: tuple[str, ...] = ()


class TableFacts(Frozen):
    """The table, as far as a plan needs it.

    `rows` and `bytes` are the planner's estimates; rows -1: never analysed. `owner` is who owns it, where that is
    nobody whose rights our role has.
    """

    relkind: str
    rows: float
    bytes: int
    owner: str = ""


class ObservedIndex(Observed):
    """What the server shows of one declared index.

    table        None: there is no such table.
    live         the index of that name on that table; None: there is none.
    same         whether `live` has the declared definition, in the server's own reading of both.
    misread      why the server cannot read the declared definition; empty where it can.
    taken_by     what else has the name: "table", "index of public.other"…
    twin         an index under a name that nobody declares, valid, with exactly the declared definition.
    fresh, old   our own leftovers of an interrupted replacement: the new index, and the old one.
    fresh_same   whether `fresh` has the declared definition.
    bytes        estimated size of the index when built.
    listed       names of all indexes that are declared on the table.
    """

    table: TableFacts | None
    live: LiveIndex | None = None
    same: bool = False
    misread: str = ""
    taken_by: str = ""
    twin: str = ""
    fresh: LiveIndex | None = None
    fresh_same: bool = False
    old: LiveIndex | None = None
    bytes: int | None = None
    listed: tuple[str, ...] = ()
    role: str = ""
    version_num: int = 0
    in_recovery: bool = False


class ObservedUnlisted(Observed):
    """The indexes of a table that nobody lists; constraints' own are left out."""

    table: TableFacts | None
    indexes: tuple[LiveIndex, ...] = ()
    role: str = ""


AnyObserved = ObservedIndex | ObservedUnlisted
