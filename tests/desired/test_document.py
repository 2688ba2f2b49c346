"""What the tree of a document holds: text as it is written, and where."""

from __future__ import annotations

import pytest
from desired.reading import read

from reconciler.yaml.document import parse

AS_WRITTEN = [
    ("on", "a boolean in YAML 1.1"),
    ("off", "a boolean in YAML 1.1"),
    ("yes", "a boolean in YAML 1.1: appendonly yes"),
    ("no", "a boolean in YAML 1.1: the country Norway"),
    ("true", "a boolean everywhere"),
    ("12:30", "750 in YAML 1.1, base 60"),
    ("010", "8 in YAML 1.1, octal"),
    ("0x1000", "4096; PostgreSQL reads it by itself"),
    ("1e3", "text to PyYAML, a number to YAML 1.2"),
    ("1.50", "a float that would lose its last digit"),
    ("1_000", "1000 in YAML 1.1"),
    (".inf", "a float"),
    ("2026-12-31", "a date in YAML 1.1"),
    ("-1", "a sentinel of many settings"),
    ("100ms", "a duration"),
    ("25% of memory", "an expression"),
    ("3600 1 300 100", "Redis's save"),
    ("on ~app:* +@all -@dangerous", "an ACL rule"),
    ("status in ('pending', 'running')", "SQL with a comma"),
    ("lower(email)", "an expression of an index"),
    ("=", "a value of YAML 1.1's own kind"),
    ("nullable", "it only begins like null"),
]


@pytest.mark.parametrize(("text", "reason"), AS_WRITTEN, ids=[text for text, _ in AS_WRITTEN])
def test_a_scalar_keeps_its_text(text, reason):
    assert read(f"key: {text}") == {"key": text}, reason


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL", "# only a comment"])
def test_nothing_is_none(text):
    assert read(f"key: {text}") == {"key": None}


@pytest.mark.parametrize("text", ['""', "''", '"null"', "'~'", "!!str null", "!!str"])
def test_quotes_and_the_tag_of_text_make_text_of_nothing(text):
    assert read(f"key: {text}") == {"key": text.strip("'\"").removeprefix("!!str").strip()}


def test_keys_are_text_as_well():
    assert read("{on: 1, 010: 2, 'null': 3, 1.0: 4}") == {"on": "1", "010": "2", "null": "3", "1.0": "4"}


def test_block_scalars_keep_their_lines():
    assert read("literal: |\n  a\n   b\nfolded: >-\n  a\n  b\n") == {"literal": "a\n b\n", "folded": "a b"}


def test_a_file_without_content_has_no_documents():
    assert parse(b"", "x.yaml") == []
    assert parse(b"# only a comment\n", "x.yaml") == []


def test_a_file_may_hold_several_documents_and_each_has_its_own_anchors():
    documents = parse(b"a: &x 1\n---\na: &x 2\nb: *x\n---\n", "x.yaml")
    assert [document.child("b") and document.child("b").value for document in documents] == [None, "2", None]


def test_a_byte_order_mark_of_utf8_is_not_part_of_the_text():
    (document,) = parse(b"\xef\xbb\xbfkey: value\n", "x.yaml")
    assert document.mark_of(["key"]) == (1, 1)
    assert document.child("key").value == "value"


def test_lines_may_end_as_on_windows():
    (document,) = parse(b"a: 1\r\nb:\r\n  c: 2\r\n", "x.yaml")
    assert document.child("b").mark_of(["c"]) == (3, 3)


def test_an_alias_stands_for_what_its_anchor_names():
    assert read("a: &x {b: [1]}\nc: *x\nd: &y text\n*y : key\n") == {
        "a": {"b": ["1"]},
        "c": {"b": ["1"]},
        "d": "text",
        "text": "key",
    }


def test_what_a_mapping_says_itself_wins_over_what_is_merged_before_or_after():
    text = """
        base: &base {a: 1, b: 2}
        before: {<<: *base, b: own}
        after: {b: own, <<: *base}
        """
    assert read(text)["before"] == read(text)["after"] == {"a": "1", "b": "own"}


def test_of_several_merged_mappings_the_first_wins():
    text = """
        one: &one {a: 1}
        two: &two {<<: *one, b: 2}
        all: {<<: [*two, {b: 3, c: 3}]}
        """
    assert read(text)["all"] == {"a": "1", "b": "2", "c": "3"}


def test_a_merge_key_in_quotes_is_a_key():
    assert read("a: {'<<': {b: 1}}") == {"a": {"<<": {"b": "1"}}}


def test_a_merged_key_is_where_it_was_written():
    (document,) = parse(b"base: &base\n  a: 1\nuser:\n  <<: *base\n", "x.yaml")
    assert document.mark_of(["user", "a"]) == (2, 3)


MARKS = """\
target: main
tables:
  public.t:
    indexes:
      a_idx: {columns: [a, "b"],
              where: x}
  "quoted":
    - one
    -   two
"""


@pytest.mark.parametrize(
    ("path", "mark", "reason"),
    [
        ((), (1, 1), "the document itself"),
        (("tables",), (2, 1), "a key"),
        (("tables", "public.t", "indexes", "a_idx"), (5, 7), "a key inside"),
        (("tables", "public.t", "indexes", "a_idx", "where"), (6, 15), "a key on a further line of a flow mapping"),
        (("tables", "public.t", "indexes", "a_idx", "columns", 1), (5, 28), "an item, at its quote"),
        (("tables", "quoted", 1), (9, 9), "an item of a block, behind its spaces"),
        (("tables", "public.t", "nothing", "here"), (3, 3), "the deepest part that exists"),
        (("tables", "quoted", 7), (7, 3), "no such item"),
        (("target", "main"), (1, 1), "text has nothing inside"),
    ],
)
def test_a_path_leads_to_its_line_and_column(path, mark, reason):
    (document,) = parse(MARKS.encode(), "x.yaml")
    assert document.mark_of(path) == mark, reason


def test_columns_count_letters_not_bytes():
    (document,) = parse("{ä: ö, 😀: x}".encode(), "x.yaml")
    assert document.mark_of(["😀"]) == (1, 8)
