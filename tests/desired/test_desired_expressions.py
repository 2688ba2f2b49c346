"""Amounts of memory and percentages of it."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired.expressions import (
    MOST_BYTES,
    UNITS,
    format_bytes,
    parse_bytes,
    parse_percentage,
)

untimed = settings(deadline=None)  # a busy machine is no defect

AMOUNTS = [
    ("16GB", 16 * 1024**3, "the usual way"),
    ("512MB", 512 * 1024**2, "another unit"),
    ("1.5GB", 1536 * 1024**2, "decimals, as PostgreSQL takes them"),
    ("0.1kB", None, "102.4 bytes are none"),
    ("4 MB", 4 * 1024**2, "a space, as PostgreSQL takes it"),
    (" 4MB ", 4 * 1024**2, "spaces around"),
    ("8kB", 8192, "PostgreSQL's k"),
    ("8KB", 8192, "everybody else's K"),
    ("0B", 0, "nothing"),
    ("8388607TB", 8388607 * 1024**4, "the most that 64 bits hold"),
    ("8388608TB", None, "one more"),
    ("4mb", None, "PostgreSQL refuses it, too"),
    ("4gB", None, "nor that"),
    ("4G", None, "Redis's unit, which is another number there"),
    ("4GiB", None, "not PostgreSQL's"),
    ("16", None, "no unit"),
    ("-1GB", None, "less than nothing"),
    ("1e3MB", None, "not a decimal"),
    ("GB", None, "no number"),
    ("", None, "nothing at all"),
    ("1,5GB", None, "a comma"),
    ("٤GB", None, "digits of another script"),
    ("25% of memory", None, "an expression is no amount"),
]


@pytest.mark.parametrize(("text", "amount", "reason"), AMOUNTS, ids=[case[0] for case in AMOUNTS])
def test_an_amount_is_read_exactly_or_refused(text, amount, reason):
    if amount is not None:
        assert parse_bytes(text) == amount, reason
    else:
        with pytest.raises(ValueError, match=r"number|unit|bytes"):
            parse_bytes(text)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0B"),
        (4 * 1024**3, "4GB"),
        (6 * 1024**3, "6GB"),
        (1536 * 1024**2, "1536MB"),
        (1025, "1025B"),
        (2**40, "1TB"),
    ],
)
def test_an_amount_is_shown_in_the_largest_unit_that_divides_it(amount, text):
    assert format_bytes(amount) == text


def test_a_negative_amount_is_no_amount():
    with pytest.raises(ValueError, match="negative"):
        format_bytes(-1)


@untimed
@given(st.integers(0, MOST_BYTES))
def test_what_is_shown_reads_back(amount):
    assert parse_bytes(format_bytes(amount)) == amount


@untimed
@given(st.integers(0, 10**6), st.integers(0, 10**4), st.sampled_from(list(UNITS)))
def test_decimals_are_exact(whole, thousandths, unit):
    text = f"{whole}.{thousandths:04d}{unit}"
    exact = (whole + Fraction(thousandths, 10 ** len(f"{thousandths:04d}"))) * UNITS[unit]
    try:
        assert parse_bytes(text) == exact
    except ValueError:
        assert exact.denominator != 1 or exact > MOST_BYTES


@untimed
@given(st.text())
def test_any_text_is_an_amount_or_refused(text):
    try:
        assert 0 <= parse_bytes(text) <= MOST_BYTES
    except ValueError:
        assert not re.fullmatch(r"[0-9]{1,6}(kB|MB|GB|TB)", text)


PERCENTAGES = [
    ("25% of memory", 4 * 1024**3, "the usual way"),
    ("12.5% of memory", 2 * 1024**3, "decimals"),
    ("100% of memory", 16 * 1024**3, "all of it"),
    ("  25%  of  memory ", 4 * 1024**3, "spaces"),
]
NEARLY = [
    ("25 % memory", "a word is missing"),
    ("25% memory", "the same without a space"),
    ("120% of ram", "too much, of something else"),
    ("101% of memory", "too much"),
    ("0% of memory", "nothing"),
    ("-5% of memory", "less than nothing"),
    ("25 of memory", "the sign is missing"),
    ("25 percent of memory", "the sign in words"),
    ("25,5% of memory", "a comma"),
    ("25% of Memory", "the case of letters counts"),
    ("25%of memory", "a space is missing"),
    ("25% of memory, please", "more than an expression"),
    ("25%", "of what? PostgreSQL would not know"),
]
OTHERS = ["4GB", "on", "", "%m [%p] %q%u@%d ", "out of memory", "half of memory", "cp %p /archive/%f", "-1", "3600 1"]


@pytest.mark.parametrize(("text", "amount", "reason"), PERCENTAGES, ids=[case[0] for case in PERCENTAGES])
def test_a_percentage_is_a_share_of_the_memory(text, amount, reason):
    percentage = parse_percentage(text)
    assert percentage is not None
    assert percentage.of(16 * 1024**3) == amount, reason
    assert percentage.text == " ".join(text.split())


@pytest.mark.parametrize(("text", "reason"), NEARLY, ids=[case[0] for case in NEARLY])
def test_what_is_nearly_a_percentage_is_refused(text, reason):
    with pytest.raises(ValueError, match="written like 25% of memory"):
        parse_percentage(text)


@pytest.mark.parametrize("text", OTHERS)
def test_other_values_are_no_percentages(text):
    assert parse_percentage(text) is None


def test_a_mere_percentage_is_a_value_where_the_server_understands_it():
    assert parse_percentage("5%", percent_is_value=True) is None
    with pytest.raises(ValueError, match="written like"):
        parse_percentage("5% memory", percent_is_value=True)


@untimed
@given(st.integers(1, 10**5), st.integers(0, MOST_BYTES))
def test_a_percentage_is_exact_and_rounded_down(thousandths, memory):
    percentage = parse_percentage(f"{thousandths // 1000}.{thousandths % 1000:03d}% of memory")
    assert percentage is not None
    exact = Fraction(thousandths, 100_000) * memory
    assert percentage.of(memory) <= exact < percentage.of(memory) + 1
    assert parse_percentage(percentage.text) == percentage
