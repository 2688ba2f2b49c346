"""Amounts of memory."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.formulas.memory_amounts import MOST_BYTES, format_bytes, parse_bytes
from reconciler.formulas.units import POSTGRES_MEMORY

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
@given(st.integers(0, 10**6), st.integers(0, 10**4), st.sampled_from(list(POSTGRES_MEMORY)))
def test_decimals_are_exact(whole, thousandths, unit):
    text = f"{whole}.{thousandths:04d}{unit}"
    exact = (whole + Fraction(thousandths, 10 ** len(f"{thousandths:04d}"))) * POSTGRES_MEMORY[unit]
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
