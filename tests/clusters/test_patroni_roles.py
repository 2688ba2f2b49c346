"""Clusters that Patroni keeps: with a role that sessions take on, and with what a restart brings of somebody else.

The first went well before, too, and had not been tried. Of the second nothing was said, since no server knows what
waits in Patroni's configuration.
"""

from __future__ import annotations

import psycopg
import pytest
from applying.acting import apply, pg_settings, plan_for
from waiting import until

from clusters.etcd import client
from clusters.test_patroni_settings import ALLOWED, shown, target
from reconciler.errors import HazardNotAllowed
from reconciler.model import Action, HazardType

__all__ = ["target"]


@pytest.fixture
def tuner(patroni, target):
    """A role without a right to any setting, on every member, and a user who may take it on."""
    with psycopg.connect(patroni.leader().url(), autocommit=True) as sql:
        sql.execute("create role tuner in role pg_monitor")
        sql.execute("create role deployer login in role tuner")
        url = target.url.get_secret_value().replace("postgres@", "deployer@")
        made = target.model_copy(update={"role": "tuner", "url": type(target.url)(url)})

        def there() -> bool:
            found = [psycopg.connect(node.url()) for node in patroni.nodes.values()]
            rows = [one.execute("select from pg_roles where rolname = 'deployer'").fetchone() for one in found]
            for one in found:
                one.close()
            return None not in rows

        until(there, "every member knows the role")
        yield made
    with psycopg.connect(patroni.leader().url(), autocommit=True) as sql:
        sql.execute("drop role deployer; drop role tuner")


def test_a_role_that_sessions_take_on_is_enough(patroni, tuner):
    """Patroni writes the settings: what is needed is to see them, on every member."""
    resources = pg_settings(tuner, {"work_mem": "11MB", "max_connections": "64"})
    plan = plan_for(tuner, resources)
    assert [change.action for change in plan.changes] == [Action.UPDATE, Action.UPDATE, Action.RESTART]
    assert {change.forbidden for change in plan.changes} == {""}
    receipt = apply(plan, tuner, allowed=ALLOWED)
    assert receipt.succeeded, receipt
    assert shown(patroni, "max_connections") == ["64"] * 3
    again = plan_for(tuner, resources)
    assert (again.changes, again.notices) == ((), ())


def test_what_a_restart_brings_of_somebody_else_is_named_and_has_to_be_allowed(patroni, target):
    """A library, which waits in a file of each member, and what Patroni gives on the command line."""
    theirs = {"shared_preload_libraries": "auto_explain", "max_locks_per_transaction": "100"}
    answer = client().patch(f"{patroni.leader().api}/config", json={"postgresql": {"parameters": theirs}})
    answer.raise_for_status()
    resources = pg_settings(target, {"max_connections": "65"})

    def planned():
        plan = plan_for(target, resources)
        [restart] = [change for change in plan.changes if change.action is Action.RESTART]
        return plan, {hazard.message: hazard.type for hazard in restart.steps[0].hazards}

    until(lambda: any("auto_explain" in message for message in planned()[1]), "a member has taken it up")
    plan, hazards = planned()
    assert [kind for message, kind in hazards.items() if "auto_explain" in message] == [HazardType.RUNS_PROGRAMS]
    [locks] = [message for message in hazards if "max_locks_per_transaction" in message]
    assert locks == "it brings max_locks_per_transaction = 100, which somebody else wrote"
    with pytest.raises(HazardNotAllowed, match="auto_explain"):
        apply(plan, target, allowed=[HazardType.RESTART])
    receipt = apply(plan, target, allowed=ALLOWED)
    assert receipt.succeeded, receipt
    assert shown(patroni, "max_locks_per_transaction") == ["100"] * 3
    again = plan_for(target, resources)
    assert (again.changes, again.notices) == ((), ())
