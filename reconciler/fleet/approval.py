"""What of a fleet's plans was approved: groups of equal changes, by their digests.

Decided: docs/decisions.md#approved-groups
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from reconciler.applying.gates.gate import Facts, Options
from reconciler.applying.gates.registry import Moment, enforce
from reconciler.errors import HazardNotAllowed, PlanFileError, UsageError
from reconciler.model import NEEDS_PERMISSION, Change, Fleet, HazardType, Plan
from reconciler.planning.groups import groups_of
from reconciler.reports.fleet import TARGET
from reconciler.reports.labels import counted
from reconciler.untrusted_files import NotReadable, read_regular

MOST_NAMED = 20
"""Hazards that are named in one error: a screenful."""

LARGEST = 1 << 20
"""Bytes of a file of digests: 16,000 of them."""


def approved_groups(fleet: Fleet, digest: str, named: Sequence[str], listed: Sequence[str]) -> frozenset[str] | None:
    """The groups that were approved; None: all, since the whole index was, by its `digest` alone.

    `named` are of the command line, and have to be there; `listed` of a file, which may know of other plans.
    Raises UsageError where nothing is approved, PlanFileError where the index has another digest.
    """
    if digest and digest != fleet.digest:
        raise PlanFileError(
            f"these are other plans than those that --digest names: the digest of their index is {fleet.digest}, and "
            f"not {digest}",
            hint="apply the plans that were reviewed, or review these: reconciler show DIR",
        )
    if not named and not listed:
        if digest:
            return None
        raise UsageError(
            "nobody has approved any of these plans",
            hint="reconciler show DIR prints what there is: name groups by --approve, or all of it by --digest",
        )
    known = {group.digest for group in fleet.groups}
    if unknown := [each for each in named if each not in known]:
        raise UsageError(
            f"no group of these plans has the digest {unknown[0]}, which --approve names",
            hint="reconciler show DIR prints those that there are",
        )
    return frozenset([*named, *listed])


def read_approvals(path: Path) -> tuple[str, ...]:
    """The digests in a file: one a line, and what stands behind a `#` is for people. Raises UsageError."""
    try:
        text = read_regular(path, LARGEST).decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file of approved digests") from None
    except (NotReadable, UnicodeDecodeError) as why:
        raise UsageError(f"{path}: this is no file of approved digests: {why}") from None
    found = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line.replace("\t", " ").isprintable():  # what some programs take for the end of a line, and of a comment
            raise UsageError(f"{path}:{number}: this line holds a sign that cannot be seen")
        told = line.partition("#")[0].strip().lower()
        if told and not re.fullmatch(r"[0-9a-f]{64}", told):
            raise UsageError(f"{path}:{number}: this is no digest: expected 64 hexadecimal digits")
        found += [told] if told else []
    if not found:
        raise UsageError(f"{path}: there is no digest in it")
    return tuple(found)


def unapproved(plan: Plan, approved: Collection[str] | None) -> list[Change]:
    """The changes of `plan` that are in none of the `approved` groups."""
    if approved is None:
        return []
    return [change for group in groups_of(plan.changes) if group.digest not in approved for change in group.changes]


def expect_applicable(plans: Iterable[Plan], options: Options, now: datetime) -> None:
    """Raises, before anything runs anywhere, what is in the way of all of them: PlanFileError where a plan is too old,
    HazardNotAllowed, UsageError where `options` names a change that none of them has."""
    missing: dict[tuple[HazardType, str], int] = {}
    planned = set()
    for plan in plans:
        enforce(Moment.SAVED, Facts(plan=plan, options=options, now=now))
        planned |= {change.address for change in plan.changes}
        for change in plan.changes:
            for type in {hazard.type for step in change.steps for hazard in step.hazards}:
                if type in NEEDS_PERMISSION and type not in options.allowed:
                    about = f"{change.address.kind}/{change.address.name}"
                    missing[type, about] = missing.get((type, about), 0) + 1
    if missing:
        lines = [f"  {about}: {type}, on {counted(count, TARGET)}" for (type, about), count in sorted(missing.items())]
        more = [f"  and {len(lines) - MOST_NAMED} more"] if len(lines) > MOST_NAMED else []
        flags = " ".join(f"--allow {name}" for name in sorted({type.value for type, _ in missing}))
        raise HazardNotAllowed(
            "these plans have hazards that nobody has allowed; nothing was run\n"
            + "\n".join([*lines[:MOST_NAMED], *more]),
            hint=f"if they are wanted: reconciler apply … {flags}",
        )
    if unknown := [address for address in options.allowed_superseded if address not in planned]:
        raise UsageError(f"no plan has a change of {unknown[0]}, which --allow-superseded names")
