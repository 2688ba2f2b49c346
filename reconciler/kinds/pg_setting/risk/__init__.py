"""What a change of a setting may do, where that has to be allowed by name: programs, less safety, no service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.kinds.pg_setting import startup, values
from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.observed import Server
from reconciler.kinds.pg_setting.risk import memory, table, together
from reconciler.kinds.pg_setting.values import Canonical, names
from reconciler.model import Hazard, HazardType

KNOWN: frozenset[str] = frozenset(table.RISKS) | together.NAMES | frozenset().union(*table.FREE.values())
"""Every setting of which something is decided, in lower case."""

UNKNOWN = "this version of reconciler does not know the setting, nor what it may do"

COMPANIONS: frozenset[str] = startup.COMPANIONS | together.NAMES
"""Everything that is looked at beside the settings themselves, whether it is declared or not."""


MEMORY = memory.NAMES
"""Settings that are held against the memory of the machine."""

CONNECTED = together.CONNECTED
"""Settings for which it has to be known who is connected."""

_NUMBERS_OF_LIBRARIES = {"auto_explain.log_min_duration": "ms"}
"""By setting, the unit of integers of libraries: so that not every value of what is not loaded yet has its hazard."""


def leant_on(name: str) -> frozenset[str]:
    """The settings that are looked at before `name` is changed."""
    return startup.leant_on(name) | together.leant_on(name)


def leant_on_by_sessions(name: str) -> frozenset[str]:
    """The same for a setting of a database or a role, which no start depends on."""
    return together.leant_on(name)


def of_change(
    definition: Definition, before: Iterable[Canonical | None], after: Canonical, server: Server
) -> tuple[Hazard, ...]:
    """The hazards of bringing a setting from any of `before` (what runs, what the files have) to `after`.

    None in `before` is a value that is not known.
    """
    former = list(before)
    found = [*_of_value(definition, former, after)]
    if definition.name in together.NAMES:
        start = startup.start(definition.name, after, server)
        found += [
            Hazard(type=rule.type, message=f"{_spelled(definition, after)}: {why}")
            for rule in together.RULES
            if definition.name in rule.names and (why := rule.judge(start))
        ]
    return tuple(found)


def of_text(name: str, text: str) -> tuple[Hazard, ...]:
    """The same for a setting of a library that is not loaded: nothing is known of its values, and each may be bad."""
    if name not in KNOWN:
        return (Hazard(type=HazardType.LESS_SAFE, message=f"{name} = {text}: {UNKNOWN}"),)
    number = None
    if name in _NUMBERS_OF_LIBRARIES:
        unit = _NUMBERS_OF_LIBRARIES[name]
        number = values.read(Definition(name=name, vartype="integer", unit=unit, context="superuser"), text)
    return tuple(
        Hazard(type=each.type, message=f"{name} = {text}: {each.why}")
        for each in table.RISKS.get(name, ())
        if number is None or each.turn(None, number)
    )


def _of_value(definition: Definition, before: list[Canonical | None], after: Canonical) -> Iterator[Hazard]:
    if definition.name not in KNOWN and any(former != after for former in before):
        yield Hazard(type=HazardType.LESS_SAFE, message=f"{_spelled(definition, after)}: {UNKNOWN}")
    usual = values.read(definition, definition.boot_val)
    for risk in table.RISKS.get(definition.name, ()):
        if risk.type is HazardType.RUNS_PROGRAMS and after == usual:
            continue  # what PostgreSQL comes with
        if any(former != after and risk.turn(former, after) for former in before):
            yield Hazard(type=risk.type, message=f"{_spelled(definition, after)}: {risk.why}")


def _spelled(definition: Definition, value: Canonical) -> str:
    if definition.name in names.SENSITIVE:
        return definition.name
    return f"{definition.name} = {values.shown(definition, value) or repr('')}"
