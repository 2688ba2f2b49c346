"""The base of all models."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of all models: immutable, and nothing unknown slips in."""

    model_config = ConfigDict(frozen=True, extra="forbid")
