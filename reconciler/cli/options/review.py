"""The options of apply about who has to agree, and when: approvals, a policy, windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from reconciler.cli.app import Run
from reconciler.errors import UsageError
from reconciler.model import NO_POLICY, FoundApprovals, Policy

F = TypeVar("F", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path)


class Agreed(NamedTuple):
    """What the options come to; `approvals`: None where nobody has said whose count."""

    approvals: FoundApprovals | None = None
    required: int = 0
    not_by: tuple[str, ...] = ()
    policy: Policy = NO_POLICY
    outside_window: str = ""

    def options(self) -> dict[str, Any]:
        """What gates are told, as `Options` names it."""
        return {
            "require_approvals": self.required, "not_by": self.not_by, "policy": self.policy,
            "outside_window": self.outside_window,
        }  # fmt: skip


def policy_option(command: F) -> F:
    """The policy of whoever runs the tool."""
    return click.option(
        "--policy", "policy_file", type=_FILE, metavar="FILE", envvar="RECONCILER_POLICY",
        help="A policy for all targets, beside their own: what one of both denies, the other does not allow.",
    )(command)  # fmt: skip


def options(command: F) -> F:
    """Adds the options to `command`, which gets them all as keywords, for `agreed`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return policy_option(command)


_OPTIONS = (
    click.option(
        "--require-approvals", type=click.IntRange(1, 100), metavar="N",
        help="Apply no plan that fewer people have approved (verb approve).  [default: 1 with --allowed-signers]",
    ),
    click.option(
        "--allowed-signers", type=_FILE, metavar="FILE",
        help="Whose approvals count: one name and one SSH key a line. It lies outside of what is reviewed.",
    ),
    click.option(
        "--not-by", multiple=True, metavar="PRINCIPAL",
        help="Somebody whose approval does not count, as the author; may be repeated.",
    ),
    click.option(
        "--revoked", type=_FILE, metavar="FILE", help="Keys whose approvals count no longer: a KRL, or public keys."
    ),
    click.option(
        "--outside-window", metavar="REASON", allow_from_autoenv=False,
        help="Apply although no window allows it; the receipt tells why. Not read from the environment.",
    ),
)  # fmt: skip
NAMES = ("require_approvals", "allowed_signers", "not_by", "revoked", "outside_window", "policy_file")
"""The keywords that a command gets."""


def agreed(run: Run, given: Mapping[str, Any], plan: Path | None) -> Agreed:
    """What the options come to for the saved `plan`; None: there is none. Raises UsageError, ApprovalError."""
    _expect_filled(given)
    wants = bool(given["require_approvals"] or given["allowed_signers"])
    if not wants and (given["not_by"] or given["revoked"]):
        raise UsageError("--not-by and --revoked are about approvals", hint="ask for some: --allowed-signers FILE")
    if given["require_approvals"] and not given["allowed_signers"]:
        raise UsageError("--require-approvals does not say whose count", hint="--allowed-signers FILE")
    if wants and plan is None:
        raise UsageError(
            "only a saved plan can be approved",
            hint="reconciler plan --out FILE, have it approved by reconciler approve FILE, and apply FILE",
        )
    if wants and plan is not None and plan.is_dir():
        raise UsageError(
            f"{plan} is a folder of plans, and approvals are of one plan",
            hint="of a folder, groups are approved by their digests: --approve, --approvals; or apply the plans in it "
            "one by one",
        )
    return Agreed(
        approvals=_found(run, given, plan) if wants and plan is not None else None,
        required=given["require_approvals"] or int(wants),
        not_by=given["not_by"],
        policy=policy(given["policy_file"]),
        outside_window=given["outside_window"] or "",
    )


def policy(path: Path | None) -> Policy:
    """The policy of whoever runs the tool. Raises DesiredError."""
    if path is None:
        return NO_POLICY
    from reconciler.desired.policy_file import read_policy

    return read_policy(path)


def loosens(given: Mapping[str, Any]) -> dict[str, bool]:
    """By option: whether it is given. None of them travels to a worker."""
    return {f"--{name.removesuffix('_file').replace('_', '-')}": bool(given[name]) for name in NAMES}


def _expect_filled(given: Mapping[str, Any]) -> None:
    """Raises UsageError where an option is there and empty, as from a variable of a pipeline that was never set."""
    empty = [name for name in NAMES if given[name] is not None and str(given[name]) in ("", ".")]
    empty += ["not_by"] if any(not name.strip() for name in given["not_by"]) else []
    if given["outside_window"] is not None and not given["outside_window"].strip():
        empty.append("outside_window")
    if empty:
        name = empty[0].removesuffix("_file").replace("_", "-")
        raise UsageError(f"--{name} is there, and empty", hint="say what it is, or leave it away")


def _found(run: Run, given: Mapping[str, Any], plan: Path) -> FoundApprovals:
    from reconciler.approvals.folder import found
    from reconciler.approvals.signers import Revoked, expect_outside, read_revoked, read_signers

    reviewed = (run.folder, plan.parent, *({plan.resolve().parent}))
    signers_file, revoked_file = given["allowed_signers"], given["revoked"]
    for path in filter(None, (signers_file, revoked_file)):
        expect_outside(path, reviewed)
    signers = read_signers(signers_file)
    revoked = read_revoked(revoked_file) if revoked_file else Revoked()
    beside = found(plan, signers, revoked, str(signers_file))
    known = {name.casefold() for name in beside.principals}
    if not given["not_by"]:
        run.tell("Authors were not excluded: an approval by whoever wrote the change counts; exclude him by --not-by.")
    for name in given["not_by"]:
        if name.casefold() not in known:
            run.tell(f"--not-by {name} excludes nobody: {signers_file} lists nobody of that name.")
    return beside
