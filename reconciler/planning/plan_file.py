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
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from reconciler.errors import PlanFileError
from reconciler.files import NotReadable, read_regular
from reconciler.model import Change, Outcome, Plan
from reconciler.outcomes import of_outcome
from reconciler.planning import verdict
from reconciler.planning.atomic_file import write_text
from reconciler.planning.fingerprint import digest, fingerprint, of_parts

FORMAT_VERSION = "2.2"
"""Minor: keys were added, which older readers ignore. Major: older readers would misunderstand. 2.0: a fingerprint is
over all that can run, and no longer over the steps alone. 2.1: verdicts. 2.2: `reloads` of a step."""

LARGEST = 256 << 20
"""Bytes. A change takes about 3 kB, so this is some 80,000 of them; anything larger was not written by us."""

NEW_PLAN = "make a new plan: reconciler plan --out FILE"


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

    Raises PlanFileError for everything that is not a plan of ours, unaltered, in a format of our major version.
    """
    raw = parse(text, source=source)
    _expect_format(raw, source)
    _expect_unaltered(raw, source)
    try:
        # Strict: a plan is what it says, with no "yes" read as true. Unknown keys are a later minor version's.
        plan = Plan.model_validate_json(json.dumps(_model_shape(raw)), strict=True, extra="ignore")
        timestamp(plan.created_at)
    except (ValidationError, TypeError, ValueError, OverflowError, RecursionError) as error:
        _refuse(source, f"is not a plan that can be read: {_first(error)}", NEW_PLAN)
    for told, found in zip(_with_verdicts(raw), _with_verdicts(_content(plan)), strict=True):
        if told.get("verdict", found["verdict"]) != found["verdict"]:
            place = found.get("address") or found.get("location") or "the whole"
            _refuse(source, f"contradicts itself about {place}: its verdict is {found['verdict']}", NEW_PLAN)
    for change, item in zip(plan.changes, raw.get("resource_changes", []), strict=True):
        if any(item.get(key) != value for key, value in _for_policies(change).items()) or (
            {key: item["change"].get(key) for key in _terraform(change)} != _terraform(change)
        ):
            _refuse(source, f"contradicts itself about {change.address}: what policies read is not what runs", NEW_PLAN)
    return plan


def read(path: Path) -> Plan:
    """The plan in the file `path`. Raises PlanFileError."""
    try:
        data = read_regular(path, LARGEST)
    except FileNotFoundError as error:
        _refuse(str(path), f"cannot be read: {error.strerror}", "name a file written by reconciler plan --out")
    except NotReadable as why:
        _refuse(str(path), f"{why}: that is not a plan", "name a file written by reconciler plan --out")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        _refuse(str(path), "is not text: a plan file is JSON in UTF-8", "name a file written by reconciler plan --out")
    return load(text, source=str(path))


def write(plan: Plan, path: Path) -> None:
    """Writes the plan to `path`, whole or not at all: what was there before stays until the new file is complete.

    Raises PlanFileError where it cannot be written.
    """
    write_text(dump(plan), path)


def parse(text: str, *, source: str) -> dict[str, Any]:
    """The JSON object in `text`. Raises PlanFileError where it is none, or one with a key twice, or NaN."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        _refuse(
            source,
            f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}" if text.strip() else "is empty",
            "it may have been cut short; " + NEW_PLAN,
        )
    except RecursionError:
        _refuse(source, "is nested too deeply to be a plan", NEW_PLAN)
    except ValueError as error:
        _refuse(source, f"is not a plan: {error}", NEW_PLAN)
    if not isinstance(value, dict):
        _refuse(source, "is JSON, but not a plan: expected an object with format_version", NEW_PLAN)
    return value


def readable(value: object) -> str:
    """`value` as JSON for people and diffs: indented, keys sorted, a final newline.

    Characters that cannot be seen (terminal escapes, bidirectional overrides) are written as \\uXXXX, so that a file
    shown on a terminal or in a review is what it seems.
    """
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return _escape_unseen(text) + "\n"


def _escape_unseen(text: str) -> str:
    def escape(match: re.Match[str]) -> str:
        found = match.group()
        return found if found.isprintable() else json.dumps(found)[1:-1]

    return re.sub(r"[^ -~\n]", escape, text)


def _content(plan: Plan) -> dict[str, Any]:
    """Everything in the file but the digest, as JSON values."""
    content: dict[str, Any] = plan.model_dump(mode="json", exclude={"digest", "changes", "created_at"})
    content["format_version"] = FORMAT_VERSION
    content["created_at"] = timestamp(plan.created_at)
    content["resource_changes"] = [_item(change) for change in plan.changes]
    content["verdict"] = verdict.of_plan(plan)
    for name, target in content["targets"].items():
        target["verdict"] = verdict.of_target(plan, name)
    outcomes: list[Outcome] = [*plan.changes, *plan.notices]
    for one, outcome in zip([*content["resource_changes"], *content["notices"]], outcomes, strict=True):
        one["verdict"] = of_outcome(outcome)
    return content


def _with_verdicts(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What bears a verdict since version 2.1: the whole, its changes, its notices, and its targets by name."""
    targets = content["targets"]
    return [
        content, *content.get("resource_changes", []), *content.get("notices", []),
        *(targets[name] for name in sorted(targets)),
    ]  # fmt: skip


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC. A moment without a zone is taken as UTC."""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat().replace("+00:00", "Z")


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


def _model_shape(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The file's content with the names of `model.Plan`."""
    changes = [
        {**item, "before": item["change"].get("before"), "after": item["change"].get("after")}
        | {"reason": item.get("action_reason", "")}
        for item in raw.get("resource_changes", [])
    ]
    return {**raw, "changes": changes}


def _expect_format(raw: Mapping[str, Any], source: str) -> None:
    if "terraform_version" in raw:
        _refuse(source, "is a Terraform file, not a plan of reconciler", NEW_PLAN)
    if "plan_digest" in raw:
        _refuse(source, "is the receipt of an apply, not a plan", "name a file written by reconciler plan --out")
    version = raw.get("format_version")
    if not isinstance(version, str) or not re.fullmatch(r"\d{1,9}\.\d{1,9}", version):
        _refuse(source, "is JSON, but not a plan: it has no format_version", NEW_PLAN)
    if version.split(".")[0] != FORMAT_VERSION.split(".")[0]:
        _refuse(
            source,
            f"has format {version}, and this version of reconciler reads {FORMAT_VERSION.split('.')[0]}.x",
            f"use the version that made it, or {NEW_PLAN}",
        )


def _expect_unaltered(raw: Mapping[str, Any], source: str) -> None:
    """Compares the digests with the content as it was read, so that keys of a later version count as well."""
    changes = raw.get("resource_changes", [])
    if not isinstance(changes, list) or not all(
        isinstance(item, dict) and isinstance(item.get("change"), dict) for item in changes
    ):
        _refuse(source, "is JSON, but not a plan: resource_changes is not a list of changes", NEW_PLAN)
    if "digest" not in raw:
        _refuse(source, "has no digest, so that nobody can tell whether it was altered", NEW_PLAN)
    try:
        for item in changes:
            found = of_parts(item | {"before": item["change"].get("before")})
            if found != item.get("fingerprint"):
                _refuse(
                    source,
                    f"was altered: the change of {str(item.get('address'))[:200]!r} does not match its fingerprint",
                    "a plan is applied as it was made; change the YAML, and " + NEW_PLAN,
                )
        if digest({key: value for key, value in raw.items() if key != "digest"}) != raw["digest"]:
            _refuse(
                source,
                "was altered: its content does not match its digest",
                "a plan is applied as it was made; change the YAML, and " + NEW_PLAN,
            )
    except (ValueError, RecursionError):
        _refuse(source, "is not a plan: it holds a number or a depth that no plan has", NEW_PLAN)


def _first(error: Exception) -> str:
    """The first thing wrong, with its place in the file, and never with the value found there."""
    if not isinstance(error, ValidationError):
        return "it holds a value that no plan has"
    details = error.errors(include_url=False, include_input=False, include_context=False)
    place = ".".join(str(part) for part in details[0]["loc"]) if details else ""
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return f"{place or 'the file'}: {details[0]['msg'] if details else error.title}{more}"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:100]!r} appears twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse(source: str, what: str, hint: str) -> NoReturn:
    raise PlanFileError(f"{source} {what}", hint=hint) from None
