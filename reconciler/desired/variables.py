"""`${NAME}` in values: text from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.desired.node import Node
from reconciler.desired.wording import quoted
from reconciler.errors import DesiredError

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>(?:(?!\$\{)[^}])*))?\}|\$\{")


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

    return _REFERENCE.sub(replacement, text)


def has_missing(text: str, env: Mapping[str, str]) -> bool:
    """True where `text` needs a variable that `env` does not have."""
    return any(
        found["name"] and found["default"] is None and found["name"] not in env for found in _REFERENCE.finditer(text)
    )


def resolved(node: Node, env: Mapping[str, str], file: str, errors: list[DesiredError]) -> object:
    """The plain value of a tree (None, str, list, dict) with its variables replaced.

    What is wrong with a variable is added to `errors`; its text then stays as it is written.
    """
    value = node.value
    if isinstance(value, str):
        if "${" not in value:
            return value
        try:
            return substitute(value, env, node.at(file))
        except DesiredError as error:
            errors.append(error)
            return value
    if isinstance(value, dict):
        return {key: resolved(child, env, file, errors) for key, child in value.items()}
    if isinstance(value, list):
        return [resolved(child, env, file, errors) for child in value]
    return None
