"""`${NAME}` in values: text from the environment.

Decided: docs/decisions.md#variables
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reconciler.errors import DesiredError
from reconciler.yaml.suggestions import quoted

REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>(?:(?!\$\{)[^}])*))?\}|\$\{")


def substitute(text: str, env: Mapping[str, str], at: str) -> str:
    """`text` with each `${NAME}` replaced from `env`, and each `$${` by a mere `${`.

    `${NAME:-default}` is the default where NAME is not set or empty, as in a shell. What comes from the environment is
    not searched again. Raises DesiredError, `at` where the text is written, for a variable that is not set and for a
    `${` that begins no reference.
    """

    def replacement(found: re.Match[str]) -> str:
        name, default = found["name"], found["default"]
        if found[0] == "$${":
            return "${"
        if name is None:
            raise DesiredError(
                f"a reference is not complete in {quoted(text[found.start() :])}",
                at=at,
                hint="write ${NAME} or ${NAME:-default}; $${ stands for a ${ of the text itself",
            )
        value = env.get(name)
        if default is not None:
            return value or default
        if value is None:
            raise DesiredError(
                f"the environment variable {name} is not set",
                at=at,
                hint=f"export {name}=… or give a default: ${{{name}:-…}}",
            )
        return value

    return REFERENCE.sub(replacement, text)


def names(text: str) -> Iterator[str]:
    """The variables that `text` refers to."""
    return (found["name"] for found in REFERENCE.finditer(text) if found["name"])


def needed(text: str) -> Iterator[str]:
    """Those without a default."""
    return (found["name"] for found in REFERENCE.finditer(text) if found["name"] and found["default"] is None)


def has_missing(text: str, env: Mapping[str, str]) -> bool:
    """True where `text` needs a variable that `env` does not have."""
    return any(name not in env for name in needed(text))


def shortened(text: str, env: Mapping[str, str]) -> str:
    """`text` as far as it can be known: a variable that is missing is nothing."""
    return REFERENCE.sub(lambda found: env.get(found["name"] or "") or found["default"] or "", text)
