"""What the server would refuse to build, told before it is asked to: by its own reading of what is declared, and by its
catalogue. In the order of DefineIndex, ComputeIndexAttrs and index_create of PostgreSQL.

Nothing is refused here that the server might take: what cannot be told (parameters of an operator class, those of an
extension's access method, values in the table) is left to the rehearsal of an apply.

Decided: docs/decisions.md#immutable-expressions
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reconciler.kinds.pg_index.acceptance.catalogue_facts import Class, Facts, facts
from reconciler.kinds.pg_index.acceptance.catalogue_row_size import LARGEST_ROW, least_size
from reconciler.kinds.pg_index.acceptance.types_and_immutability import Asked, Reading, not_immutable, readings
from reconciler.kinds.pg_index.comparison.compare import Unread
from reconciler.kinds.pg_index.comparison.user_defined import Made
from reconciler.kinds.pg_index.definition.access_methods import unknown_parameter
from reconciler.kinds.pg_index.definition.limits import columns_of
from reconciler.kinds.pg_index.definition.not_indexable import changing, refusal
from reconciler.kinds.pg_index.model import Definition, Element
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.reached_names import reached
from reconciler.targets.postgres.session import PostgresSession
from reconciler.targets.sql_tree import SyntaxProblem, parse_select, printed_expression

NULLS_NOT_DISTINCT_SINCE = 150000
LARGE_SINCE = 180000
"""18: pg_index keeps what is too large for a page elsewhere."""

_PATTERNS = {"text_pattern_ops", "varchar_pattern_ops", "bpchar_pattern_ops"}
_DETERMINISTIC_UNTIL = 180000
"""Before 18, the classes of patterns of btree take deterministic collations only."""


class Judged(NamedTuple):
    """`refused`: why no server like this one will make it; `forbidden`: why this role may not. Empty: nothing is known
    to speak against it. `unasked`: why the server was not asked."""

    refused: str = ""
    forbidden: str = ""
    unasked: str = ""


def judge(session: PostgresSession, asked: Sequence[Asked], foreign: ForeignCode, made: Made) -> list[Judged]:
    """What speaks against each of them. Two round trips, if the server reads all; none without questions.

    What PostgreSQL would refuse by its names is not given to it. Nor is what may run code of others: whether that can
    be read, the build will tell. Raises TargetError.
    """
    if not asked:
        return []
    by_name = ["" if each.in_place else refusal(each.definition, foreign) for each in asked]
    given = [n for n, each in enumerate(asked) if not (each.in_place or by_name[n] or _reaches(each, foreign))]
    read = dict(zip(given, readings(session, [asked[n] for n in given], foreign, made), strict=True))
    types = [found.types if isinstance(found := read.get(n), Reading) else () for n in range(len(asked))]
    known = facts(session, asked, types)
    mutable = {n: found.mutable[0] for n, found in read.items() if isinstance(found, Reading) and found.mutable}
    causes = dict(zip(mutable, _causes(session, [(asked[n], at) for n, at in mutable.items()], foreign), strict=True))
    return [
        Judged(
            by_name[n] or causes.get(n) or next(_against(each, read.get(n), known, session), ""),
            _forbidden(each.definition, read.get(n), known),
            _unasked(read.get(n)),
        )
        for n, each in enumerate(asked)
    ]


def _reaches(asked: Asked, foreign: ForeignCode) -> bool:
    return any(foreign.in_text(reached(text)) for text in asked.definition.expressions)


def _against(asked: Asked, read: Reading | Unread | None, known: Facts, session: PostgresSession) -> Iterator[str]:
    definition = asked.definition
    yield from _of_tablespace(definition, known)
    if why := unknown_parameter(definition, session.version_num):
        yield _refuses(why)
    if asked.in_place:
        return
    yield from map(_refuses, _of_table(asked, known))
    if definition.nulls_not_distinct and session.version_num < NULLS_NOT_DISTINCT_SINCE:
        yield _refuses("NULLS NOT DISTINCT is known from PostgreSQL 15 on")
    yield from map(_refuses, _of_method(definition, known))
    yield from map(_refuses, _of_collations(definition, known, session))
    if isinstance(read, Unread) and not read.not_compared:
        yield f"the server cannot read its definition: {read.why}"
    elif isinstance(read, Reading):
        yield from map(_refuses, _of_keys(definition, read, known, session))
        if read.raised and _is_partitioned(asked, known):
            # ATTACH PARTITION compares indexes as a plan does, and not as CREATE INDEX builds them.
            said = (
                f"to attach the indexes of partitions, PostgreSQL runs its functions as {session.role}: {read.raised}"
            )
            yield f"{said}. As the table's owner it may do: `role` of the target"
    if session.version_num < LARGE_SINCE and least_size(definition) > LARGEST_ROW:
        yield _refuses(
            "its expressions and predicate do not fit into a page of the catalogue before PostgreSQL 18: "
            "put the values into a table or a column, and index that"
        )


def _refuses(why: str) -> str:
    return f"PostgreSQL refuses it: {why}"


def _of_tablespace(definition: Definition, known: Facts) -> Iterator[str]:
    if definition.tablespace and definition.tablespace not in known.allowed:
        yield f"tablespace {definition.tablespace} does not exist: create tablespace, or leave it out"


def _unasked(read: Reading | Unread | None) -> str:
    return read.why if isinstance(read, Unread) and read.not_compared and not read.forbidden else ""


def _forbidden(definition: Definition, read: Reading | Unread | None, known: Facts) -> str:
    if isinstance(read, Unread) and read.forbidden:
        return read.why
    if definition.tablespace and not known.allowed.get(definition.tablespace, True):
        return f"it has no CREATE on the tablespace {definition.tablespace}"
    return ""


def _of_table(asked: Asked, known: Facts) -> Iterator[str]:
    table, definition = known.tables.get((asked.schema, asked.table)), asked.definition
    if table is None:
        return
    name = f"{asked.schema}.{asked.table}"
    if table.is_catalogue:
        yield f"{name} is a system catalogue"
    if table.is_temporary:
        yield f"{name} is a temporary table, which belongs to another session"
    for column in sorted(columns_of(definition, asked.table) & table.virtual) if table.virtual else ():
        yield f"{column} is a virtual generated column, which no index can hold: index its expression, or store it"
    if definition.unique:
        there = {key.column for key in definition.keys if key.column}
        for key in table.partition_keys:
            if key["expressions"]:
                yield f"{key['table']} is partitioned by an expression: no index on it can be unique"
            if missing := [column for column in key["columns"] if column not in there]:
                yield (
                    f"a unique index has to have all columns that {key['table']} is partitioned by: "
                    f"add {', '.join(missing)}"
                )


def _is_partitioned(asked: Asked, known: Facts) -> bool:
    table = known.tables.get((asked.schema, asked.table))
    return table is not None and bool(table.partition_keys)


def _of_method(definition: Definition, known: Facts) -> Iterator[str]:
    name, method = definition.method, known.methods.get(definition.method)
    if method is None:
        yield f"access method {name} does not exist: create the extension that brings it, or use another"
    elif not method.of_indexes:
        yield f"{name} is a method of tables, not of indexes"
    else:
        if definition.unique and not method.unique:
            yield f"access method {name} does not support unique indexes"
        if len(definition.keys) > 1 and not method.several:
            yield f"access method {name} does not support multicolumn indexes"
        if definition.include and not method.includes:
            yield f"access method {name} does not support included columns on this version"
        if not method.ordered and any(key.descending or key.nulls_first for key in definition.keys):
            yield f"access method {name} does not support desc and nulls first"


def _of_collations(definition: Definition, known: Facts, session: PostgresSession) -> Iterator[str]:
    for key in definition.keys:
        if not key.collation:
            continue
        there = known.collations.get(key.collation[-1], [])
        if known.found(key.collation, there) is None:
            places = [f"{each.schema}.{each.name}" for each in there]
            yield _not_found(f"collation {'.'.join(key.collation)}", places, key.collation, session)


def _not_found(what: str, places: Sequence[str], written: Sequence[str], session: PostgresSession) -> str:
    if places and len(written) == 1:
        path = ", ".join(session.search_path) or "empty"
        return f"{what} is not on the search_path of {session.role} ({path}): write {' or '.join(places)}"
    return f"{what} does not exist" + (f": write {' or '.join(places)}" if places else "")


def _of_keys(definition: Definition, read: Reading, known: Facts, session: PostgresSession) -> Iterator[str]:
    for number, (key, type_) in enumerate(zip(definition.keys, read.types, strict=True)):
        what = key.column or key.expression
        if type_ in known.pseudo:
            yield f"{what} has the pseudo-type {known.type_names[type_]}, which no column can have"
            continue
        asked = (type_, definition.method, key.opclass[-1] if key.opclass else "")
        classes = known.classes.get(asked, [])
        name = known.type_names.get(type_, "?")
        mine = [each for each in classes if each.method == definition.method]
        chosen = known.found(key.opclass, mine) if key.opclass else _default(mine)
        if chosen is None:
            yield _no_class(key, name, classes, definition.method, known, session)
        elif not chosen.takes:
            yield f"operator class {chosen.name} of {chosen.method} does not accept {what}, which is {name}"
        else:
            if key.opclass_options and chosen.has_options is False:
                yield f"operator class {chosen.name} has no parameters"
            if session.version_num < _DETERMINISTIC_UNTIL and _is_pattern(chosen) and _is_nondeterministic(key, known):
                yield f"operator class {chosen.name} does not support nondeterministic collations before PostgreSQL 18"
        if number in read.undecided and not key.collation:
            yield f'which collation {what} has cannot be told: write one, as in ({what}) collate "C"'


def _default(classes: Sequence[Class]) -> Class | None:
    """As GetDefaultOpClass chooses among those of a method."""
    default = [each for each in classes if each.is_default and each.takes]
    exact = [each for each in default if each.exact]
    preferred = [each for each in default if each.preferred]
    for found in (exact, preferred, default):
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _no_class(
    key: Element, type_: str, classes: Sequence[Class], method: str, known: Facts, session: PostgresSession
) -> str:
    what = key.column or key.expression
    mine = [each for each in classes if each.method == method]
    if key.opclass:
        written = ".".join(key.opclass)
        if not mine and classes:
            others = ", ".join(sorted({each.method for each in classes}))
            return f"operator class {written} is one of {others}, not of {method}"
        places = [f"{each.schema}.{each.name}" for each in mine]
        return _not_found(f"operator class {written} of {method}", places, key.opclass, session)
    takes = [each.name if each.schema in known.path else f"{each.schema}.{each.name}" for each in mine if each.takes]
    elsewhere = sorted({each.method for each in classes if each.is_default and each.takes and each.method != method})
    ways = [f"name one: {what} {' or '.join(sorted(takes))}"] if takes else []
    ways += [f"use {' or '.join(elsewhere)}"] if elsewhere else []
    ways += ["index an expression of another type"]
    return f"{what} is {type_}, which has no default operator class for {method}: {'; or '.join(ways)}"


def _is_pattern(chosen: Class) -> bool:
    return chosen.method == "btree" and chosen.schema == "pg_catalog" and chosen.name in _PATTERNS


def _is_nondeterministic(key: Element, known: Facts) -> bool:
    """Of a collation that is written; that of a column is not asked for."""
    if not key.collation:
        return False
    chosen = known.found(key.collation, known.collations.get(key.collation[-1], []))
    return chosen is not None and not chosen.is_deterministic


def _causes(session: PostgresSession, mutable: Sequence[tuple[Asked, int]], foreign: ForeignCode) -> Iterator[str]:
    """Of each expression (of a definition, by its number) that is not immutable, the smallest part that is not."""
    parts = [(each, _parts(each.definition.expressions[place])) for each, place in mutable]
    for (each, place), (_, texts), flags in zip(mutable, parts, not_immutable(session, parts, foreign), strict=True):
        definition = each.definition
        whole = definition.expressions[place]
        is_predicate = bool(definition.predicate) and place == len(definition.expressions) - 1
        must = f"functions in index {'predicate' if is_predicate else 'expression'} must be marked IMMUTABLE"
        if named := changing(whole, foreign):
            yield _refuses(f"{must}: {named}")
            continue
        cause = min((text for text, flag in zip(texts, flags, strict=True) if flag), key=len, default=whole)
        yield _refuses(
            f"{must}, and {cause} goes by the session or by the moment, as whatever depends on a time zone or on a "
            "date style: write what does not, such as (created_at at time zone 'UTC')::date for created_at::date"
        )


def _parts(text: str) -> list[str]:
    """All operators, calls and casts within an expression, as SQL."""
    import postgast
    from postgast.pg_query_pb2 import A_Expr, FuncCall, Node, TypeCast

    try:
        parsed = parse_select(text)
    except SyntaxProblem:
        return []
    found: dict[str, None] = {}
    for kind, field in ((A_Expr, "a_expr"), (FuncCall, "func_call"), (TypeCast, "type_cast")):
        for node in postgast.find_nodes(parsed, kind):
            found[printed_expression(Node(**{field: node}))] = None
    return [each for each in found if each]
