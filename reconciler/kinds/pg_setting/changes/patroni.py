"""Settings of a cluster that Patroni keeps: declared once, written to its configuration, run by every member.

What is declared is compared with the configuration in etcd and with what each member runs: a node's own file may mask
the one, and a member may be late. A member that cannot be reached is an error, since nobody knows what it runs.

Decided: docs/decisions.md#raised-and-lowered-under-patroni, docs/decisions.md#one-change-for-all-members-of-patroni
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_setting import risk, startup, values
from reconciler.kinds.pg_setting.changes import managed, obstacles, standby_and_restart_hazards
from reconciler.kinds.pg_setting.changes.planned_outcomes import change, notice
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.observed import PatroniSeen, RunningValue, SettingObserved
from reconciler.kinds.pg_setting.values import Canonical, declared_value, names
from reconciler.model import (
    SENSITIVE,
    ComesTrue,
    Difference,
    Hazard,
    NoticeType,
    Outcome,
    PatroniStep,
    Provenance,
)
from reconciler.targets.postgres.session import PostgresSession, connect

if TYPE_CHECKING:
    from reconciler.targets.patroni.api import Member

SOURCE, ABSENT = "Patroni's configuration", "not in Patroni's configuration"

MOST_AT_ONCE = 8
"""Members asked side by side; a cluster has three or five."""

_RUNNING = """
    select pg_catalog.lower(name) as name, setting, pending_restart from pg_catalog.pg_settings
    where pg_catalog.lower(name) = any(%(names)s)
"""


def read(session: PostgresSession, names: Sequence[str]) -> PatroniSeen | None:
    """What Patroni and its members have of the settings; None where the target declares no Patroni.

    Raises ConnectionFailed where Patroni's API, or a member, cannot be reached; ObservationFailed.
    """
    target = session.target
    if target.patroni is None:
        return None
    from reconciler.targets.patroni.api import PatroniApi  # an HTTP client, which no other PostgreSQL needs

    with closing(PatroniApi(target.name, [target.patroni.get_secret_value()], session.secrets)) as api:
        configuration, cluster, theirs = api.config(), api.cluster(), api.system_identifier()
    ours = session.info.identity.partition("/")[0]
    if theirs and ours.isdigit() and theirs != ours:
        raise ObservationFailed(
            target.name,
            f"its URL leads to the system {ours}, and its Patroni keeps {theirs}",
            hint="let `postgres` lead to a member of the cluster whose API `patroni` names",
        )
    with ThreadPoolExecutor(max_workers=MOST_AT_ONCE) as pool:
        found = pool.map(lambda member: _member(session, member, names), cluster.members)
        running = {member.name: values for member, values in zip(cluster.members, found, strict=True)}
    return PatroniSeen(parameters=configuration.parameters, running=running, loop_wait=configuration.loop_wait)


def _member(session: PostgresSession, member: Member, names: Sequence[str]) -> Mapping[str, RunningValue]:
    target = session.target
    if not member.host:
        raise ObservationFailed(target.name, f"Patroni does not say where its member {member.name} is: {member.state}")
    url = make_conninfo(target.url.get_secret_value(), host=member.host, port=member.port, target_session_attrs="any")
    node = target.model_copy(update={"name": f"{target.name}@{member.name}", "url": SecretStr(url), "patroni": None})
    with closing(connect(node, session.secrets)) as asked:
        rows = asked.fetch(_RUNNING, {"names": list(names)})
    return {row["name"]: RunningValue(text=row["setting"], pending=row["pending_restart"]) for row in rows}


def plan(desired: PgSetting, definition: Definition, observed: SettingObserved, seen: PatroniSeen) -> list[Outcome]:
    """What differs in Patroni's configuration, or on a member. Raises InvalidValue where the value cannot be."""
    name = definition.name
    reason = obstacles.never(definition)
    if reason:
        return [notice(desired, NoticeType.BLOCKED, reason)]
    written = values.read(definition, seen.parameters.get(name))
    if declared_value.is_reset(desired, definition):
        if name not in seen.parameters or name in managed.PATRONI_FROM_THE_NODE:
            return []
        return [_patch(desired, definition, observed, seen, None, None)]
    want = declared_value.wanted(
        desired, definition, observed, written if written is not None else _first(definition, seen)
    )
    differing = {
        member: text
        for member, text in _running(name, seen)
        if text is None or not want.met(values.read(definition, text) or "")
    }
    if name in managed.PATRONI_OF_REPLICAS:
        why = "Patroni writes it on each replica by itself: see postgresql.recovery_conf in Patroni's manual"
        return [notice(desired, NoticeType.BLOCKED, why)] if differing else []
    if name in managed.PATRONI_FROM_THE_NODE:
        why = f"Patroni gives it to PostgreSQL: {managed.PATRONI_FROM_THE_NODE[name]}, and cannot be set otherwise"
        return [notice(desired, NoticeType.BLOCKED, why)] if differing else []
    if written is not None and want.met(written):
        return _on_members(desired, definition, observed, seen, want.value, differing) if differing else []
    if written is None and not differing:
        return []
    if want.problem:
        return [notice(desired, NoticeType.BLOCKED, want.problem)]
    return [_patch(desired, definition, observed, seen, want.value, want.note, differing=bool(differing))]


def waiting(definition: Definition, seen: PatroniSeen) -> bool:
    """Whether a member has to be restarted to run what Patroni's configuration has."""
    written = values.read(definition, seen.parameters.get(definition.name))
    return any(
        (written is not None and values.read(definition, text) != written)
        or seen.running[member][definition.name].pending
        for member, text in _running(definition.name, seen)
        if text is not None
    )


def late(desired: PgSetting, text: str | None, hazards: tuple[Hazard, ...] = ()) -> tuple[PatroniStep, ...]:
    """The steps for a setting of a library that is still to be loaded."""
    return (PatroniStep(parameters={desired.setting: text}, hazards=hazards),)


def _running(name: str, seen: PatroniSeen) -> Iterable[tuple[str, str | None]]:
    for member, found in seen.running.items():
        yield member, found[name].text if name in found else None


def _first(definition: Definition, seen: PatroniSeen) -> Canonical | None:
    return next((values.read(definition, text) for _, text in _running(definition.name, seen)), None)


def _on_members(
    desired: PgSetting, definition: Definition, observed: SettingObserved, seen: PatroniSeen, value: Canonical,
    differing: Mapping[str, str | None],
) -> list[Outcome]:  # fmt: skip
    """The configuration is as declared, and some members run something else."""
    hidden = definition.name in names.SENSITIVE
    run = ", ".join(
        f"{member} runs {SENSITIVE if hidden else _shown(definition, text)}" for member, text in differing.items()
    )
    goal = SENSITIVE if hidden else values.shown(definition, value)
    first = next(iter(differing.values()))
    if definition.context == "postmaster":
        where = _provenance(definition, first, goal, ComesTrue.RESTART, brings=observed.server.brings)
        message = f"waits for a restart: {goal} is in {SOURCE}, {run}"
        return [notice(desired, NoticeType.WAITS_FOR_RESTART, message, where)]
    message = (
        f"{goal} is in {SOURCE}, and {run}: something on that node masks it, ALTER SYSTEM (then run alter system reset "
        f"{definition.name} there) or postgresql.parameters of its own patroni.yml; or it has not taken it up yet, "
        f"which takes up to {seen.loop_wait} s"
    )
    return [notice(desired, NoticeType.BLOCKED, message, _provenance(definition, first, goal, ComesTrue.RELOAD))]


def _patch(
    desired: PgSetting,
    definition: Definition,
    observed: SettingObserved,
    seen: PatroniSeen,
    value: Canonical | None,
    note: str | None,
    *,
    differing: bool = True,
) -> Outcome:
    """One PATCH of Patroni's configuration; `value` None: the setting is taken out of it."""
    name = definition.name
    before = _first(definition, seen)
    after = value if value is not None else values.read(definition, definition.boot_val)
    least = managed.PATRONI_LEAST.get(name)
    if least is not None and isinstance(value, int) and value < least:
        message = f"Patroni takes {values.shown(definition, least)} or more, and would use a default of its own"
        return notice(desired, NoticeType.BLOCKED, message)
    reason = obstacles.libraries(definition, observed) or (
        startup.refused(name, after, observed.server) if after is not None else ""
    )
    if reason:
        return notice(desired, NoticeType.BLOCKED, reason)
    former = [values.read(definition, text) for _, text in _running(name, seen)]
    former += [values.read(definition, seen.parameters[name])] if name in seen.parameters else []
    risks: tuple[Hazard, ...] = () if after is None else risk.of_change(definition, former, after, observed.server)
    if after is not None and differing:
        risks = (*risks, *standby_and_restart_hazards.waits_for_restart(definition))
    sensitive = name in names.SENSITIVE
    old = seen.parameters.get(name)
    step = PatroniStep(parameters={name: None if value is None else managed.spelled(definition, value)}, hazards=risks)
    return change(
        desired,
        before={"value": "" if before is None else values.shown(definition, before), "source": _place(name, seen)},
        after={
            "value": None if value is None else values.shown(definition, value),
            "source": "Patroni's default" if value is None else SOURCE,
        },
        notes=(
            "waits for a restart" if definition.context == "postmaster" else "reload",
            note or "",
            f"on {len(seen.running)} members",
            startup.unseen(name, after, observed.server) if after is not None else "",
        ),
        steps=(step,),
        undo=() if sensitive and old is not None else (PatroniStep(parameters={name: old}),),
        sensitive=sensitive,
        difference=Difference.DIFFERS if differing else Difference.NOT_PERSISTED,
        provenance=_provenance(
            definition,
            next((text for _, text in _running(name, seen)), None),
            "",
            ComesTrue.RESTART if definition.context == "postmaster" else ComesTrue.RELOAD,
            place=_place(name, seen),
            brings=observed.server.brings if definition.context == "postmaster" else {},
        ),
    )


def _place(name: str, seen: PatroniSeen) -> str:
    return SOURCE if name in seen.parameters else ABSENT


def _provenance(
    definition: Definition, text: str | None, coming: str, comes_true: ComesTrue, *, place: str = SOURCE,
    brings: Mapping[str, tuple[Hazard, ...]] = {},
) -> Provenance:  # fmt: skip
    hidden = definition.name in names.SENSITIVE
    return Provenance(
        value=SENSITIVE if hidden else _shown(definition, text),
        source="command line" if definition.name in managed.PATRONI_PASSES else "configuration file",
        place=place,
        coming=coming,
        comes_true=comes_true,
        brings=brings,
    )


def _shown(definition: Definition, text: str | None) -> str:
    value = values.read(definition, text)
    return (text or "" if value is None else values.shown(definition, value)) or "''"
