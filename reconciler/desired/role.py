"""`role` of a target: the role that its sessions take on."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from reconciler.errors import DesiredError

LONGEST = 63
"""Bytes: no name of a role has more."""


def _role(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected the name of a role, like app_owner")
    if value == "none":
        raise ValueError("no role is called none: leave `role` out, or let it be empty")
    if len(value.encode()) > LONGEST or "\0" in value:
        raise ValueError(f"this is no name of a role: one has at most {LONGEST} bytes, and no NUL")
    return value


Role = Annotated[str, BeforeValidator(_role, json_schema_input_type=str), WithJsonSchema({"type": "string"})]
"""A name as it is, upper case included; empty: none."""


def refuse_role(at: str) -> DesiredError:
    """Why a role is not for whoever is trusted less than the runner: who logged in may have others for other work."""
    return DesiredError(
        "which role a session takes on has not been left to this YAML by whoever runs it",
        at=at,
        hint="leave `role` out, or declare the target in the file of --targets",
    )
