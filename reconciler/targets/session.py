"""What all sessions have in common."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from reconciler.model import Note, NoticeType, System, Target, TargetInfo
from reconciler.secrets import Secrets


class Remark(NamedTuple):
    """What is to be known of all that is planned of a system, said once."""

    type: NoticeType
    message: str
    note: Note | None = None


class Session(Protocol):
    """An open, read-only connection to one target: what kinds observe through.

    What only one system has is in the class of its sessions (`PostgresSession`, `RedisSession`, `HttpSession`).
    """

    @property
    def system(self) -> System:
        """Which of those it is."""
        ...

    @property
    def target(self) -> Target:
        """The target as declared."""
        ...

    @property
    def info(self) -> TargetInfo:
        """The system as a plan records it."""
        ...

    @property
    def instance(self) -> str:
        """What no other running server has; another after a restart, empty where it is not known."""
        ...

    @property
    def lesser_role(self) -> str:
        """Which role would be enough to plan by, where this session's may far more than that; else empty."""
        ...

    @property
    def remark(self) -> Remark | None:
        """What a restart would bring, where that cannot be seen, or is not meant to be what is declared."""
        ...

    @property
    def secrets(self) -> Secrets:
        """Where references to secrets are resolved."""
        ...

    def memory(self) -> int | None:
        """Bytes of memory of the target: as declared, else as the server tells; None where neither is to be had."""
        ...

    def cpus(self) -> int | None:
        """Processors of the target: as declared, else as the server tells; None where neither is to be had."""
        ...

    def close(self) -> None:
        """Ends the connection. Never raises."""
        ...
