"""What tests of waves share: a rollout of four targets, and what its runs left."""

from __future__ import annotations

from pathlib import Path

from reconciler.documents import fleet_receipt
from reconciler.fleet import folder
from reconciler.model import FleetReceipt

ALL = ("acme", "globex", "initech", "umbrella")

ROLLOUT = """
rollout:
  waves:
    - {where: "name = acme"}
    - {where: "name in (globex, initech)"}
    - {share: 100%}
"""


def declare(databases, rollout: str, more: str = "") -> None:
    (databases.desired / "rollout.yaml").write_text(rollout + more)


def digest(plans: Path) -> str:
    return folder.read(plans).digest


def runs(receipts: Path) -> list[FleetReceipt]:
    return sorted(map(fleet_receipt.read, receipts.glob("*/run.json")), key=lambda run: run.started_at)


def results(receipts: Path) -> list[dict[str, str]]:
    """Of each run, in their order; of what was not run the reason."""
    return [
        {
            name: f"{each.result}: {each.not_run}" if each.not_run else str(each.result)
            for name, each in run.targets.items()
        }
        for run in runs(receipts)
    ]


def waves(receipts: Path) -> list[tuple[int, str | None]]:
    """Of the last run, its waves and why the next one was not begun."""
    return [(wave.number, wave.stopped and str(wave.stopped)) for wave in runs(receipts)[-1].waves]


def expect_converged(reconciler) -> None:
    assert reconciler("plan", "--detailed-exitcode")[0] == 0
