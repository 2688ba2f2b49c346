"""Formulas as values of settings: `(memory - shared_buffers) / (3 * max_connections)`, `3% of shared_buffers`.

Names are `memory` and `cpus` of the target, and its settings. All arithmetic is exact. How formulas are spelled:
`grammar.py`.

Decided: docs/decisions.md#formulas-without-a-mark
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from reconciler.formulas.quantity_arithmetic import (
    Dimension,
    FormulaError,
    Quantity,
    called,
    of_call,
    of_operation,
    operated,
)

MACHINE = ("memory", "cpus")
"""Names that are not settings, but facts about the target."""


@dataclass(frozen=True, slots=True)
class Literal:
    """An amount as it is written."""

    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Name:
    """A setting, or a fact about the target; in lower case."""

    name: str


@dataclass(frozen=True, slots=True)
class Share:
    """`3% of shared_buffers`: `share` is above 0 and at most 1."""

    share: Fraction
    of: Node


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands around one of + - * /."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function of one or more arguments."""

    function: str
    arguments: tuple[Node, ...]


Node = Literal | Name | Share | Operation | Call


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was read; `text` is the author's, usually spelt."""

    text: str
    root: Node = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names in it, in the order of their first appearance."""
        return tuple(dict.fromkeys(_names(self.root)))

    @property
    def is_name(self) -> bool:
        """Whether it is one name, and nothing else."""
        return isinstance(self.root, Name)

    def value(self, of: Callable[[str], Quantity]) -> Quantity:
        """What it comes to, where `of` tells what a name stands for. Raises FormulaError, and what `of` raises."""
        return _value(self.root, of)

    def check(self, of: Callable[[str], Dimension | None]) -> Dimension | None:
        """What it is an amount of, as far as `of` knows that of names; None: not known. Raises FormulaError."""
        return _dimension(self.root, of)

    def told(self, of: Callable[[str], Quantity]) -> str:
        """How it came about: `25% of memory (16GB)`, `memory / cpus with memory 16GB, cpus 8`."""
        one = self.root.of if isinstance(self.root, Share) else self.root
        if isinstance(one, Name):
            return f"{self.text} ({of(one.name)})"
        known = ", ".join(f"{name} {of(name)}" for name in self.names)
        return f"{self.text} with {known}" if known else self.text


class Lookup:
    """What names stand for, each found once; `find` may ask for others in turn. A circle is an error for each in it."""

    def __init__(self, find: Callable[[str], Quantity]) -> None:
        self._find = find
        self._found: dict[str, Quantity | ValueError] = {}
        self._open: list[str] = []

    def __call__(self, name: str) -> Quantity:
        """What `name` stands for. Raises FormulaError for a circle, and whatever ValueError `find` raised."""
        if name in self._open:
            circle = self._open[self._open.index(name) :]
            first = circle.index(min(circle))  # the same words wherever the circle was entered
            circle = [*circle[first:], *circle[: first + 1]]
            raise FormulaError(f"{circle[0]} is declared by means of itself ({' → '.join(circle)})")
        if name not in self._found:
            self._open.append(name)
            try:
                self._found[name] = self._find(name)
            except ValueError as error:
                self._found[name] = error
            finally:
                self._open.pop()
        found = self._found[name]
        if isinstance(found, ValueError):
            raise found
        return found


def _names(node: Node) -> Iterator[str]:
    match node:
        case Name(name):
            yield name
        case Share(_, of):
            yield from _names(of)
        case Operation(_, left, right):
            yield from _names(left)
            yield from _names(right)
        case Call(_, arguments):
            for argument in arguments:
                yield from _names(argument)


def _value(node: Node, of: Callable[[str], Quantity]) -> Quantity:
    match node:
        case Literal(quantity):
            return quantity
        case Name(name):
            return of(name)
        case Share(share, inner):
            whole = _value(inner, of)
            return Quantity(share * whole.amount, whole.dimension)
        case Operation(sign, left, right):
            return operated(sign, _value(left, of), _value(right, of))
        case Call(function, arguments):
            return called(function, [_value(argument, of) for argument in arguments])


def _dimension(node: Node, of: Callable[[str], Dimension | None]) -> Dimension | None:
    match node:
        case Literal(quantity):
            return quantity.dimension
        case Name(name):
            return of(name)
        case Share(_, inner):
            return _dimension(inner, of)
        case Operation(sign, left, right):
            return of_operation(sign, _dimension(left, of), _dimension(right, of))
        case Call(function, arguments):
            return of_call(function, [_dimension(argument, of) for argument in arguments])
