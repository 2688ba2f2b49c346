"""The contract of everything that can be managed.

A kind is a folder under `kinds/` whose `__init__` holds one object that satisfies `Kind`, and one line in
`kinds/registry.py`. The road that a resource travels:

    YAML section ── declare ──▶ Resource ── observe ──▶ Observed ── plan ──▶ Change | Notice | CheckResult

Kinds return steps as data; only `applying/` ever runs one.

Decided: docs/decisions.md#outcomes-of-a-kind, docs/decisions.md#sections-of-a-kind
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from reconciler.model import (
    Address,
    Change,
    CheckResult,
    Fact,
    Observed,
    Outcome,
    Resource,
    SecretRef,
    Step,
    System,
    Target,
    TargetInfo,
)
from reconciler.targets.foreign.reached import Reached
from reconciler.targets.session import Session

R = TypeVar("R", bound=Resource)
R_contra = TypeVar("R_contra", bound=Resource, contravariant=True)
S = TypeVar("S", bound=Observed)
S_contra = TypeVar("S_contra", bound=Observed, contravariant=True)


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


class Kind(Protocol[R, S]):
    """One kind of resource."""

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


@runtime_checkable
class Advises(Protocol):
    """A kind that has more to say to the reviewers of a plan than is needed to decide it."""

    def advise(self, session: Session, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """The same outcomes of this kind and target, with evidence, and with notices of what the steps would meet.

        Called once a target when a plan is made for people, never by drift, nor by apply before a change: what is added
        must not change any fingerprint. A change that cannot succeed (duplicates under a unique index) may become a
        blocked notice. Bounded in time; what could not be found out is said, and is no error. Raises TargetError only
        for a lost connection.
        """
        ...


@runtime_checkable
class OnNodes(Protocol[R_contra]):
    """A kind some of whose resources each node of a PostgreSQL cluster has for itself."""

    def on_every_node(self, resource: R_contra) -> bool:
        """Whether `resource` is one of each node, and not replicated from the primary. Pure."""
        ...


@runtime_checkable
class Sequences(Protocol):
    """A kind whose changes have an order of their own, or need something between them: a restart."""

    def sequenced(self, outcomes: Sequence[Outcome], target: Target, info: TargetInfo) -> Sequence[Outcome]:
        """The outcomes of one target, each change with its `phase`, and with the changes that have to come between.

        `target` is a node of a cluster where `info.role` or `target.node_of` says so. Pure.
        """
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
class Shares(Protocol[R_contra]):
    """A kind whose resources are a server's, whichever of its databases a target names."""

    def agreed(
        self, targets: Mapping[str, NodeOutcomes], declared: Mapping[str, Sequence[R_contra]]
    ) -> Mapping[str, Sequence[Outcome]]:
        """The outcomes of targets that lead to one server, by name: what two declare differently is blocked. Pure."""
        ...


@runtime_checkable
class Gathers(Protocol[R]):
    """A kind some of whose resources are made of what several documents say."""

    def gathered(self, declared: Sequence[R]) -> Sequence[R]:
        """`declared`, of all documents, with one resource for what may be declared in parts. Pure.

        Raises DesiredError, with both places, where two documents contradict each other. What must not be declared
        twice is left as it is.
        """
        ...


class Ruling(NamedTuple):
    """What a rule about things that nobody lists says of one of them, and where the rule is declared. `only_by`: by
    what no file knows it is decided whether it is about that one at all."""

    policy: str
    pattern: str
    at: str
    only_by: str = ""


@runtime_checkable
class Rules(Protocol[R_contra]):
    """A kind in which it is declared what becomes of what nobody lists."""

    def rulings(self, address: Address, declared: Sequence[R_contra]) -> Sequence[Ruling]:
        """Those about what may stand at `address`, the closest first. Pure. Raises UsageError where no such address
        has any."""
        ...


@runtime_checkable
class LeansOnOthers(Protocol[R_contra]):
    """A kind whose changes are judged by what is declared beside them, which they carry along."""

    def leans_on(self, resource: R_contra) -> Sequence[Resource]:
        """What `resource` carries along, as the resources that were declared. Pure."""
        ...

    def without(self, resource: R_contra, others: Collection[Address]) -> Resource | None:
        """`resource` as if those of `leans_on` at these addresses were declared by nobody; None where it is nothing
        without them. Pure."""
        ...


@runtime_checkable
class Rehearses(Protocol):
    """A kind whose steps can be tried on empty copies, in a transaction that is rolled back."""

    def rehearsal(self, change: Change) -> Sequence[Rehearsal]:
        """What to try for `change`; empty where it builds nothing, or cannot be tried. Pure."""
        ...


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Statements tried on an empty copy of `schema.table` that bears its name and is found first by it.

    `reached`: by which names the expressions in them may reach code; None for one that cannot be parsed.
    """

    schema: str
    table: str
    statements: tuple[str, ...]
    reached: tuple[Reached | None, ...]


@runtime_checkable
class Measures(Protocol[S_contra]):
    """A kind that can say, from an observation after a change, what came of the plan's estimates."""

    def measured(self, observed: S_contra) -> Sequence[Fact]:
        """Facts under the names that `Change.evidence` estimated them by. Pure."""
        ...


class Followed(NamedTuple):
    """What is to run of a planned change; `forbidden` says why this role may not run that, empty where it may."""

    steps: Sequence[Step]
    forbidden: str


@runtime_checkable
class Follows(Protocol[S_contra]):
    """A kind whose changes are made part by part, of parts that come and go while a plan waits for its apply."""

    def followed(self, planned: Change, now: Change, observed: S_contra) -> Followed | None:
        """What is to run of `planned`, where `now`, which was planned at this moment, has other steps, or an other
        inverse, and is the same in all else that counts. Only steps of the plan, or of a template in it.

        None where the steps differ by more than such parts. Pure.
        """
        ...

    def once_more(self, made: Change, now: Change) -> Sequence[Step] | None:
        """Which steps of `made` have to run once more, since what they were to bring about was not possible before a
        part went, by `now`, which is planned at this moment. None where others are needed. Pure."""
        ...

    def left_over(self, made: Change, now: Change, observed: S_contra) -> Sequence[str]:
        """Names of the parts that came meanwhile, where for them alone there still is something to change after `made`.
        Pure."""
        ...

    def went(self, made: Change, observed: S_contra) -> Sequence[str]:
        """Names of the parts that steps of `made` are for, and that are gone. Pure."""
        ...


@runtime_checkable
class Derives(Protocol[R_contra]):
    """A kind some of whose resources nobody declares: they follow from what is declared."""

    def derived_from(self, resource: R_contra, declared: Mapping[Address, Resource]) -> Sequence[Address]:
        """What `resource`, which is not in `declared`, follows from; empty where from nothing of it. Pure."""
        ...


@runtime_checkable
class Displaces(Protocol[R_contra]):
    """A kind some of whose resources take the place of what goes by another declaration than their own."""

    def displaces(self, resource: R_contra, declared: Mapping[Address, Resource]) -> bool:
        """Whether what has to go for `resource` goes by what is in `declared`; true where nothing has to. Pure."""
        ...


@runtime_checkable
class Authenticates(Protocol[R_contra]):
    """A kind whose resources may be how the tool itself logs in."""

    def credentials(self, resource: R_contra) -> tuple[str, SecretRef] | None:
        """The user whose password `resource` declares, and where it is found; None where it declares none. Pure."""
        ...


@runtime_checkable
class Imports(Protocol):
    """A kind that can write down what a target has, as the YAML that declares it."""

    def written(self, session: Session) -> Mapping[str, Any]:
        """By section, what `declare` would read: plain dicts, lists and texts. A plan of it is empty.

        Raises TargetError.
        """
        ...


@runtime_checkable
class InSchemas(Protocol):
    """A kind of which one section's entries belong to schemas."""

    @property
    def section_of_schemas(self) -> str:
        """The key of that section, one of `Kind.sections`."""
        ...

    def schema_of(self, entry: str) -> str:
        """The schema of an entry, by its key."""
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
