"""From YAML to declared indexes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from reconciler.errors import Collected, DesiredError
from reconciler.kind import Declaration
from reconciler.kinds.pg_index.definition.access_methods import METHODS, OBSOLETE
from reconciler.kinds.pg_index.definition.create_index import ParsedIndex, parse_index
from reconciler.kinds.pg_index.definition.limits import impossible
from reconciler.kinds.pg_index.definition.syntax import (
    NO_TABLE,
    NoKey,
    parse_element,
    parse_predicate,
    qualified_name,
    unqualified,
)
from reconciler.kinds.pg_index.model import (
    LONGEST_NAME,
    Declared,
    Definition,
    Element,
    ForNewPartitions,
    PgIndex,
    UnlistedIndexes,
    full_name,
    rule_name,
)
from reconciler.kinds.pg_index.sections import IndexSection, TableSection
from reconciler.kinds.pg_index.unlisted_rules import SECTION, everywhere
from reconciler.model import Address
from reconciler.targets.sql_tree import REMEMBERED, SyntaxProblem

KIND = "pg_index"


def declare(declaration: Declaration) -> Iterator[Declared]:
    """The resources of one `tables` section, or of `unlisted_indexes`. Raises DesiredError."""
    if declaration.section == SECTION:
        yield everywhere(declaration)
        return
    tables: dict[str, TableSection] = declaration.value
    wrong = Collected()
    for written, section in tables.items():
        with wrong.noted():
            schema, table = _table(declaration, written)
            for name, index in section.indexes.items():
                with wrong.noted():
                    yield _index(declaration, (written, "indexes", name), schema, table, index)
            yield UnlistedIndexes.of_known(
                address=Address(declaration.target.name, KIND, rule_name(schema, table)),
                declared_at=declaration.at([written, "unlisted_indexes"]),
                schema_name=schema,
                table=table,
                policy=section.unlisted_indexes,
                said="unlisted_indexes" in section.model_fields_set,
                listed=tuple(_name(name) for name in section.indexes),
            )
    wrong.tell()


def _table(declaration: Declaration, written: str) -> tuple[str, str]:
    try:
        return qualified_name(written)
    except SyntaxProblem as problem:
        raise DesiredError(str(problem), at=declaration.at([written])) from None


def _index(
    declaration: Declaration, path: Sequence[str], schema: str, table: str, section: IndexSection | str
) -> PgIndex:
    at = declaration.at(path)
    name = _name(path[-1])
    if len(name.encode()) > LONGEST_NAME:
        raise DesiredError(
            f"the index name {name} has {len(name.encode())} bytes",
            at=at,
            hint=f"PostgreSQL keeps the first {LONGEST_NAME} and cuts the rest without a word; choose a shorter one",
        )
    definition = new_partitions = None
    why = ""
    if isinstance(section, IndexSection):
        why = section.why
        if (coming := section.new_partitions) is not None:
            new_partitions = ForNewPartitions(at_most=coming.at_most, up_to=coming.up_to)
        try:
            definition = _definition(section, schema, table, name)
        except _Misplaced as wrong:
            at = declaration.at((*path, *wrong.path))
            raise DesiredError(f"index {name}: {wrong.problem}", at=at, hint=_way(wrong.problem)) from None
        except SyntaxProblem as problem:
            raise DesiredError(f"index {name}: {problem}", at=at, hint=_way(problem)) from None
    return PgIndex.of_known(
        address=Address(declaration.target.name, KIND, full_name(schema, name)),
        why=why,
        declared_at=at,
        schema_name=schema,
        table=table,
        name=name,
        definition=definition,
        new_partitions=new_partitions,
    )


class _Misplaced(Exception):
    """What is wrong is within the value of one key of an index, to which `path` leads."""

    def __init__(self, problem: SyntaxProblem, path: Sequence[str | int]) -> None:
        super().__init__(problem, path)
        self.problem = problem
        self.path = path


class _Within:
    """Around what reads the value of the key of an index to which `path` leads."""

    def __init__(self, *path: str | int) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, SyntaxProblem):
            raise _Misplaced(error, self._path) from None


def _to_option(written: _Written, option: str) -> Sequence[str]:
    """The path to a storage parameter, by its name in lower case, where it is written as a key; the last, if it stands
    there twice."""
    names = [name for name, _ in written.options if name.lower() == option]
    return ("with", names[-1]) if names else ()


def _way(problem: SyntaxProblem) -> str:
    return "expressions are SQL; put one in parentheses if in doubt" if isinstance(problem, NoKey) else ""


def _name(written: str) -> str:
    """Names are taken as written, upper case included; quotes around them, as in SQL, do not belong to them."""
    return written[1:-1].replace('""', '"') if len(written) > 2 and written[0] == written[-1] == '"' else written


class _Written(NamedTuple):
    """What the YAML says of an index, but for `sql`."""

    columns: tuple[str, ...]
    using: str
    unique: bool
    nulls_not_distinct: bool
    include: tuple[str, ...]
    where: str
    options: tuple[tuple[str, str], ...]
    tablespace: str
    comment: str | None
    statistics: tuple[tuple[int, int], ...]


def _definition(section: IndexSection, schema: str, table: str, name: str) -> Definition:
    written = _Written(
        tuple(section.columns), section.using, section.unique, section.nulls_not_distinct, tuple(section.include),
        section.where, tuple(section.with_.items()), section.tablespace,
        section.comment, tuple(section.statistics.items()),
    )  # fmt: skip
    if section.sql:
        return _complete(_from_sql(section, schema, table, name), written, schema, table)
    if not section.columns:
        named = "columns" in section.model_fields_set
        raise SyntaxProblem("columns is empty: name one at least" if named else "it has neither columns nor sql")
    # Tables that are alike share their definitions, but where a text may name one, or its whole row.
    if any("." in text or table in text for text in (*section.columns, section.where)):
        return _from_columns(written, schema, table)
    return _from_columns(written, NO_TABLE, NO_TABLE)


def _complete(definition: Definition, written: _Written, schema: str, table: str) -> Definition:
    """With what no CREATE INDEX can say, and without the schema in `public.tasks.status`, which no index keeps."""
    for number, _ in written.statistics:
        if number > len(definition.keys) or definition.keys[number - 1].column:
            raise SyntaxProblem(
                f"statistics: {number} is not an expression among its columns; "
                "a column's target belongs to the table: ALTER TABLE … ALTER COLUMN … SET STATISTICS"
            )
    changes: dict[str, object] = {}
    if definition.method in OBSOLETE:
        changes["method"] = OBSOLETE[definition.method]
    if written.comment is not None or written.statistics:
        changes |= {"comment": written.comment, "statistics": tuple(sorted(written.statistics))}
    if "." in definition.predicate:
        changes["predicate"] = unqualified(definition.predicate, schema, table)
    if any("." in key.expression for key in definition.keys):
        changes["keys"] = tuple(
            key.model_copy(update={"expression": unqualified(key.expression, schema, table)})
            if "." in key.expression
            else key
            for key in definition.keys
        )
    complete = definition.model_copy(update=changes) if changes else definition
    if wrong := impossible(complete, table):
        raise _Misplaced(SyntaxProblem(wrong.says), _to_option(written, wrong.option))
    return complete


def _key(number: int, written: str, method: str, table: str) -> Element:
    with _Within("columns", number):
        return parse_element(written, method, table if table in written else NO_TABLE)


@lru_cache(maxsize=REMEMBERED)
def _from_columns(written: _Written, schema: str, table: str) -> Definition:
    method = written.using.lower()
    keys = tuple(_key(number, key, method, table) for number, key in enumerate(written.columns))
    include = tuple(_name(column) for column in written.include)
    for column in (*(key.column for key in keys), *include):
        if len(column.encode()) > LONGEST_NAME:
            raise SyntaxProblem(f"the column name {column} has {len(column.encode())} bytes; no name has more than 63")
    # Extensions bring more methods, so that an unknown one is only refused where it looks misspelt.
    if method not in METHODS and method not in OBSOLETE and (near := difflib.get_close_matches(method, METHODS, n=1)):
        with _Within("using"):
            raise SyntaxProblem(f"unknown access method {written.using!r}; did you mean {near[0]!r}?")
    with _Within("where"):
        predicate = parse_predicate(written.where) if written.where else ""
    described = Definition.of_known(
        method=method,
        unique=written.unique,
        nulls_not_distinct=written.nulls_not_distinct,
        keys=keys,
        include=include,
        predicate=predicate,
        options=tuple((name.lower(), value) for name, value in written.options),
        tablespace=written.tablespace,
    )
    return _complete(described, written, schema, table)


def _from_sql(section: IndexSection, schema: str, table: str, name: str) -> Definition:
    extra = sorted(section.model_fields_set - {"sql", "why", "comment", "statistics", "new_partitions"})
    if extra:
        raise SyntaxProblem(f"sql says it all; {', '.join(extra).replace('with_', 'with')} cannot stand beside it")
    with _Within("sql"):
        return _parsed(parse_index(section.sql), schema, table, name)


def _parsed(parsed: ParsedIndex, schema: str, table: str, name: str) -> Definition:
    if parsed.name != name:
        raise SyntaxProblem(f"its sql creates {parsed.name or 'an index without a name'}, not {name}")
    if (parsed.schema_name or "public", parsed.table) != (schema, table):
        raise SyntaxProblem(
            f"its sql is about {parsed.schema_name or 'public'}.{parsed.table}, and stands under {schema}.{table}"
        )
    return parsed.definition
