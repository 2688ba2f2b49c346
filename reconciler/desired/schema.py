"""JSON Schema of the YAML, for editors and for checks that do not want to run reconciler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from reconciler.desired import ignore
from reconciler.desired.rollout.load import SECTION
from reconciler.desired.rollout.section import ROLLOUT
from reconciler.desired.target_section import TARGET
from reconciler.kind import AnyKind

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_VARIABLE: JsonSchemaValue = {"type": "string", "pattern": r"\$\{"}
"""What may stand where a number or a boolean is expected: `${NAME}` is replaced before values are checked."""


_NAME: JsonValue = {"type": "string", "minLength": 1}

_TARGET: JsonSchemaValue = {
    "title": "Target",
    "description": "The targets that the sections of this document are for: a name, a list of them, or by labels.",
    "anyOf": [
        _NAME,
        {"type": "array", "items": _NAME, "minItems": 1, "uniqueItems": True},
        {
            "type": "object",
            "properties": {
                "where": {
                    "description": "By labels, name and system: env = prod and tier != 'trial'.",
                    "type": "string",
                    "minLength": 1,
                }
            },
            "required": ["where"],
            "additionalProperties": False,
        },
    ],
}


class _TextOrVariable(GenerateJsonSchema):
    """Lets `${NAME}` stand for whatever is not text anyway."""

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return {"anyOf": [super().int_schema(schema), _VARIABLE]}

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {"anyOf": [super().float_schema(schema), _VARIABLE]}

    def bool_schema(self, schema: core_schema.BoolSchema) -> JsonSchemaValue:
        # YAML 1.2, which editors read, takes yes, no, on and off for text.
        spelled = {"enum": ["yes", "no", "on", "off"]}
        return {"anyOf": [super().bool_schema(schema), spelled, _VARIABLE]}


def json_schema(kinds: Sequence[AnyKind]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one document under the folder of the desired state.

    A section that several kinds read may be as any of them reads it: which one it is depends on the target's system.
    """
    adapters: dict[tuple[str, str], TypeAdapter[Any]] = {
        ("", "targets"): TARGET, ("", "defaults"): TypeAdapter(bool), ("", SECTION): ROLLOUT,
        ("", ignore.SECTION): ignore.IGNORE,
    }  # fmt: skip
    for kind in kinds:
        for section, model in kind.sections.items():
            adapters[kind.name, section] = TypeAdapter(model)
    parts, shared = TypeAdapter.json_schemas(
        [(key, "validation", adapter) for key, adapter in adapters.items()], schema_generator=_TextOrVariable
    )
    by_section: dict[str, list[JsonSchemaValue]] = {}
    for (kind_name, section), _ in adapters.items():
        if kind_name:
            by_section.setdefault(section, []).append(parts[(kind_name, section), "validation"])
    sections = {
        section: choices[0] if len(choices) == 1 else {"anyOf": choices}
        for section, choices in sorted(by_section.items())
    }
    return {
        "$schema": DIALECT,
        "title": "reconciler: desired state",
        "description": "Live systems, and what is declared of one of them.",
        "type": ["object", "null"],
        "properties": {
            "targets": {
                "title": "Targets",
                "description": "The live systems by name.",
                "type": ["object", "null"],
                "additionalProperties": parts[("", "targets"), "validation"],
            },
            "target": _TARGET,
            "defaults": {
                **parts[("", "defaults"), "validation"],
                "title": "Defaults",
                "description": "Documents without this may override what this one declares.",
            },
            SECTION: parts[("", SECTION), "validation"],
            ignore.SECTION: {
                **parts[("", ignore.SECTION), "validation"],
                "title": "Ignore",
                "description": "Differences that are ignored for a while, each with its reason and its end.",
            },
            **sections,
        },
        "dependentRequired": {section: ["target"] for section in sections},
        "additionalProperties": False,
        "$defs": shared.get("$defs", {}),
    }
