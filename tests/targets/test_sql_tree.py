"""What is printed is what was parsed: texts of SQL against their trees, without a server."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import islice
from pathlib import Path

import postgast
import pytest
from pg_index.constructs import Pair, pairs

import reconciler
from reconciler.kinds.pg_index.changes.statements import create, element
from reconciler.kinds.pg_index.comparison.normalise import meaning
from reconciler.kinds.pg_index.comparison.user_defined import Made
from reconciler.kinds.pg_index.definition.create_index import parse_index
from reconciler.kinds.pg_index.definition.plain_spelling import plainly, tidily
from reconciler.kinds.pg_index.definition.server_printing_faults import mended
from reconciler.kinds.pg_index.definition.syntax import parse_element, parse_predicate, unqualified
from reconciler.targets import sql_tree as tree
from reconciler.targets.foreign.reached_names import reached
from reconciler.targets.sql_tree import (
    SyntaxProblem,
    canonical,
    parse,
    parse_expression,
    printed,
    printed_expression,
    shape,
)

PRINTER = "sql_tree.py"


def by_outer() -> dict[str, list[Pair]]:
    found: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs(typed=False):
        found[pair.outer.text].append(pair)
    return found


BY_OUTER = by_outer()


def in_lines(text: str) -> str:
    """The same with line breaks and comments before its parentheses."""
    return text.replace("(", '( -- it\'s\n  /* a "comment" */ ')


def as_key(key) -> str:
    """A key as CREATE INDEX has it, without direction."""
    return element(key.model_copy(update={"descending": False, "nulls_first": False})).as_string(None)


def texts_of(text: str) -> dict[str, str]:
    """What is built, compared or written of `text`, by the way that it takes."""
    keys = f'{in_lines(f"({text})")}, (({text}) collate "C") desc'
    whole = parse_index(f"create index i on w ({keys}) where {text};").definition
    collated = whole.keys[1].model_copy(update={"collation": whole.keys[0].collation})
    return {
        "columns": as_key(parse_element(f"({text})")),
        "columns, bare": as_key(parse_element(f"{text} /* bare */")),
        "where": parse_predicate(text),
        "where in lines": parse_predicate(in_lines(text)),
        "sql in lines": as_key(whole.keys[0]),
        "sql with another collation": as_key(collated),
        "sql where": whole.predicate,
        "built": parse_index(create("public", "w", "i", whole)).definition.predicate,
        "import": tidily(text),
        "printed": printed_expression(parse_expression(text)) or text,
    }


@pytest.mark.parametrize("outer", BY_OUTER)
def test_every_pair_of_constructs_keeps_its_parentheses_on_every_way(outer):
    """Of 8,800 pairs, 1,000 lost them on each way but one before there was one place that prints."""
    for pair in BY_OUTER[outer]:
        if pair.outer.text == pair.inner.text == '{text} collate "C"':
            continue  # of two around a key, PostgreSQL counts the outer one
        wanted = canonical(pair.text)
        read = {way: (text, canonical(text) == wanted) for way, text in texts_of(pair.text).items()}
        assert {way: text for way, (text, same) in read.items() if not same} == {}, pair.text


def test_every_pair_is_another_tree_than_without_its_parentheses_or_means_the_same():
    """Nothing but a tree makes two texts equal: what reads otherwise is other. Of every third pair."""
    different = 0
    for pair in islice(pairs(typed=False), 0, None, 3):
        bare = pair.outer.filled(pair.at, pair.inner.filled(), parentheses=False)
        try:
            other = parse_expression(bare)
        except SyntaxProblem:
            continue
        differs = _without_places(other) != _without_places(parse_expression(pair.text))
        assert differs == (canonical(bare) != canonical(pair.text)), (bare, pair.text)
        different += differs
    assert different > 200


def _without_places(node):
    """A copy whose nodes stand nowhere, made by walking it: what `shape` is to see."""
    copy = type(node)()
    copy.CopyFrom(node)
    left = [copy]
    while left:
        message = left.pop()
        for field, value in message.ListFields():
            if field.name in tree.PLACES:
                message.ClearField(field.name)
            elif field.message_type is not None:
                left += value if field.is_repeated else [value]
    return copy


def test_places_are_the_fields_that_only_say_where_something_stood():
    messages = [message for message in vars(postgast.pg_query_pb2).values() if hasattr(message, "DESCRIPTOR")]
    fields = {field.name for each in messages for field in getattr(each.DESCRIPTOR, "fields", ())
              if each.DESCRIPTOR.name not in ("ScanToken", "Token")}  # fmt: skip
    assert set(tree.PLACES) <= fields
    assert {name for name in fields if name.endswith(("location", "_len"))} <= set(tree.PLACES) | {"location"}


def test_only_one_file_reads_texts_and_prints_trees():
    package = Path(reconciler.__file__).parent
    printers = re.compile(
        r"\b(postgast\.(?!scan\b|walk\b|find_nodes\b|pg_query_pb2\b|PgQueryError\b)\w+|deparse)\b(?!`)"
    )
    users = {path.name for path in package.rglob("*.py") if printers.search(path.read_text())}
    assert users == {PRINTER}


SAME_AND_OTHER = [
    # (a text, another that says the same, one that says something else, reason)
    ("(a or b) is null", "((a) or b)  IS NULL", "a or b is null", "IS binds closer than OR"),
    ("s = 'x'", "s =\n  'x' /* x */", "s = 'X'", "constants are texts, blanks are none"),
    ("s = ' location: 5'", "s = E' location: 5'", "s = ' location: 6'", "a constant that looks like a place is none"),
    ("s = E'\\n  location: 5'", "s = '\n  location: 5'", "s = '\n  location: 6'", "nor does a line break make it one"),
    ("s = 'a  b'", "s = $$a  b$$", "s = 'a b'", "blanks in a constant are part of it"),
    ("s = U&'d\\0061t'", "s = U&'d!0061t' uescape '!'", "s = 'da t'", "letters by number are letters"),
    ("a <> 1", "a != 1", "a = 1", "two signs, one operator"),
    ("a operator(app.===) b", "a OPERATOR ( app . === ) b", "a operator(pg_catalog.=) b", "the schema is part of it"),
    ('f("Max Len" => 3)', 'f("Max Len"=>3)', "f(maxlen => 3)", "a name of an argument may need quotes"),
    ("f(x => 3)", "f(x := 3)", "f(y => 3)", "two signs for one thing"),
    ("(c).b", '(c)."b"', "(c).a", "fields"),
    ('(c)."B"', '(c) . "B"', "(c).b", "and their quotes"),
    ("cast(a as integer)", "a::integer", "a::int8", "two spellings of a cast"),
    ("interval '1' year", "interval '1' YEAR", "interval '1' month", "the fields of an interval"),
    ("interval(3) '1'", "INTERVAL (3) '1'", "interval(2) '1'", "and its digits"),
    ("a - -1", "a - (-1)", "a - - 2", "a minus before a number is its sign"),
    ("(-1) ^ 2", "((-1))^2", "-(1 ^ 2)", "and before an operator that binds closer"),
    ('"user" = 1', '( "user" )=1', "user = '1'", "a keyword as a name needs its quotes"),
    ("x is distinct from (y is true)", "x IS DISTINCT FROM(y is true)", "(x is distinct from y) is true", "right side"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "same", "other", "reason"), SAME_AND_OTHER)
def test_texts_are_equal_when_their_trees_are_and_only_then(text, same, other, reason):
    assert canonical(text) == canonical(same), reason
    assert canonical(text) != canonical(other), reason
    for each in (text, same, other):
        assert {canonical(found) for found in texts_of(each).values()} == {canonical(each)}, reason


CUT = [
    # (declared, what is built of it, reason)
    ("((a or b) is null)", "(a or b) is null", "superfluous parentheses are left out, others are not"),
    ("lower( s )", "lower( s )", "the author's own words"),
    ("(a,b) = (1, 2)", "(a,b) = (1, 2)", "a row's parentheses are no superfluous ones"),
    ("((a, b))", "(a, b)", "not even alone"),
    ("((case when a then tags end)[1])", "(case when a then tags end)[1]", "an element of a CASE"),
    ('f("Max Len" => 3)', 'f("Max Len" => 3)', "quotes of an argument's name"),
    ("s -- a comment\n || 'x'", "s || 'x'", "comments and line breaks would tear a statement apart"),
    ("s || '--' || '/* x */'", "s || '--' || '/* x */'", "what looks like a comment in a constant is none"),
    ("s || 'two\nlines'", "s || 'two\nlines'", "a constant's own line break is its own"),
    ("a/**/|| b", "a || b", "a comment separates"),
    ('("title" || "x") collate "C" desc', '"title" || "x"', "what follows a key is no part of its expression"),
    ('((a || b) collate "D") collate "C"', "a || b", "of two collations the outer one counts, as for PostgreSQL"),
    ("lower(s) text_pattern_ops desc nulls last", "lower(s)", "a class, a direction"),
    ("f(a) app.ops (siglen = 100)", "f(a)", "a class's parameters are no arguments"),
    ("collation for (s)", "collation for (s)", "a call of more than one word"),
]


@pytest.mark.parametrize(("written", "built", "reason"), CUT)
def test_what_is_built_is_cut_out_of_what_was_written(written, built, reason):
    assert parse_element(written).expression == built, reason


UNQUALIFIED = [
    ("public.w.s = 'public.w.s'", "w.s = 'public.w.s'", "a constant is not a name"),
    ("(public.w.a or public . w .b) is null", "(w.a or w .b) is null", "parentheses stay"),
    ('"public"."w"."Größe" = \'ü\' || public.w.s', '"w"."Größe" = \'ü\' || w.s', "places are counted in bytes"),
    ("app.w.a = 1", "app.w.a = 1", "another schema's table is another"),
    ("(public.w.c).a[1]", "(w.c).a[1]", "fields behind it"),
    ("public.w(a)", "public.w(a)", "a function is no table"),
]


@pytest.mark.parametrize(("written", "built", "reason"), UNQUALIFIED)
def test_the_schema_before_columns_is_cut_out_and_nothing_else(written, built, reason):
    assert unqualified(written, "public", "w") == built, reason


PLAIN = [
    # (as PostgreSQL prints it, as import writes it, reason)
    ("((deleted OR archived) IS NOT NULL)", "(deleted OR archived) IS NOT NULL", "it lost its parentheses"),
    ("(starts AT TIME ZONE ('Europe/'::text || city))", "starts AT TIME ZONE ('Europe/'::text || city)", "likewise"),
    ("((CASE\n    WHEN p THEN c\nEND).b IS NULL)", "(CASE WHEN p THEN c END).b IS NULL", "and in one line"),
    ("((status)::text = 'a'::text)", "status = 'a'", "what goes without saying is not said"),
    ("(json_query('{}'::jsonb, '$') IS NULL)", "JSON_QUERY('{}'::jsonb , '$') IS NULL", "folded before it is compared"),
    ("(s = (('x'::text)::character varying(3))::text)", "s = 'x'::text::varchar(3)::text", "likewise"),
    ("app.f(\"Max Len\" => 3)", "app.f(\"Max Len\" := 3)", "it lost its quotes"),
]  # fmt: skip


@pytest.mark.parametrize(("printed_by_server", "written", "reason"), PLAIN)
def test_an_import_writes_what_it_can_print_and_else_what_the_server_says(printed_by_server, written, reason):
    assert plainly(printed_by_server) == written, reason


MENDED = [
    ("x IS DOCUMENT", "x IS DOCUMENT", "alone it is whole"),
    ("(p = x IS DOCUMENT)", "(p = (x IS DOCUMENT))", "seen on 13 to 17"),
    ("(x IS DOCUMENT IS NULL)", "((x IS DOCUMENT) IS NULL)", "this one our parser does not even read"),
    ("((p < (w.c).x IS DOCUMENT) IS NULL)", "((p < ((w.c).x IS DOCUMENT)) IS NULL)", "the field of a row"),
    ("(p = CASE WHEN p THEN x ELSE CASE WHEN q THEN y END END IS DOCUMENT)",
     "(p = (CASE WHEN p THEN x ELSE CASE WHEN q THEN y END END IS DOCUMENT))", "a CASE has no parentheses of its own"),
    ("(p IS DISTINCT FROM (t)::xml IS DOCUMENT)", "(p IS DISTINCT FROM ((t)::xml IS DOCUMENT))", "a cast"),
    ("(p = '<a/>'::public.dom IS DOCUMENT)", "(p = ('<a/>'::public.dom IS DOCUMENT))", "a constant of a domain"),
    ("(p = app.f(x, (1)) IS DOCUMENT)", "(p = (app.f(x, (1)) IS DOCUMENT))", "a call"),
    ("(p = (xs)[1] IS DOCUMENT)", "(p = ((xs)[1] IS DOCUMENT))", "an element"),
    ("COALESCE(x IS DOCUMENT, p)", "COALESCE(x IS DOCUMENT, p)", "an argument is whole"),
    ("(t = ' IS DOCUMENT'::text)", "(t = ' IS DOCUMENT'::text)", "a constant is not the operator"),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "meant", "reason"), MENDED)
def test_is_document_gets_the_parentheses_that_older_servers_forget(seen, meant, reason):
    assert mended(seen) == meant, reason


def test_deep_expressions_are_read_and_those_that_are_too_deep_are_refused():
    """A search text of 25 columns ended a plan with a DecodeError."""
    text = " || ".join(f"coalesce(c{n}, '')" for n in range(145))
    assert parse_element(text).expression == text
    assert printed_expression(parse_expression(text))
    assert canonical(plainly(text)) == canonical(tidily(text)) == canonical(text)
    assert len(meaning(text, Made(), True)) == len(canonical(text)), "it was read"
    assert ("", "||") in reached(text).operators
    for many in (160, 400, 9_000):
        with pytest.raises(SyntaxProblem, match="nested deeper"):
            parse_expression("a" + " + 1" * many)
    with pytest.raises(SyntaxProblem, match="more than 10,000 operators and words"):
        parse_expression("a" + "+1" * 45_000)


def test_what_stands_behind_a_nul_is_not_left_out():
    with pytest.raises(SyntaxProblem, match="NUL"):
        parse_predicate("a\0 or b")


def test_a_statement_is_printed_only_when_it_comes_back():
    assert printed(parse("select  a from t")) == "SELECT a FROM t"
    assert printed(parse("select a from t where (a or b) is null")) == ""
    assert shape(parse("select 1")) != shape(parse("select 1; select 1"))
