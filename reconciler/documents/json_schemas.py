"""The JSON Schemas of plans and receipts as files, for programs that read them: made of the models, and published in
`docs/`.

Unlike the models they let keys pass that they do not know: a minor version adds some.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from reconciler.documents import plan as plan_file
from reconciler.documents import receipt as receipt_file
from reconciler.model import Plan, Receipt, Verdict

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = {"type": "string"}
_STATE = {"anyOf": [{"type": "object"}, {"type": "null"}]}
_SENSITIVE = {"type": "object", "additionalProperties": {"const": True}}


def plan_schema() -> dict[str, Any]:
    """Of a plan, as `plan --out`, `plan --format json` and `drift --format json` write it."""
    schema = _schema_of(Plan, "A plan of reconciler", plan_file.FORMAT.version)
    named = schema["$defs"]
    for name in ("Change", "Notice", "TargetInfo", "Unreachable"):
        _add(named[name], {"verdict": {"$ref": "#/$defs/Verdict"}})
    change = named["Change"]
    states = {state: _STATE | change["properties"].pop(state) for state in ("before", "after")}
    change["properties"].pop("reason")
    change["required"] = [each for each in change["required"] if each not in ("before", "after", "reason")]
    of_terraform = {
        **states,
        "actions": {"type": "array", "items": _TEXT},
        "before_sensitive": _SENSITIVE,
        "after_sensitive": _SENSITIVE,
    }
    _add(
        change,
        {
            "target": _TEXT,
            "type": _TEXT | {"description": "The kind: pg_index, pg_setting, redis_setting, redis_user."},
            "name": _TEXT,
            "hazards": {"type": "array", "items": {"$ref": "#/$defs/Hazard"}},
            "action_reason": _TEXT,
            "change": {"type": "object", "properties": of_terraform, "required": [*of_terraform]},
        },
    )
    properties = schema["properties"]
    schema["required"] = [each for each in schema["required"] if each != "changes"]
    properties.pop("changes")
    _add(
        schema,
        {
            "verdict": {"$ref": "#/$defs/Verdict"},
            "resource_changes": {"type": "array", "items": {"$ref": "#/$defs/Change"}},
        },
    )
    return schema


def receipt_schema() -> dict[str, Any]:
    """Of a receipt, as `apply --receipt` and `apply --format json` write it."""
    schema = _schema_of(Receipt, "A receipt of reconciler", receipt_file.FORMAT.version)
    withheld = {"type": "array", "items": _TEXT, "description": "What undoing it would need, and no file holds."}
    _add(schema["$defs"]["ChangeReceipt"], {"verdict": {"$ref": "#/$defs/Verdict"}, "withheld": withheld})
    _add(schema, {"format": {"const": receipt_file.FORMAT.name}})
    return schema


def _schema_of(model: type[Plan | Receipt], title: str, version: str) -> dict[str, Any]:
    schema = model.model_json_schema(mode="serialization")
    schema["$defs"]["Verdict"] = TypeAdapter(Verdict).json_schema()
    for each in (schema, *schema["$defs"].values()):
        each.pop("additionalProperties", None)
    major = version.partition(".")[0]
    _add(schema, {"format_version": _TEXT | {"pattern": rf"^{major}\.[0-9]+$", "examples": [version]}})
    return {"$schema": _DRAFT, **schema, "title": title}


def _add(schema: dict[str, Any], properties: Mapping[str, Any]) -> None:
    """What is in each file, beside what is in the model."""
    schema["properties"] = {**schema["properties"], **properties}
    schema["required"] = sorted({*schema.get("required", ()), *properties})
