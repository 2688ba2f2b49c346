"""The type of a value that is text whatever it looks like."""

from __future__ import annotations

from typing import Annotated

from pydantic import WithJsonSchema

Text = Annotated[str, WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""A scalar exactly as written: `on`, `010` and `12:30` are these letters.

Editors that check YAML against the JSON Schema give plain scalars a type before they look at the schema: they take
`100` for a number and `true` for a boolean. The schema therefore allows all three.
"""
