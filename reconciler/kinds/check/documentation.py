"""What people are told of a type of check: the docstring of its module, under three headings.

    \"""A setting of PostgreSQL, as it runs.

    What
        When a check of this type is passed. Its first paragraph stands in the table of all types.

    Why
        What goes wrong where nobody looks.

    How to write it
        id: pg-slow-log
        title: …
        check: {pg_setting: …}
    \"""

The last is an item of a checklist. docs/generate.py makes the tables and pages of it, which tests load.
"""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any, NamedTuple

from reconciler.kinds.check.check_type import CheckType

HEADINGS = ("What", "Why", "How to write it")


class Documentation(NamedTuple):
    """One type of check for people. `what` and `why` are Markdown, `item` is YAML."""

    title: str
    what: str
    why: str
    item: str


def of_type(check_type: CheckType[Any, Any]) -> Documentation:
    """What the docstring of its module says. Raises ValueError where its headings are others."""
    name = check_type.model.__module__
    title, *parts = re.split(r"^(\S.*)\n(?=    )", inspect.cleandoc(sys.modules[name].__doc__ or ""), flags=re.M)
    if tuple(parts[::2]) != HEADINGS:
        raise ValueError(f"the docstring of {name} has the headings {parts[::2]}, and not {list(HEADINGS)}")
    what, why, item = (inspect.cleandoc(part) for part in parts[1::2])
    return Documentation(title.strip(), what, why, item)
