"""Texts that differ in their constants alone are read once: what is said of one has to be true of all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from google.protobuf.message import Message
from pg_index.constructs import CONSTRUCTS
from pg_index.random_expressions import CONSTANTS, Writer

from reconciler.kinds.pg_index.definition.create_index import parse_index
from reconciler.kinds.pg_index.definition.syntax import parse_element, parse_predicate
from reconciler.targets.foreign.reached_names import Reached
from reconciler.targets.sql_patterns import Pattern, without_constants
from reconciler.targets.sql_tree import PLACES, SyntaxProblem, parse_select

WRITTEN = [
    text
    for seed in range(150)
    for index in [Writer(seed, CONSTRUCTS).index()]
    for text in (*index.keys, index.where)
    if text
] + [text for texts in CONSTANTS.values() for text in texts]


def tree(message: Message) -> object:
    """All that a tree says, but for the values of its constants and for places."""
    if message.DESCRIPTOR.name == "A_Const":
        return message.WhichOneof("val")
    return [
        (field.name, [tree(child) for child in value] if field.is_repeated else tree(value))
        if field.message_type
        else (field.name, value)
        for field, value in message.ListFields()
        if field.name not in PLACES
    ]


def read(text: str) -> object:
    """What our parser makes of a text, and the names that it reaches."""
    try:
        parsed = parse_select(text)
    except SyntaxProblem:
        return None
    return tree(parsed), Reached.of(parsed)


def key_of(text: str) -> object:
    """The key of a whole statement."""
    with suppress(SyntaxProblem):
        [key] = parse_index(f"create index on t ({text}\n)").definition.keys
        return key
    [key] = parse_index(f"create index on t (({text}\n))").definition.keys
    return key


def predicate_of(text: str) -> object:
    return parse_index(f"create index on t (a) where {text}\n").definition.predicate


def outcome(function: Callable[[str], object], text: str) -> object:
    try:
        return function(text)
    except SyntaxProblem:
        return None


@pytest.mark.parametrize("number", range(10))
def test_a_text_without_its_constants_is_the_same_tree(number):
    for text in WRITTEN[number::10]:
        for less in (Pattern.of(text).text, without_constants(text)):
            assert read(less) == read(text), text


@pytest.mark.parametrize("number", range(10))
def test_what_is_cut_out_of_a_pattern_has_the_strings_of_the_text(number):
    for text in WRITTEN[number::10]:
        pattern = Pattern.of(text)
        assert pattern.filled(pattern.text) == text or not pattern.strings
        for key in (f"({text}\n)", f"({text}\n) desc"):
            assert outcome(parse_element, key) == outcome(key_of, key), key
        assert outcome(parse_predicate, text) == outcome(predicate_of, text), text


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("status in ('a', 'it''s', '')", "status in ('', '''', '')"),
        ("a = $$x$$ or b = 'y'", None),
        ("\"it's\" = 'y'", None),
        ("E'a\\'' || 'b'", None),
        ("U&'d!0061' uescape '!' || 'b'", None),
        ("date'2020-01-01' < b", None),
        ("a -- it's\n = 'y'", None),
        ("a /* it's */ = 'y'", None),
        ("a = 'b", None),
        ("a = 'b\0'", None),
        ("a = 'b -- \"c\" $d$ /*' or e = 'f\\'", "a = '' or e = ''"),
    ],
)
def test_strings_are_told_for_certain_or_not_at_all(text, pattern):
    assert Pattern.of(text).text == (text if pattern is None else pattern)


@pytest.mark.parametrize(
    ("text", "less"),
    [
        ("amount > 201", "amount > 0"),
        ("a=1 and b <=22 and f(c => 3)", "a=0 and b <=0 and f(c => 0)"),
        ("a::numeric(12, 2) > 1.5", "a::numeric(12, 2) > 1.5"),
        ("a > 1e3 or a > 99999999999 or a > -5", "a > 1e3 or a > 99999999999 or a > -5"),
    ],
)
def test_numbers_that_are_compared_are_left_out_and_lengths_are_not(text, less):
    assert without_constants(text) == less


def test_what_is_wrong_is_said_of_the_text_itself():
    with pytest.raises(SyntaxProblem, match="'x' nonsense"):
        parse_element("(a = 'x' nonsense more)")
