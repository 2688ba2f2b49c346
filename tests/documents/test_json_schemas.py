"""What is published of plans and receipts for programs: every file fits it, and it knows every key of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.documents.json_schemas import plan_schema, receipt_schema

GOLDEN = Path(__file__).parent.parent / "views/golden"
EXAMPLES = Path(__file__).parent.parent.parent / "plans"
FILES = [
    *((path, plan_schema) for what in ("plan", "drift") for path in sorted(GOLDEN.glob(f"{what}*.json"))),
    *((path, receipt_schema) for path in sorted(GOLDEN.glob("receipt*.json"))),
    (EXAMPLES / "example.json", plan_schema),
    (EXAMPLES / "example.receipt.json", receipt_schema),
]


def strict(schema: Any, *, within: str = "") -> Any:
    """`schema` without room for keys that it does not know, where it knows some."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value, within=key) for key, value in schema.items()}
    if within not in ("properties", "$defs") and "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


def errors(schema: Any, document: Any) -> Iterator[str]:
    Draft202012Validator.check_schema(schema)
    for error in Draft202012Validator(schema).iter_errors(document):
        yield f"{list(error.path)}: {error.message[:200]}"


@pytest.mark.parametrize(("path", "schema"), FILES, ids=[path.name for path, _ in FILES])
def test_a_file_fits_it_and_has_no_key_that_it_does_not_know(path, schema):
    document = json.loads(path.read_text(encoding="utf-8"))
    assert list(errors(strict(schema()), document)) == []


def test_keys_of_a_later_version_pass_and_another_type_does_not():
    plan = json.loads((EXAMPLES / "example.json").read_text(encoding="utf-8"))
    plan["resource_changes"][0]["later"] = plan["later"] = 1
    assert list(errors(plan_schema(), plan)) == []
    plan["resource_changes"][0]["change"]["actions"] = "create"
    assert list(errors(plan_schema(), plan)) == [
        "['resource_changes', 0, 'change', 'actions']: 'create' is not of type 'array'"
    ]
