"""What an index is, as declared and as observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, JsonValue

from reconciler.desired.targets import Bytes
from reconciler.desired.unlisted import EVERYTHING, Rule, Unlisted
from reconciler.model import Frozen, Observed, Resource
from reconciler.yaml.text_type import Text

TableName = tuple[str, str]
"""Schema and name of a table."""

LONGEST_NAME = 63
"""Bytes. PostgreSQL cuts longer names without a word (NAMEDATALEN - 1); we refuse them."""


def full_name(schema: str, name: str) -> str:
    """As an address names it: `public.tasks_idx`. A schema that holds a dot is quoted, so that no two are one."""
    return f'"{schema}".{name}' if "." in schema else f"{schema}.{name}"


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
    """All that makes an index the one it is. `predicate` is SQL; `options` are storage parameters, as they are written:
    their order means nothing, but the server remembers it.

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

    @property
    def expressions(self) -> tuple[str, ...]:
        """All SQL in it: the expressions of its keys, and its predicate at the end."""
        found = (*(key.expression for key in self.keys), self.predicate)
        return tuple(text for text in found if text)


def rule_name(schema: str, table: str) -> str:
    """As an address names what is to become of the indexes of a table that are not listed."""
    return full_name(schema, f"{table}.*")


class ForNewPartitions(Frozen):
    """How many partitions that come between a plan and its apply get their index likewise, each of `up_to` bytes."""

    at_most: int
    up_to: int


class Swapped(Frozen):
    """Another declared index of the same schema, as far as it has to be known to rename both."""

    table: str
    name: str
    definition: Definition
    new_partitions: ForNewPartitions | None = None
    leaves: tuple[str, ...] = ()


class PgIndex(Resource):
    """A declared index, or one that is declared absent (then without a definition).

    `listed` are other indexes that are known to be declared on the table, and nobody's to rename; `absent` those that
    are declared absent. `reserved` are names (schema, name) that no part of it may take: others have them, or will.
    Planning sees all of them together; a change carries them along, because apply looks at one resource at a time. So
    it does with the `search_path` by which the names in its definition were read.

    leaves       schema and name of another table, of which an index of this name is declared absent: it goes first.
    unlisted_on  likewise, of which an index of this name is dropped since nobody lists it.
    swapped      the other declared indexes whose names it is in a circle with.
    vacates      how many renames in a row, this one first, have to be made before the name of what is renamed for it is
                 free for another table's index that is declared by it; 0: nobody waits for that name.
    """

    carried: ClassVar[frozenset[str]] = frozenset(
        {"listed", "absent", "reserved", "search_path", "swapped", "vacates", "unlisted_on"}
    )

    type: Literal["index"] = "index"
    schema_name: str
    table: str
    name: str
    definition: Definition | None
    new_partitions: ForNewPartitions | None = None
    leaves: tuple[str, ...] = ()
    unlisted_on: tuple[str, ...] = ()
    swapped: tuple[Swapped, ...] = ()
    vacates: int = 0
    listed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    reserved: tuple[tuple[str, str], ...] = ()
    search_path: tuple[str, ...] | None = None

    @property
    def own_name(self) -> str:
        """See `Resource.own_name`."""
        return full_name(self.schema_name, self.name)

    def declaration(self) -> dict[str, JsonValue]:
        """See `Resource.declaration`."""
        found = super().declaration()
        del found["leaves"]
        return found | {"the other table, on which it is declared absent,": ".".join(self.leaves) or "none"}


class UnlistedIndexes(Resource):
    """What is to become of the indexes of a table that its declarations do not list.

    said   the table itself says so; else it is what the target says of it, `by` which rule, or the default.
    """

    stands_for_itself: ClassVar[bool] = False

    type: Literal["unlisted"] = "unlisted"
    schema_name: str
    table: str
    policy: Unlisted
    said: bool = True
    by: str = ""
    listed: tuple[str, ...]

    @property
    def own_name(self) -> str:
        """See `Resource.own_name`."""
        return rule_name(self.schema_name, self.table)


class UnlistedEverywhere(Resource):
    """What a target says of the indexes that nobody lists; `apart` are tables that are declared, which say it too."""

    stands_for_itself: ClassVar[bool] = False

    type: Literal["everywhere"] = "everywhere"
    rules: tuple[Rule, ...]
    apart: tuple[tuple[str, str], ...] = ()

    @property
    def own_name(self) -> str:
        """See `Resource.own_name`."""
        return EVERYTHING


Declared = PgIndex | UnlistedIndexes | UnlistedEverywhere
AnyIndex = Annotated[Declared, Field(discriminator="type")]


def _statistics_target(value: object) -> object:
    return -1 if value == "default" else value


StatisticsTarget = Annotated[
    int, BeforeValidator(_statistics_target, json_schema_input_type=int | Literal["default"]), Field(ge=-1, le=10000)
]
"""As ALTER INDEX SET STATISTICS takes it; "default" or -1: default_statistics_target."""


class NewPartitionsSection(Frozen):
    """What is done for partitions that come between a plan and its apply."""

    at_most: Annotated[int, Field(ge=1, le=10_000)] = Field(description="how many of them get their index likewise")
    up_to: Bytes = Field(description="how big each of them may be by then, as in 1GB")


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
    new_partitions: NewPartitionsSection | None = Field(
        default=None,
        description="of a partitioned table: those that come between plan and apply; left out: none of them",
    )
    why: Text = Field(default="", description="the query that it serves; shown in the plan")


class TableSection(Frozen):
    """The indexes of one table in YAML."""

    unlisted_indexes: Unlisted = Unlisted.KEEP
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

    elsewhere    its tablespace is not the database's own.
    constraint   the constraint that it backs, which has its name; or a foreign key that leans on it.
    leaned_on    that is a foreign key, which does not care for the name.
    immediate    False: it backs a DEFERRABLE constraint.
    replica_identity  by it, UPDATE and DELETE of its table are told to logical replication.
    not_null     of a replica identity: the columns of its table that are NOT NULL, as those of a successor have to be.
    parent       the partitioned index that it is attached to: schema and name.
    builder      the process that is building it at this moment.
    clustered    CLUSTER remembers it.
    extensions   those that it was made to depend on.
    statistics   targets of its expressions, by their number from 1, where they are not the default.
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
    elsewhere: bool = False
    valid: bool
    partitioned: bool
    constraint: str = ""
    leaned_on: bool = False
    replica_identity: bool = False
    not_null: tuple[str, ...] = ()
    immediate: bool = True
    parent: tuple[str, ...] = ()
    builder: int | None = None
    bytes: int = 0
    comment: str = ""
    statistics: tuple[tuple[int, int], ...] = ()
    clustered: bool = False
    extensions: tuple[str, ...] = ()

    @property
    def is_of_constraint(self) -> bool:
        """Whether it is a constraint's own, and has the constraint's name."""
        return bool(self.constraint) and not self.leaned_on


class TableFacts(Frozen):
    """The table, as far as a plan needs it.

    rows     the planner's estimate; -1: never analysed. Of a partitioned table that of its partitions.
    bytes    likewise, without indexes.
    forbidden  why our role may not make indexes on it; empty where it may.
    parent   schema and name of the partitioned table that it is a partition of.
    root     the topmost one; itself, where it is no partition.
    toast_leftovers  names of INVALID indexes of its TOAST table, in the schema pg_toast, that nobody is at work on.
    """

    relkind: str
    rows: float
    bytes: int
    forbidden: str = ""
    parent: tuple[str, ...] = ()
    root: tuple[str, ...] = ()
    toast_leftovers: tuple[str, ...] = ()


class PartitionIndex(Frozen):
    """What a partition has of an index of its partitioned table.

    relkind    "r" table, "p" partitioned itself, "f" foreign table.
    name       what the index on this partition is called where we build it.
    final      what it is called in the end, when an index that it replaces is gone.
    attached   the index that is attached already.
    equal      one that is not attached and has the same definition.
    leftover   an INVALID one under `name` that is neither.
    bytes      how big it is, TOAST included; None: it was not asked.
    goes       the part of the index that will be replaced by the one that this is about.
    parent     schema and name of the table that it is a partition of.
    forbidden  as in TableFacts.
    """

    schema_name: str
    table: str
    parent: tuple[str, str]
    relkind: str
    rows: float
    forbidden: str = ""
    name: str
    final: str
    attached: LiveIndex | None = None
    equal: LiveIndex | None = None
    leftover: LiveIndex | None = None
    bytes: int | None = None
    goes: LiveIndex | None = None

    @property
    def full_name(self) -> str:
        """Schema and name of the partition."""
        return full_name(self.schema_name, self.table)

    @property
    def covered(self) -> bool:
        """Whether nothing is left to be done for it alone; a foreign table cannot have an index."""
        return self.relkind == "f" or (self.attached is not None and (self.attached.valid or self.relkind == "p"))


class Need(Frozen):
    """What would be left without an index: a foreign key; where none is named, the refresh of a materialized view."""

    foreign_key: str = ""

    def __str__(self) -> str:
        return f"the foreign key {self.foreign_key}" if self.foreign_key else "REFRESH MATERIALIZED VIEW CONCURRENTLY"


class Renamed(Frozen):
    """An index that is there under the name `was`, and has the definition that is declared as `name` of its table."""

    table: str
    was: str
    name: str
    live: LiveIndex
    definition: Definition
    new_partitions: ForNewPartitions | None = None
    leaves: tuple[str, ...] = ()


class ObservedIndex(Observed):
    """What the server shows of one declared index.

    table        None: there is no such table.
    meant        the table that was probably meant then.
    live         the index of that name on that table; None: there is none.
    same         whether `live` has the declared definition, in the server's own reading of both.
    misread      why the declared definition can make no index, or not this one; empty where it can, or may.
    forbidden    why our role may not make it as declared, though it may make indexes on the table.
    not_compared  why `same` is not known: our role may not ask, or it might run code of others.
    taken_by     what else has the name: "table", "index of public.other"…
    fresh_taken_by, old_taken_by  what else has the names that are needed in between, and has nothing to do with us.
    twin         an index that nobody declares, or that is declared absent, with exactly the declared definition.
    fresh, old   our own leftovers of an interrupted replacement: the new index, and the old one.
    fresh_same   whether `fresh` has the declared definition.
    leftovers    schema and name of INVALID indexes that an interrupted REINDEX CONCURRENTLY of it left behind.
    partitions   of a partitioned table: its partitions and what they have of `live`, parents before children.
    fresh_partitions  the same for `fresh`.
    circle       declared indexes, it among them, each of which is there under the name of another one of them.
    lane         where its changes have their place in the order, if that is not its own table.
    elsewhere    the index of its name on another table, `elsewhere_on`, that is to go; `elsewhere_parts`: its parts.
    vacates      see `PgIndex`.
    identities   by name of live, fresh and old: the partitions whose replica identity a part of it is.
    needed_by    what would be left without an index, where this one goes or becomes another.
    search_path  the schemas in which this session looks for unqualified names.
    locked_by    who holds the table as a whole, so that nothing of it could be read.
    listed       names of all indexes that are declared on the table; `absent`: of those that are declared absent.
    reserved     schema and name of what no part of it may be called.
    """

    table: TableFacts | None
    meant: str = ""
    live: LiveIndex | None = None
    same: bool = False
    misread: str = ""
    forbidden: str = ""
    not_compared: str = ""
    taken_by: str = ""
    fresh_taken_by: str = ""
    old_taken_by: str = ""
    twin: LiveIndex | None = None
    fresh: LiveIndex | None = None
    fresh_same: bool = False
    old: LiveIndex | None = None
    leftovers: tuple[tuple[str, str], ...] = ()
    partitions: tuple[PartitionIndex, ...] = ()
    fresh_partitions: tuple[PartitionIndex, ...] = ()
    circle: tuple[Renamed, ...] = ()
    lane: str = ""
    elsewhere: LiveIndex | None = None
    elsewhere_on: tuple[str, str] = ("", "")
    elsewhere_parts: tuple[PartitionIndex, ...] = ()
    vacates: int = 0
    identities: Mapping[str, tuple[str, ...]] = {}
    needed_by: Need | None = None
    listed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    reserved: tuple[tuple[str, str], ...] = ()
    search_path: tuple[str, ...] = ()
    locked_by: str = ""
    role: str = ""
    version_num: int = 0
    in_recovery: bool = False


class ObservedUnlisted(Observed):
    """The indexes of a table that nobody lists; constraints' own and those of partitioned indexes are left out.

    `needed_by`: by index, what would be left without one; `locked_by` as in ObservedIndex. `toast_leftovers`:
    names of INVALID indexes that a REINDEX left on its TOAST table, or on those of its partitions. `partitions`: what
    they have of each index, as in ObservedIndex.
    """

    table: TableFacts | None
    indexes: tuple[LiveIndex, ...] = ()
    needed_by: Mapping[str, Need] = {}
    toast_leftovers: tuple[str, ...] = ()
    partitions: Mapping[str, tuple[PartitionIndex, ...]] = {}
    locked_by: str = ""
    role: str = ""
    in_recovery: bool = False


class ObservedEverywhere(Observed):
    """The tables that rules of the target say anything of, and what nobody lists on each of them."""

    tables: tuple[tuple[UnlistedIndexes, ObservedUnlisted], ...] = ()


AnyObserved = ObservedIndex | ObservedUnlisted | ObservedEverywhere
