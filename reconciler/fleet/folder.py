"""A folder that holds the plan of each target, and their index: of all of them, or of each shard.

Decided: docs/decisions.md#plans-of-a-fleet
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from reconciler.documents import fleet as fleet_file
from reconciler.documents import plan as plan_file
from reconciler.errors import DocumentError
from reconciler.fleet.join import joined
from reconciler.fleet.split import described, owned_by
from reconciler.model import Change, Fleet, Plan, Shard
from reconciler.planning.groups import groups_of
from reconciler.verdicts import of_plan

WHOLE = "fleet.json"

OF_PARTS = "fleet-*.json"

PLAN_ENDING = ".plan.json"

LONGEST_NAME = 200
"""Bytes of the name of a file before its endings, of which the longest are those of one that is being written: file
systems bear 255 in all. A letter takes up to twelve."""


def file_of(target: str, what: str) -> str:
    """The name of a file about `target`. Names of targets may be of any letters, and long; those of files may not."""
    name = quote(target, safe="+")
    if len(name) > LONGEST_NAME:
        mark = f"={sha256(target.encode()).hexdigest()[:16]}"  # no other name has the sign: it is quoted
        name = name[: LONGEST_NAME - len(mark)] + mark
    return f"{name}.{what}.json"


def index_name(shard: Shard | None) -> str:
    """The name of the index of a shard, or of the whole fleet."""
    return WHOLE if shard is None else f"fleet-{shard.number}-of-{shard.of}.json"


def prepare(folder: Path, shard: Shard | None) -> None:
    """Makes the folder, where it is not there. Raises DocumentError where it cannot be, or where it holds the plans of
    a fleet that was divided otherwise."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DocumentError(f"{folder} cannot be made: {error.strerror}", hint="name a folder, or a new one") from None
    ending = "" if shard is None else f"-of-{shard.of}.json"
    others = [path.name for path in _indexes(folder) if not (ending and path.name.endswith(ending))]
    if others and others != [index_name(shard)]:
        raise DocumentError(
            f"{folder} holds the plans of a fleet that was divided otherwise: {others[0]}",
            hint="empty it, or name another folder",
        )


def write(folder: Path, fleet: Fleet, plans: Mapping[str, Plan]) -> None:
    """Writes the plans and, once all are there, their index. Raises DocumentError."""
    for name, plan in plans.items():
        plan_file.write(plan, folder / file_of(name, "plan"))
    fleet_file.write(fleet, folder / index_name(fleet.shard))


def read(folder: Path) -> Fleet:
    """The whole fleet: of one index, or joined of those of all shards. Raises DocumentError."""
    found = _indexes(folder)
    if not found:
        raise DocumentError(f"{folder} holds no index of plans", hint=fleet_file.FORMAT.given)
    if len(found) > 1 and any(path.name == WHOLE for path in found):
        raise DocumentError(
            f"{folder} holds {WHOLE}, and indexes of shards as well: plans of two fleets",
            hint="plan again into an empty folder",
        )
    indexes = {str(path): fleet_file.read(path) for path in found}
    only = indexes.get(str(folder / WHOLE))
    return joined(indexes) if only is None or only.shard is not None else only


def read_plan(folder: Path, fleet: Fleet, target: str) -> Plan:
    """The plan of `target`, which `fleet` lists. Raises DocumentError where it is missing, or another one."""
    path = folder / file_of(target, "plan")
    plan = plan_file.read(path)
    if plan.digest != fleet.targets[target].digest:
        raise DocumentError(f"{path} is another plan than the one that the index lists", hint=fleet_file.NEW_FLEET)
    if owned_by(plan) - {target}:
        raise DocumentError(f"{path} is not about {target} alone", hint=fleet_file.NEW_FLEET)
    found = {group.digest: group for group in groups_of(plan.changes)}
    if found.keys() != {*fleet.targets[target].groups}:
        raise DocumentError(f"{path} has changes of other groups than the index says", hint=fleet_file.NEW_FLEET)
    for listed in fleet.groups:
        if (group := found.get(listed.digest)) and described(group, listed.targets) != listed:
            raise DocumentError(f"{path} has other changes than the index says", hint=fleet_file.NEW_FLEET)
    if of_plan(plan) is not fleet.targets[target].verdict:
        raise DocumentError(f"{path} has another verdict than the index says", hint=fleet_file.NEW_FLEET)
    return plan


def examples(folder: Path, fleet: Fleet) -> dict[str, Change]:
    """By the digest of a group, one of its changes, so that people can read what runs. Raises DocumentError as
    `read_plan` does."""
    found: dict[str, Change] = {}
    for target in fleet.targets:
        for group in groups_of(read_plan(folder, fleet, target).changes):
            found.setdefault(group.digest, group.changes[0])
    return found


def _indexes(folder: Path) -> list[Path]:
    """The files of indexes: not the plan of a target that is called like one."""
    named = [*folder.glob(OF_PARTS), *folder.glob(WHOLE)]
    return sorted(path for path in named if not path.name.endswith(PLAN_ENDING))
