"""From YAML to declared settings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.errors import Collected, DesiredError
from reconciler.kind import Declaration
from reconciler.kinds.redis_setting.model import NAME, RedisSetting, Value
from reconciler.kinds.redis_setting.values import formulas, meaning, tidied
from reconciler.kinds.redis_setting.values.parameters import ALIASES, SECRETS
from reconciler.model import Address, SecretRef

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""Names of parameters, of modules' too (`search-timeout`, `bf.error-rate`); no pattern: CONFIG GET would expand it."""

LAST = "requirepass"
"""Set after everything else: from then on new connections need the new password."""


def declare(declaration: Declaration) -> Iterator[RedisSetting]:
    """The resources of one `settings` section, requirepass last. Raises DesiredError."""
    section: dict[str, Value] = declaration.value
    seen: dict[str, str] = {}
    found = []
    wrong = Collected()
    for written in sorted(section, key=lambda name: name.lower() == LAST):
        with wrong.noted():
            one = ALIASES.get(written.lower(), written.lower())
            if one in seen:
                raise DesiredError(
                    f"{written} and {seen[one]} are the same parameter",
                    at=declaration.at([written]),
                    hint="declare one of them",
                )
            seen[one] = written
            found.append(_setting(declaration, written, section[written]))
    # Only with all of them is it known what their formulas come to.
    operands = formulas.Unserved(declaration.target, formulas.declared(found))
    for setting in found:
        with wrong.noted():
            if isinstance(setting.value, str) and (why := operands.refusal(setting.parameter, setting.value)):
                raise DesiredError(f"{setting.parameter}: {why}", at=setting.declared_at)
    wrong.tell()
    yield from found


def _setting(declaration: Declaration, written: str, value: Value) -> RedisSetting:
    at = declaration.at([written])
    name = written.lower()
    if not _NAME.fullmatch(name):
        raise DesiredError(f"{written!r} is not the name of a parameter", at=at, hint="a name is like maxmemory")
    try:
        checked = _checked(name, value)
    except ValueError as error:
        raise DesiredError(f"{name}: {error}", at=at) from None
    return RedisSetting(address=Address(declaration.target.name, NAME, name), declared_at=at, value=checked)


def _checked(name: str, value: Value) -> Value:
    if isinstance(value, SecretRef):
        if (value.env is None) == (value.file is None):
            raise ValueError("a secret is either {env: NAME} or {file: PATH}")
        if name not in SECRETS:
            raise ValueError(f"this is no secret: only {', '.join(sorted(SECRETS))} take {{env: …}} or {{file: …}}")
        return value
    if name in SECRETS:
        if value:
            raise ValueError('a secret may not stand in YAML: write {env: NAME} or {file: PATH} ("" for none)')
        return value
    if "\0" in value or "\n" in value or "\r" in value:
        raise ValueError("a value is one line")
    text = tidied(name, value)
    formula = formulas.formula_of(name, text)
    if formula is not None:
        formulas.check(name, formula)
        return formula.text
    if re.fullmatch(r"[\d.]+\s*%\s*of\s+memory", text):
        raise ValueError("this is no amount of memory, so it cannot be a part of it")
    meaning(name, text)
    return text
