"""The contract of everything that can be managed.

A kind is a folder under `kinds/` whose `__init__` holds one object that satisfies `Kind`, and one line in
`kinds/registry.py`. The road that a resource travels:

    YAML section ── declare ──▶ Resource ── observe ──▶ Observed ── plan ──▶ Change | Notice | CheckResult

Kinds return steps as data; only `applying/` ever runs one.

`Kind` is what every kind has; the other protocols are what a kind may offer beside it, and are asked for by isinstance.
Those of an apply, of a rollback, of an import and of what nobody lists are in files of their own.

Decided: docs/decisions.md#outcomes-of-a-kind, docs/decisions.md#sections-of-a-kind,
docs/decisions.md#sessions-of-a-kind
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from reconciler.model import (
    Address,
    Change,
    CheckResult,
    Notice,
    NoticeType,
    Observed,
    Outcome,
    Resource,
    SecretRef,
    System,
    Target,
    TargetInfo,
)
from reconciler.targets.session import Session

SessionT_contra = TypeVar("SessionT_contra", bound=Session, contravariant=True)
ResourceT = TypeVar("ResourceT", bound=Resource)
ResourceT_contra = TypeVar("ResourceT_contra", bound=Resource, contravariant=True)
ObservedT = TypeVar("ObservedT", bound=Observed)
TargetT_contra = TypeVar("TargetT_contra", bound=Target, contravariant=True)


@dataclass(frozen=True, slots=True)
class Declaration:
    """One section of one YAML document, validated against the kind's model for it.

    `value` is an instance of what `Kind.sections[section]` names; `file` is the path of the YAML file. `at(path)` gives
    `file:line:column` of something inside the section, `at(("public.tasks", "indexes", "tasks_idx"))`, or of the
    deepest part of it that exists. `repository` is the folder that relative paths may not lead out of.
    """

    target: Target
    section: str
    value: Any
    file: str
    at: Callable[[Sequence[str | int]], str]
    repository: str = ""


class Kind(Protocol[SessionT_contra, ResourceT, ObservedT]):
    """One kind of resource: what it is declared as, what a server shows of it, and through which sessions that is seen.

    A kind of one `system` is only ever handed targets of that, and sessions to them: no section of a kind is read for a
    target of another system, and no plan applied to a target that has become one.
    """

    @property
    def name(self) -> str:
        """As in addresses: "pg_index"."""
        ...

    @property
    def nouns(self) -> tuple[str, str]:
        """What people are told of one of its resources, and of several: "index", "indexes"; counted together with those
        of kinds that have the same."""
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

    def declare(self, declaration: Declaration) -> Iterable[ResourceT]:
        """The resources of one section. Pure.

        Called once for all targets of one system, with the same memory and processors, that a section is for: those are
        all that may be known of `declaration.target`, besides its name, which stands in addresses alone.
        Raises DesiredError, with `at`, for what the section's model could not refuse by itself.
        """
        ...

    def observe(self, session: SessionT_contra, wanted: Sequence[ResourceT]) -> Mapping[Address, ObservedT]:
        """What the live system shows of the wanted resources, all at once: one query a kind, never one a resource.

        Called by planning for everything declared, and by applying for one resource before and after its change. It
        must not write, nor lock anything that a writer could wait for; the session is read-only, and enforces it.
        It also asks the server how it reads the *desired* side, so that `plan` compares like with like. A resource
        that is not there is observed as absent, or left out; one that may not be seen says so. Raises TargetError.
        """
        ...

    def plan(self, desired: ResourceT, observed: ObservedT | None) -> Sequence[Outcome]:
        """What differs, and the steps that mend it; empty where all is as declared.

        Pure: no clock, no randomness, no I/O, and the same outcome for the same input, because apply compares
        the outcome of then with the outcome of now. A resource that stands for several (a table's unlisted indexes)
        may have several outcomes, each under its own address.
        """
        ...


AnyKind = Kind[Any, Any, Any]
"""A kind of whatever sessions, resources and observations: the registry holds all of them side by side."""


def not_asked(resource: Resource) -> Notice:
    """What `Kind.plan` says of a resource that was observed neither as there nor as absent: it is not in sync."""
    return Notice(
        address=resource.address, type=NoticeType.NOT_VISIBLE, message="the server was not asked for it",
        declared_at=resource.declared_at,
    )  # fmt: skip


@runtime_checkable
class Advises(Protocol[SessionT_contra]):
    """A kind that has more to say to the reviewers of a plan than is needed to decide it."""

    def advise(self, session: SessionT_contra, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """The same outcomes of this kind and target, with evidence, and with notices of what the steps would meet.

        Called once a target when a plan is made for people, never by drift, nor by apply before a change: what is added
        must not change any fingerprint. A change that cannot succeed (duplicates under a unique index) may become a
        blocked notice. Bounded in time; what could not be found out is said, and is no error. Raises TargetError only
        for a lost connection.
        """
        ...


@runtime_checkable
class AdvisesBeside(Protocol[SessionT_contra]):
    """The same of a kind whose questions are sent beside those of the kinds behind it."""

    def advise_beside(
        self, session: SessionT_contra, outcomes: Sequence[Outcome]
    ) -> Callable[[], Sequence[Outcome]]:  # fmt: skip
        """As `Advises.advise`; what is returned has the answers, and is called once all kinds were asked."""
        ...


@runtime_checkable
class OnNodes(Protocol[ResourceT_contra]):
    """A kind some of whose resources each node of a PostgreSQL cluster has for itself."""

    def on_every_node(self, resource: ResourceT_contra) -> bool:
        """Whether `resource` is one of each node, and not replicated from the primary. Pure."""
        ...


@runtime_checkable
class Sequences(Protocol[TargetT_contra]):
    """A kind whose changes have an order of their own, or need something between them: a restart."""

    def sequenced(self, outcomes: Sequence[Outcome], target: TargetT_contra, info: TargetInfo) -> Sequence[Outcome]:
        """The outcomes of one target, each change with its `phase`, and with the changes that have to come between.

        `target` is a node of a cluster where `info.role` or `target.node_of` says so. Pure.
        """
        ...


@runtime_checkable
class Notes(Protocol):
    """A kind that says of a change what a plan makes together with it."""

    def noted(self, changes: Sequence[Change]) -> Sequence[Change]:
        """The changes of one node that are in a plan, in their order, each with what is to be noted of the others. What
        is added must not change any fingerprint. Pure."""
        ...


@dataclass(frozen=True, slots=True)
class NodeOutcomes:
    """One node of a cluster, and what a plan of it alone would hold."""

    info: TargetInfo
    outcomes: Sequence[Outcome]


@runtime_checkable
class Clusters(Protocol):
    """A kind in which what becomes of one node has to be held against what becomes of another."""

    def held_back(self, nodes: Mapping[str, NodeOutcomes]) -> Mapping[str, Sequence[Outcome]]:
        """The outcomes of the nodes of one cluster, by name: what another node speaks against is blocked. Pure."""
        ...


@runtime_checkable
class Shares(Protocol[ResourceT_contra]):
    """A kind whose resources are a server's, whichever of its databases a target names."""

    def agreed(
        self, targets: Mapping[str, NodeOutcomes], declared: Mapping[str, Sequence[ResourceT_contra]]
    ) -> Mapping[str, Sequence[Outcome]]:
        """The outcomes of targets that lead to one server, by name: what two declare differently is blocked. Pure."""
        ...


@runtime_checkable
class Gathers(Protocol[ResourceT]):
    """A kind some of whose resources are made of what several documents say."""

    def gathered(self, declared: Sequence[ResourceT]) -> Sequence[ResourceT]:
        """`declared`, of all documents, with one resource for what may be declared in parts. Pure.

        Raises DesiredError, with both places, where two documents contradict each other. What must not be declared
        twice is left as it is.
        """
        ...


@runtime_checkable
class LeansOnOthers(Protocol[ResourceT_contra]):
    """A kind whose changes are judged by what is declared beside them, which they carry along."""

    def leans_on(self, resource: ResourceT_contra) -> Sequence[Resource]:
        """What `resource` carries along, as the resources that were declared. Pure."""
        ...

    def without(self, resource: ResourceT_contra, others: Collection[Address]) -> Resource | None:
        """`resource` as if those of `leans_on` at these addresses were declared by nobody; None where it is nothing
        without them. Pure."""
        ...


@runtime_checkable
class Discerns(Protocol):
    """A kind whose resources have several attributes, of which some may differ, and others be kept as they are.

    optional  the keys of after of which nothing is declared where they are empty: what is there is kept.
    """

    @property
    def optional(self) -> frozenset[str]: ...  # noqa: D102 - the class says it

    def differing(self, change: Change) -> Collection[str]:
        """The keys of before and after that the change is about; empty where it is about all of the resource. Pure."""
        ...


@runtime_checkable
class Derives(Protocol[ResourceT_contra]):
    """A kind some of whose resources nobody declares: they follow from what is declared."""

    def derived_from(self, resource: ResourceT_contra, declared: Mapping[Address, Resource]) -> Sequence[Address]:
        """What `resource`, which is not in `declared`, follows from; empty where from nothing of it. Pure."""
        ...


@runtime_checkable
class Displaces(Protocol[ResourceT_contra]):
    """A kind some of whose resources take the place of what goes by another declaration than their own."""

    def displaces(self, resource: ResourceT_contra, declared: Mapping[Address, Resource]) -> bool:
        """Whether what has to go for `resource` goes by what is in `declared`; true where nothing has to. Pure."""
        ...


@runtime_checkable
class Authenticates(Protocol[ResourceT_contra]):
    """A kind whose resources may be how the tool itself logs in."""

    def credentials(self, resource: ResourceT_contra) -> tuple[str, SecretRef] | None:
        """The user whose password `resource` declares, and where it is found; None where it declares none. Pure."""
        ...


@runtime_checkable
class DecidesLast(Protocol):
    """A kind some of whose checks are about what a plan finds of others."""

    def decided(
        self, results: Sequence[CheckResult], outcomes: Sequence[Outcome], declared: Collection[Resource]
    ) -> Sequence[CheckResult]:
        """`results` with those decided that lean on `outcomes`, which are those of all kinds and targets; `declared` is
        everything that is declared. Pure."""
        ...
