"""The plan file: what was reviewed, as JSON that can be read again and trusted to be the same.

Names follow Terraform's JSON plan where they mean the same, so that policies written for it (conftest, OPA) read
ours. Every item of `resource_changes` is a `model.Change` with its field names, but for `before`, `after` and `reason`,
which are found where Terraform has them; what Terraform has beside (`type`, `actions`, `before_sensitive` …) is written
from the same change, and must still agree with it when the file is read. So must every `verdict`: of each change, of
each notice, of each target and of the whole. What is declared and is in no item is in sync.

Decided: docs/decisions.md#plans-that-hold-fewer-changes, docs/decisions.md#keys-of-a-plan-file
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reconciler.documents import fleet
from reconciler.documents.atomic_file import write_text
from reconciler.documents.change_fingerprint import fingerprint, of_parts
from reconciler.documents.digest import digest
from reconciler.documents.document import (
    Format,
    expect_version,
    first_wrong,
    parse,
    read_text,
    readable,
    refuse,
    timestamp,
    unknown_keys,
    without,
)
from reconciler.model import Change, Outcome, Plan
from reconciler.verdicts import of_outcome, of_plan, of_targets

NEW_PLAN = "make a new plan: reconciler plan --out FILE"

FORMAT = Format(
    name="", version="2.5", noun="a plan", given="name a file written by reconciler plan --out", remade=NEW_PLAN
)
"""2.0: a fingerprint is over all that can run, and no longer over the steps alone. 2.1: verdicts. 2.2: `reloads` of a
step. 2.3: `unreachable`. 2.4: `partial`. 2.5: `apply_as`, `note`, `commit`, `rolls_back`, `ignored`, `idle_rules` and
`causes`."""


def seal(plan: Plan) -> Plan:
    """`plan` with the fingerprints that are still empty and its digest filled in, as `load` returns it."""
    changes = tuple(
        change if change.fingerprint else change.model_copy(update={"fingerprint": fingerprint(change)})
        for change in plan.changes
    )
    plan = plan.model_copy(update={"changes": changes})
    return plan.model_copy(update={"digest": digest(_content(plan))})


def dump(plan: Plan) -> str:
    """The text of the plan file: the same for the same plan.

    A fingerprint that is already set is written as it is, so that a change altered after it was planned is refused by
    `load`.
    """
    sealed = seal(plan)
    return readable(_content(sealed) | {"digest": sealed.digest})


def load(text: str, *, source: str) -> Plan:
    """The plan that `text` holds; `source` is the file's name, for errors. `load(dump(plan)) == seal(plan)`.

    Raises DocumentError for everything that is not a plan of ours, unaltered, in a format of our major version.
    """
    return of_json(parse(text, FORMAT, source=source), source=source)


def of_json(raw: Mapping[str, Any], *, source: str) -> Plan:
    """The plan that a file with this content holds. Raises DocumentError as `load` does."""
    _expect_format(raw, source)
    _expect_unaltered(raw, source)
    try:
        # Strict: a plan is what it says, with no "yes" read as true.
        shape, extra = _model_shape(raw), unknown_keys(raw, FORMAT)
        plan = Plan.model_validate_json(json.dumps(shape), strict=True, extra=extra)
        timestamp(plan.created_at)
    except (ValidationError, TypeError, ValueError, OverflowError, RecursionError) as error:
        refuse(source, f"is not a plan that can be read: {first_wrong(error)}", NEW_PLAN)
    if both := {info.node_of or name for name, info in plan.targets.items()} & {*plan.unseen}:
        refuse(source, f"contradicts itself about {min(both)}: it was read, and could not be read", NEW_PLAN)
    pulled_in = plan.partial.pulled_in if plan.partial else ()
    if strange := {each.address for each in pulled_in} - {change.address for change in plan.changes}:
        refuse(source, f"contradicts itself about {min(strange)}: it is pulled in, and not changed", NEW_PLAN)
    for told, found in zip(_with_verdicts(raw), _with_verdicts(_content(plan)), strict=True):
        if told.get("verdict", found["verdict"]) != found["verdict"]:
            place = found.get("address") or found.get("location") or "the whole"
            refuse(source, f"contradicts itself about {place}: its verdict is {found['verdict']}", NEW_PLAN)
    for change, item in zip(plan.changes, raw.get("resource_changes", []), strict=True):
        if any(item.get(key) != value for key, value in _for_policies(change).items()) or (
            {key: item["change"].get(key) for key in _terraform(change)} != _terraform(change)
        ):
            refuse(source, f"contradicts itself about {change.address}: what policies read is not what runs", NEW_PLAN)
    return plan


def read(path: Path) -> Plan:
    """The plan in the file `path`. Raises DocumentError."""
    return load(read_text(path, FORMAT), source=str(path))


def write(plan: Plan, path: Path) -> None:
    """Writes the plan to `path`, whole or not at all: what was there before stays until the new file is complete.

    Raises DocumentError where it cannot be written.
    """
    write_text(dump(plan), path)


def _content(plan: Plan) -> dict[str, Any]:
    """Everything in the file but the digest, as JSON values."""
    content: dict[str, Any] = plan.model_dump(mode="json", exclude={"digest", "changes", "created_at"})
    content["format_version"] = FORMAT.version
    content["created_at"] = timestamp(plan.created_at)
    content["resource_changes"] = [_item(change) for change in plan.changes]
    content["verdict"] = of_plan(plan)
    of_each = of_targets(plan)
    for name, target in content["targets"].items():
        target["verdict"] = of_each[name]
    for unread in content["unreachable"]:
        unread["verdict"] = of_each[unread["target"]]
    outcomes: list[Outcome] = [*plan.changes, *plan.notices]
    for one, outcome in zip([*content["resource_changes"], *content["notices"]], outcomes, strict=True):
        one["verdict"] = of_outcome(outcome)
    return content


def _with_verdicts(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What bears a verdict since version 2.1: the whole, its changes, its notices, its targets by name, and those that
    were not read."""
    targets = content["targets"]
    return [
        content, *content.get("resource_changes", []), *content.get("notices", []),
        *(targets[name] for name in sorted(targets)), *content.get("unreachable", []),
    ]  # fmt: skip


def _item(change: Change) -> dict[str, Any]:
    item: dict[str, Any] = change.model_dump(mode="json")
    states = {"before": item.pop("before"), "after": item.pop("after")}
    item["action_reason"] = item.pop("reason")
    return item | _for_policies(change) | {"change": states | _terraform(change)}


def _for_policies(change: Change) -> dict[str, Any]:
    """What Terraform's readers look for in an item, and Change holds in another shape."""
    hazards = [hazard.model_dump(mode="json") for step in change.steps for hazard in step.hazards]
    target, kind, name = change.address
    return {"target": target, "type": kind, "name": name, "hazards": hazards}


def _terraform(change: Change) -> dict[str, Any]:
    """The parts of Terraform's `change` that follow from ours."""
    return {
        "actions": list(change.action.terraform_actions),
        "before_sensitive": {key: True for key in change.sensitive if key in (change.before or {})},
        "after_sensitive": {key: True for key in change.sensitive if key in (change.after or {})},
    }


_VERDICT = frozenset({"verdict"})
_BESIDE_A_CHANGE = frozenset({"target", "type", "name", "hazards", "change", "action_reason", *_VERDICT})
_OF_TERRAFORM = frozenset({"before", "after", "actions", "before_sensitive", "after_sensitive"})


def _model_shape(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The file's content with the names of `model.Plan`, and with whatever nobody knows in it."""
    changes = [
        without(item, _BESIDE_A_CHANGE)
        | {"before": item["change"].get("before"), "after": item["change"].get("after")}
        | {"reason": item.get("action_reason", "")}
        | {f"change.{key}": value for key, value in item["change"].items() if key not in _OF_TERRAFORM}
        for item in raw.get("resource_changes", [])
    ]
    targets = raw.get("targets")
    if isinstance(targets, dict):
        targets = {name: without(target, _VERDICT) for name, target in targets.items()}
    shape: dict[str, Any] = without(raw, {"format_version", "resource_changes", *_VERDICT})
    for key in ("notices", "unreachable"):
        if isinstance(raw.get(key), list):
            shape[key] = [without(each, _VERDICT) for each in raw[key]]
    return shape | {"changes": changes, "targets": targets}


def _expect_format(raw: Mapping[str, Any], source: str) -> None:
    if "terraform_version" in raw:
        refuse(source, "is a Terraform file, not a plan of reconciler", NEW_PLAN)
    if raw.get("format") == fleet.FORMAT.name:
        refuse(source, f"is {fleet.FORMAT.noun}, not a plan", "name the folder that it is in")
    if "plan_digest" in raw:
        refuse(source, "is the receipt of an apply, not a plan", FORMAT.given)
    expect_version(raw, FORMAT, source)


def _expect_unaltered(raw: Mapping[str, Any], source: str) -> None:
    """Compares the digests with the content as it was read, so that keys of a later version count as well."""
    changes = raw.get("resource_changes", [])
    if not isinstance(changes, list) or not all(
        isinstance(item, dict) and isinstance(item.get("change"), dict) for item in changes
    ):
        refuse(source, "is JSON, but not a plan: resource_changes is not a list of changes", NEW_PLAN)
    if "digest" not in raw:
        refuse(source, "has no digest, so that nobody can tell whether it was altered", NEW_PLAN)
    try:
        for item in changes:
            found = of_parts(item | {"before": item["change"].get("before")})
            if found != item.get("fingerprint"):
                refuse(
                    source,
                    f"was altered: the change of {str(item.get('address'))[:200]!r} does not match its fingerprint",
                    "a plan is applied as it was made; change the YAML, and " + NEW_PLAN,
                )
        if digest({key: value for key, value in raw.items() if key != "digest"}) != raw["digest"]:
            refuse(
                source,
                "was altered: its content does not match its digest",
                "a plan is applied as it was made; change the YAML, and " + NEW_PLAN,
            )
    except (ValueError, RecursionError):
        refuse(source, "is not a plan: it holds a number or a depth that no plan has", NEW_PLAN)
