"""The checks that are declared for the targets of a wave."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.applying.interruption import Interruption
from reconciler.errors import ReconcilerError
from reconciler.kind import DecidesLast
from reconciler.kinds.registry import KINDS
from reconciler.model import CheckVerdict, IgnoreRule, NotRun, Plan, Resource, Rollout, Target, WaveReceipt
from reconciler.planning import exit_codes
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets

CHECKS = {kind.name for kind in KINDS if isinstance(kind, DecidesLast)}


def unchecked(rollout: Rollout, resources: Collection[Resource]) -> int | None:
    """The number of the first wave whose checks have to pass, and for whose targets none is declared."""
    checked = {each.address.target for each in resources if each.address.kind in CHECKS}
    waves = enumerate(rollout.waves, 1)
    return next((n for n, wave in waves if wave.checks and wave.targets and not checked & {*wave.targets}), None)


@dataclass(slots=True, kw_only=True)
class Checking:
    """Decides the checks of targets as `check` does, by what is declared at the moment, of which `ignore` is a part.
    `interruption`: of the run."""

    targets: Mapping[str, Target]
    resources: Collection[Resource]
    secrets: Secrets
    now: Callable[[], datetime]
    at_once: int
    interruption: Interruption
    ignore: Sequence[IgnoreRule] = ()
    _deciding: bool = field(default=False, init=False)

    def interrupt(self) -> None:
        """Has nobody wait for what is being decided; for whoever handles a signal, once `interruption` is set.

        Raises KeyboardInterrupt, in the thread that decides, which is the one that is handed signals: a question that
        is waited for is then cancelled on its server.
        """
        if self._deciding:
            self._deciding = False
            raise KeyboardInterrupt

    def __call__(self, receipt: WaveReceipt, names: Sequence[str]) -> WaveReceipt:
        """`receipt` with what they came to. They pass where `check` ends with 0, and there is one at all: nobody is to
        believe in checks that nobody has declared. Never raises."""
        wanted = {*names}
        targets = {name: target for name, target in self.targets.items() if name in wanted}
        resources = [each for each in self.resources if each.address.target in wanted]
        try:
            plan = self._decided(targets, resources)
        except KeyboardInterrupt:
            return receipt.model_copy(update={"stopped": NotRun.INTERRUPTED})
        except ReconcilerError as error:
            return _stopped(receipt, CheckVerdict.UNDECIDED, message=self.secrets.redact(str(error)))
        if not plan.checks:
            return _stopped(receipt, CheckVerdict.UNDECIDED, message="no check is declared for its targets")
        verdict = exit_codes.of_checklist(plan)
        if exit_codes.check_exit_code(plan) == 0:
            return receipt.model_copy(update={"checks": verdict})
        failing = [each.address for each in plan.checks if exit_codes.of_check(each) is CheckVerdict.FAILED]
        unread = "; ".join(f"{each.node}: {each.message}" for each in plan.unreachable)
        return _stopped(receipt, verdict, message=unread).model_copy(update={"failing": tuple(failing)})

    def _decided(self, targets: Mapping[str, Target], resources: Sequence[Resource]) -> Plan:
        """Raises KeyboardInterrupt where the run is interrupted before it is over, ReconcilerError."""
        self._deciding = True
        try:
            if self.interruption:
                raise KeyboardInterrupt
            created_at = self.now().replace(microsecond=0)
            return make_plan(
                targets, resources, self.secrets, created_at=created_at, ignore=self.ignore, at_once=self.at_once
            )
        finally:
            self._deciding = False


def _stopped(receipt: WaveReceipt, verdict: CheckVerdict, *, message: str) -> WaveReceipt:
    return receipt.model_copy(update={"stopped": NotRun.CHECKS, "checks": verdict, "message": message})
