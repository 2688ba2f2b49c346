"""The texts that more than one type of check may hold: what each has to look like, and what is refused."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from reconciler.kinds.check import patterns
from reconciler.yaml.verbatim_text import Text


def _iso_date(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError(f"{value!r} is not a date: expected YEAR-MONTH-DAY, like 2026-12-31")
    return value


def as_list(value: object) -> object:
    """One text stands for a list of it alone."""
    return [value] if isinstance(value, str) else value


Words = Annotated[Text, Field(min_length=1)]
Day = Annotated[date, BeforeValidator(_iso_date)]
Regex = Annotated[str, AfterValidator(patterns.check)]
