"""What all settings of a server have in common, link by link: each takes a `Server` that is ready for it, and gives the
next one."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.kinds.pg_setting import risk, startup
from reconciler.kinds.pg_setting.changes import managed, obstacles, patroni
from reconciler.kinds.pg_setting.changes.brought_by_restart import brought, by_patroni
from reconciler.kinds.pg_setting.changes.planned_values import Coming
from reconciler.kinds.pg_setting.model import PgSetting
from reconciler.kinds.pg_setting.observed import Around, Server
from reconciler.kinds.pg_setting.observing import surroundings
from reconciler.kinds.pg_setting.observing.connected_sessions import connected
from reconciler.kinds.pg_setting.observing.first_round_trip import Question
from reconciler.kinds.pg_setting.observing.instance_values import Instance
from reconciler.kinds.pg_setting.values import lists


def server(question: Question, instance: Instance) -> Server:
    """All of it. Raises TargetError."""
    found = _by_itself(question, instance)
    found = _with_what_settings_come_to(question, instance, found)
    found = _with_what_is_around(question, instance, found)
    return _with_what_a_restart_brings(instance, found)


def _by_itself(question: Question, instance: Instance) -> Server:
    """What it says of itself and of its owner, whatever is declared of its settings."""
    session, answers, files = instance.session, instance.answers, instance.files
    row = answers.server
    preload = files.entries.get("shared_preload_libraries")
    return Server(
        version_num=session.version_num,
        role=row["role"],
        superuser=row["superuser"],
        acting=session.acting,
        acts_as_superuser=row["acts_as_superuser"],
        in_recovery=session.in_recovery,
        data_directory=row["data_directory"],
        may_reload=row["may_reload"],
        alter_system_allowed=row["allow_alter_system"] != "off",
        files_visible=files.visible,
        blocking=files.blocking,
        loaded=None if row["loaded"] is None else _libraries(row["loaded"]),
        preloading=_libraries(preload[-1].setting) if preload else (),
        owner=managed.recognise(answers.owner),
        patroni=patroni.read(session, [*question.names, *(each["key"] for each in answers.of_a_restart)]),
        to_preload=_to_preload(question.wanted),
        # Of a node beside others the order is declared with them.
        undeclared_standbys=0 if session.target.node_of else max(0, row["standbys"] - len(session.target.standbys)),
        restarts=bool(session.target.restart or session.target.patroni),
    )


def _with_what_settings_come_to(question: Question, instance: Instance, found: Server) -> Server:
    coming = Coming(instance.session, instance)
    now = {name: instance.running(name) for name in risk.COMPANIONS & instance.rows.keys()}
    return found.model_copy(
        update={
            "coming": coming.companions(),
            "now": {name: value for name, value in now.items() if value is not None},
            **coming.operands(question.operands),
        }
    )


def _with_what_is_around(question: Question, instance: Instance, found: Server) -> Server:
    session, answers = instance.session, instance.answers
    changing = startup.COMPANIONS & {resource.setting for resource in question.wanted if resource.of_instance}
    around = Around()
    if changing:
        around = surroundings.around(session, answers.server, changing, found.coming)
        if answers.server["may_look"]:
            around = surroundings.looked_at(session, around, startup.paths(found.coming, changing))
    if answers.connected is not None:
        around = around.model_copy(update=connected(session, answers.connected, question.connected))
    if around.memory is None and _takes_more_memory(question.wanted, found):
        around = around.model_copy(update={"memory": session.memory()})
    return found.model_copy(update={"around": around})


def _takes_more_memory(wanted: Sequence[PgSetting], found: Server) -> bool:
    """Whether the machine's memory has to be known: what is declared is not what runs, or not the instance's."""
    asked = (resource for resource in wanted if resource.setting in risk.MEMORY)
    return any(not each.of_instance or found.coming.get(each.setting) != found.now.get(each.setting) for each in asked)


def _with_what_a_restart_brings(instance: Instance, found: Server) -> Server:
    waiting = [(instance.answers.defined(row["key"], row), row) for row in instance.answers.of_a_restart]
    if found.patroni:
        brings = by_patroni((definition for definition, _ in waiting), found.patroni, found)
    else:
        brings = brought([one for one in waiting if not one[1]["fixed"]], instance.files.entries, found)
    return found.model_copy(update={"brings": brings})


def _to_preload(wanted: Sequence[PgSetting]) -> tuple[str, ...]:
    """The libraries that are declared to be preloaded."""
    return tuple(
        name
        for resource in wanted
        if resource.of_instance and resource.setting == "shared_preload_libraries"
        for name in obstacles.named_libraries(resource)
    )


def _libraries(text: str) -> tuple[str, ...]:
    try:
        return lists.split("shared_preload_libraries", text)
    except ValueError:
        return ()
