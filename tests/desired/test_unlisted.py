"""Which rule decides about a name."""

from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.unlisted import Rule, Unlisted, decided


def rule(pattern: str, policy: Unlisted = Unlisted.DRIFT) -> Rule:
    return Rule(pattern=pattern, policy=policy)


CASES = [
    ("*", "", True, "nothing is any letters, too"),
    ("a*", "a", True, "likewise"),
    ("a*a", "a", False, "one letter is not two"),
    ("a*ba", "aba", True, "what is between may be nothing"),
    ("*ab*ab", "ab", False, "each part has letters of its own"),
    ("*.log", "xlog", False, "a dot is a dot"),
    ("[ab]", "a", False, "no other sign has a meaning"),
    ("a?", "ab", False, "likewise"),
    ("a", "A", False, "names are as they are written"),
    ("a*c", "a\n\u2028c", True, "any letters, whatever they are"),
]


@pytest.mark.parametrize(("pattern", "name", "fits", "reason"), CASES, ids=[each[3] for each in CASES])
def test_a_star_is_any_letters_and_nothing_else_has_a_meaning(pattern, name, fits, reason):
    assert rule(pattern).fits(name) is fits, reason


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_it_is_what_a_shell_takes_it_for(pattern, name):
    assert rule(pattern).fits(name) is (re.match(fnmatch.translate(pattern), name) is not None)


def test_no_pattern_takes_long():
    """By a regular expression this one takes longer than there is."""
    assert not rule("*a" * 30 + "*b").fits("a" * 2000)


DECIDED = [
    ([rule("*", Unlisted.DROP), rule("app", Unlisted.KEEP)], "app", "keep", "the name itself"),
    ([rule("*", Unlisted.DROP), rule("app*", Unlisted.KEEP), rule("ap*", Unlisted.DRIFT)], "apple", "keep", "letters"),
    ([rule("*pp*", Unlisted.DROP), rule("ap*", Unlisted.REPORT)], "apple", "report", "as many letters: the gentler"),
    ([rule("ap*", Unlisted.REPORT), rule("*pp*", Unlisted.DROP)], "apple", "report", "in any order"),
    ([rule("b*")], "apple", None, "none fits"),
    ([], "apple", None, "there is none"),
]  # fmt: skip


@pytest.mark.parametrize(("found", "name", "word", "reason"), DECIDED, ids=[each[3] for each in DECIDED])
def test_the_closest_decides(found, name, word, reason):
    decision = decided(found, name)
    assert (decision and decision.policy) == word, reason
