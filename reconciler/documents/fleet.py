"""The index of the plans of many targets, as JSON that can be read again and trusted to be the same.

`model.Fleet` with its field names, behind format and version. It names each plan by its digest, so that its own is over
all of them. What follows from something else in it, must still agree with that when the file is read.

Decided: docs/decisions.md#plans-of-a-fleet
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reconciler.documents.atomic_file import write_text
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
from reconciler.model import Fleet, Rollout, Verdict
from reconciler.verdicts import worst

NEW_FLEET = "plan again: reconciler plan --out-dir DIR"

FORMAT = Format(
    name="reconciler-fleet",
    version="2.0",
    noun="the index of a fleet's plans",
    given="name a folder written by reconciler plan --out-dir",
    remade=NEW_FLEET,
)


def seal(fleet: Fleet) -> Fleet:
    """`fleet` with its digest."""
    return fleet.model_copy(update={"digest": digest(_content(fleet))})


def dump(fleet: Fleet) -> str:
    """The text of the index: the same for the same fleet."""
    sealed = seal(fleet)
    content = _content(sealed)
    first = {key: content.pop(key) for key in ("format", "format_version", "reconciler_version")}
    return readable(content | {"digest": sealed.digest}, first=first)


def load(text: str, *, source: str) -> Fleet:
    """The index that `text` holds; `source` is the file's name, for errors. `load(dump(fleet)) == seal(fleet)`.

    Raises DocumentError for everything that is not an index of ours, unaltered, in a format of our major version.
    """
    raw = parse(text, FORMAT, source=source)
    if raw.get("format") != FORMAT.name:
        refuse(source, f"is JSON, but not {FORMAT.noun}: its format is not {FORMAT.name}", FORMAT.given)
    expect_version(raw, FORMAT, source)
    _expect_unaltered(raw, source)
    try:
        shape = json.dumps(without(raw, {"format", "format_version"}))
        fleet = Fleet.model_validate_json(shape, strict=True, extra=unknown_keys(raw, FORMAT))
        timestamp(fleet.created_at)
    except (ValidationError, ValueError, OverflowError, RecursionError) as error:
        refuse(source, f"is not {FORMAT.noun} that can be read: {first_wrong(error)}", NEW_FLEET)
    if about := contradiction(fleet):
        refuse(source, f"contradicts itself about {about}", NEW_FLEET)
    return fleet


def read(path: Path) -> Fleet:
    """The index in the file `path`. Raises DocumentError."""
    return load(read_text(path, FORMAT), source=str(path))


def write(fleet: Fleet, path: Path) -> None:
    """Writes the index to `path`, whole or not at all. Raises DocumentError where it cannot be written."""
    write_text(dump(fleet), path)


def contradiction(fleet: Fleet) -> str:
    """What an index says in two places, and not alike; empty: nothing."""
    if both := {*fleet.targets} & {*fleet.unseen}:
        return f"{min(both)}: it was read, and could not be read"
    of_targets = {(group, name) for name, plan in fleet.targets.items() for group in plan.groups}
    of_groups = {(group.digest, name) for group in fleet.groups for name in group.targets}
    digests = [group.digest for group in fleet.groups]
    if len(digests) != len({*digests}):
        return f"the group {max(digests, key=digests.count)}: it is listed twice"
    if differs := of_targets ^ of_groups:
        group, name = min(differs)
        return f"{name}: whether it is of the group {group}"
    if fleet.rollout and (about := _not_in_one_wave(fleet, fleet.rollout)):
        return f"{about}: in which wave it is"
    unread = [Verdict.UNREACHABLE] if fleet.unreachable else []
    if fleet.verdict is not worst([*unread, *(plan.verdict for plan in fleet.targets.values())]):
        return "its verdict"
    return ""


def _not_in_one_wave(fleet: Fleet, rollout: Rollout) -> str:
    """A target that is in no wave, or in several; empty: none is."""
    times = Counter(name for wave in rollout.waves for name in wave.targets)
    wrong = [name for name in (*fleet.targets, *fleet.unseen) if name not in times]
    return min([*wrong, *(name for name, count in times.items() if count > 1)], default="")


def _content(fleet: Fleet) -> dict[str, Any]:
    """Everything in the file but the digest, as JSON values; `partial` only of what was narrowed."""
    left_out = {"digest"} if fleet.partial else {"digest", "partial"}
    content: dict[str, Any] = fleet.model_dump(mode="json", exclude=left_out)
    content["created_at"] = timestamp(fleet.created_at)
    return content | {"format": FORMAT.name, "format_version": FORMAT.version}


def _expect_unaltered(raw: Mapping[str, Any], source: str) -> None:
    if "digest" not in raw:
        refuse(source, "has no digest, so that nobody can tell whether it was altered", NEW_FLEET)
    try:
        found = digest({key: value for key, value in raw.items() if key != "digest"})
    except (ValueError, RecursionError):
        refuse(source, f"is not {FORMAT.noun}: it holds a number or a depth that none has", NEW_FLEET)
    if found != raw["digest"]:
        refuse(source, "was altered: its content does not match its digest", NEW_FLEET)
