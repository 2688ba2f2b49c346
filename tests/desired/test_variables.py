"""`${NAME}` in values."""

from __future__ import annotations

import pytest

from reconciler.desired.variables import has_missing, substitute
from reconciler.errors import DesiredError

ENV = {"A": "alpha", "_B2": "beta", "EMPTY": "", "NESTED": "${A}", "SIGNS": r"\1 $${A} %s"}

SUBSTITUTED = [
    ("${A}", "alpha", "the whole value"),
    ("x${A}y${_B2}z", "xalphaybetaz", "several, in the middle of text"),
    ("${EMPTY}", "", "set, and empty"),
    ("${NONE:-default}", "default", "a default for one that is not set"),
    ("${NONE:-}", "", "an empty default"),
    ("${EMPTY:-default}", "default", "a default for one that is empty, as in a shell"),
    ("${A:-default}", "alpha", "a default that is not needed"),
    ("${NONE:-postgresql://u@h:5432/d?x=$y}", "postgresql://u@h:5432/d?x=$y", "a default with signs in it"),
    ("$${A}", "${A}", "the escape"),
    ("$$${A}", "$${A}", "the escape behind a dollar"),
    ("$A $$ $ {A} 5$", "$A $$ $ {A} 5$", "dollars that begin nothing"),
    ("${NESTED}", "${A}", "what comes from the environment is not searched again"),
    ("${SIGNS}", r"\1 $${A} %s", "nor read as a pattern"),
]

REFUSED = [
    ("${NONE}", "the environment variable NONE is not set", "not set"),
    ("${a}", "the environment variable a is not set", "the case of letters counts"),
    ("${A", 'a reference is not complete in "${A"', "not closed"),
    ("${}", 'a reference is not complete in "${}"', "no name"),
    ("${1A}", 'a reference is not complete in "${1A}"', "not a name"),
    ("${A:?message}", 'a reference is not complete in "${A:?message}"', "other things that a shell can do"),
    ("${A:-${_B2}}", 'a reference is not complete in "${A:-${_B2}}"', "a reference in a default"),
]


@pytest.mark.parametrize(("text", "expected", "reason"), SUBSTITUTED, ids=[case[2] for case in SUBSTITUTED])
def test_references_are_replaced(text, expected, reason):
    assert substitute(text, ENV, "x.yaml:1:1") == expected
    assert not has_missing(text, ENV)


@pytest.mark.parametrize(("text", "message", "reason"), REFUSED, ids=[case[2] for case in REFUSED])
def test_references_that_cannot_be_replaced_are_refused(text, message, reason):
    with pytest.raises(DesiredError) as caught:
        substitute(text, ENV, "x.yaml:1:1")
    assert (caught.value.message, caught.value.at) == (message, "x.yaml:1:1")


def test_only_a_variable_without_a_default_is_missing():
    assert has_missing("${A} ${NONE}", ENV)
    assert not has_missing("${NONE:-x} $${NONE} ${EMPTY}", ENV)
