"""What a declaration asks for on this very server: the value that will do, and the one to set if it does not.

Decided: docs/decisions.md#numbers-that-were-worked-out
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal

from reconciler.formulas import grammar
from reconciler.formulas.evaluation import Formula
from reconciler.formulas.quantity_arithmetic import FormulaError, Quantity, number_of
from reconciler.kinds.pg_setting import values
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.observed import SettingObserved
from reconciler.kinds.pg_setting.sections import ListEdit, Range
from reconciler.kinds.pg_setting.values import Canonical, lists, units
from reconciler.kinds.pg_setting.values.units import InvalidValue


class NotTold(InvalidValue):
    """A formula that comes to no value here; the text names it, and says why. `reason` is the mere why."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


Operand = Callable[[str], Quantity]
"""What a name in a formula stands for. Raises ValueError, whose text says why nothing."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`met(value)`: whether a value is as declared.

    `value` is set where it is not, and `literals` are its spelling in SET, one a list item; none: RESET. `note` says
    how the value came about ("25% of memory (16GB)"); may be empty. `problem`: why it is not to be set; what is so
    already may stay.
    """

    value: Canonical
    literals: tuple[str, ...]
    met: Callable[[Canonical], bool]
    note: str = ""
    problem: str = ""


def is_reset(desired: PgSetting, definition: Definition | None) -> bool:
    """Whether `default` is declared and means RESET: everywhere but for enums of which it is a value."""
    return isinstance(desired.value, str) and resets(desired.value, definition)


def resets(text: str, definition: Definition | None) -> bool:
    """The same of a declared text."""
    if text == "Default" and definition is not None and definition.name == "timezone_abbreviations":
        return False  # the name of its usual file
    return text.lower() == "default" and (definition is None or "default" not in definition.enumvals)


def wanted(desired: PgSetting, definition: Definition, observed: SettingObserved, current: Canonical | None) -> Wanted:
    """What `desired` comes to, where the setting is at `current` (None: not set). Not for secrets, nor for RESET.

    Raises InvalidValue where the server would refuse the value, or it does not fit the setting.
    """
    declared = desired.value
    if isinstance(declared, str):
        return _text(definition, observed, declared)
    if isinstance(declared, Range):
        return ranged(definition, observed.server.operand, declared, current)
    if not lists.is_list(definition.name):
        raise InvalidValue("it is not a list")
    if isinstance(declared, ListEdit):
        return _edit(definition, declared, current)
    assert isinstance(declared, tuple)  # noqa: S101 - secrets were taken out by the caller
    return _items(definition, declared)


def _text(definition: Definition, observed: SettingObserved, text: str) -> Wanted:
    value, literal, note = evaluated(definition, observed.server.operand, text)
    # The files keep the author's spelling, what runs has the server's.
    alike = {value}
    if observed.refused:
        raise InvalidValue(observed.refused)
    if observed.by_server is not None:
        value = values.canonical(definition, observed.by_server)
        alike |= {value, *(values.canonical(definition, text) for text in observed.same)}
    literals = (
        lists.literals(definition.name, value) if isinstance(value, tuple) and not _plain(definition) else (literal,)
    )
    problem = lost(definition, text, value) if definition.vartype in ("integer", "real") and not note else ""
    return Wanted(value, literals, lambda seen: seen in alike, note or _rounded(definition, text, value), problem)


def _items(definition: Definition, items: tuple[str, ...]) -> Wanted:
    value: Canonical = items
    if _plain(definition):
        if any("," in item for item in items):
            raise InvalidValue("an item has no comma in it")
        value = values.canonical(definition, ", ".join(items))
    return Wanted(value, lists.literals(definition.name, items), lambda seen: seen == value)


def _edit(definition: Definition, edit: ListEdit, current: Canonical | None) -> Wanted:
    include, exclude = edit.include, edit.exclude
    if _plain(definition):
        include, exclude = (tuple(item.lower() for item in items) for items in (include, exclude))
    there = current if isinstance(current, tuple) else ()
    kept = tuple(item for item in there if item not in exclude)
    value = kept + tuple(item for item in include if item not in kept)

    def met(seen: Canonical) -> bool:
        return isinstance(seen, tuple) and set(include) <= set(seen) and not set(exclude) & set(seen)

    return Wanted(value, lists.literals(definition.name, value), met)


def ranged(definition: Definition, operand: Operand, declared: Range, current: Canonical | None) -> Wanted:
    """As `wanted`, for a range."""
    if definition.vartype not in ("integer", "real"):
        raise InvalidValue("it is not a number: at_least, at_most and otherwise are for numbers")
    low, high = (
        None if bound is None else evaluated(definition, operand, bound)
        for bound in (declared.at_least, declared.at_most)
    )
    if low and high and _amount(low[0]) > _amount(high[0]):
        raise InvalidValue(f"at_least {declared.at_least} is more than at_most {declared.at_most}")

    def met(seen: Canonical) -> bool:
        if not isinstance(seen, int | float):
            return False
        if low is None and (seen < 0 or (seen == 0 and _zero_is_unlimited(definition.name))):
            return False  # a number that means "off" or "no limit" is not a small one
        return (low is None or seen >= _amount(low[0])) and (high is None or seen <= _amount(high[0]))

    if declared.otherwise is not None:
        chosen = evaluated(definition, operand, declared.otherwise)
        if not met(chosen[0]):
            raise InvalidValue(f"otherwise {declared.otherwise} is itself outside of the range")
    else:
        too_low = low is not None and isinstance(current, int | float) and current < _amount(low[0])
        chosen = low if low is not None and (too_low or high is None) else high  # type: ignore[assignment]  # one is set
    value, literal, expression = chosen
    bounds = " and ".join(
        f"{word} {bound}" for word, bound in (("at least", declared.at_least), ("at most", declared.at_most)) if bound
    )
    return Wanted(value, (literal,), met, f"wanted {bounds}" + (f"; {expression}" if expression else ""))


def evaluated(definition: Definition, operand: Operand, text: str) -> tuple[Canonical, str, str]:
    """The meaning of `text`, how SET is to spell it, and how it came about if it is a formula. Raises InvalidValue."""
    try:
        # ALTER SYSTEM takes no newline, which is what YAML leaves at the end of a block.
        literal = text.strip() if definition.vartype in ("integer", "real") else text
        value = values.canonical(definition, text)
    except InvalidValue as plainly:
        if definition.vartype not in ("integer", "real"):
            raise
        try:
            read = grammar.parse(text, grammar.POSTGRES)
        except FormulaError as error:
            raise InvalidValue(str(error)) from None
        if read is None:
            raise
        try:
            quantity = read.value(operand)
        except ValueError as error:
            reason = error.reason if isinstance(error, NotTold) else str(error)
            if read.is_name:  # more likely a word than a formula
                raise InvalidValue(f"{plainly}; or a formula, and {reason}") from None
            raise NotTold(f"{read.text} cannot be told: {reason}", reason) from None
        value, literal = _counted(definition, read, quantity)
        return value, literal, read.told(operand)
    if units.has_unit(text) and (why := lost(definition, text, value)):
        raise NotTold(why)
    return value, literal, ""


def lost(definition: Definition, text: str, value: Canonical) -> str:
    """Why the server would not do what `text` says, which it rounds to nothing; empty where it does not."""
    if not isinstance(value, int | float) or not units.is_lost(text, definition.unit, value):
        return ""
    rounded = values.shown(definition, value)
    return f"{text.strip()} is less than it counts in, and would be rounded to {rounded}, which is no small amount"


def _rounded(definition: Definition, text: str, value: Canonical) -> str:
    """That the server takes another whole number for `text`, which is none; empty where it does not."""
    if definition.vartype != "integer" or not isinstance(value, int):
        return ""
    with suppress(InvalidValue):
        if 0 < abs(units.real(text, definition.unit) - value) < 1:
            return f"{text.strip()} is rounded to {values.shown(definition, value)}"
    return ""


def formula(text: str) -> Formula | None:
    """The formula that `text` spells; None where it is something else, or does not read."""
    try:
        return grammar.parse(text, grammar.POSTGRES)
    except FormulaError:
        return None


def _counted(definition: Definition, read: Formula, quantity: Quantity) -> tuple[Canonical, str]:
    """What a formula comes to in what the setting counts in, rounded down: a share of memory is never exceeded."""
    own = units.dimension(definition.unit)
    if quantity.dimension is not own:
        raise InvalidValue(f"it is {own}, not {quantity.dimension} ({quantity})")
    whole, one = definition.vartype == "integer", units.shown(1, definition.unit)
    try:
        exact = number_of(quantity, units.size_of(definition.unit), one=one, whole=whole)
    except FormulaError as error:
        raise NotTold(f"{read.text}: {error}") from None
    number = int(exact) if whole else float(_SIX_DIGITS.divide(Decimal(exact.numerator), Decimal(exact.denominator)))
    literal = units.shown(number, definition.unit)
    try:
        value = values.canonical(definition, literal)
    except InvalidValue as error:
        raise NotTold(f"{read.text} comes to {literal}: {error}") from None
    if whole and value != number:
        taken = values.shown(definition, value)
        message = (
            f"{read.text} comes to {literal}, of which the server would make {taken}: put max({taken}, …) around it"
        )
        raise NotTold(message)
    return value, literal


_SIX_DIGITS = Context(prec=6, rounding=ROUND_FLOOR)
"""What the server shows of a real; rounded down as well."""


def _plain(definition: Definition) -> bool:
    return definition.name in lists.PLAIN


def _amount(value: Canonical) -> float:
    return value if isinstance(value, int | float) else 0.0


def _zero_is_unlimited(name: str) -> bool:
    """For timeouts 0 switches them off (manual, "Client Connection Defaults" and "Replication")."""
    return name.endswith("_timeout")
