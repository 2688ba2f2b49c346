"""Every setting that a server has, declared as it is, in whatever spelling: there is nothing to do."""

from __future__ import annotations

import pytest
from live import outcomes
from setting_cases import definitions, settings

from reconciler.desired.quantities import Dimension
from reconciler.kinds.pg_setting import KIND, values
from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.units import dimension, size_of

TIMES = {"ms": {"us": 1000, "ms": 1}, "s": {"ms": 1000, "s": 1}, "min": {"s": 60, "min": 1}}


def spellings(definition: Definition, setting: str) -> set[str]:
    """Texts that mean `setting`."""
    found = {setting}
    match definition.vartype:
        case "bool":
            found |= {"on", "ON", "true", "t", "Yes", "1"} if setting == "on" else {"off", "of", "FALSE", "n", "0"}
        case "enum":
            found |= {setting.upper(), setting.capitalize()}
            if {"on", "off"} <= set(definition.enumvals) and setting in ("on", "off"):
                found |= {"true", "yes", "1"} if setting == "on" else {"false", "no", "0"}
        case "integer":
            number = int(setting, 8) if setting.startswith("0") else int(setting)
            found |= {hex(number) if number >= 0 else str(number), f" {number}", f"{number}.0"}
            if definition.unit:
                found.add(values.shown(definition, number))
            if number > 0 and dimension(definition.unit) is Dimension.MEMORY:
                found |= {f"{number * size_of(definition.unit)}B", f"{number * size_of(definition.unit)} B "}
            elif number > 0 and definition.unit:
                found |= {f"{number * factor} {unit}" for unit, factor in TIMES[definition.unit].items()}
        case "real":
            found |= {f"{float(setting)}", f"{float(setting):e}"}
    return found


def test_every_setting_is_in_sync_with_its_own_value_in_every_spelling(postgres, pg_target, sql):
    cases = [(definition, text) for definition, setting in definitions(sql) for text in spellings(definition, setting)]
    assert len(cases) > 800
    wrong = []
    for round_ in range(max(len(spellings(definition, setting)) for definition, setting in definitions(sql))):
        chosen = {}
        for definition, setting in definitions(sql):
            texts = sorted(spellings(definition, setting))
            chosen[definition.name] = texts[round_ % len(texts)]
        resources = settings(chosen)
        for outcome in outcomes(KIND, pg_target, resources):
            wrong.append((chosen[outcome.address.name], outcome))
    assert wrong == [], "\n".join(map(str, wrong))


@pytest.mark.parametrize("name", ["Work_Mem", "TimeZone", "timezone", "TIMEZONE", "datestyle"])
def test_names_are_recognised_in_any_case(pg_target, sql, name):
    [(value,)] = sql.execute("select current_setting(%s)", [name]).fetchall()
    [resource] = settings({name: value})
    assert resource.address.name == name.lower()
    assert outcomes(KIND, pg_target, [resource]) == []
