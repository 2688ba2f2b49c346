"""How formulas are spelled, and what is none.

    sum       product ( + or -  product )…
    product   operand ( * or /  operand )…
    operand   a number, perhaps with a unit │ N% of operand │ a name │ function(sum, …) │ (sum)

A percentage takes the operand behind it, no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from reconciler.formulas.evaluation import Call, Formula, Literal, Name, Node, Operation, Share
from reconciler.formulas.quantity_arithmetic import CHOICES, FUNCTIONS, Dimension, FormulaError, Quantity
from reconciler.formulas.units import POSTGRES_MEMORY, POSTGRES_TIME

MOST_SYMBOLS = 100
"""Numbers, names and signs of one formula. The longest of pgtune's has 17; a tree of this depth fits Python's stack."""

PERCENTAGE_FORM = "a percentage is written like 25% of memory: more than 0, at most 100, of something"


@dataclass(frozen=True, slots=True)
class Syntax:
    """How formulas of one system are spelled.

    units          by name, what one of each is; in lower case where `folds` is true.
    folds          the case of units does not count.
    dashed_names   a dash may be part of a name, so that a minus needs blanks around it.
    """

    units: Mapping[str, Quantity]
    folds: bool = False
    dashed_names: bool = False

    @property
    def symbol(self) -> re.Pattern[str]:
        """One symbol: a number, a word or a sign. No number begins with a zero that counts as octal elsewhere."""
        word = "[A-Za-z_][A-Za-z0-9_.-]*" if self.dashed_names else "[A-Za-z_][A-Za-z0-9_.$]*"
        return re.compile(
            rf"\s*(?:(?P<number>(?:0|[1-9][0-9]{{0,18}})(?:\.[0-9]{{1,19}})?)|(?P<word>{word})|(?P<sign>[-+*/%(),]))"
        )


POSTGRES = Syntax(
    {
        **{unit: Quantity(Fraction(size), Dimension.MEMORY) for unit, size in POSTGRES_MEMORY.items()},
        **{unit: Quantity(Fraction(size), Dimension.TIME) for unit, size in POSTGRES_TIME.items()},
    }
)

_PLAIN = re.compile(r"[-+]?(?:[0-9.][0-9A-Za-z.]*(?:(?<=[eEpP])[-+][0-9]+[A-Za-z]*)?(?:\s+[A-Za-z]*)?)?")
"""Numbers in C's syntax, whatever letters follow, and what is no more than a sign or a blank. No letter could be of two
of its parts: else a long text would take the square of its length."""


def parse(text: str, syntax: Syntax) -> Formula | None:
    """The formula that `text` spells; None where it is one number, with a unit or whatever else stands for one.

    Such a text is the server's to read: `4GB`, `-1`, `0x10`, `4mb`. Raises FormulaError.
    """
    if _PLAIN.fullmatch(text.strip()):
        return None
    return Formula(" ".join(text.split()), _Parser(text, syntax).whole())


class _Parser:
    """Recursive descent, a method for each line of the grammar."""

    def __init__(self, text: str, syntax: Syntax) -> None:
        self.text = text
        self.syntax = syntax
        self.symbols = list(self.read())
        self.place = 0

    def read(self) -> Iterator[re.Match[str]]:
        text, pattern = self.text.rstrip(), self.syntax.symbol
        end = count = 0
        while end < len(text):
            found = pattern.match(text, end)
            count += 1
            if found is None:
                raise FormulaError(f"{text[end:].lstrip()[0]!r} has no meaning in a formula")
            if count > MOST_SYMBOLS:
                raise FormulaError(f"it is longer than {MOST_SYMBOLS} numbers, names and signs")
            yield found
            end = found.end()

    def whole(self) -> Node:
        node = self.sum()
        if self.place < len(self.symbols):
            self.fail("a sign like + - * /, or the end,")
        return node

    def sum(self) -> Node:
        node = self.product()
        while sign := self.sign("+-"):
            node = Operation(sign, node, self.product())
        return node

    def product(self) -> Node:
        node = self.operand()
        while sign := self.sign("*/"):
            node = Operation(sign, node, self.operand())
        return node

    def operand(self) -> Node:
        if number := self.take("number"):
            return self.amount(Fraction(number))
        if word := self.take("word"):
            return self.named(word.lower())
        if not self.sign("("):
            self.fail("a number, a name or (")
        node = self.sum()
        self.closed()
        return node

    def amount(self, number: Fraction) -> Node:
        if self.sign("%"):
            if (self.take("word") or "").lower() != "of" or not 0 < number <= 100:
                raise FormulaError(PERCENTAGE_FORM)
            return Share(number / 100, self.operand())
        unit = self.take("word")
        if unit is None:
            return Literal(Quantity(number, Dimension.NUMBER))
        one = self.syntax.units.get(unit.lower() if self.syntax.folds else unit)
        if one is None:
            if unit.lower() in ("of", "percent"):
                raise FormulaError(PERCENTAGE_FORM)
            blanks = "; a minus needs a blank on both sides" if "-" in unit else ""
            raise FormulaError(f"{unit!r} is no unit (there are {', '.join(filter(None, self.syntax.units))}){blanks}")
        return Literal(Quantity(number * one.amount, one.dimension))

    def named(self, word: str) -> Node:
        if not self.sign("("):
            return Name(word)
        if word not in FUNCTIONS:
            raise FormulaError(f"{word!r} is no function (there are {', '.join(FUNCTIONS)})")
        arguments = [self.sum()]
        while word in CHOICES and self.sign(","):
            arguments.append(self.sum())
        self.closed()
        return Call(word, tuple(arguments))

    def closed(self) -> None:
        if not self.sign(")"):
            self.fail("a sign like + - * /, or the closing ),")

    def sign(self, accepted: str) -> str:
        """The next symbol, where it is one of these signs; else empty, and it is still the next."""
        found = self.symbols[self.place]["sign"] if self.place < len(self.symbols) else None
        if not found or found not in accepted:
            return ""
        self.place += 1
        return str(found)

    def take(self, group: str) -> str | None:
        """The next symbol, where it is of this group; else None, and it is still the next."""
        if self.place == len(self.symbols) or self.symbols[self.place][group] is None:
            return None
        self.place += 1
        return str(self.symbols[self.place - 1][group])

    def fail(self, wanted: str) -> NoReturn:
        before = self.text[: self.symbols[self.place - 1].end()].strip() if self.place else ""
        there = self.symbols[self.place][0].strip() if self.place < len(self.symbols) else ""
        where = f"behind {before[-30:]!r}" if before else "at the beginning"
        raise FormulaError(f"{wanted} is missing {where}" + (f", where {there!r} stands" if there else ""))
