"""Random tables, random valid indexes with all their attributes, and random edits from one state to the next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st
from psycopg import sql

COLUMNS = """
    id bigint not null, n int, u bigint not null, t text, c varchar(40), d numeric(12,2), ts timestamptz, day date,
    b boolean, j jsonb, a int[], v tsvector, p point, r int4range, ip inet, uu uuid, "Größe" int, "order" text
"""
ROWS = """
    select g, g % 12, g, 't' || g % 7, case when g % 9 > 0 then 'c' || g end, g * 1.5,
           timestamptz '2024-01-01' + g * interval '1 hour', date '2024-01-01' + g % 30, g % 2 = 0,
           jsonb_build_object('k', g % 5, 'l', array[g]), array[g, g % 3], to_tsvector('simple', 'word' || g % 4),
           point(g, g % 10), int4range(g, g + 5), ('10.0.0.' || g % 250)::inet, md5(g::text)::uuid, g % 3, 'o' || g
    from generate_series(1, 80) g
"""
KINDS = {
    "table": "create table {table} ({columns}, primary key (id))",
    "unlogged": "create unlogged table {table} ({columns})",
    "matview": "create materialized view {table} as select * from source",
    "partitioned": "create table {table} ({columns}) partition by range (n)",
}
PARTITIONS = (
    "create table {schema}.low partition of {table} for values from (minvalue) to (5)",
    "create table {schema}.high partition of {table} for values from (5) to (maxvalue) partition by hash (id)",
    "create table {schema}.high_0 partition of {schema}.high for values with (modulus 2, remainder 0)",
    'create table {schema}."High 1" partition of {schema}.high for values with (modulus 2, remainder 1)',
    "create table {schema}.rest partition of {table} default",
)
PARTITION_KEYS = ("n", "id")

TABLES = [("public", "tasks"), ("Some Schema", "Großer Tisch"), ("public", "t" * 63), ("public", "order")]
NAMES = ["i", "tasks_n_idx", "Mixed Case", "ünïcödé_索引", "x" * 63, "é" * 31, "select", 'with"quote', "a.b", "i_ccnew",
         "k_rcl_new", "j_rcl_old", "i_ccold1", "%s"]  # fmt: skip
COMMENTS = ["", "plain", 'it\'s 100 % "quoted" \\ {and} $$odd$$', "zwei\nZeilen — ü"]
TABLESPACES = ["pg_default", "spare"]
EDITS = ["keep", "keep", "respell", "absent", "rename", "rename and absent", "change", "change"]

PLAIN = ("id", "n", "u", "t", "c", "d", "ts", "day", "b", "ip", "uu", '"Größe"', '"order"')
"""Columns that a btree takes."""
UNIQUE = ("id", "u", "(u + 1)", "(id::text)")
"""Keys without duplicates."""
EXPRESSIONS = (
    "lower(t)", "(n + 1)", "(t || 'x')", "coalesce(d, 0)", "(j ->> 'k')", "date_trunc('day', ts at time zone 'UTC')",
    "(d::int)", "(n % 10)", "upper(c)", "(case when b then 1 else 0 end)", "length(t)", "md5(t)", "(n is null)",
    "((j -> 'l' ->> 0)::int)", "(extract(year from day))", "(t like 'a%')", "greatest(n, 3)", '(("Größe" * 2))',
    "(c in ('a', 'b'))", "left(c, 3)", "(day + 1)", "(not b)", "(n between 1 and 5)", "(interval '1 day' + day)",
    "((b or n > 3) is null)", "((case when b then a end)[1])", "((n > 3 -- or\n or b) is true)",
)  # fmt: skip
RESPELLED = {
    "lower(t)": "LOWER( t )", "(n + 1)": "(n+(1))", "coalesce(d, 0)": "coalesce(d, 0::numeric)",
    "(d::int)": "cast(d as int)",
    "(c in ('a', 'b'))": "((c)::text = any (array['a', 'b']))", "(n between 1 and 5)": "(n >= 1 and n <= 5)",
    "n > 3": "(n > (3))", "t is not null": "NOT t IS NULL", "c in ('a', 'b')": "c = any ('{a,b}')",
    "b and n < 100": "(b) and (n < 100)", "not b": "NOT (b)", "((b or n > 3) is null)": "((b /* or */ OR(n>3))isnull)",
    "(b or n > 3)\nis not null": "((b OR (n > 3)) IS NOT NULL)",
}  # fmt: skip
"""Other spellings of the same: nothing may be built because of them."""
PREDICATES = (
    "n > 3", "t is not null", "c in ('a', 'b')", "b and n < 100", "not b", "d between 1 and 50 or n is null",
    "ts > '2020-01-01 00:00:00+00'", "j @> '{\"k\": 1}'", "t like 'a%' and \"Größe\" > 0", "lower(c) <> 'x'",
    "day >= date '2020-01-01'", "n = any (array[1, 2, 3])", "(n, id) > (1, 2)", "ip << '10.0.0.0/8'",
    "a && array[1, 2]", "case when b then n > 1 else n > 2 end", "(b or n > 3)\nis not null",
    "not (t = 'x' or b)\n  is null", "(t like 'a%') in (b, n > 3)", "(n = any (a)) is distinct from (b is true)",
)  # fmt: skip
CLASSES = {
    "t": ("text_ops", "text_pattern_ops"), "c": ("text_ops", "varchar_pattern_ops", "varchar_ops"), "n": ("int4_ops",),
    "day": ("date_ops",), "uu": ("uuid_ops",), "ip": ("inet_ops",), '"order"': ("text_pattern_ops",),
}  # fmt: skip
COLLATIONS = ('collate "C"', 'collate pg_catalog."POSIX"', "collate ucs_basic", 'collate "default"')
SPECIAL = {
    "hash": ("n", "t", "uu", "c", 't collate "C"', "t text_pattern_ops", "lower(t)", "(n + 1)", "j"),
    "gin": ("j", "j jsonb_path_ops", "j jsonb_ops", "a", "v", "to_tsvector('english', t)", "(j -> 'l')", "a array_ops"),
    "gist": ("p", "r", "v", "v tsvector_ops (siglen = 100)", "ip inet_ops", "(r * int4range(1, 10))", "r range_ops"),
    "spgist": ("p", "p kd_point_ops", "p quad_point_ops", "t", 't collate "C"', "r", "ip"),
    "brin": ("n", "ts", "day", "d", "id", "(n + 1)", "r range_inclusion_ops", "n int4_minmax_ops"),
    "brin 14": ("n int4_minmax_multi_ops (values_per_range = 16)", "n int4_bloom_ops", "d numeric_minmax_multi_ops",
                "uu uuid_bloom_ops (n_distinct_per_range = 50, false_positive_rate = 0.05)"),
}  # fmt: skip
PARAMETERS: dict[str, dict[str, tuple[str, ...]]] = {
    "btree": {"fillfactor": ("10", "70", "100"), "deduplicate_items": ("on", "off", "true", "false")},
    "hash": {"fillfactor": ("10", "70", "75")},
    "gin": {"fastupdate": ("on", "off", "no"), "gin_pending_list_limit": ("64", "128")},
    "gist": {"fillfactor": ("30", "90"), "buffering": ("on", "off", "auto")},
    "spgist": {"fillfactor": ("30", "80")},
    "brin": {"pages_per_range": ("2", "128"), "autosummarize": ("on", "off", "1")},
}


@dataclass(frozen=True)
class Index:
    """One index as it is declared in YAML. `built` is the spelling it was built by, where it is spelled anew since."""

    section: dict[str, Any]
    built: dict[str, Any] = field(default_factory=dict)

    def by_hand(self, schema: str, table: str, name: str) -> list[sql.Composed]:
        """The same as a person would create it: plain CREATE INDEX, and what comes after it."""
        made = self.built or self.section
        text = [
            sql.SQL("create unique index" if made.get("unique") else "create index"), sql.Identifier(name),
            sql.SQL("on {} using").format(sql.Identifier(schema, table)), sql.SQL(made["using"]),
            sql.SQL("({})").format(sql.SQL(", ").join(map(sql.SQL, made["columns"]))),
        ]  # fmt: skip
        if made.get("include"):
            text.append(sql.SQL("include ({})").format(sql.SQL(", ").join(map(sql.Identifier, made["include"]))))
        if made.get("nulls_not_distinct"):
            text.append(sql.SQL("nulls not distinct"))
        if made.get("with"):
            pairs = [sql.SQL(f"{key} = {value}") for key, value in made["with"].items()]
            text.append(sql.SQL("with ({})").format(sql.SQL(", ").join(pairs)))
        if made.get("tablespace"):
            text.append(sql.SQL("tablespace {}").format(sql.Identifier(made["tablespace"])))
        if made.get("where"):
            text.append(sql.SQL("where {}").format(sql.SQL(made["where"])))
        found = [sql.SQL(" ").join(text)]
        own = sql.Identifier(schema, name)
        if made.get("comment"):
            found.append(sql.SQL("comment on index {} is {}").format(own, sql.Literal(made["comment"])))
        for number, target in made.get("statistics", {}).items():
            value = -1 if target == "default" else target
            found.append(sql.SQL("alter index {} alter {} set statistics {}").format(own, number, value))
        return found


@dataclass(frozen=True)
class World:
    """A table and two states of its indexes.

    `kept` are names of those that the second state leaves as they are, `replaced` of those that it changes.
    `unlisted` is what becomes of those that it does not name: drop where one is renamed, since another one that is
    declared absent may be taken instead.
    """

    kind: str
    schema: str
    table: str
    rows: bool
    first: dict[str, Index]
    second: dict[str, Index | None]
    kept: frozenset[str]
    replaced: frozenset[str]
    unlisted: str

    @property
    def qualified(self) -> str:
        """The table as a YAML file names it."""
        return sql.Identifier(self.schema, self.table).as_string(None)

    def set_up(self) -> list[sql.Composed | sql.SQL]:
        """What makes the table."""
        table, columns = sql.Identifier(self.schema, self.table), sql.SQL(COLUMNS)
        schema = sql.Identifier(self.schema)
        rows = ROWS if self.rows else f"{ROWS} limit 0"
        found: list[sql.Composed | sql.SQL] = [sql.SQL("create schema if not exists {}").format(schema)]
        if self.kind == "matview":
            found += [sql.SQL("create table source ({})").format(columns), sql.SQL("insert into source " + rows)]
        found.append(sql.SQL(KINDS[self.kind]).format(table=table, columns=columns))
        if self.kind == "partitioned":
            found += [sql.SQL(each).format(schema=schema, table=table) for each in PARTITIONS]
        if self.kind != "matview":
            found.append(sql.SQL("insert into {} " + rows).format(table))
        return found


def is_expression(column: str) -> bool:
    """Whether a key is an expression: those have statistics targets."""
    call = column.split(" ", 1)[0]
    return column.startswith("(") or ("(" in call and "_ops" not in column and call.split("(")[0].isidentifier())


@st.composite
def keys(draw: st.DrawFn, method: str, version: int) -> list[str]:
    """The columns of an index."""
    if method != "btree":
        known = SPECIAL[method] + (SPECIAL["brin 14"] if method == "brin" and version >= 14 else ())
        most = 1 if method in ("hash", "spgist") else 3
        return draw(st.lists(st.sampled_from(known), min_size=1, max_size=most, unique_by=lambda key: key.split()[0]))
    found = []
    for key in draw(st.lists(st.sampled_from(PLAIN + EXPRESSIONS), min_size=1, max_size=4, unique=True)):
        spelled = key
        if key in ("t", "c", '"order"', "lower(t)", "upper(c)") and draw(st.integers(0, 3)) == 0:
            spelled += " " + draw(st.sampled_from(COLLATIONS))
        if key in CLASSES and draw(st.integers(0, 3)) == 0:
            spelled += " " + draw(st.sampled_from(CLASSES[key]))
        spelled += draw(st.sampled_from(["", "", " desc", " asc", " DESC"]))
        spelled += draw(st.sampled_from(["", "", " nulls first", " NULLS LAST"]))
        found.append(spelled)
    return found


@st.composite
def index(draw: st.DrawFn, kind: str, version: int, *, explicit: bool = False) -> Index:
    """One valid index. `explicit`: comment, statistics targets and tablespace are all said."""
    method = draw(st.sampled_from(["btree", "btree", "btree", "hash", "gin", "gist", "spgist", "brin"]))
    columns = draw(keys(method, version))
    made: dict[str, Any] = {"using": method}
    if method == "btree" and draw(st.integers(0, 2)) == 0:
        made["unique"] = "true"
        columns = [draw(st.sampled_from(UNIQUE)), *columns][:4]
        if kind == "partitioned":
            columns = [*PARTITION_KEYS, *(key for key in columns if key.split()[0] not in PARTITION_KEYS)]
        if version >= 15 and draw(st.booleans()):
            made["nulls_not_distinct"] = "true"
    made["columns"] = columns
    if method in ("btree", "gist") or (method == "spgist" and version >= 14):
        named = {key.split()[0].strip('"') for key in columns}
        room = [column for column in ("d", "t", "Größe", "order", "j", "p") if column not in named]
        if draw(st.integers(0, 3)) == 0:
            made["include"] = draw(st.lists(st.sampled_from(room), min_size=1, max_size=2, unique=True))
    if draw(st.integers(0, 2)) == 0:
        made["where"] = draw(st.sampled_from(PREDICATES))
    pairs = {name: draw(st.sampled_from(values)) for name, values in PARAMETERS[method].items() if draw(st.booleans())}
    if pairs and draw(st.booleans()):
        made["with"] = pairs
    if explicit or draw(st.integers(0, 4)) == 0:
        # PostgreSQL refuses to be told the default for a partitioned table.
        made["tablespace"] = "spare" if kind == "partitioned" else draw(st.sampled_from(TABLESPACES))
    if explicit or draw(st.integers(0, 3)) == 0:
        made["comment"] = draw(st.sampled_from(COMMENTS))
    places = [number for number, key in enumerate(columns, start=1) if is_expression(key)]
    if places and (explicit or draw(st.booleans())):
        targets = st.sampled_from([0, 1, 137, 10000, -1, "default"])
        made["statistics"] = {number: draw(targets) for number in places}
    return Index(made)


@st.composite
def changed(draw: st.DrawFn, was: Index, kind: str, version: int) -> Index:
    """Another index, or the same but for one attribute."""
    other = draw(index(kind, version, explicit=True)).section
    whole = draw(st.booleans())
    made = other if whole or other["using"] != was.section["using"] else {
        **was.section,
        **{name: other.get(name, was.section.get(name)) for name in ("comment", "tablespace")},
    }  # fmt: skip
    if made is not other:
        made["statistics"] = {
            number: draw(st.sampled_from([0, 200, -1]))
            for number, key in enumerate(made["columns"], start=1)
            if is_expression(key)
        }
        for name in draw(st.sets(st.sampled_from(["with", "where", "include"]), max_size=2)):
            made.pop(name, None)
            if name in other and not (name == "include" and set(other[name]) & {_bare(key) for key in made["columns"]}):
                made[name] = other[name]
    return Index({name: value for name, value in made.items() if value not in (None, {})})


def _bare(key: str) -> str:
    return key.split()[0].strip('"')


def respelled(was: Index) -> Index:
    """The same index in other words."""
    made = dict(was.section)
    made["columns"] = [RESPELLED.get(key, key) for key in made["columns"]]
    if made.get("where") in RESPELLED:
        made["where"] = RESPELLED[made["where"]]
    return replace(was, section=made, built=was.built or was.section)


@st.composite
def worlds(draw: st.DrawFn, version: int) -> World:
    """A table, and two states of its indexes."""
    kind = draw(st.sampled_from([*KINDS, "table"]))
    schema, table = draw(st.sampled_from(TABLES))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True))
    spare = [name for name in NAMES if name not in names]
    first = {name: draw(index(kind, version)) for name in names[: draw(st.integers(0, len(names)))]}
    second: dict[str, Index | None] = {}
    kept, replaced = set(), set()
    for name, was in first.items():
        edit = draw(
            st.sampled_from(["keep", "keep", "respell", "absent", "rename", "rename and absent", "change", "change"])
        )
        if edit == "keep":
            second[name] = was
            kept.add(name)
        elif edit == "respell":
            second[name] = respelled(was)
            kept.add(name)
        elif edit == "change":
            second[name] = draw(changed(was, kind, version))
            replaced.add(name)
        else:
            if edit != "rename":
                second[name] = None
            if edit != "absent":
                second[spare.pop()] = was
    for name in names[len(first) :]:
        second[name] = draw(index(kind, version))
    unlisted = "drop" if first.keys() - second.keys() else draw(st.sampled_from(["keep", "report", "drop"]))
    rows = draw(st.booleans())
    return World(kind, schema, table, rows, first, second, frozenset(kept), frozenset(replaced), unlisted)
