"""Every construct of the expressions that an index may hold, with typed holes; and all pairs of one inside another.

`{int}` is a hole for an expression of that type. What stands in a hole has parentheses, so that a text says exactly
what is inside what; whether they are kept is what tests find out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import postgast

COLUMNS = {
    "bool": ("p", "q"),
    "int": ("a", "b"),
    "num": ("m",),
    "text": ("s", "t"),
    "ts": ("ts",),
    "tstz": ("tz",),
    "date": ("day",),
    "span": ("iv",),
    "ints": ("ia",),
    "texts": ("sa",),
    "jsonb": ("j",),
    "comp": ("c",),
    "box": ("c2",),
    "bits": ("bt",),
    "range": ("r",),
    "xml": ("x",),
}
"""The columns of the table by their type; the first one stands where nothing else was asked for."""

SETUP = """
    create schema app;
    create type app.comp as (a int, b text, "C d" int[]);
    create type app.box as (c app.comp, n int);
    create function app.f("Max Len" int, s text default 'x') returns int immutable language sql as 'select $1';
    create function app.all_of(variadic v int[]) returns int immutable language sql as 'select $1[1]';
    create function app.same(a int, b int) returns bool immutable language sql as 'select $1 operator(pg_catalog.=) $2';
    create operator app.=== (leftarg = int, rightarg = int, function = app.same);
    create operator app.@@@ (rightarg = int, function = pg_catalog.int4abs)
"""
TABLE = """
    create table {table} (
        id int primary key, p bool, q bool, a int, b int, m numeric, s text, t text, ts timestamp, tz timestamptz,
        day date, iv interval, ia int[], sa text[], j jsonb, c app.comp, c2 app.box, bt bit(8), r int4range{xml}
    )
"""

_ORDERED = ("int", "text", "bool")
"""Types that stand for all others where any will do."""


class Construct(NamedTuple):
    """What `text` makes of expressions in its holes; `since`: the first version of PostgreSQL that takes it."""

    result: str
    text: str
    since: int = 13
    until: int = 99
    needs: str = ""

    @property
    def holes(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.text)

    def filled(self, at: int = -1, inner: str = "", *, parentheses: bool = True) -> str:
        """With columns in all holes, but for `inner` in that with the number `at`."""
        numbers = iter(range(len(self.holes)))
        used: dict[str, int] = {}

        def fill(found: re.Match[str]) -> str:
            if next(numbers) == at:
                return f"({inner})" if parentheses else inner
            names = COLUMNS[found[1]]
            used[found[1]] = used.get(found[1], -1) + 1
            return names[used[found[1]] % len(names)]

        return re.sub(r"\{(\w+)\}", fill, self.text)


def _any(text: str, types: tuple[str, ...] = _ORDERED, result: str = "bool", **known: int) -> list[Construct]:
    """One for each of `types` in the place of `{T}`; `{Ts}` is an array of it."""
    arrays = {"int": "ints", "text": "texts"}
    return [
        Construct(
            result.replace("T", each),
            text.replace("{T}", f"{{{each}}}").replace("{Ts}", f"{{{arrays.get(each)}}}"),
            **known,
        )
        for each in types
    ]  # fmt: skip


CONSTRUCTS: tuple[Construct, ...] = (
    # Truth
    Construct("bool", "not {bool}"),
    Construct("bool", "{bool} and {bool}"),
    Construct("bool", "{bool} or {bool}"),
    *(
        Construct("bool", f"{{bool}} is {word}")
        for word in ("true", "not true", "false", "not false", "unknown", "not unknown")
    ),
    *_any("{T} is null", (*_ORDERED, "comp", "ts", "ints", "jsonb")),
    *_any("{T} is not null", (*_ORDERED, "comp")),
    *_any("{T} isnull"),
    *_any("{T} notnull"),
    *_any("{T} is distinct from {T}"),
    *_any("{T} is not distinct from {T}"),
    Construct("bool", "{text} is normalized"),
    Construct("bool", "{text} is not nfkc normalized"),
    Construct("bool", "{text} is json", since=16),
    Construct("bool", "{text} is not json object with unique keys", since=16),
    Construct("bool", "{xml} is document", needs="xml"),
    Construct("bool", "{xml} is not document", needs="xml"),
    # Comparisons
    *(each for sign in ("=", "<>", "<", ">", "<=", ">=") for each in _any(f"{{T}} {sign} {{T}}")),
    Construct("bool", "{int} operator(app.===) {int}"),
    Construct("bool", "{int} operator(pg_catalog.=) {int}"),
    *(Construct("bool", f"{{text}} {word} {{text}}") for word in (
        "like", "not like", "ilike", "not ilike", "similar to", "not similar to", "~", "!~", "~*", "~~", "^@",
    )),
    *(Construct("bool", f"{{text}} {word} {{text}} escape {{text}}") for word in (
        "like", "not like", "ilike", "not ilike", "similar to", "not similar to",
    )),
    *_any("{T} in ({T}, {T})", ("int", "text")),
    *_any("{T} not in ({T}, {T})", ("int", "text")),
    *_any("{T} between {T} and {T}", ("int", "text")),
    *_any("{T} not between {T} and {T}", ("int",)),
    *_any("{T} between symmetric {T} and {T}", ("int",)),
    *_any("{T} not between symmetric {T} and {T}", ("int",)),
    *_any("{T} = any ({Ts})", ("int", "text")),
    *_any("{T} <> all ({Ts})", ("int", "text")),
    *_any("{T} = any (array[{T}, {T}])", ("int", "text")),
    Construct("bool", "{text} like any ({texts})"),
    Construct("bool", "{text} not ilike all ({texts})"),
    Construct("bool", "{int} operator(pg_catalog.>) any ({ints})"),
    Construct("bool", "({int}, {text}) < ({int}, {text})"),
    Construct("bool", "row({int}, {text}) = row({int}, {text})"),
    Construct("bool", "({int}, {text}) is null"),
    Construct("bool", "row({int}, {text}) is not null"),
    Construct("bool", "({int}, {text}) is distinct from ({int}, {text})"),
    Construct("bool", "({int}, {text}) in (({int}, {text}), (1, 'x'))"),
    Construct("bool", "({ts}, {ts}) overlaps ({ts}, {ts})"),
    Construct("bool", "{jsonb} @> {jsonb}"),
    Construct("bool", "{jsonb} ? {text}"),
    Construct("bool", "{jsonb} ?| {texts}"),
    Construct("bool", "{ints} && {ints}"),
    Construct("bool", "{ints} @> {ints}"),
    Construct("bool", "{int} <@ {range}"),
    Construct("bool", "{jsonb} is distinct from {jsonb}"),
    # Arithmetic
    *(Construct("int", f"{{int}} {sign} {{int}}") for sign in ("+", "-", "*", "/", "%", "&", "|", "#", "<<", ">>")),
    Construct("int", "- {int}"),
    Construct("int", "+ {int}"),
    Construct("int", "~ {int}"),
    Construct("int", "@ {int}"),
    Construct("int", "operator(app.@@@) {int}"),
    Construct("int", "{int} operator(pg_catalog.+) {int}"),
    Construct("num", "{num} ^ {num}"),
    Construct("num", "{num} * {int}"),
    Construct("num", "- {num}"),
    Construct("num", "{int} - 1.50"),
    Construct("int", "{int} - -1"),
    Construct("int", "-1 - {int}"),
    Construct("bits", "{bits} & {bits}"),
    Construct("bits", "~ {bits}"),
    # Texts
    Construct("text", "{text} || {text}"),
    Construct("text", "{text} || {int}"),
    Construct("text", '{text} collate "C"'),
    Construct("text", "{text} collate pg_catalog.\"POSIX\""),
    Construct("text", "upper({text})"),
    Construct("int", "length({text})"),
    Construct("text", "substring({text} from {int} for {int})"),
    Construct("text", "substring({text} from {text})"),
    Construct("text", "substring({text} similar {text} escape {text})", since=14),
    Construct("text", "overlay({text} placing {text} from {int} for {int})"),
    Construct("int", "position({text} in {text})"),
    Construct("text", "trim(both {text} from {text})"),
    Construct("text", "trim(leading from {text})"),
    Construct("text", "trim({text})"),
    Construct("text", "normalize({text}, nfd)"),
    Construct("text", "{jsonb} ->> {text}"),
    Construct("text", "{jsonb} ->> {int}"),
    Construct("text", "{jsonb} #>> {texts}"),
    Construct("jsonb", "{jsonb} -> {text}"),
    Construct("jsonb", "{jsonb} - {text}"),
    Construct("jsonb", "{jsonb} || {jsonb}"),
    Construct("jsonb", "{jsonb}[{text}]", since=14),
    # Casts
    Construct("int", "{text}::int"),
    Construct("int", "cast({text} as integer)"),
    Construct("text", "{int}::text"),
    Construct("text", "{text}::varchar(20)::text"),
    Construct("text", "{text}::character(3)::text"),
    Construct("int", "{bool}::int"),
    Construct("bool", "{int}::boolean"),
    Construct("num", "{int}::numeric(12, 2)"),
    Construct("num", "{int}::decimal"),
    Construct("date", "{ts}::date"),
    Construct("ts", "{date}::timestamp without time zone"),
    Construct("jsonb", "{text}::jsonb"),
    Construct("ints", "{text}::int[]"),
    Construct("bits", "{int}::bit(8)"),
    Construct("text", "text({int})"),
    Construct("comp", "row({int}, {text}, {ints})::app.comp"),
    # Times
    Construct("ts", "{tstz} at time zone {text}"),
    Construct("tstz", "{ts} at time zone {text}"),
    Construct("ts", "{tstz} at time zone {span}"),
    Construct("ts", "{tstz} at time zone interval '2' hour"),
    Construct("ts", "{ts} + {span}"),
    Construct("ts", "{ts} - interval '1-2' year to month"),
    Construct("span", "{ts} - {ts}"),
    Construct("span", "{span} * {int}"),
    Construct("span", "- {span}"),
    Construct("date", "{date} + {int}"),
    Construct("int", "{date} - {date}"),
    Construct("num", "extract(year from {ts})::numeric"),
    Construct("num", "extract(epoch from {span})::numeric"),
    Construct("bool", "{ts} < {ts}"),
    Construct("text", "date_trunc('day', {ts})::date - date '2000-01-01' || {text}"),
    # Choice
    *_any("case when {bool} then {T} else {T} end", (*_ORDERED, "ints", "comp", "ts", "jsonb"), "T"),
    *_any("case {T} when {T} then {T} end", _ORDERED, "T"),
    *_any("coalesce({T}, {T})", (*_ORDERED, "ts", "ints", "comp", "jsonb", "texts"), "T"),
    *_any("nullif({T}, {T})", ("int", "text"), "T"),
    *_any("greatest({T}, {T})", ("int", "text"), "T"),
    *_any("least({T}, {T})", ("int", "text"), "T"),
    # Arrays, rows, calls
    Construct("ints", "array[{int}, {int}]"),
    Construct("texts", "array[{text}, {text}]"),
    Construct("ints", "{ints} || {int}"),
    Construct("ints", "{ints} || {ints}"),
    Construct("int", "{ints}[{int}]"),
    Construct("ints", "{ints}[{int}:{int}]"),
    Construct("ints", "{ints}[:{int}]"),
    Construct("ints", "{ints}[{int}:]"),
    Construct("text", "{texts}[{int}]"),
    Construct("int", "(array[{int}, {int}])[{int}]"),
    Construct("int", "({comp}).a"),
    Construct("text", "({comp}).b"),
    Construct("ints", '({comp})."C d"'),
    Construct("int", '({comp})."C d"[{int}]'),
    Construct("comp", "({box}).c"),
    Construct("text", "({box}).c.b"),
    Construct("int", 'app.f("Max Len" => {int})'),
    Construct("int", "app.f(s => {text}, \"Max Len\" => {int})"),
    Construct("int", 'app.f("Max Len" := {int}, s := {text})'),
    Construct("int", "app.all_of(variadic {ints})"),
    Construct("int", "app.all_of({int}, {int})"),
    Construct("bool", "pg_catalog.starts_with({text}, {text})"),
    Construct("range", "int4range({int}, {int})"),
    Construct("range", "{range} * {range}"),
    Construct("text", "xmlserialize(content {xml} as text)", needs="xml"),
    Construct("xml", "xmlparse(content {text})", needs="xml"),
    Construct("xml", "xmlelement(name n, {text})", needs="xml"),
    # The syntax of 16 and later; older servers take some of it for calls.
    Construct("jsonb", "json_query({jsonb}, '$.a')", since=17),
    Construct("text", "json_value({jsonb}, '$.a' returning text)", since=17),
    Construct("bool", "json_exists({jsonb}, '$.a')", since=17),
    Construct("jsonb", "json_object('k': {int} returning jsonb)", since=16),
    Construct("jsonb", "json_array({int}, {text} returning jsonb)", since=16),
)  # fmt: skip


class Pair(NamedTuple):
    """`inner` in the hole of `outer` with the number `at`."""

    outer: Construct
    at: int
    inner: Construct

    @property
    def text(self) -> str:
        return self.outer.filled(self.at, self.inner.filled())


def pairs(*, typed: bool) -> Iterator[Pair]:
    """One construct of each kind over one of each kind, in each hole.

    `typed`: those whose types fit, so that a server takes them, and one of each kind for every type. A parser does not
    mind types.
    """
    inner: dict[object, Construct] = {}
    outer: dict[object, Construct] = {}
    for each in CONSTRUCTS:
        inner.setdefault((_kind(each), each.result if typed else None), each)
        outer.setdefault((_kind(each), *(each.holes if typed else [len(each.holes)])), each)
    for one in outer.values():
        for at, wanted in enumerate(one.holes):
            for other in inner.values():
                if not typed or other.result == wanted:
                    yield Pair(one, at, other)


def _kind(construct: Construct) -> object:
    """What the printer of a parse tree may treat alike."""
    node = postgast.parse(f"select ({construct.filled()})").stmts[0].stmt.select_stmt.target_list[0].res_target.val
    name = node.WhichOneof("node")
    inside = getattr(node, name)
    own = {
        field.name: value for field, value in inside.ListFields() if field.enum_type or field.type == field.TYPE_BOOL
    }
    operator = inside.name[-1].string.sval if name == "a_expr" else ""
    special = inside.funcname[-1].string.sval if name == "func_call" and inside.funcformat == 2 else ""  # SQL's syntax
    edges = construct.text.startswith("{"), construct.text.endswith("}")
    # Operators of one precedence are printed alike.
    return name, *own.items(), _LEVELS.get(operator, operator.isalpha()), special, *edges


_LEVELS = {sign: level for level, signs in enumerate(("= <> < > <= >=", "+ -", "* / %", "^")) for sign in signs.split()}


def known_to(version: int, *, xml: bool) -> frozenset[Construct]:
    """The constructs that a server of this major version takes."""
    return frozenset(
        each for each in CONSTRUCTS if each.since <= version <= each.until and (xml or each.needs != "xml")
    )
