"""What settings come to: as declared on the same target, else as the files have it, else as the server runs.

Formulas refer to that, and so do the combinations with which a server would not start. Apply looks at one resource at
a time: so a change carries along what is declared of the settings that it leans on, and comes to the plan's number.

Decided: docs/decisions.md#settings-that-a-formula-leans-on, docs/decisions.md#values-that-are-pending
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Protocol

from reconciler.formulas.evaluation import MACHINE, Lookup
from reconciler.formulas.quantity_arithmetic import Dimension, FormulaError, Quantity
from reconciler.kinds.pg_setting import risk, values
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.sections import Range, Value
from reconciler.kinds.pg_setting.values import Canonical, declared_value, names, units
from reconciler.kinds.pg_setting.values.units import InvalidValue
from reconciler.targets.session import Session


def declared(resources: Sequence[PgSetting]) -> dict[str, str | Range]:
    """What is declared of the instance, by setting: texts and ranges, those that changes carry along among them."""
    carried = {name: value for resource in resources for name, value in resource.beside.items()}
    own = {resource.setting: resource.value for resource in resources if resource.of_instance}
    return {
        name: value
        for name, value in {**carried, **own}.items()
        if isinstance(value, str | Range) and name not in names.SENSITIVE
    }


def mentioned(resources: Sequence[PgSetting]) -> set[str]:
    """The names in all formulas, those of `memory` and `cpus` among them."""
    return {
        name
        for resource in resources
        for value in (resource.value, *resource.beside.values())
        for name in _operands(value)
    }


def beside(resource: PgSetting, known: Mapping[str, str | Range]) -> dict[str, str | Range]:
    """What of `known` the value of `resource` depends on, directly or by way of others."""
    found: dict[str, str | Range] = {}
    own = resource.setting
    companions = risk.leant_on(own) if resource.of_instance else risk.leant_on_by_sessions(own) - {own}
    left = [*_operands(resource.value), *companions]
    while left:
        name = left.pop()
        if name in known and name not in found:
            found[name] = known[name]
            left += _operands(known[name])
    if resource.of_instance:
        found.pop(own, None)
    return dict(sorted(found.items()))


def _operands(value: Value) -> Iterator[str]:
    texts = (value.at_least, value.at_most, value.otherwise) if isinstance(value, Range) else (value,)
    for text in texts:
        formula = declared_value.formula(text) if isinstance(text, str) else None
        yield from formula.names if formula else ()


class Answers(Protocol):
    """What is to be known of the server (see observing/instance_values.py)."""

    @property
    def declared(self) -> Mapping[str, str | Range]:
        """What is declared of the instance, by setting."""
        ...

    @property
    def rows(self) -> Mapping[str, object]:
        """What pg_settings has, by name."""
        ...

    def known(self, name: str) -> Definition:
        """The setting itself. Raises InvalidValue where there is none."""
        ...

    def current(self, name: str) -> str | None:
        """What the instance will have of it if nobody changes it; None where that cannot be told."""
        ...

    def given(self, name: str) -> bool:
        """Whether nothing that is declared, or in a file, counts for it: it is on the server's command line."""
        ...

    def anew(self, name: str) -> str | None:
        """As `current`, but of what the server derives anew at its next start, the number that tells it to."""
        ...

    def after_reset(self, name: str) -> str | None:
        """The same after ALTER SYSTEM RESET."""
        ...


class Coming:
    """What each setting comes to, worked out once."""

    def __init__(self, session: Session, answers: Answers) -> None:
        self._session = session
        self._answers = answers
        self._lookup = Lookup(self._operand)

    def operands(self, names: Iterable[str]) -> Mapping[str, Mapping[str, object]]:
        """What `names` stand for in formulas, and why some stand for nothing, as `Server` has them."""
        found: dict[str, Quantity] = {}
        problems: dict[str, str] = {}
        for name in sorted(names):
            try:
                found[name] = self._lookup(name)
            except ValueError as error:
                problems[name] = error.reason if isinstance(error, declared_value.NotTold) else str(error)
        return {"operands": found, "problems": problems}

    def companions(self) -> Mapping[str, Canonical]:
        """What the settings come to that can keep the server from starting; without those that cannot be told.

        A declaration that comes to nothing is never applied: what is there stays.
        """
        found: dict[str, Canonical] = {}
        for name in risk.COMPANIONS & self._answers.rows.keys():
            try:
                value = self._value(name) if name in self._answers.declared else self._anew(name)
            except InvalidValue:
                value = self._anew(name)
            if value is not None:
                found[name] = value
        return found

    def _anew(self, name: str) -> Canonical | None:
        return values.read(self._answers.known(name), self._answers.anew(name))

    def _value(self, name: str) -> Canonical | None:
        """What the setting comes to; None where that cannot be told. Raises InvalidValue."""
        definition = self._answers.known(name)
        current = values.read(definition, self._answers.current(name))
        if self._answers.given(name):
            return current
        match self._answers.declared.get(name):
            case None:
                return current
            case str() as text if declared_value.resets(text, definition):
                return values.read(definition, self._answers.after_reset(name))
            case str() as text:
                return declared_value.evaluated(definition, self._lookup, text)[0]
            case Range() as declared:
                want = declared_value.ranged(definition, self._lookup, declared, current)
                return current if current is not None and want.met(current) else want.value

    def _operand(self, name: str) -> Quantity:
        if name in MACHINE:
            amount = self._session.memory() if name == "memory" else self._session.cpus()
            if amount is None:
                raise FormulaError(f"declare {name} for target {self._session.target.name}")
            return Quantity(Fraction(amount), Dimension.MEMORY if name == "memory" else Dimension.NUMBER)
        definition = self._answers.known(name)
        if definition.vartype not in ("integer", "real"):
            raise FormulaError(f"{name} is not a number")
        value = self._value(name)
        if not isinstance(value, int | float):
            raise FormulaError(f"what {name} will be is not visible: declare it")
        dimension = units.dimension(definition.unit)
        if value < 0 or (not value and dimension is not Dimension.NUMBER):
            raise FormulaError(f"{name} is {value:g}, which stands for no amount: declare an amount of it")
        # A real has the digits that the server shows, and not those of the double next to it.
        return Quantity(Fraction(str(value)) * units.size_of(definition.unit), dimension)
