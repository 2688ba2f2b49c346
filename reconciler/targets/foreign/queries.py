"""The queries by which it is found out what a text may run of strangers; `foreign/code.py` reads their rows.

Which objects of a catalogue bring code into the reading, the planning or the execution of a text that we send, and
where each of them is looked at. "Leans": `LEANING` goes through it, from the names in the text down to functions.
Whatever `BY_NAME` and `LEANING` answer is asked for again, and has to be the same, in the statement before the text
(`PATH`): what is looked at is also what is seen to change.

    pg_proc             by name; default arguments, standard bodies, types, parts of aggregates (pg_depend); other
                        bodies by what they might find on the search_path. Support functions are a superuser's.
    pg_operator         by name, with those that syntax stands for; their functions, commutators, negators
    pg_cast             those of every type that is reached; those between types of pg_catalog for any text; those to
                        json for whatever holds values whose type nothing names (`OF_VALUES`)
    pg_type             by name, of columns, of rows, of arguments and results; their arrays and multiranges, elements,
                        attributes, subtypes, domains with their constraints. Input and output: C, a superuser's.
    pg_opclass, pg_opfamily, pg_amop, pg_amproc
                        of indexes, statistics, keys of partitions, and of every type that is reached; all of them
                        for values whose type nothing names
    pg_index, pg_statistic_ext, pg_partitioned_table, pg_inherits, pg_constraint, pg_attrdef (generated columns;
    all where rows are written), pg_policy, pg_rewrite
                        of every relation that is read, be it by a view, a policy or a standard body
    pg_class            views and policies of strangers may call whatever there is; a foreign table asks another server
    pg_trigger          only a row that is written fires one, and nothing of ours writes rows of others' tables
    pg_event_trigger    before objects are made, by a rehearsal
    pg_collation, pg_ts_dict, pg_ts_config
                        hold no code of SQL
    pg_ts_parser, pg_ts_template, pg_conversion, pg_transform, pg_language, pg_am, pg_foreign_data_wrapper
                        functions with internal arguments: C, which only a superuser makes
    functions of pg_catalog that run what they are given the oid of: `reading_functions.ACTS` for what we are to run;
                        the immutable one of them in expressions of strangers (pg_node_tree, since nothing depends on
                        what was there from the beginning)
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from reconciler.targets.foreign.dependency_query import LEANING, OF_OTHERS, OF_RELATIONS, OF_TYPES, OF_VALUES, TREES
from reconciler.targets.foreign.name_lookup_query import BY_NAME, LEADS, NOTHING, STATE, WITHOUT_STRANGERS
from reconciler.targets.foreign.strangers import HAVE_SOMETHING, PLACES, REACHED, STRANGERS

_FOLLOWS: LiteralString = """
    case when p.prosrc = '' or p.prolang in (12, 13) or p.oid < 16384 and %(catalog_first)s then null  -- internal, c
         else (select case when setting in ('search_path=', 'search_path=""', 'search_path=pg_catalog',
                                            'search_path=pg_catalog, pg_temp') then null else 'its own' end
               from (select (select setting from pg_catalog.unnest(p.proconfig) as setting
                             where pg_catalog.starts_with(setting, 'search_path='))) as own (setting)
               where setting is not null
               union all
               select 'the session''s' where not exists (
                   select from pg_catalog.unnest(p.proconfig) as setting
                   where pg_catalog.starts_with(setting, 'search_path=')))
    end
"""
"""On which search_path the body of a function looks for names where others may put some; null: on none. One of the SQL
standard has no text, and those of pg_catalog find what is in pg_catalog, as long as that comes first."""

UNCOMPILED = "select pg_catalog.set_config('jit', 'off', true) as jit"
"""To be sent before each of the queries. They answer in milliseconds, while the planner expects of a recursion that it
may find everything: the server would compile them, for two seconds (seen on Debian's 15)."""

PATH: LiteralString = """
    select case when not {anything_new}
                then pg_catalog.set_config('search_path', %(set_path)s, true)
                else pg_catalog.set_config(
                         'transaction_isolation',
                         case when pg_catalog.current_setting('transaction_isolation')
                                   operator(pg_catalog.=) 'serializable' then 'repeatable read' else 'serializable' end,
                         true)
                end as path,
           pg_catalog.set_config(
               'jit', (select s.reset_val from pg_catalog.pg_settings s where s.name operator(pg_catalog.=) 'jit'), true
           ) as jit
"""
"""Sets a search_path until the transaction ends, and undoes `UNCOMPILED`; or fails where something is
answered by now that was not when it was asked whose code it is.

It fails by what no query may do: the isolation is decided before the first of them, and nothing else that a reading
session sends has that error (`postgres/words.CAME_MEANWHILE`).
"""

NEW: LiteralString = """
    exists ((select answer.said from ({by_name}) as answer union all select answer.said from ({leaning}) as answer)
            except select pg_catalog.unnest(%(known)s::pg_catalog.text[]))
"""
"""Whether something is answered that was not `known`."""

_SAID: LiteralString = "select answer.*, answer::pg_catalog.text as said from ({answer}) as answer"
"""The rows of a query, each with the text by which it is known again."""

_CATALOGUES = {
    "cast": 2605, "class": 1259, "constraint": 2606, "default": 2604, "extension": 3079, "function": 1255,
    "index": 2610, "opclass": 2616, "operator": 2617, "opfamily": 2753, "partitioned": 3350, "policy": 3256,
    "rule": 2618, "statistics": 3381, "trigger": 2620, "type": 1247,
}  # fmt: skip
"""The oids of the system catalogues, by what they hold: the same everywhere (src/include/catalog)."""

_OIDS = {name: sql.Literal(oid) for name, oid in _CATALOGUES.items()}
_OIDS["folding"] = sql.Literal(":funcid 5028 ")  # a call of satisfies_hash_partition(): see TREES


_PARTS: dict[str, LiteralString] = {
    "strangers": STRANGERS, "places": PLACES, "follows": _FOLLOWS, "nothing": NOTHING,
}  # fmt: skip


def _composed(text: LiteralString, **parts: LiteralString) -> sql.Composed:
    filled = {name: sql.SQL(part).format(**_OIDS, follows=sql.SQL(_FOLLOWS)) for name, part in parts.items()}
    fixed = {name: sql.SQL(part) for name, part in _PARTS.items()}
    return sql.SQL(text).format(**fixed, something=_SOMETHING, **filled, **_OIDS)


_SOMETHING = sql.SQL(HAVE_SOMETHING).format(reached=sql.SQL(REACHED))

QUERIES = tuple(
    sql.SQL(_SAID).format(answer=answer)
    for answer in (
        _composed(BY_NAME, leads=LEADS, state=STATE),
        _composed(
            LEANING, of_relations=OF_RELATIONS, of_types=OF_TYPES, of_others=OF_OTHERS, of_values=OF_VALUES, trees=TREES
        ),
    )
)
"""They take the same parameters: see `foreign/question.Question`."""

QUERIES_WITHOUT_STRANGERS = (_composed(WITHOUT_STRANGERS),)
"""What is asked instead of `QUERIES` where strangers have nothing. They take the same parameters."""

SET_PATH = sql.SQL(PATH).format(anything_new=sql.SQL(NEW).format(by_name=QUERIES[0], leaning=QUERIES[1]))
"""Takes those of `QUERIES`, `known` (what was said) and `set_path`."""

SET_PATH_WITHOUT_STRANGERS = sql.SQL("with recursive {strangers} {set_path}").format(
    strangers=sql.SQL(STRANGERS), set_path=sql.SQL(PATH).format(anything_new=_SOMETHING)
)
"""The same where strangers had nothing. Takes `set_path`."""
