"""Formulas as values of numbers and of amounts of memory: `75% of memory`, `maxmemory / 10`, `max(1, cpus - 1)`.

A name is `memory`, `cpus`, or a parameter: what is declared of it on the same target, else what runs. Units are Redis's
own; a minus needs blanks around it, because names have dashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from reconciler.formulas.evaluation import MACHINE, Formula, Lookup
from reconciler.formulas.grammar import Syntax, parse
from reconciler.formulas.quantity_arithmetic import Dimension, FormulaError, Quantity, number_of
from reconciler.formulas.units import REDIS_MEMORY
from reconciler.kinds.redis_setting.model import RedisSetting
from reconciler.kinds.redis_setting.values import meaning
from reconciler.kinds.redis_setting.values.parameters import (
    ALIASES,
    BOOLEANS,
    ENUMS,
    INTEGERS,
    MEMORY,
    SECRETS,
    SPECIAL,
    TEXTS,
)
from reconciler.model import Target
from reconciler.targets.redis.session import RedisSession, Refusal

SYNTAX = Syntax(
    {unit: Quantity(Fraction(size), Dimension.MEMORY) for unit, size in REDIS_MEMORY.items()},
    folds=True,
    dashed_names=True,
)


def formula_of(name: str, text: str) -> Formula | None:
    """The formula that `text` is for the parameter `name`; None where it is a plain value. Raises ValueError."""
    if name not in INTEGERS | MEMORY:
        return None
    try:
        meaning(name, text)
    except ValueError:
        if name == "maxmemory-clients" and text.endswith("%"):
            raise
        formula = parse(text, SYNTAX)
        if formula is None:
            raise
        return formula
    return None


def check(name: str, formula: Formula) -> None:
    """Raises ValueError where the formula, whatever the server says, comes to nothing that `name` could be."""
    found, own = formula.check(_dimension), _own(name)
    if found not in (own, None):
        raise FormulaError(f"this is {own}, and no {str(found).partition(' ')[2]}, as {formula.text} is")


def _own(name: str) -> Dimension:
    return Dimension.MEMORY if name in MEMORY else Dimension.NUMBER


def _dimension(name: str) -> Dimension | None:
    if name in MACHINE:
        return Dimension.MEMORY if name == "memory" else Dimension.NUMBER
    if name in SECRETS:
        raise FormulaError(f"{name} is a secret, and no number")
    if name in INTEGERS | MEMORY:
        return _own(name)
    if name in BOOLEANS | ENUMS | SPECIAL | TEXTS:
        raise FormulaError(f"{name} is not a number")
    return None


def declared(settings: Iterable[RedisSetting]) -> dict[str, str]:
    """The declared texts of parameters that are no secrets, by their one name, with those that changes carry along."""
    carried = {name: text for setting in settings for name, text in setting.beside.items()}
    own = {_one(setting.parameter): setting.value for setting in settings if isinstance(setting.value, str)}
    return {**carried, **{name: text for name, text in own.items() if name not in SECRETS}}


def beside(setting: RedisSetting, known: Mapping[str, str]) -> dict[str, str]:
    """What of `known` the value of `setting` depends on, directly or by way of others."""
    found: dict[str, str] = {}
    left = list(_names(setting.parameter, setting.value))
    while left:
        name = _one(left.pop())
        if name in known and name not in found:
            found[name] = known[name]
            left += _names(name, known[name])
    found.pop(_one(setting.parameter), None)
    return dict(sorted(found.items()))


def to_be_read(settings: Iterable[RedisSetting], known: Mapping[str, str]) -> list[str]:
    """The parameters that formulas refer to and that nobody declares: each is asked for by its own name."""
    texts = [*((setting.parameter, setting.value) for setting in settings), *known.items()]
    names = {name for parameter, text in texts for name in _names(parameter, text)}
    return sorted(name for name in names.difference(MACHINE, SECRETS) if _one(name) not in known)


def _names(parameter: str, value: object) -> Iterator[str]:
    try:
        formula = formula_of(parameter, value) if isinstance(value, str) else None
    except ValueError:
        return
    yield from formula.names if formula else ()


def _one(name: str) -> str:
    return ALIASES.get(name, name)


class Operands:
    """What names stand for: `known` are declared texts, `answers` those of CONFIG GET for the others."""

    def __init__(self, session: RedisSession, known: Mapping[str, str], answers: Mapping[str, Any]) -> None:
        self._session = session
        self._known = known
        self._answers = answers
        self._lookup = Lookup(self._operand)

    def of(self, name: str, text: str) -> tuple[str | None, str, str]:
        """What `text` comes to for the parameter `name`; how, if by a formula; why it comes to nothing, if it does."""
        formula = formula_of(name, text)
        if formula is None:
            return text, "", ""
        try:
            return str(self._number(name, formula)), formula.told(self._lookup), ""
        except ValueError as error:
            return None, "", f"{text}: {error}"

    def declared(self, name: str, running: str = "") -> str:
        """What `name` will be once all that is declared together is applied; `running` where it is not declared."""
        text = self._known.get(_one(name))
        return running if text is None else self.of(name, text)[0] or running

    def _number(self, name: str, formula: Formula) -> int:
        check(name, formula)
        quantity = formula.value(self._lookup)
        own = _own(name)
        if quantity.dimension is not own:
            raise FormulaError(f"this is {own}, not {quantity.dimension} ({quantity})")
        return int(number_of(quantity, 1, one="1B" if own is Dimension.MEMORY else "1"))

    def _operand(self, name: str) -> Quantity:
        if name in MACHINE:
            amount = self._machine(name)
            return Quantity(Fraction(amount), Dimension.MEMORY if name == "memory" else Dimension.NUMBER)
        text = self._known.get(_one(name))
        if text is None:
            text = self._running(name)
        formula = formula_of(name, text)
        value = self._number(name, formula) if formula else meaning(name, text)
        if not isinstance(value, int):
            raise FormulaError(f"{name} is {text!r}, which is not {_own(name)}")
        own = _own(name)
        if value < 0 or (not value and own is Dimension.MEMORY):
            raise FormulaError(f"{name} is {value}, which stands for no amount: declare an amount of it")
        return Quantity(Fraction(value), own)

    def _machine(self, name: str) -> int:
        amount = self._session.memory() if name == "memory" else self._session.cpus()
        if amount is None:
            raise FormulaError(_UNKNOWN[name])
        return amount

    def _running(self, name: str) -> str:
        answer = self._answers.get(name)
        if isinstance(answer, Refusal):
            raise FormulaError(f"{name} cannot be read: {answer.message}")
        if not answer:
            raise FormulaError(f"a number is wanted; {name} is unknown to {self._session.info.product}, and none")
        [text] = answer.values()
        return str(text)


_UNKNOWN = {
    "memory": "the memory of the target is not known; declare it as memory: in its target",
    "cpus": "no server tells how many processors its machine has; declare them as cpus: in the target",
}


class _Untold(ValueError):
    """Something that only a server knows."""


class Unserved(Operands):
    """The same without a server: what a formula comes to is told where it takes nothing but what is declared."""

    def __init__(self, target: Target, known: Mapping[str, str]) -> None:
        """`known` are declared texts; memory and processors are those of `target`."""
        self._target = target
        self._known = known
        self._lookup = Lookup(self._operand)

    def refusal(self, name: str, text: str) -> str:
        """Why `text` comes to nothing for the parameter `name`; empty where it comes to something, or is not told."""
        try:
            formula = formula_of(name, text)
            if formula is not None:
                self._number(name, formula)
        except _Untold:
            return ""
        except ValueError as error:
            return f"{text}: {error}"
        return ""

    def _machine(self, name: str) -> int:
        amount = self._target.memory if name == "memory" else self._target.cpus
        if amount is None:
            raise _Untold(name)
        return amount

    def _running(self, name: str) -> str:
        raise _Untold(name)
