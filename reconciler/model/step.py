"""One statement or command of a change, verbatim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from reconciler.model.base import Frozen
from reconciler.model.hazard import Hazard
from reconciler.model.target import SecretRef


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
    reloads      the server is told to read its files again: apply looks at them before, and waits until it has.
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
    reloads: bool = False
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
