"""What a database shows of an index, of its table and its partitions."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.pg_index.model import Definition, ForNewPartitions, UnlistedIndexes, full_name
from reconciler.model import Frozen, Observed


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
    hidden       which table nothing could be read of, and why: somebody holds it as a whole, or it takes too long.
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
    hidden: str = ""
    role: str = ""
    version_num: int = 0
    in_recovery: bool = False


class ObservedUnlisted(Observed):
    """The indexes of a table that nobody lists; constraints' own and those of partitioned indexes are left out.

    `needed_by`: by index, what would be left without one; `hidden` as in ObservedIndex. `toast_leftovers`:
    names of INVALID indexes that a REINDEX left on its TOAST table, or on those of its partitions. `partitions`: what
    they have of each index, as in ObservedIndex.
    """

    table: TableFacts | None
    indexes: tuple[LiveIndex, ...] = ()
    needed_by: Mapping[str, Need] = {}
    toast_leftovers: tuple[str, ...] = ()
    partitions: Mapping[str, tuple[PartitionIndex, ...]] = {}
    hidden: str = ""
    role: str = ""
    in_recovery: bool = False


class ObservedEverywhere(Observed):
    """The tables that rules of the target say anything of, and what nobody lists on each of them."""

    tables: tuple[tuple[UnlistedIndexes, ObservedUnlisted], ...] = ()


AnyObserved = ObservedIndex | ObservedUnlisted | ObservedEverywhere
