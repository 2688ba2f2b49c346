"""Indexes that nobody lists: what several documents say of one table, and what a target says of all of its tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.desired.unlisted import EVERYTHING, Rule, Unlisted, contradiction, decided, rules, rulings, together
from reconciler.errors import DesiredError, UsageError
from reconciler.kind import Declaration
from reconciler.kind.explaining import Ruling
from reconciler.kinds.pg_index.model import (
    Declared,
    PgIndex,
    TableName,
    UnlistedEverywhere,
    UnlistedIndexes,
    full_name,
    rule_name,
)
from reconciler.model import Address, Resource

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession

SECTION = "unlisted_indexes"

# Names that begin with pg_ are the server's own, and what came with an extension is the extension's.
_TABLES = """
    select n.nspname as schema, c.relname as table
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm') and c.relhasindex
          and not pg_catalog.starts_with(n.nspname, 'pg_') and n.nspname <> 'information_schema'
          and not exists (select from pg_catalog.pg_depend d
                          where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
                                and d.objsubid = 0 and d.deptype = 'e')
    order by n.nspname, c.relname
"""


def everywhere(declaration: Declaration) -> UnlistedEverywhere:
    """The resource of a section `unlisted_indexes`: patterns are of tables, and a name without a dot is a schema's."""
    return UnlistedEverywhere(
        address=Address(declaration.target.name, "pg_index", EVERYTHING),
        declared_at=declaration.at(()),
        rules=rules(
            declaration, lambda pattern: pattern if "." in pattern or pattern == EVERYTHING else f"{pattern}.*"
        ),
    )


def gathered(declared: Sequence[Declared]) -> list[Declared]:
    """See `kind.Gathers`: one rule for each table, and one set of rules for each target."""
    errors: list[DesiredError] = []
    tables: dict[Address, UnlistedIndexes] = {}
    targets: dict[Address, UnlistedEverywhere] = {}
    for each in declared:
        try:
            match each:
                case UnlistedIndexes(address=address):
                    tables[address] = _joined(tables[address], each) if address in tables else each
                case UnlistedEverywhere(address=address):
                    targets[address] = _both(targets[address], each) if address in targets else each
        except DesiredError as error:
            errors.append(error)
    for address, table in tables.items():
        target = targets.get(address._replace(name=EVERYTHING))
        try:
            tables[address] = _settled(table, target.rules if target else ())
        except DesiredError as error:
            errors.append(error)
    if errors:
        first_error, *others = errors
        raise DesiredError(first_error.message, at=first_error.at, hint=first_error.hint, others=others)
    return list(_once(declared, tables, targets))


def _joined(first: UnlistedIndexes, second: UnlistedIndexes) -> UnlistedIndexes:
    """What two documents say of the same table. Raises DesiredError."""
    if first.said and second.said and first.policy is not second.policy:
        raise _contradicting(first, _as_rule(first), _as_rule(second))
    says = second if second.said and not first.said else first
    return says.model_copy(update={"listed": tuple(dict.fromkeys((*first.listed, *second.listed)))})


def _both(first: UnlistedEverywhere, second: UnlistedEverywhere) -> UnlistedEverywhere:
    """What two documents say of the same target. Raises DesiredError."""
    return first.model_copy(update={"rules": together(SECTION, (*first.rules, *second.rules))})


def _settled(table: UnlistedIndexes, target: Sequence[Rule]) -> UnlistedIndexes:
    """What holds for a table that is declared: what it says itself, else what the target says. Raises DesiredError."""
    rule = decided(target, full_name(table.schema_name, table.table))
    if rule is None:
        return table
    if not table.said:
        return table.model_copy(update={"policy": rule.policy, "by": rule.pattern, "declared_at": rule.at})
    if "*" not in rule.pattern and rule.policy is not table.policy:
        raise _contradicting(table, rule, _as_rule(table))
    return table


def _as_rule(table: UnlistedIndexes) -> Rule:
    return Rule(pattern=full_name(table.schema_name, table.table), policy=table.policy, at=table.declared_at)


def _contradicting(table: UnlistedIndexes, first: Rule, second: Rule) -> DesiredError:
    return contradiction(f"{SECTION} of {full_name(table.schema_name, table.table)}", first, second)


def _once(
    declared: Sequence[Declared],
    tables: Mapping[Address, UnlistedIndexes],
    targets: Mapping[Address, UnlistedEverywhere],
) -> Iterator[Declared]:
    """`declared` with what was found of each table and each target where it first stands."""
    apart: dict[str, list[TableName]] = {}
    for table in tables.values():
        apart.setdefault(table.address.target, []).append((table.schema_name, table.table))
    told: set[Address] = set()
    for each in declared:
        address = each.address
        if address in told:
            continue
        match each:
            case PgIndex():
                yield each
            case UnlistedIndexes():
                told.add(address)
                yield tables[address]
            case UnlistedEverywhere():
                told.add(address)
                yield targets[address].model_copy(update={"apart": tuple(apart.get(address.target, ()))})


def tables_of(session: PostgresSession, rules: UnlistedEverywhere) -> list[UnlistedIndexes]:
    """What the rules of a target say of each table that nobody declares, where that is more than to keep all of it.

    One query. Raises TargetError.
    """
    if all(rule.policy is Unlisted.KEEP for rule in rules.rules):
        return []
    apart: Collection[TableName] = set(rules.apart)
    found = []
    for row in session.fetch(_TABLES):
        schema, table = row["schema"], row["table"]
        rule = decided(rules.rules, full_name(schema, table))
        if (schema, table) in apart or rule is None or rule.policy is Unlisted.KEEP:
            continue
        found.append(
            UnlistedIndexes(
                address=rules.address._replace(name=rule_name(schema, table)),
                declared_at=rule.at,
                schema_name=schema,
                table=table,
                policy=rule.policy,
                said=False,
                by=rule.pattern,
                listed=(),
            )
        )
    return found


def dropped_by(index: Declared, declared: Mapping[Address, Resource]) -> list[Address]:
    """See `kind.Derives`: an index that nobody lists is dropped by the rule of its table, or of the target."""
    if not isinstance(index, PgIndex) or index.definition is not None:
        return []
    rule = _dropping(index.address.target, (index.schema_name, index.table), index.name, declared)
    return [rule] if rule else []


def is_dropped(target: str, table: TableName, name: str, declared: Mapping[Address, Resource]) -> bool:
    """Whether the index `name` of `table`, which nobody lists, is to be dropped."""
    return _dropping(target, table, name, declared) is not None


def _dropping(target: str, table: TableName, name: str, declared: Mapping[Address, Resource]) -> Address | None:
    """The rule by which an index goes."""
    own = declared.get(Address(target, "pg_index", rule_name(*table)))
    if isinstance(own, UnlistedIndexes):
        return own.address if own.policy is Unlisted.DROP and name not in own.listed else None
    everywhere = declared.get(Address(target, "pg_index", EVERYTHING))
    if not isinstance(everywhere, UnlistedEverywhere):
        return None
    rule = decided(everywhere.rules, full_name(*table))
    return everywhere.address if rule is not None and rule.policy is Unlisted.DROP else None


def rulings_about(address: Address, declared: Sequence[Declared]) -> list[Ruling]:
    """See `kind.unlisted.Rules`: of the indexes of a table, `public.orders.*`; of one index, whose table no file
    knows, all that may be said of a table in its schema. Raises UsageError for the name of a table alone."""
    of_tables = {
        full_name(each.schema_name, each.table): each for each in declared if isinstance(each, UnlistedIndexes)
    }
    everywhere = [rule for each in declared if isinstance(each, UnlistedEverywhere) for rule in each.rules]
    if address.name.endswith(".*"):
        table = address.name.removesuffix(".*")
        own = of_tables.get(table)
        said = [Ruling(own.policy.value, table, own.declared_at)] if own and own.said else []
        return said + rulings(everywhere, table)
    if address.name in of_tables:
        indexes = address._replace(name=f"{address.name}.*")
        raise UsageError(f"{address}: that is a table, and an address is of an index", hint=f"explain {indexes}")
    schema = f"{address.name.partition('.')[0]}."
    found = [_as_rule(each) for name, each in of_tables.items() if each.said and name.startswith(schema)]
    found += [rule for rule in everywhere if _may_fit(rule.pattern, schema)]
    by_closeness = sorted(found, key=lambda rule: rule.closeness, reverse=True)
    return [Ruling(rule.policy.value, rule.pattern, rule.at, "its table") for rule in by_closeness]


def _may_fit(pattern: str, schema: str) -> bool:
    """Whether it may be about a table of `schema`, which ends with its dot."""
    start, star, _ = pattern.partition("*")
    return start.startswith(schema) or (bool(star) and schema.startswith(start))
