"""A folder of receipts: one folder a run, with the receipt of each target, and that of the run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from glob import escape
from pathlib import Path

from reconciler.documents import fleet_receipt
from reconciler.documents import receipt as receipt_file
from reconciler.documents.atomic_file import expect_writable
from reconciler.errors import DocumentError
from reconciler.fleet.folder import file_of
from reconciler.model import FleetReceipt, Plan, Receipt

OF_RUN = "run.json"


class Receipts:
    """Where the receipts of one run go, below `folder`; None: nowhere."""

    def __init__(self, folder: Path | None, run: str) -> None:
        """Raises DocumentError where nothing can be written there."""
        self._folder = folder / run if folder else None
        if self._folder:
            try:
                self._folder.mkdir(parents=True)
            except OSError as error:
                raise DocumentError(
                    f"{self._folder} cannot be made: {error.strerror}", hint="nothing was run; name another folder"
                ) from None
            expect_writable(self._folder / OF_RUN)

    def of_target(self, target: str, receipt: Receipt) -> None:
        """Writes what became of one target so far. Raises DocumentError."""
        if self._folder:
            receipt_file.write(receipt, self._folder / file_of(target, "receipt"))

    def of_run(self, receipt: FleetReceipt) -> None:
        """Writes what became of all of them so far. Raises DocumentError."""
        if self._folder:
            fleet_receipt.write(receipt, self._folder / OF_RUN)


def of_folder(folder: Path) -> FleetReceipt | None:
    """The receipt of the run whose folder it is; None where it is none. Raises DocumentError, also where it holds the
    folders of several runs."""
    if (folder / OF_RUN).is_file():
        return fleet_receipt.read(folder / OF_RUN)
    if runs := sorted(path.parent for path in folder.glob(f"*/{OF_RUN}")):
        raise DocumentError(
            f"{folder} holds the receipts of {len(runs)} runs", hint=f"name one: the last is {runs[-1]}"
        )
    return None


def done_before(folder: Path, plans: Mapping[str, Plan]) -> dict[str, datetime]:
    """The targets of `plans` of which a receipt below `folder` says that this very plan was applied, and succeeded;
    and when that came to its end.

    Raises DocumentError where what is called like a receipt is none.
    """
    found: dict[str, datetime] = {}
    for target, plan in plans.items():
        for path in folder.glob(f"*/{escape(file_of(target, 'receipt'))}"):
            receipt = receipt_file.read(path)
            if receipt.succeeded and receipt.plan_digest == plan.digest:
                ended = receipt.finished_at
                ended = ended if ended.tzinfo else ended.replace(tzinfo=UTC)
                found[target] = max(found.get(target, ended), ended)
    return found
