"""Expressions of GitHub Actions, as far as our files use them: names, texts, `==`, `!=`, `&&`, `||`, `always()`.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def value(expression: str, contexts: Mapping[str, Any]) -> Any:
    """What an expression is; a name that nothing defines is an empty text. Raises ValueError for what is not known."""
    expression = expression.strip()
    for operator in ("||", "&&"):
        if operator in expression:
            first, _, rest = expression.partition(operator)
            found = value(first, contexts)
            return found if bool(found) == (operator == "||") else value(rest, contexts)
    for operator in ("==", "!="):
        if operator in expression:
            first, _, rest = expression.partition(operator)
            return (value(first, contexts) == value(rest, contexts)) == (operator == "==")
    if expression == "always()":
        return True
    if text := re.fullmatch(r"'([^']*)'", expression):
        return text[1]
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)+", expression):
        raise ValueError(f"an expression that these tests do not know: {expression}")
    found: Any = contexts
    for name in expression.split("."):
        found = found.get(name, "") if isinstance(found, Mapping) else ""
    return found


def filled(text: str, contexts: Mapping[str, Any]) -> str:
    """A text with the value of each `${{ … }}` in it."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(value(found[1], contexts)), text)


def runs(condition: str, contexts: Mapping[str, Any], *, failed: bool) -> bool:
    """Whether a step or a job with this `if` runs, after others of which one has failed or none."""
    if failed and "always()" not in condition:
        return False
    return not condition or bool(value(condition, contexts))
