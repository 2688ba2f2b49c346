"""What makes a change this very change, and a plan this very plan: SHA-256 over canonical JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256

from reconciler.model import Change


def digest(value: object) -> str:
    """SHA-256, in hex, of `value` as canonical JSON: keys sorted, no spaces, UTF-8.

    The same for the same JSON value, however a file spells it. Raises ValueError for NaN and infinities, which JSON
    does not have.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # A file may hold half of a surrogate pair (\ud800): no model takes it, but a digest has to survive it.
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def fingerprint(change: Change) -> str:
    """The fingerprint of `change`: over its address, action, before and steps.

    Two changes with the same fingerprint find the same state and run the same steps. What is only said about a change
    (why, notes, evidence) does not count, nor does `after`, which the steps bring about.
    """
    dumped = change.model_dump(mode="json", include={"address", "action", "before", "steps"})
    return of_parts(dumped["address"], dumped["action"], dumped["before"], dumped["steps"])


def of_parts(address: object, action: object, before: Mapping[str, object] | None, steps: object) -> str:
    """The fingerprint of a change given as JSON values, as a plan file holds them; of any shape, since files are.

    Of a hazard only the type counts: its message may tell how much memory is used, or how many rows there are, and
    that must not make a plan stale.
    """
    bare = [_without_messages(step) for step in steps] if isinstance(steps, list) else steps
    return digest({"action": action, "address": address, "before": before, "steps": bare})


def _without_messages(step: object) -> object:
    if not isinstance(step, dict) or not isinstance(step.get("hazards"), list):
        return step
    return step | {
        "hazards": [hazard.get("type") if isinstance(hazard, dict) else hazard for hazard in step["hazards"]]
    }
