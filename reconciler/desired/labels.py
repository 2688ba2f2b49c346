"""`labels` of a target: by what documents select it.

Decided: docs/decisions.md#labels
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from reconciler.yaml.verbatim_text import Text

NAME = "name"
SYSTEM = "system"
GIVEN = (NAME, SYSTEM)
"""What every target has, under these names, without declaring it."""

WORDS = ("and", "or", "not", "in")
"""Of the language that selects; no label is called so."""

LABEL = re.compile("[A-Za-z_][A-Za-z0-9_-]*")

LONGEST_NAME = 63
LONGEST_VALUE = 200
"""Letters. Labels are for people to select by, and not to keep data in."""


def _checked(labels: dict[str, str]) -> dict[str, str]:
    for name, value in labels.items():
        if not LABEL.fullmatch(name) or len(name) > LONGEST_NAME:
            raise ValueError(
                f"a label is called by at most {LONGEST_NAME} letters, digits, _ and -, and begins with a letter"
            )
        if name in GIVEN:
            raise ValueError(f"{name} is known of every target: call the label otherwise")
        if name.lower() in WORDS:
            raise ValueError(f"{name} is a word of `where`: call the label otherwise")
        if len(value) > LONGEST_VALUE or not value.isprintable():
            raise ValueError(f"the label {name} is more than {LONGEST_VALUE} letters, or not one line of text")
    return labels


Labels = Annotated[dict[str, Text], AfterValidator(_checked)]
