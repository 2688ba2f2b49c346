"""The names of resources."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Address(NamedTuple):
    """The name of a resource everywhere: `main/pg_index/public.tasks_status_idx`.

    Only the first two slashes divide; a name may hold more of them.
    """

    target: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.target}/{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address that `text` spells. Raises ValueError where it is not target/kind/name."""
        parts = text.split("/", 2)
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"{text!r} is not an address: expected target/kind/name")
        return cls(*parts)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def accept(value: object) -> Address:
            if isinstance(value, Address):
                return value
            if isinstance(value, str):
                return cls.parse(value)
            raise ValueError("expected an address: target/kind/name")

        return core_schema.no_info_plain_validator_function(
            accept, serialization=core_schema.to_string_ser_schema(), metadata={"type": "string"}
        )
