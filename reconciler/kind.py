"""The contract of everything that can be managed.

A kind is a folder under `kinds/` whose `__init__` holds one object that satisfies `Kind`, and one line in
`kinds/registry.py`. The road that a resource travels:

    YAML section ── declare ──▶ Resource ── observe ──▶ Observed ── plan ──▶ Change | Notice | CheckResult

Kinds return steps as data; only `applying/` ever runs one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from reconciler.model import Address, Observed, Outcome, Resource, System, Target
from reconciler.targets.session import Session

R = TypeVar("R", bound=Resource)
S = TypeVar("S", bound=Observed)


@dataclass(frozen=True, slots=True)
class Declaration:
    """One section of one YAML document, validated against the kind's model for it.

    `value` is an instance of what `Kind.sections[section]` names; `file` is the path of the YAML file. `at(path)` gives
    `file:line:column` of something inside the section, `at(("public.tasks", "indexes", "tasks_idx"))`, or of the
    deepest part of it that exists.
    """

    target: Target
    section: str
    value: Any
    file: str
    at: Callable[[Sequence[str | int]], str]


class Kind(Protocol[R, S]):
    """One kind of resource."""

    @property
    def name(self) -> str:
        """As in addresses: "pg_index"."""
        ...

    @property
    def system(self) -> System | None:
        """The kind of target it lives on; None: any."""
        ...

    @property
    def sections(self) -> Mapping[str, Any]:
        """The top-level YAML keys that it reads, each with the type of its value: anything TypeAdapter takes.

        Two kinds may share a key if their systems differ.
        """
        ...

    @property
    def resource(self) -> Any:
        """The type of its resources (may be a union); plan files carry them as `Change.desired`."""
        ...

    def declare(self, declaration: Declaration) -> Iterable[R]:
        """The resources of one section. Pure.

        Raises DesiredError, with `at`, for what the section's model could not refuse by itself.
        """
        ...

    def observe(self, session: Session, wanted: Sequence[R]) -> Mapping[Address, S]:
        """What the live system shows of the wanted resources, all at once: one query a kind, never one a resource.

        Called by planning for everything declared, and by applying for one resource before and after its change. It
        must not write, nor lock anything that a writer could wait for; the session is read-only, and enforces it.
        It also asks the server how it reads the *desired* side, so that `plan` compares like with like. A resource
        that is not there is observed as absent, or left out; one that may not be seen says so. Raises TargetError.
        """
        ...

    def plan(self, desired: R, observed: S | None) -> Sequence[Outcome]:
        """What differs, and the steps that mend it; empty where all is as declared.

        Pure: no clock, no randomness, no I/O, and the same outcome for the same input, because apply compares
        the outcome of then with the outcome of now. A resource that stands for several (a table's unlisted indexes)
        may have several outcomes, each under its own address.
        """
        ...
