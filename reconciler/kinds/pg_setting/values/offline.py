"""What can be told of a value without a server: whether a text can be one at all, and what formulas come to.

A formula is worked out as far as it needs nothing but what is declared beside it: literals, `memory` and `cpus` of the
target, other settings of the instance. What only a server knows is left to the plan.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from fractions import Fraction

from reconciler.formulas import grammar
from reconciler.formulas.evaluation import MACHINE, Formula, Lookup
from reconciler.formulas.quantity_arithmetic import Dimension, FormulaError, Quantity, number_of
from reconciler.kinds.pg_setting import values
from reconciler.kinds.pg_setting.sections import ListEdit, Range, Value
from reconciler.kinds.pg_setting.values import units
from reconciler.kinds.pg_setting.values.known_types import BOOLEANS, REALS, UNITS
from reconciler.kinds.pg_setting.values.units import InvalidValue
from reconciler.model import Target
from reconciler.yaml.suggestions import quoted

_MACHINE = {"memory": Dimension.MEMORY, "cpus": Dimension.NUMBER}

_RAISED = frozenset({"autovacuum_work_mem", "wal_buffers"})
"""Of small values of these the server makes others."""


class _Untold(ValueError):
    """Something that only a server knows."""


class Beside:
    """What names in formulas stand for, where `declared` are the settings of the instance beside them."""

    def __init__(self, target: Target, declared: Mapping[str, Value]) -> None:
        self._target = target
        self._declared = {name.lower(): value for name, value in declared.items()}
        self._lookup = Lookup(self._operand)

    def check(self, setting: str, value: Value) -> None:
        """Raises FormulaError where the server would refuse `value`, or a formula in it comes to nothing."""
        if isinstance(value, tuple | ListEdit) and setting in (UNITS.keys() | BOOLEANS):
            raise FormulaError("it is not a list")
        if isinstance(value, Range) and setting in BOOLEANS:
            raise FormulaError("it is not a number: at_least, at_most and otherwise are for numbers")
        if isinstance(value, str) and setting in BOOLEANS and value.lower() != "default":
            _boolean(setting, value)
        for text in _texts(setting, value):
            try:
                formula = grammar.parse(text, grammar.POSTGRES)
                found = formula.check(_dimension) if formula else None
            except FormulaError as error:
                raise FormulaError(f"{quoted(text)} is neither a number nor a formula: {error}") from None
            if setting in UNITS and formula is None:
                _plain(setting, text)
            elif setting in UNITS and found not in (None, own := units.dimension(UNITS[setting])):
                raise FormulaError(f"{quoted(text)}: it is {own}, not {found}")
            if formula is not None:
                self._work_out(setting, formula)
        if isinstance(value, Range) and setting in UNITS:
            with suppress(_Untold):
                self._check_range(setting, value)

    def _work_out(self, setting: str, formula: Formula) -> None:
        try:
            if setting in UNITS:
                self._number(setting, formula)
            else:
                formula.value(self._lookup)
        except _Untold:
            return
        except FormulaError as error:
            raise FormulaError(f"{quoted(formula.text)}: {error}") from None

    def _check_range(self, setting: str, declared: Range) -> None:
        bounds = (declared.at_least, declared.at_most, declared.otherwise)
        low, high, other = (None if text is None else self._amount(setting, text) for text in bounds)
        if low is not None and high is not None and low > high:
            raise FormulaError(f"at_least {declared.at_least} is more than at_most {declared.at_most}")
        if other is not None and ((low is not None and other < low) or (high is not None and other > high)):
            raise FormulaError(f"otherwise {declared.otherwise} is itself outside of the range")

    def _amount(self, setting: str, text: str) -> Fraction:
        """What a text comes to, in the unit of `setting`."""
        formula = grammar.parse(text, grammar.POSTGRES)
        return Fraction(str(_plain(setting, text))) if formula is None else self._number(setting, formula)

    def _number(self, setting: str, formula: Formula) -> Fraction:
        """What it comes to, in the unit of `setting`."""
        unit = UNITS[setting]
        quantity, own = formula.value(self._lookup), units.dimension(unit)
        if quantity.dimension is not own:
            raise FormulaError(f"{setting} is {own}, not {quantity.dimension} ({quantity})")
        return number_of(quantity, units.size_of(unit), one=units.shown(1, unit), whole=setting not in REALS)

    def _operand(self, name: str) -> Quantity:
        if name in MACHINE:
            amount = self._target.memory if name == "memory" else self._target.cpus
            if amount is None:
                raise _Untold(name)
            return Quantity(Fraction(amount), _MACHINE[name])
        text = self._declared.get(name)
        if not isinstance(text, str) or text.lower() == "default" or name not in UNITS or name in _RAISED:
            raise _Untold(name)
        number = self._amount(name, text)
        own = units.dimension(UNITS[name])
        if number < 0 or (not number and own is not Dimension.NUMBER):
            raise FormulaError(f"{name} is {text}, which stands for no amount: declare an amount of it")
        return Quantity(number * units.size_of(UNITS[name]), own)


def _texts(setting: str, value: Value) -> Iterator[str]:
    """What of `value` has to be a number."""
    if isinstance(value, Range):
        yield from (text for text in (value.at_least, value.at_most, value.otherwise) if text is not None)
    elif isinstance(value, str) and setting in UNITS and value.lower() != "default":
        yield value


def _dimension(name: str) -> Dimension | None:
    return units.dimension(UNITS[name]) if name in UNITS else _MACHINE.get(name)


def _plain(setting: str, text: str) -> int | float:
    read = units.real if setting in REALS else units.integer
    try:
        number = read(text, UNITS[setting])
    except InvalidValue as error:
        raise FormulaError(f"{quoted(text)} is not a value for it: {error}") from None
    if not math.isfinite(number):
        raise FormulaError(f"{quoted(text)} is not a value for it: it is out of range")
    return number


def _boolean(setting: str, text: str) -> None:
    try:
        values.boolean(setting, text)
    except InvalidValue as error:
        raise FormulaError(f"{quoted(text)} is not a value for it: {error}") from None
