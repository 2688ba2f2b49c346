"""People with SSH keys, a plan that needs nobody's server, and what an apply of it says before it connects."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from reconciler.approvals.folder import approve, found
from reconciler.approvals.signers import Revoked, read_signers
from reconciler.documents import approval as document
from reconciler.documents import plan as plan_file
from reconciler.model import (
    Action,
    Address,
    Approval,
    Change,
    FoundApprovals,
    Hazard,
    HazardType,
    Plan,
    SqlStep,
    System,
    TargetInfo,
)

NOW = datetime(2026, 12, 1, 12, 0, 0, tzinfo=UTC)
INFO = TargetInfo(
    system=System.POSTGRES, product="PostgreSQL", version="18.0", location="db1:5432", database="app",
    identity="7519/app", role="primary",
)  # fmt: skip


def plan(*hazards: HazardType, why: str = "") -> Plan:
    """A plan of one change with these hazards; another `why` makes it another plan."""
    step = SqlStep(statements=("select 1",), hazards=tuple(Hazard(type=each, message="x") for each in hazards))
    change = Change(
        address=Address("main", "pg_setting", "work_mem"), action=Action.UPDATE, before=None, after=None, why=why,
        steps=(step,), desired={},
    )  # fmt: skip
    made = Plan(reconciler_version="1", created_at=NOW, targets={"main": INFO}, changes=(change,))
    return plan_file.seal(made)


class People:
    """Keys and a file of signers in a folder beside the one that holds the plan."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "people"
        self.folder.mkdir()
        self.reviewed = folder / "reviewed"
        self.reviewed.mkdir()
        self.plan_path = self.reviewed / "plan.json"
        self.signers = self.folder / "signers"
        self.signers.write_text("# who may approve\n")

    def key(self, name: str, *options: str) -> Path:
        path = self.folder / name
        if not path.exists():
            made = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path), *options)
            subprocess.run(made, check=True, capture_output=True)
        return path

    def public(self, name: str) -> str:
        return " ".join(self.key(name).with_suffix(".pub").read_text().split()[:2])

    def listed(self, *lines: str) -> Path:
        """The file of signers has these lines; a bare name: of that name, with the key of it."""
        text = "".join(f"{line if ' ' in line else f'{line} {self.public(line)}'}\n" for line in lines)
        self.signers.write_text(text)
        return self.signers

    def saved(self, made: Plan) -> Plan:
        plan_file.write(made, self.plan_path)
        return made

    def approve(self, name: str, made: Plan, *allow: HazardType, expires: datetime | None = None, **other) -> Path:
        approval = Approval(
            **{"plan": made.digest, "targets": document.targets_of(made), "allow": allow,
               "expires": expires or NOW.replace(day=8)} | other
        )  # fmt: skip
        return approve(self.plan_path, approval, self.key(name))[0]

    def found(self, revoked: Revoked | None = None) -> FoundApprovals:
        return found(self.plan_path, read_signers(self.signers), revoked or Revoked(), "signers")


def copied(source: Path, target: Path) -> None:
    """An approval, both of its files."""
    for ending in (".txt", ".sig"):
        shutil.copy(source.with_suffix(ending), target.with_suffix(ending))
