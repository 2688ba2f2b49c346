"""Names of targets: what no address, option or pattern could tell apart is none."""

from __future__ import annotations

import re

from reconciler.errors import DesiredError
from reconciler.yaml.suggestions import quoted

DIVIDERS = {"/": ("a slash", "ends the target's name"), "@": ("an at sign", "stands before the name of a node")}
"""Signs that no name of a target may hold, and what they do."""

LONGEST = 200
"""Letters of a name that is made of columns: it is in every address, in names of files and in logs."""

_MADE = re.compile(r"\w[\w.+:-]*")


def refuse_name(name: str, at: str, errors: list[DesiredError]) -> bool:
    """Whether a target cannot be called so; that is added to `errors`."""
    for sign, (called, means) in DIVIDERS.items():
        if sign in name:
            message = f"the name of the target {quoted(name)} holds {called}"
            errors.append(DesiredError(message, at=at, hint=f"{called} {means} in an address"))
            return True
    return False


def refuse_made(name: str, at: str, errors: list[DesiredError]) -> bool:
    """The same of a name that is made of columns. Nobody has looked at it: it has to be plain."""
    if refuse_name(name, at, errors):
        return True
    if _MADE.fullmatch(name) and len(name) <= LONGEST:
        return False
    message = f"the name of the target {quoted(name)} is none" if name else "the name of the target is empty"
    hint = f"expected at most {LONGEST} letters, digits and _ . + : -, beginning with a letter or a digit"
    errors.append(DesiredError(message, at=at, hint=hint))
    return True
