"""Which pattern of keys is a part of which: held against what random patterns match."""

from __future__ import annotations

import itertools
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.redis_user.rules.patterns import covers, overlap, without_parts

# wide, narrow, covers, overlap
PAIRS = [
    ("app:*", "app:1", True, True), ("app:1", "app:*", False, True), ("*", "", True, True), ("?", "", False, False),
    ("a?p:*", "app:*", True, True), ("app:*", "a?p:*", False, True), ("*:x", "app:*", False, True),
    ("a*", "b*", False, False), ("?", "*", False, True), ("a*?", "ab", True, True), ("a?", "a", False, False),
    ("[ab]", "a", False, True), ("[ab]", "[ab]", True, True), ("?", "[ab]", True, True), ("[a", "[a", True, True),
    (r"a\*", "a*", False, True), ("a*", r"a\*", True, True), (r"\a", "a", True, True), ("**", "*", True, True),
]  # fmt: skip

WORDS = ["".join(letters) for length in range(5) for letters in itertools.product("ab", repeat=length)]
patterns = st.text("ab*?", max_size=5)


@pytest.mark.parametrize(("wide", "narrow", "covered", "meet"), PAIRS)
def test_pairs(wide, narrow, covered, meet):
    assert (covers(wide, narrow), overlap(wide, narrow), overlap(narrow, wide)) == (covered, meet, meet)


@given(patterns, patterns)
def test_what_is_said_of_two_patterns_holds_for_every_key(one, other):
    first, second = ({word for word in WORDS if fnmatchcase(word, pattern)} for pattern in (one, other))
    assert not covers(one, other) or second <= first
    assert overlap(one, other) or not first & second


def test_parts_are_left_out_of_a_few_and_equals_are_not():
    assert without_parts(frozenset({"app:*", "app:1", "b", "*:x"})) == {"app:*", "b", "*:x"}
    assert without_parts(frozenset({"*", "**"})) == {"*", "**"}


def test_a_hundred_patterns_of_usual_length_are_few():
    patterns = frozenset({"service:*", *(f"service:{n:03}:and:what:it:keeps:*" for n in range(100))})
    assert without_parts(patterns) == {"service:*"}
