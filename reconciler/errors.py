"""Everything that can go wrong, as one tree.

    ReconcilerError
    ├── UsageError            the command line asks for something that cannot be
    ├── DesiredError          the YAML is wrong; knows file, line and column
    │   └── Unanswered        the targets of a template are not known: who would have to be asked does not answer
    ├── TargetError           a live system
    │   ├── ConnectionFailed  cannot be reached, or refused us
    │   └── ObservationFailed answered, but not with what we need
    ├── DocumentError         a plan or receipt file cannot be read or written, or was altered
    │   └── PlanFileError     a saved plan is of another time, or was made for another system
    ├── CannotUndo            no plan brings back what a change took away
    └── ApplyError            an apply did not, or may not, do what the plan says
        ├── LockHeld          another apply is at work on the target
        ├── NotBegun          it was interrupted before its turn came
        ├── RehearsalFailed   the server would refuse a step, and said so on an empty copy
        ├── HazardNotAllowed  a step carries a hazard nobody has allowed by name
        ├── ApprovalError     an approval cannot be made or verified, or too few count
        ├── PolicyRefuses     a policy, or a window of one, is against it
        ├── StepFailed        the server refused a step
        └── PromiseBroken     the steps ran, and the result is not what was promised

Each error is one sentence about what is wrong and where, and a hint: what to do about it. The command line prints them
as `error: …`; nothing in them is ever a secret.
"""

from __future__ import annotations

from collections.abc import Sequence


class ReconcilerError(Exception):
    """Base of all errors that are shown to a person without a traceback.

    `message` says what is wrong and where; `hint` says the way out (may be empty).
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(ReconcilerError):
    """The command line asks for something that cannot be: an unknown target, a missing folder."""


class DesiredError(ReconcilerError):
    """The YAML is wrong. `at` is `file:line:column`; `others` are further errors of the same reading."""

    def __init__(self, message: str, *, at: str = "", hint: str = "", others: Sequence[DesiredError] = ()) -> None:
        super().__init__(message, hint=hint)
        self.at = at
        self.others = tuple(others)

    def __str__(self) -> str:
        own = f"{self.at}: {super().__str__()}" if self.at else super().__str__()
        return "\n".join([own, *(str(other) for other in self.others)])


class Unanswered(DesiredError):
    """The targets of a template are not known, since the database that its query is for cannot be connected to.

    `reached` is the error of that; the message says what was asked.
    """

    def __init__(self, message: str, reached: ConnectionFailed, *, at: str) -> None:
        super().__init__(message, at=at, hint=reached.hint)
        self.reached = reached


class Collected:
    """Errors of one reading, told together: `noted` around each part that may be wrong, `tell` behind the last."""

    def __init__(self) -> None:
        self._found: list[DesiredError] = []

    def noted(self) -> Collected:
        """What the body of `with` raises is kept, and the next part is read all the same."""
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        if not isinstance(error, DesiredError):
            return False
        self._found += [DesiredError(error.message, at=error.at, hint=error.hint), *error.others]
        return True

    def tell(self) -> None:
        """Raises DesiredError, with all that was kept, where that is anything."""
        if self._found:
            first, *others = self._found
            raise DesiredError(first.message, at=first.at, hint=first.hint, others=others)


class TargetError(ReconcilerError):
    """Something about a live system; `target` is its name, and `said` the message without it."""

    def __init__(self, target: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"{target}: {message}", hint=hint)
        self.target = target
        self.said = message


class ConnectionFailed(TargetError):
    """The system cannot be reached, or refused our credentials, or went away.

    `silent`: nothing came at all from where it should be, not even a refusal, for as long as we wait.
    `ended`: there was a session, and the other end took it back.
    """

    def __init__(self, target: str, message: str, *, hint: str = "", silent: bool = False, ended: bool = False) -> None:
        super().__init__(target, message, hint=hint)
        self.silent = silent
        self.ended = ended


class ObservationFailed(TargetError):
    """The system answered, but what we need to know could not be read. `sqlstate` is PostgreSQL's code, if any."""

    def __init__(self, target: str, message: str, *, hint: str = "", sqlstate: str = "") -> None:
        super().__init__(target, message, hint=hint)
        self.sqlstate = sqlstate


class DocumentError(ReconcilerError):
    """A plan or receipt file is unreadable, was altered, has an unknown format, or cannot be written."""


class PlanFileError(DocumentError):
    """A saved plan can be read, and is not to be applied: it is too old, or was made for another system."""


class CannotUndo(ReconcilerError):
    """No plan brings back what a change took away, by what its receipt says."""


class ApplyError(ReconcilerError):
    """An apply did not, or may not, do what the plan says."""


class LockHeld(ApplyError):
    """Another apply is at work on the target; the message says whose and since when."""


class NotBegun(ApplyError):
    """The run was interrupted before the target's turn came: nothing ran there."""


class HazardNotAllowed(ApplyError):
    """A step carries a hazard that has to be allowed by name (`--allow`)."""


class ApprovalError(ApplyError):
    """An approval cannot be made or verified, or fewer than are needed count."""


class PolicyRefuses(ApplyError):
    """A policy of a target, or of whoever runs the tool, is against what the plan would do, or when."""


class RehearsalFailed(ApplyError):
    """The server would refuse steps of the plan: seen on empty copies, before the first real step."""


class StepFailed(ApplyError):
    """The server refused a step, or the connection was lost while it ran.

    `may_pass`: what was in the way may go away by itself: a lock, also where a timeout ended the wait for it.
    """

    def __init__(self, message: str, *, hint: str = "", may_pass: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.may_pass = may_pass


class PromiseBroken(ApplyError):
    """The steps ran without an error, and yet the live system is not as the change promised."""
