"""Days, as YAML says them."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator


def _iso_date(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError(f"{value!r} is not a date: expected YEAR-MONTH-DAY, like 2026-12-31")
    return value


Day = Annotated[date, BeforeValidator(_iso_date)]
"""A whole day: nothing shorter is read as one, such as a year."""
