"""The texts that more than one type of check may hold: what each has to look like, and what is refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from reconciler.kinds.check import patterns
from reconciler.yaml.verbatim_text import Text


def as_list(value: object) -> object:
    """One text stands for a list of it alone."""
    return [value] if isinstance(value, str) else value


Words = Annotated[Text, Field(min_length=1)]
Regex = Annotated[str, AfterValidator(patterns.check)]
