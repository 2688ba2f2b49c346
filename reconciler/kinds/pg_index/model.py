"""What an index is, as declared and as observed."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue

from reconciler.desired.unlisted import EVERYTHING, Rule, Unlisted, left_beside
from reconciler.model import Frozen, Resource

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
    takes    of an undoing: the only index that may be renamed for it; empty: none. None: whichever has its definition
             and is declared by nobody.
    """

    carried: ClassVar[frozenset[str]] = frozenset(
        {"listed", "absent", "reserved", "search_path", "swapped", "vacates", "unlisted_on", "takes"}
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
    takes: str | None = Field(default=None, exclude_if=lambda value: value is None)
    listed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    reserved: tuple[tuple[str, str], ...] = ()
    search_path: tuple[str, ...] | None = None

    @property
    def is_to_exist(self) -> bool:
        """False for one that is declared absent."""
        return self.definition is not None

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

    def left_beside(self, other: Resource) -> Resource:
        """See `Resource.left_beside`: its indexes stay listed."""
        overridden = isinstance(other, UnlistedIndexes) and other.said
        return self.model_copy(update={"said": False, "policy": Unlisted.KEEP}) if overridden else self


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

    def left_beside(self, other: Resource) -> Resource | None:
        """See `Resource.left_beside`."""
        rules = left_beside(self.rules, other.rules) if isinstance(other, UnlistedEverywhere) else ()
        return self.model_copy(update={"rules": rules}) if rules else None


def table_of(resource: PgIndex | UnlistedIndexes) -> TableName:
    """Schema and name of the table that a resource is about."""
    return (resource.schema_name, resource.table)


def table_and_name(index: PgIndex) -> tuple[TableName, str]:
    """The table and the name of a declared index."""
    return (table_of(index), index.name)


Declared = PgIndex | UnlistedIndexes | UnlistedEverywhere


AnyIndex = Annotated[Declared, Field(discriminator="type")]
