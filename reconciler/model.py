"""The types that everything else speaks in. Types only: nothing here reads, decides or prints.

Decided: docs/decisions.md#several-statements-in-a-step, docs/decisions.md#rebuilds
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, JsonValue, SecretStr
from pydantic_core import CoreSchema, core_schema


class Frozen(BaseModel):
    """Base of all models: immutable, and nothing unknown slips in."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Address(NamedTuple):
    """The name of a resource everywhere: `main/pg_index/public.tasks_status_idx`.

    Only the first two slashes divide; a name may hold more of them.
    """

    target: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.target}/{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address that `text` spells. Raises ValueError where it is not target/kind/name."""
        parts = text.split("/", 2)
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"{text!r} is not an address: expected target/kind/name")
        return cls(*parts)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def accept(value: object) -> Address:
            if isinstance(value, Address):
                return value
            if isinstance(value, str):
                return cls.parse(value)
            raise ValueError("expected an address: target/kind/name")

        return core_schema.no_info_plain_validator_function(
            accept, serialization=core_schema.to_string_ser_schema(), metadata={"type": "string"}
        )


class System(StrEnum):
    """What a target is."""

    POSTGRES = "postgres"
    REDIS = "redis"
    HTTP = "http"


class SecretRef(Frozen):
    """Where a secret is found. Its value is looked up at the moment of use, and lives in no model."""

    env: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        return f"${self.env}" if self.env is not None else f"file {self.file}"


BY_HAND = "by hand"
"""Of `Target.restart`: a person restarts the server, and apply waits for it."""


class Target(Frozen):
    """A live system as declared, or one node of one.

    memory       bytes; None means: ask the server, where it may be asked.
    cpus         how many processors it may use; None as for memory.
    replicas     PostgreSQL: URLs of its standbys, asked for evidence before an index is dropped: queries may use it
                 there alone. Redis: URLs of its replicas, which get the same settings and users.
    checks_as    URL by which the statements of checklists are run: of a role that may less.
    hide_values  no value of a user's table is ever said: not in a plan, an error or a receipt.
    credentials  by user: declared passwords that may be in force instead of the one in the URL.
    restart      the command that restarts the server, run on this machine; BY_HAND: a person does; empty: no plan
                 restarts it.
    patroni      URL of a Patroni REST API that keeps the settings of the instance, and restarts it.
    sentinels    URLs of the Sentinels that know where `url`, whose host is the name of a primary, is to be found.
    standbys     further nodes of a PostgreSQL cluster, whose instances get the same settings.
    node_of      the name of the target that it is a node of; empty: it is none.
    direct       whoever declared it knows that nothing between shares sessions of this PostgreSQL.
    beside       of a node of a Redis target: the other nodes, since what is in use on one of them is needed on all.
    role         that sessions to this PostgreSQL take on; empty: they stay who logged in.
    persist      false: what is applied to this Redis is meant to run only: nothing writes it into its files.
    addresses    of a Redis Cluster, or of what Sentinels watch: where an address that is announced is to be reached.
    """

    name: str
    system: System
    url: SecretStr
    memory: int | None = None
    cpus: int | None = None
    replicas: tuple[SecretStr, ...] = ()
    checks_as: SecretStr | None = None
    hide_values: bool = False
    credentials: Mapping[str, tuple[SecretRef, ...]] = {}
    restart: str = ""
    patroni: SecretStr | None = None
    sentinels: tuple[SecretStr, ...] = ()
    standbys: tuple[Target, ...] = ()
    node_of: str = ""
    direct: bool = False
    beside: tuple[Target, ...] = ()
    role: str = ""
    persist: bool = True
    addresses: Mapping[str, str] = {}
    declared_at: str = ""


class Resource(Frozen):
    """One declared thing. Kinds derive their own.

    `why` is the author's reason, shown in the plan. `declared_at` is `file:line:column`, for errors and reviews; it is
    never compared. `carried` names the fields that planning fills in, because apply looks at one resource at a time:
    nobody declares them.
    """

    carried: ClassVar[frozenset[str]] = frozenset()

    stands_for_itself: ClassVar[bool] = True
    """False for a rule about things that it does not name; those are not counted."""

    address: Address
    why: str = ""
    declared_at: str = ""

    @property
    def own_name(self) -> str:
        """The name that its address has to have, by what it declares."""
        return self.address.name

    def declaration(self) -> dict[str, JsonValue]:
        """What somebody has written of it, as far as it decides anything, by the words that people are told."""
        return self.model_dump(mode="json", exclude={"address", "why", "declared_at", *self.carried})


class Observed(Frozen):
    """What a live system shows of one resource, and all that `Kind.plan` needs to decide. Kinds derive their own."""


class HazardType(StrEnum):
    """Typed risks. Those in NEEDS_PERMISSION stop an apply until they are allowed by name."""

    INDEX_BUILD = "index-build"
    """Reads a whole table and takes disk, I/O and CPU for a while; writes go on."""
    INDEX_DROP = "index-drop"
    """A valid index goes; queries that use it become slower."""
    USER_DROP = "user-drop"
    """A user that no file declares goes, with its passwords, which nothing brings back."""
    LESS_SAFE = "less-safe"
    """Durability or security is reduced: fsync off, no password, persistence off."""
    RUNS_PROGRAMS = "runs-programs"
    """The server will run a program, or load code, that the new value names."""
    STOPS_SERVICE = "stops-service"
    """Clients are refused, or wait without end, as soon as the new value is in force."""
    EVICTS_KEYS = "evicts-keys"
    """Redis holds more than the new limit and will evict keys at once."""
    WAITS_FOR_RESTART = "waits-for-restart"
    """The value is written now and comes true when the server is restarted."""
    RESTART = "restart"
    """The server is restarted: every session ends, and nobody can connect for a moment."""
    STOPS_STANDBYS = "stops-standbys"
    """A standby that is not declared may stop replaying, or stop altogether: its own value would be too low."""
    NEEDS_REINDEX = "needs-reindex"
    """A storage parameter holds for new pages; those already written follow at the next REINDEX, which is offered."""
    LOCKS_PARTITIONS = "locks-partitions"
    """A table, or a partitioned one with its partitions, is locked for an instant: others wait that long."""


NEEDS_PERMISSION: frozenset[HazardType] = frozenset(
    {
        HazardType.INDEX_DROP,
        HazardType.USER_DROP,
        HazardType.LESS_SAFE,
        HazardType.RUNS_PROGRAMS,
        HazardType.STOPS_SERVICE,
        HazardType.EVICTS_KEYS,
        HazardType.RESTART,
        HazardType.STOPS_STANDBYS,
    }
)


WORTH_SAYING: frozenset[HazardType] = NEEDS_PERMISSION | {HazardType.NEEDS_REINDEX, HazardType.LOCKS_PARTITIONS}
"""What a reviewer should read; the others are said by a change's notes and evidence."""


class Hazard(Frozen):
    """One risk of one step, in a sentence about this very step."""

    type: HazardType
    message: str


class SqlStep(Frozen):
    """Statements for PostgreSQL, verbatim.

    `transaction` true: all of them in one transaction; false: each on its own, outside any transaction block.
    `lock_timeout` and `statement_timeout` are PostgreSQL's texts ("3s", "15min", "0" for none) and are set exactly as
    written here before the statements run.

    attempts     how often the step is tried in all where a lock is not to be had in time, with growing pauses between:
                 only of steps that leave nothing behind when they fail.
    on_failure   statements that apply runs by itself when this step fails, to take away what it leaves behind; only
                 while a plan of that moment would begin with the very same.
    partition    schema and name of the partition that the step is for: left out where it is none any more by then.
    needs_all    only run while no partition is there that no step is for.
    """

    type: Literal["sql"] = "sql"
    statements: tuple[str, ...]
    transaction: bool = False
    lock_timeout: str = "3s"
    statement_timeout: str = "0"
    attempts: int = 1
    on_failure: tuple[str, ...] = ()
    partition: str = ""
    needs_all: bool = False
    hazards: tuple[Hazard, ...] = ()


class NewPartitions(Frozen):
    """What runs for partitions that come between a plan and its apply; for none beyond it anything does.

    at_most  how many they may be.
    up_to    bytes of each, TOAST included.
    steps    what runs for each of them, with names in angle brackets for those of the partition and of its index.
    """

    at_most: int
    up_to: int
    steps: tuple[SqlStep, ...]


class SecretArgument(Frozen):
    """An argument of a Redis command that is a secret.

    `form` "text" sends the secret itself; "acl-hash" sends `#` and its SHA-256 in hex, as ACL SETUSER takes it.
    """

    secret: SecretRef
    form: Literal["text", "acl-hash"] = "text"


class RedisStep(Frozen):
    """One Redis command, argument by argument, verbatim but for its secrets.

    `together`: where several changes of one stage have such a step, those with the same word here are sent as one
    command, their arguments one after the other: of CONFIG SET the server then sets all pairs or none. What comes
    behind, the same for each of them, is sent once.

    waits_for   what apply waits for before it sends the command. "append-only-file": until no rewrite of it is under
                way or scheduled (INFO persistence), where the server writes one at all. The step fails where that
                rewrite fails.
    """

    type: Literal["redis"] = "redis"
    command: tuple[str | SecretArgument, ...]
    together: str = ""
    waits_for: Literal["", "append-only-file"] = ""
    hazards: tuple[Hazard, ...] = ()


class RestartStep(Frozen):
    """Restarts a PostgreSQL server, and waits until it answers again.

    command         what is run on this machine, split into words as a shell does, without a shell; BY_HAND: a person
                    restarts it, and apply waits for that. Only run where the target declares the very same.
    after_primary   this standby has to have replayed what its primary has written by then: it does not start with less
                    than what it knows its primary to have.
    """

    type: Literal["restart"] = "restart"
    command: str
    after_primary: bool = False
    hazards: tuple[Hazard, ...] = ()


class PatroniStep(Frozen):
    """One request to Patroni's REST API, whose URL the target declares.

    parameters    PATCH /config: PostgreSQL's parameters, None to remove one. Patroni merges them into its own, and
                  brings them to every member within its loop_wait.
    restart_for   POST /restart of each member that waits for one of these settings: one after the other, each waited
                  for, replicas first.
    """

    type: Literal["patroni"] = "patroni"
    parameters: Mapping[str, str | None] = {}
    restart_for: tuple[str, ...] = ()
    hazards: tuple[Hazard, ...] = ()


class ManualStep(Frozen):
    """Something only a person can do. Apply prints it and goes on."""

    type: Literal["manual"] = "manual"
    instruction: str
    hazards: tuple[Hazard, ...] = ()


Step = Annotated[SqlStep | RedisStep | RestartStep | PatroniStep | ManualStep, Field(discriminator="type")]


class Action(StrEnum):
    """What a change does to its resource.

    REPLACE: the definition differs and cannot be changed in place. REBUILD: the definition is right, the object is
    broken (an INVALID index). RENAME: only the name differs. RESTART: a server is restarted for what waits for that.
    """

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    REBUILD = "rebuild"
    RENAME = "rename"
    DELETE = "delete"
    RESTART = "restart"

    @property
    def terraform_actions(self) -> tuple[str, ...]:
        """The `actions` of Terraform's JSON plan that mean the same; order matters there (create before delete)."""
        return _TERRAFORM_ACTIONS[self]


_TERRAFORM_ACTIONS: Mapping[Action, tuple[str, ...]] = {
    Action.CREATE: ("create",),
    Action.UPDATE: ("update",),
    Action.REPLACE: ("create", "delete"),
    Action.REBUILD: ("delete", "create"),
    Action.RENAME: ("update",),
    Action.DELETE: ("delete",),
    Action.RESTART: ("update",),
}

SENSITIVE = "(sensitive)"
"""Stands in `before` and `after` for a value that is a secret."""


class Fact(Frozen):
    """One piece of evidence, with its unit, so that a view can print it and a policy can compare it."""

    name: str
    value: int | float | str
    unit: Literal["", "rows", "bytes", "seconds", "scans"] = ""
    estimated: bool = False


class ComesTrue(StrEnum):
    """What makes a value of a configuration file, or of a database or role, the one in force."""

    RELOAD = "reload"
    NEW_SESSION = "new session"
    RESTART = "restart"
    NEVER = "never"
    """Something else masks it, and goes on doing so."""


class Provenance(Frozen):
    """Where the value comes from that is in force, and what it takes to put another in its place.

    value    as the server shows it; SENSITIVE where it is withheld, empty where nothing is set.
    source   as pg_settings has it: "configuration file", "command line", "database"…
    place    `postgresql.conf:12`; empty where the server does not say, or no file set it.
    coming   what a reload or a restart will bring, where that is known to be another value.
    masks    the places that set it too and do not count for this one, the strongest first.
    masked_for  who gets another value: "role reporting", "database app".
    comes_true  what makes the declared value the one in force, once it is written.
    brings   what a restart brings, whoever wrote it, by setting; empty where none is declared.
    """

    value: str
    source: str
    place: str = ""
    coming: str = ""
    masks: tuple[str, ...] = ()
    masked_for: tuple[str, ...] = ()
    comes_true: ComesTrue
    brings: Mapping[str, tuple[Hazard, ...]] = {}


class Difference(StrEnum):
    """How what is declared, what runs, and what a restart would bring stand to each other where they are not alike."""

    DIFFERS = "differs"
    """To be changed."""
    NOT_PERSISTED = "not-persisted"
    """It runs as declared, and a restart would bring something else."""
    NOT_RUNNING = "not-running"
    """It is written down as declared, and something else runs."""


class Change(Frozen):
    """What is to be done to one resource, whole.

    before       the observed state; None where there is nothing. Keys are the kind's own and the same as in `after`.
    after        the promised state; None for a delete.
    sensitive    keys of before and after whose values are withheld: they hold SENSITIVE.
    difference   whether it differs, or only runs, or is only written down.
    provenance   of a setting: where its value comes from that is in force.
    reason       why this action and no other: "INVALID since a failed build".
    summary      before → after in one short line for people; empty where the statements say it better.
    deviation    for people, what the live system has otherwise than declared, where that is not the summary read
                 backwards.
    notes        short facts for people: "reload", "25% of memory (16GB)".
    steps        what runs, in order, verbatim. Nothing else does.
    new_partitions  what runs beside the steps for partitions that are not there yet; None: nothing.
    undo         what apply runs by itself when the promise is not kept after the steps ran.
    undo_unseen  there is no undo since the role that observed it could not see what to go back to: another may.
    inverse      what would bring back what this change takes away; for people, nothing runs it.
    phase        of one kind, changes of a lower phase run first, on all nodes of a cluster; where one of them fails,
                 those of the same lane in later phases do not run.
    lane         changes of one target and lane run one after another; those of different lanes may run side by side,
                 where they are of phase 0.
    forbidden    why the role that observed it may not run the steps; empty where it may, or where that is not known.
                 A plan is made by a role that may only read, and applied by another.
    desired      the resource as declared, enough to observe and plan it again when the plan is applied.
    fingerprint  of all that can run, or decides whether and when something runs (`planning.fingerprint`); set by
                 planning, empty until then.

    A change must not be altered once it is in a plan: its fingerprint speaks for it.
    """

    address: Address
    action: Action
    before: Mapping[str, JsonValue] | None
    after: Mapping[str, JsonValue] | None
    sensitive: tuple[str, ...] = ()
    difference: Difference = Difference.DIFFERS
    provenance: Provenance | None = None
    reason: str = ""
    why: str = ""
    summary: str = ""
    deviation: str = ""
    notes: tuple[str, ...] = ()
    steps: tuple[Step, ...]
    new_partitions: NewPartitions | None = None
    undo: tuple[Step, ...] = ()
    undo_unseen: bool = False
    inverse: tuple[Step, ...] = ()
    evidence: tuple[Fact, ...] = ()
    phase: int = 0
    lane: str = ""
    forbidden: str = ""
    desired: Mapping[str, JsonValue]
    declared_at: str = ""
    fingerprint: str = ""


class NoticeType(StrEnum):
    """What can be true of a resource without there being anything to run."""

    WAITS_FOR_RESTART = "waits-for-restart"
    NOT_PERSISTED = "not-persisted"
    NOT_VISIBLE = "not-visible"
    BEING_BUILT = "being-built"
    UNLISTED = "unlisted"
    """Nobody declares it: told, and no drift."""
    UNWANTED = "unwanted"
    """Nobody declares it, which counts as drift, as `unlisted_…: drift` says; or it is to go, and cannot now."""
    BLOCKED = "blocked"
    """It differs, and no safe step exists: the message says why and what a person can do."""
    NOTE = "note"
    """Worth knowing, and nothing is wrong: what a plan could have said more of, and why it does not."""
    PREFLIGHT = "preflight"
    """What the steps of this plan would meet on the server at this moment: who they would wait for, what may fail."""


class Notice(Frozen):
    """Something a reviewer has to know and apply cannot do anything about."""

    address: Address
    type: NoticeType
    message: str
    provenance: Provenance | None = None
    declared_at: str = ""


class Verdict(StrEnum):
    """What the outcomes of a resource, a target or a whole plan come to (`planning.verdict`); the worst first."""

    UNREACHABLE = "unreachable"
    """The target did not answer."""
    BLOCKED = "blocked"
    """It differs, or cannot be read as declared, and no step can mend it now: a typo, a missing table."""
    DIFFERS = "differs"
    """Steps mend it."""
    HALF_WAY = "half-way"
    """It runs and is not persisted, or the other way round."""
    NOT_VISIBLE = "not-visible"
    """This role, or this place, cannot see it."""
    WAITS = "waits"
    """It is changed, and comes true at a restart."""
    IN_SYNC = "in-sync"
    """It is as declared."""


class CheckVerdict(StrEnum):
    """What checklist items come to (`planning.verdict`); the worst first."""

    FAILED = "failed"
    UNDECIDED = "undecided"
    """It is not known: this role may not see it, or there is no data."""
    MET = "met"


class CheckStatus(StrEnum):
    """How a checklist item came out. FAIL and ERROR count against it; the others say why they do not."""

    PASS = "pass"
    FAIL = "fail"
    WAIVED = "waived"
    ATTESTED = "attested"
    NOT_VISIBLE = "not-visible"
    NO_DATA = "no-data"
    NOT_APPLICABLE = "not-applicable"
    ERROR = "error"


class Severity(StrEnum):
    """How much a failing item matters, in the words of the field's scanners."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class CheckResult(Frozen):
    """One decided checklist item. `message` says what was seen and what was wanted; `evidence` where it was seen."""

    address: Address
    title: str
    severity: Severity
    status: CheckStatus
    message: str
    evidence: Literal["live", "config", "static", "attested", ""] = ""
    declared_at: str = ""


Outcome = Change | Notice | CheckResult
"""What `Kind.plan` finds. Nothing found means: in sync."""


class TargetInfo(Frozen):
    """A live system as a plan saw it.

    `identity` tells this very system from every other (PostgreSQL: system identifier and database; Redis: none across
    restarts, so host and port); a plan is only applied where it is the same. `role` is "primary" or "standby" of a node
    of a PostgreSQL cluster, and has to be the same, too: it decides the order. `as_role` is the role that sessions take
    on (`Target.role`), likewise: it decides what may run, and where names are looked for. `node_of` as in Target.
    """

    system: System
    product: str
    version: str
    location: str
    database: str = ""
    identity: str = ""
    role: str = ""
    as_role: str = ""
    node_of: str = ""


class Plan(Frozen):
    """The ordered changes, and everything a reviewer needs beside them.

    `in_sync` counts by kind what is as declared. `allow_blocked`: whoever made it knew that something is blocked, and
    wants the rest. `digest` is SHA-256 over everything else in the file.
    """

    reconciler_version: str
    created_at: datetime
    targets: Mapping[str, TargetInfo]
    changes: tuple[Change, ...] = ()
    notices: tuple[Notice, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    in_sync: Mapping[str, int] = {}
    allow_blocked: bool = False
    digest: str = ""

    @property
    def is_empty(self) -> bool:
        """True where there is nothing to run. Notices and failing checks may still be there."""
        return not self.changes


class Applied(StrEnum):
    """What became of one change in an apply."""

    APPLIED = "applied"
    SKIPPED = "skipped"
    """Already as wanted: nothing ran."""
    STALE = "stale"
    """The subject is no longer as planned, or the plan is not what would be planned of it: nothing ran."""
    INCOMPLETE = "incomplete"
    """What the plan says of it was done, and does not suffice: a partition came that the plan does not know."""
    SUPERSEDED = "superseded"
    """The YAML no longer declares what it brings about: nothing ran."""
    FAILED = "failed"
    NOT_RUN = "not-run"
    """An earlier change of the same lane failed, or the apply was interrupted."""


class StepReceipt(Frozen):
    """One step that ran. `seconds` is wall time."""

    step: Step
    seconds: float


class ChangeReceipt(Frozen):
    """What became of one change. `message` says why, where it is not plainly applied.

    `evidence` is what was measured afterwards, under the names that the plan estimated it by. `waits`: the message is
    about a restart that it waited for when it was made; written nowhere, since a restart later on may have come.
    """

    address: Address
    action: Action
    result: Applied
    message: str = ""
    steps: tuple[StepReceipt, ...] = ()
    seconds: float = 0.0
    evidence: tuple[Fact, ...] = ()
    waits: bool = Field(default=False, exclude=True)


class Unlooked(Frozen):
    """What could not be looked at again after an apply, and why."""

    address: Address
    why: str


class Receipt(Frozen):
    """What an apply did.

    `remaining` are the addresses that a new plan, made afterwards, still wants to change; `waiting` those that are
    changed and wait for a restart; `unlooked` those of which no new plan could be made. `blocked` and `half_way` are
    those that the plan had no step for: what no step can mend, and what only runs or is only persisted; `beside`
    what the plan could not see, or told of what nobody declared, which fails no apply. `verdict` is what is left of all
    that, `succeeded` whether `apply` ends with 0. `notes` say what was left out or done otherwise
    than asked: what could not be rehearsed, fewer builds at once.
    """

    reconciler_version: str
    plan_digest: str
    started_at: datetime
    finished_at: datetime
    changes: tuple[ChangeReceipt, ...]
    remaining: tuple[Address, ...] = ()
    waiting: tuple[Address, ...] = ()
    unlooked: tuple[Unlooked, ...] = ()
    blocked: tuple[Address, ...] = ()
    half_way: tuple[Address, ...] = ()
    beside: Verdict = Verdict.IN_SYNC
    verdict: Verdict
    succeeded: bool
    notes: tuple[str, ...] = ()
