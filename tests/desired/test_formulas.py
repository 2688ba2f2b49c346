"""Formulas: how they are read, what they come to, and what is said of those that mean nothing."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.formulas.evaluation import Lookup, Name
from reconciler.formulas.grammar import MOST_SYMBOLS, POSTGRES, Syntax, parse
from reconciler.formulas.quantity_arithmetic import Dimension, FormulaError, Quantity, number_of

untimed = settings(deadline=None)  # a busy machine is no defect

GB = 1 << 30
KNOWN = {
    "memory": Quantity(Fraction(16 * GB), Dimension.MEMORY),
    "shared_buffers": Quantity(Fraction(4 * GB), Dimension.MEMORY),
    "max_connections": Quantity(Fraction(200), Dimension.NUMBER),
    "cpus": Quantity(Fraction(6), Dimension.NUMBER),
    "statement_timeout": Quantity(Fraction(30_000_000), Dimension.TIME),
    "nothing": Quantity(Fraction(0), Dimension.NUMBER),
}
DASHED = Syntax({"gb": Quantity(Fraction(GB), Dimension.MEMORY)}, folds=True, dashed_names=True)


class Case(NamedTuple):
    """`value`: as a person is shown it; `note`: how it came about."""

    text: str
    value: str
    note: str


CASES = [
    Case("25% of memory", "4GB", "25% of memory (16GB)"),
    Case("3% of shared_buffers", "122.88MB", "3% of shared_buffers (4GB)"),
    Case("12.5%  of\tmemory", "2GB", "12.5% of memory (16GB)"),
    Case("(memory - shared_buffers) / (3 * max_connections)", "20.48MB",
         "(memory - shared_buffers) / (3 * max_connections) with memory 16GB, shared_buffers 4GB, max_connections 200"),
    Case("min(2GB, memory / 16)", "1GB", "min(2GB, memory / 16) with memory 16GB"),
    Case("max(1, 2, 3)", "3", "max(1, 2, 3)"),
    Case("ceil(cpus / 4)", "2", "ceil(cpus / 4) with cpus 6"),
    Case("floor(cpus / 4)", "1", "floor(cpus / 4) with cpus 6"),
    Case("round(cpus / 4)", "2", "round(cpus / 4) with cpus 6"),
    Case("cpus", "6", "cpus (6)"),
    Case("memory/shared_buffers", "4", "memory/shared_buffers with memory 16GB, shared_buffers 4GB"),
    Case("1 + 2 * 3 - 4 / 2", "5", "1 + 2 * 3 - 4 / 2"),
    Case("8 - 4 - 2", "2", "8 - 4 - 2"),
    Case("16 / 4 / 2", "2", "16 / 4 / 2"),
    Case("25% of memory - 1GB", "3GB", "25% of memory - 1GB with memory 16GB"),
    Case("25% of (memory - 8GB)", "2GB", "25% of (memory - 8GB) with memory 16GB"),
    Case("50% of 50% of memory", "4GB", "50% of 50% of memory with memory 16GB"),
    Case("statement_timeout / 60", "500ms", "statement_timeout / 60 with statement_timeout 30s"),
    Case("5 min / 2", "150s", "5 min / 2"),
    Case("Shared_Buffers * 2", "8GB", "Shared_Buffers * 2 with shared_buffers 4GB"),
    Case("2 * 1.5GB", "3GB", "2 * 1.5GB"),
    Case("1kB / 3", "341.333B", "1kB / 3"),
    Case("1GB - memory", "-15GB", "1GB - memory with memory 16GB"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_a_formula_comes_to_an_exact_amount_and_says_how(case):
    formula = parse(case.text, POSTGRES)
    assert str(formula.value(KNOWN.__getitem__)) == case.value
    assert formula.told(KNOWN.__getitem__) == case.note


WRONG = [
    ("2GB + 100ms", "an amount of time cannot be added to an amount of memory"),
    ("memory - 1", "a number cannot be subtracted from an amount of memory: give the number a unit"),
    ("min(1, 1GB)", "a number cannot be compared with an amount of memory: give the number a unit"),
    ("memory * memory", "an amount of memory cannot be multiplied by an amount of memory, only by a number"),
    ("1 / memory", "a number cannot be divided by an amount of memory"),
    ("memory / statement_timeout", "an amount of memory cannot be divided by an amount of time"),
    ("ceil(memory)", "ceil is for numbers: an amount of memory is rounded down to what its setting counts in"),
    ("memory / 0", "it divides by zero"),
    ("memory / nothing", "it divides by zero"),
    ("memory / (cpus - 6)", "it divides by zero"),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[case[0] for case in WRONG])
def test_what_means_nothing_is_said_in_words(text, message):
    formula = parse(text, POSTGRES)
    with pytest.raises(FormulaError) as refused:
        formula.value(KNOWN.__getitem__)
    assert str(refused.value) == message
    if "zero" not in message:
        with pytest.raises(FormulaError) as refused:
            formula.check(lambda name: KNOWN[name].dimension)
        assert str(refused.value) == message


PERCENTAGE = "a percentage is written like 25% of memory"
UNREADABLE = [
    ("25%", PERCENTAGE),
    ("25 % memory", PERCENTAGE),
    ("25 of memory", PERCENTAGE),
    ("25 percent of memory", PERCENTAGE),
    ("120% of memory", "at most 100"),
    ("0% of memory", "more than 0"),
    ("-5% of memory", "a number, a name or ( is missing at the beginning, where '-' stands"),
    ("memory /", "a number, a name or ( is missing behind 'memory /'"),
    ("(memory", "the closing ), is missing behind '(memory'"),
    ("memory )", "or the end, is missing behind 'memory', where ')' stands"),
    ("memory 2", "or the end, is missing behind 'memory', where '2' stands"),
    ("half(memory)", "'half' is no function (there are max, min, ceil, floor, round)"),
    ("ceil(1, 2)", "the closing ), is missing behind 'ceil(1', where ',' stands"),
    ("max()", "a number, a name or ( is missing behind 'max(', where ')' stands"),
    ("4gb * 2", "'gb' is no unit (there are B, kB, MB, GB, TB, us, ms, s, min, h, d)"),
    ("2 ** 3", "a number, a name or ( is missing behind '2 *', where '*' stands"),
    ("memory ^ 2", "'^' has no meaning in a formula"),
    ("1,5 * memory", "or the end, is missing behind '1', where ',' stands"),
    ("0600 * 2", "or the end, is missing behind '0', where '600' stands"),
    ("٤ * memory", "'٤' has no meaning in a formula"),
    ("(" * 1_000, f"longer than {MOST_SYMBOLS}"),
    ("1" + "+1" * 1_000, f"longer than {MOST_SYMBOLS}"),
    ("(" * MOST_SYMBOLS, "is missing"),
]


@pytest.mark.parametrize(("text", "message"), UNREADABLE, ids=[case[0][:20] for case in UNREADABLE])
def test_what_cannot_be_read_says_what_is_missing_and_where(text, message):
    with pytest.raises(FormulaError) as refused:
        parse(text, POSTGRES)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "text", ["4GB", " 4 GB ", "4mb", "-1", "+5", "0x1F", "1e3", "1.5e-3s", ".5", "5.", "007", "", "-"]
)
def test_a_number_with_whatever_unit_is_the_servers_to_read(text):
    assert parse(text, POSTGRES) is None


def test_a_name_with_dashes_needs_blanks_around_a_minus():
    known = {"maxmemory-clients": Quantity(Fraction(2 * GB), Dimension.MEMORY), **KNOWN}
    assert parse("memory - maxmemory-clients", DASHED).names == ("memory", "maxmemory-clients")
    assert str(parse("memory - maxmemory-clients - 1GB", DASHED).value(known.__getitem__)) == "13GB"
    with pytest.raises(FormulaError, match="a minus needs a blank on both sides"):
        parse("2gb-memory", DASHED)


def test_what_is_not_known_yet_may_be_anything_that_makes_sense():
    unknown = parse("a / b + c * 2", POSTGRES)
    assert unknown.check(lambda name: None) is None
    assert parse("memory * factor", POSTGRES).check({"memory": Dimension.MEMORY}.get) is Dimension.MEMORY
    assert parse("a / 1GB", POSTGRES).check(lambda name: None) is Dimension.NUMBER
    with pytest.raises(FormulaError):
        parse("min(a, 1GB) + 1ms", POSTGRES).check(lambda name: None)


def test_a_circle_is_told_from_every_place_in_it():
    declared = {"a": "b + 1", "b": "2 * c", "c": "a", "d": "a"}
    lookup = Lookup(lambda name: parse(declared[name], POSTGRES).value(lookup))
    for name in declared:
        with pytest.raises(FormulaError, match="is declared by means of itself"):
            lookup(name)
    alone = Lookup(lambda name: parse("a + 1", POSTGRES).value(alone))
    with pytest.raises(FormulaError, match=r"a is declared by means of itself \(a → a\)"):
        alone("a")


@pytest.mark.parametrize(
    ("amount", "dimension", "size", "number"),
    [(8191, Dimension.MEMORY, 8192, None), (8192, Dimension.MEMORY, 8192, 1), (16383, Dimension.MEMORY, 8192, 1),
     (0, Dimension.MEMORY, 8192, None), (0, Dimension.NUMBER, 1, 0), (Fraction(1, 2), Dimension.NUMBER, 1, None),
     (Fraction(7, 2), Dimension.NUMBER, 1, 3), (-1, Dimension.NUMBER, 1, None), (999, Dimension.TIME, 1000, None)],
)  # fmt: skip
def test_an_amount_is_rounded_down_and_never_to_what_may_mean_no_limit(amount, dimension, size, number):
    quantity = Quantity(Fraction(amount), dimension)
    if number is not None:
        assert number_of(quantity, size, one="one") == number
        return
    with pytest.raises(FormulaError, match="comes to"):
        number_of(quantity, size, one="one")


# A random formula of numbers, written out beside its value by Python's own arithmetic.
literals = st.builds(
    lambda whole, decimals: (f"{whole}.{decimals:03d}", Fraction(whole * 1000 + decimals, 1000)),
    st.integers(0, 999), st.integers(0, 999),
)  # fmt: skip
named = st.sampled_from([(name, KNOWN[name].amount) for name in ("cpus", "max_connections")])
blanks = st.sampled_from(["", " ", "  "])


def operations(inner):
    operation = st.tuples(inner, st.sampled_from("+-*/"), inner, blanks).map(_operation)
    share = st.tuples(st.integers(1, 100), inner).map(
        lambda drawn: (f"{drawn[0]}% of ({drawn[1][0]})", None if drawn[1][1] is None else drawn[0] * drawn[1][1] / 100)
    )
    call = st.tuples(st.sampled_from([min, max]), st.lists(inner, min_size=1, max_size=3)).map(_call)
    rounding = st.tuples(st.sampled_from([math.floor, math.ceil, round]), inner).map(
        lambda drawn: (
            f"{drawn[0].__name__}({drawn[1][0]})", None if drawn[1][1] is None else Fraction(drawn[0](drawn[1][1])),
        )
    )  # fmt: skip
    return st.one_of(operation, share, call, rounding)


def _operation(drawn):
    (left, one), sign, (right, other), blank = drawn
    text = f"({left}){blank}{sign}{blank}({right})"
    if one is None or other is None or (sign == "/" and not other):
        return text, None
    return text, {"+": one + other, "-": one - other, "*": one * other, "/": other and one / other}[sign]


def _call(drawn):
    function, arguments = drawn
    text = f"{function.__name__}({', '.join(text for text, _ in arguments)})"
    values = [value for _, value in arguments]
    return text, None if None in values else function(values)


random_formulas = st.recursive(literals | named, operations, max_leaves=8)


@settings(deadline=None, max_examples=300)
@given(random_formulas)
def test_arithmetic_is_that_of_fractions(drawn):
    text, value = drawn
    try:
        formula = parse(f"({text})", POSTGRES)
    except FormulaError as error:
        assume("longer than" not in str(error))
        raise
    if value is None:
        with pytest.raises(FormulaError, match="divides by zero"):
            formula.value(KNOWN.__getitem__)
    else:
        assert formula.value(KNOWN.__getitem__) == Quantity(value, Dimension.NUMBER)


@settings(deadline=None, max_examples=300)
@given(random_formulas)
def test_a_formula_reads_back_as_it_is_told(drawn):
    try:
        formula = parse(f"({drawn[0]})", POSTGRES)
    except FormulaError:
        assume(False)
    again = parse(formula.text, POSTGRES)
    assert again == formula
    assert " ".join(again.text.split()) == again.text


@untimed
@given(st.lists(st.tuples(st.sampled_from("+-*/"), st.integers(1, 99)), max_size=12))
def test_without_parentheses_signs_bind_as_they_do_in_python(signs):
    text = "7" + "".join(f" {sign} {number}" for sign, number in signs)
    expected = eval("Fraction(7)" + "".join(f" {sign} Fraction({number})" for sign, number in signs))  # noqa: S307
    formula = parse(text + " + 0", POSTGRES)
    assert formula.value(KNOWN.__getitem__).amount == expected


@untimed
@given(st.text())
def test_any_text_is_a_formula_a_number_or_refused(text):
    for syntax in (POSTGRES, DASHED):
        try:
            formula = parse(text, syntax)
        except FormulaError:
            continue
        assert (
            formula is None
            or isinstance(formula.root, Name)
            or any(sign in text for sign in "+-*/%()")
            or any(letter.isdigit() for letter in text)
        )
