"""`where`: which targets are meant, by their labels.

    either      both ( or both )…
    both        one ( and one )…
    one         not one │ (either) │ comparison
    comparison  LABEL = value │ LABEL != value │ LABEL ~ pattern │ LABEL in (value, …) │ LABEL not in (value, …)

A value is a word of letters, digits and `_ - . * : + %`, or stands between ' or ". In a pattern `*` is for any letters.
Names and values are compared as they are written. A target that has no such label differs from every value.

Decided: docs/decisions.md#selectors
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

from reconciler.desired.labels import WORDS
from reconciler.desired.patterns import fits

MOST_SYMBOLS = 500
"""Words and signs of one expression: enough to list some hundred names."""

MOST_DEPTH = 30
"""Levels of parentheses and of `not`: people lose count earlier, and Python's stack bears it."""

_SYMBOL = re.compile(
    r"""\s*(?:(?P<word>[\w.*:+%-]+)|'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<sign>!=|[=~(),]))""", re.ASCII
)

Test = Callable[[Mapping[str, str]], bool]


class SelectorError(ValueError):
    """An expression is none; the message says why, and fits behind `where: `."""


@dataclass(frozen=True, slots=True)
class Selector:
    """An expression that was read. `labels`: the names in it, in their order; `test` takes the labels of a target,
    with its name and its system."""

    text: str
    labels: tuple[str, ...]
    test: Test


def parse(text: str) -> Selector:
    """What `text` spells. Raises SelectorError."""
    parser = _Parser(text)
    test = parser.whole()
    return Selector(" ".join(text.split()), tuple(dict.fromkeys(parser.labels)), test)


class _Parser:
    """Recursive descent, a method for each line of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.labels: list[str] = []
        self.symbols = list(self.read())
        self.place = 0
        self.depth = 0

    def read(self) -> Iterator[re.Match[str]]:
        text, end, count = self.text.rstrip(), 0, 0
        while end < len(text):
            found = _SYMBOL.match(text, end)
            count += 1
            if found is None:
                sign = text[end:].lstrip()[0]
                closed = "; what begins with a quote ends with one" if sign in "'\"" else "; put such a value in quotes"
                raise SelectorError(f"{sign!r} has no meaning here{closed}")
            if count > MOST_SYMBOLS:
                raise SelectorError(f"it is longer than {MOST_SYMBOLS} words and signs: select by a label")
            yield found
            end = found.end()

    def whole(self) -> Test:
        test = self.either()
        if self.place < len(self.symbols):
            self.fail("`and`, `or`, or the end,")
        return test

    def either(self) -> Test:
        tests = [self.both()]
        while self.word("or"):
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda labels: any(test(labels) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.word("and"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda labels: all(test(labels) for test in tests)

    def one(self) -> Test:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise SelectorError(f"it has more than {MOST_DEPTH} levels")
        test = self.comparison()
        self.depth -= 1
        return test

    def comparison(self) -> Test:
        if self.word("not"):
            test = self.one()
            return lambda labels: not test(labels)
        if self.sign("("):
            test = self.either()
            self.closed()
            return test
        label = self.label()
        if self.sign("="):
            return _is_one_of(label, {self.value()})
        if self.sign("!="):
            return _is_none_of(label, {self.value()})
        if self.sign("~"):
            pattern = self.value()
            return lambda labels: label in labels and fits(pattern, labels[label])
        negated = self.word("not")
        if not self.word("in"):
            self.fail("`in`" if negated else "one of = != ~, `in` or `not in`")
        return (_is_none_of if negated else _is_one_of)(label, self.values())

    def label(self) -> str:
        found = self.peek()
        if found is None or found["word"] is None or found["word"] in WORDS:
            self.fail("the name of a label")
        self.place += 1
        self.labels.append(found["word"])
        return str(found["word"])

    def values(self) -> set[str]:
        if not self.sign("("):
            self.fail("a list like (one, two)")
        found = {self.value()}
        while self.sign(","):
            found.add(self.value())
        self.closed()
        return found

    def value(self) -> str:
        found = self.peek()
        texts = [found[group] for group in ("word", "single", "double") if found[group] is not None] if found else []
        if not texts or (found and found["word"] in WORDS):
            self.fail("a value")
        self.place += 1
        return str(texts[0])

    def closed(self) -> None:
        if not self.sign(")"):
            self.fail("the closing )")

    def sign(self, wanted: str) -> bool:
        return self.took("sign", wanted)

    def word(self, wanted: str) -> bool:
        return self.took("word", wanted)

    def took(self, group: str, wanted: str) -> bool:
        """Whether the next symbol is this one, which then is behind us."""
        found = self.peek()
        if found is None or found[group] != wanted:
            return False
        self.place += 1
        return True

    def peek(self) -> re.Match[str] | None:
        return self.symbols[self.place] if self.place < len(self.symbols) else None

    def fail(self, wanted: str) -> NoReturn:
        before = self.text[: self.symbols[self.place - 1].end()].strip() if self.place else ""
        found = self.peek()
        where = f"behind {before[-30:]!r}" if before else "at the beginning"
        raise SelectorError(f"{wanted} is missing {where}" + (f", where {found[0].strip()!r} stands" if found else ""))


def _is_one_of(label: str, values: set[str]) -> Test:
    return lambda labels: labels.get(label) in values


def _is_none_of(label: str, values: set[str]) -> Test:
    return lambda labels: labels.get(label) not in values
