"""Each gate for itself, without a server: what it refuses, and what it lets through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from applying.acting import pg_settings
from applying.gates.policy_cases import approvals as wanted
from applying.gates.policy_cases import approved, beside, policy, window
from pg_index.declared import declared as indexes
from redis_setting.declared import declared as redis_settings
from redis_user.declared_users import users

import reconciler.applying.gates
from reconciler.applying.gates import (
    age,
    applies_as,
    approvals,
    at_most,
    bounds,
    denied,
    duplicates,
    expected_digest,
    hazards,
    identity,
    known_targets,
    nodes,
    order,
    rollback,
    secrets,
    superseded,
    time_left,
    windows,
)
from reconciler.applying.gates.gate import Facts, Gate, Options, Refusal
from reconciler.applying.gates.registry import GATES, Moment, enforce
from reconciler.errors import ApprovalError, DesiredError, HazardNotAllowed, PlanFileError, PolicyRefuses
from reconciler.model import (
    NO_POLICY,
    Action,
    Address,
    Applied,
    AtMost,
    Bounds,
    Change,
    Fact,
    FoundApprovals,
    Hazard,
    HazardType,
    Headroom,
    Plan,
    Policy,
    PostgresTarget,
    RedisTarget,
    Replica,
    Resource,
    RollsBack,
    SecretRef,
    SqlStep,
    System,
    TargetInfo,
)
from reconciler.reports.hazards import permissions

MADE = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MAIN = PostgresTarget(name="main", url="postgresql://127.0.0.1:1/app")
BY_DEPLOYER = MAIN.model_copy(update={"apply_as": "deployer"})
STANDBY = MAIN.model_copy(update={"name": "main@db2", "node_of": "main"})
CACHE = RedisTarget(name="cache", url="redis://127.0.0.1:1")
NODES = {node.name: node for node in (MAIN, STANDBY, CACHE)}
DECLARED = {"main": MAIN, "cache": CACHE}
INFOS = {
    "main": TargetInfo(
        system=System.POSTGRES, product="PostgreSQL", version="18.0", location="db1:5432", database="app",
        identity="1/app", role="primary",
    ),
    "main@db2": TargetInfo(
        system=System.POSTGRES, product="PostgreSQL", version="18.0", location="db2:5432", database="app",
        identity="1/app", role="standby", node_of="main",
    ),
    "cache": TargetInfo(
        system=System.REDIS, product="Valkey", version="9.0", location="db1:6379", identity="db1:6379"
    ),
}  # fmt: skip


def change(resource: Resource, target: str = "", *found: HazardType, action: Action = Action.UPDATE, **other) -> Change:
    address = resource.address._replace(target=target or resource.address.target)
    desired = resource.model_copy(update={"address": address}).model_dump(mode="json")
    steps = tuple(SqlStep(statements=("x",), hazards=(Hazard(type=each, message=f"of {each}"),)) for each in found)
    told = {"address": address, "before": None, "after": None, "steps": steps, "desired": desired} | other
    return Change(action=action, **told)


[WORK_MEM] = pg_settings(MAIN, {"work_mem": "7MB"})
[HZ] = redis_settings({"hz": "20"})
BUILD, DROP = (
    change(indexes(MAIN, **{name: definition})[0], action=action)
    for name, definition, action in (("i", {"columns": ["id"]}, Action.CREATE), ("j", "absent", Action.DELETE))
)
RESTARTS = change(WORK_MEM, "", HazardType.RESTART, HazardType.LESS_SAFE, HazardType.INDEX_BUILD)
DROPS = change(HZ, "", HazardType.INDEX_DROP)


def facts(*changes: Change, planned=INFOS, created_at=MADE, sealed="", **read) -> Facts:
    """Of a plan of `changes`, of its own moment and with nothing else at hand but what is `read`."""
    plan = Plan(reconciler_version="1", created_at=created_at, targets=planned, changes=changes, digest=sealed)
    return Facts(**{"plan": plan, "options": Options(), "now": MADE} | read)


def aged(days: float = 0, **options) -> Facts:
    return facts(now=MADE + timedelta(days=days), options=Options(**options))


def seen(name: str, node: PostgresTarget | None = None, login: str = "", **otherwise) -> Facts:
    """A session to the node `name`, which says something `otherwise` than when the plan was made; by `login`."""
    info = INFOS[name].model_copy(update={"node_of": "", **otherwise})
    nodes = {**NODES, name: node or NODES[name]}
    return facts(change(WORK_MEM, name), nodes=nodes, infos={name: info}, logins={name: login} if login else {})


class Case(NamedTuple):
    """`refused`: the whole text of each refusal, in order; none: the way is free."""

    name: str
    reason: str
    gate: Gate
    facts: Facts
    refused: Sequence[str] = ()


A, B = "a" * 64, "b" * 64
NEW = "make a new plan: reconciler plan --out FILE"
NOT_TODAY = "what was reviewed then may no longer be wanted: " + NEW
CLOCKS = f"see whether the clocks are right, here and where it was made, and {NEW}"

OF_A_SAVED_PLAN = [
    Case("no digest", "nobody said which plan was reviewed", expected_digest.gate, facts(sealed=A)),
    Case("its digest", "it is the one that was", expected_digest.gate, facts(sealed=A, options=Options(digest=A))),
    Case(
        "another digest", "it is another one", expected_digest.gate, facts(sealed=A, options=Options(digest=B)),
        [f"this is another plan than the one that --digest names: its digest is {A}, and not {B}\n"
         "  apply the plan that was reviewed, or review this one: reconciler show FILE"],
    ),
    Case("of this week", "a pipeline applies within a week", age.gate, aged(7)),
    Case(
        "of last week", "nobody is there who would remember it", age.gate, aged(8),
        [f"the plan was made at 2026-03-04T05:06:07Z, 8d ago: older than 7d\n  {NOT_TODAY}. Or allow its age: "
         "--max-age 9d"],
    ),
    Case("of this month", "somebody may have waited for a window", age.gate, aged(30, attended=True)),
    Case(
        "of last month", "even for somebody at a terminal", age.gate, aged(30.5, attended=True),
        [f"the plan was made at 2026-03-04T05:06:07Z, 30d ago: older than 30d\n  {NOT_TODAY}. Or allow its age: "
         "--max-age 34d"],
    ),
    Case("allowed to be old", "whoever applies said so", age.gate, aged(80, max_age=timedelta(days=90))),
    Case(
        "not even that old", "what is said counts at a terminal, too", age.gate,
        aged(0.5, attended=True, max_age=timedelta(0)),
        [f"the plan was made at 2026-03-04T05:06:07Z, 12h ago: older than 0s\n  {NOT_TODAY}. Or allow its age: "
         "--max-age 14h"],
    ),
    Case(
        "of this minute", "what is proposed holds when it is typed", age.gate,
        aged(43 / 86400, max_age=timedelta(seconds=1)),
        [f"the plan was made at 2026-03-04T05:06:07Z, 43s ago: older than 1s\n  {NOT_TODAY}. Or allow its age: "
         "--max-age 11min"],
    ),
    Case("clocks differ", "by less than Kerberos bears", age.gate, aged(-1 / 300)),
    Case(
        "yet to come", "by a wrong clock, or altered; no age allows it", age.gate, aged(-1, max_age=timedelta.max),
        ["the plan was made at 2026-03-04T05:06:07Z, which is yet to come: it is 2026-03-03T05:06:07Z now\n  "
         f"{CLOCKS}"],
    ),
    Case("without a zone", "it is taken as UTC", age.gate, facts(created_at=MADE.replace(tzinfo=None))),
]  # fmt: skip

AS_OWNERS = INFOS | {"main": INFOS["main"].model_copy(update={"as_role": "owners"})}
INFOS_OF_STANDBY = {"main@db2": INFOS["main@db2"]}

OTHER_KIND = change(WORK_MEM, address=Address("main", "pg_moon", "x"))
OTHER_NAME = change(WORK_MEM, address=Address("main", "pg_setting", "fsync"))
OF_A_NODE = change(WORK_MEM, "main@db2")

OF_WHAT_IS_DECLARED = [
    Case("declared", "both targets are", known_targets.gate, facts(change(WORK_MEM), change(HZ), targets=DECLARED)),
    Case("a node", "its target is declared", known_targets.gate, facts(OF_A_NODE, targets=DECLARED)),
    Case(
        "not declared", "another repository's plan", known_targets.gate,
        facts(change(WORK_MEM), targets={"cache": CACHE}),
        ["the plan is for the target main, which is not declared here\n  declared are: cache"],
    ),
    Case(
        "a node of what is not declared", "the target is named, and not the node", known_targets.gate, facts(OF_A_NODE),
        ["the plan is for the target main, which is not declared here\n  declared are: none"],
    ),
    Case(
        "unknown to the plan", "nothing says which system it was made for", known_targets.gate,
        facts(change(WORK_MEM), planned={}, targets=DECLARED),
        ["the plan is for the target main, which is not declared here\n  declared are: cache, main"],
    ),
    Case(
        "a kind of the future", "nobody here could plan it again", known_targets.gate,
        facts(OTHER_KIND, targets=DECLARED),
        ["main/pg_moon/x: this version of reconciler knows no kind pg_moon"],
    ),
    Case(
        "made from another", "reviewers are shown one thing and another is made", known_targets.gate,
        facts(change(HZ), OTHER_NAME, targets=DECLARED),
        ["the plan contradicts itself: the change of main/pg_setting/fsync is made from what is declared of "
         "main/pg_setting/work_mem\n  make a new plan"],
    ),
    Case("one of each", "another address each", duplicates.gate, facts(BUILD, DROP, change(HZ))),
    Case("the same on a node", "another address, too", duplicates.gate, facts(change(WORK_MEM), OF_A_NODE)),
    Case(
        "two of one", "one may be what was reviewed", duplicates.gate, facts(BUILD, DROP, BUILD),
        [f"the plan has two changes of main/pg_index/public.i\n  {NEW}"],
    ),
    Case("as planned", "the drop comes last", order.gate, facts(BUILD, DROP)),
    Case("groups as they come", "they do not lean on each other", order.gate, facts(change(HZ), change(WORK_MEM))),
    Case(
        "a drop before its build", "queries would be without an index", order.gate, facts(DROP, BUILD),
        [f"the changes of the plan are not in the order in which they are made\n  {NEW}"],
    ),
    Case(
        "an index before a setting", "of another node, which is of the same group", order.gate, facts(BUILD, OF_A_NODE),
        [f"the changes of the plan are not in the order in which they are made\n  {NEW}"],
    ),
]  # fmt: skip

APP = SecretRef(env="APP")
[WITH_SECRET] = redis_settings({"masterauth": APP})
NEEDY = [change(WITH_SECRET), change(users({"u": ("on", "APP")})[0]), change(users({"v": ("on", "OTHER")})[0])]
MISSING = {APP: DesiredError("the secret $APP is not set", hint="export it")}

STALE = change(pg_settings(MAIN, {"work_mem": "8MB"})[0])
HAS = {"nodes": NODES, "resources": [WORK_MEM, HZ]}

OF_THE_NODES = [
    Case("the same nodes", "", nodes.gate, facts(change(WORK_MEM), change(HZ), nodes=NODES)),
    Case("of others", "the plan changes nothing there", nodes.gate, facts(change(HZ), nodes={"cache": CACHE})),
    Case(
        "gone", "the order, and what is in use, was read of it as well", nodes.gate,
        facts(change(WORK_MEM), nodes={"main": MAIN}),
        ["main has other nodes than when the plan was made: main@db2 is gone\n  make a new plan"],
    ),
    Case(
        "came", "it would be left as it is", nodes.gate,
        facts(OF_A_NODE, nodes={**NODES, "main@db3": STANDBY.model_copy(update={"name": "main@db3"})}),
        ["main has other nodes than when the plan was made: main@db3 was not there\n  make a new plan"],
    ),
    Case(
        "moved", "all that differs in one", nodes.gate,
        facts(OF_A_NODE, nodes={"main": MAIN, "main@db3": STANDBY.model_copy(update={"name": "main@db3"})}),
        ["main has other nodes than when the plan was made: main@db2 is gone, main@db3 was not there\n  "
         "make a new plan"],
    ),
    Case("still declared", "", superseded.gate, facts(change(WORK_MEM), OF_A_NODE, change(HZ), **HAS)),
    Case("not at hand", "whoever applies has the targets alone", superseded.gate, facts(STALE, nodes=NODES)),
    Case(
        "no longer declared", "the others are", superseded.gate, facts(change(WORK_MEM), BUILD, **HAS),
        ["it is no longer declared\n  make a new plan, or allow it: --allow-superseded main/pg_index/public.i"],
    ),
    Case(
        "nothing is declared", "each for itself", superseded.gate,
        facts(change(WORK_MEM), OF_A_NODE, nodes=NODES, resources=[]),
        [f"it is no longer declared\n  make a new plan, or allow it: --allow-superseded {name}/pg_setting/work_mem"
         for name in ("main", "main@db2")],
    ),
    Case(
        "allowed by name", "and nothing else is", superseded.gate,
        facts(BUILD, DROP, options=Options(allowed_superseded=[BUILD.address]), **HAS),
        ["it is no longer declared\n  make a new plan, or allow it: --allow-superseded main/pg_index/public.j"],
    ),
    Case("no hazard", "", hazards.gate, facts(change(WORK_MEM))),
    Case("only worth saying", "a build is what an index is for", hazards.gate,
         facts(change(WORK_MEM, "", HazardType.INDEX_BUILD))),
    Case(
        "not allowed", "every hazard is told, and how to allow all of them", hazards.gate, facts(RESTARTS, DROPS),
        ["this plan has hazards that nobody has allowed; nothing was run\n"
         "  main/pg_setting/work_mem: restart: of restart\n"
         "  main/pg_setting/work_mem: less-safe: of less-safe\n"
         "  cache/redis_setting/hz: index-drop: of index-drop\n"
         "  if they are wanted: reconciler apply … --allow index-drop --allow less-safe --allow restart"],
    ),
    Case(
        "one of them allowed", "the others are not", hazards.gate,
        facts(RESTARTS, OF_A_NODE, options=Options(allowed=[HazardType.RESTART])),
        ["this plan has hazards that nobody has allowed; nothing was run\n"
         "  main/pg_setting/work_mem: less-safe: of less-safe\n"
         "  if they are wanted: reconciler apply … --allow less-safe"],
    ),
    Case("all allowed", "", hazards.gate, facts(RESTARTS, DROPS, options=Options(allowed=[*HazardType]))),
    Case("of what is refused already", "it is not made", hazards.gate,
         facts(DROPS).without(Refusal("superseded", "", None, (DROPS.address,)))),
    Case("all secrets are there", "", secrets.gate, facts(change(WORK_MEM), *NEEDY)),
    Case("of what nothing needs", "", secrets.gate, facts(change(WORK_MEM), unresolved=MISSING)),
    Case(
        "a secret is missing", "what needs it would fail half-way", secrets.gate, facts(*NEEDY, unresolved=MISSING),
        ["this plan needs secrets that cannot be had here; nothing was run\n"
         "  the secret $APP is not set: needed by cache/redis_setting/masterauth, cache/redis_user/u\n"
         "  export it"],
    ),
    Case("a secret of what is refused already", "it is not made", secrets.gate,
         facts(NEEDY[0], unresolved=MISSING).without(Refusal("superseded", "", None, (NEEDY[0].address,)))),
]  # fmt: skip


WAS = "the plan was made for another main: PostgreSQL 18.0 at db1:5432 database app (1/app), and its URL now leads to "
OF_THE_SYSTEMS = [
    Case("no session yet", "nothing is known of it", identity.gate, facts(change(WORK_MEM))),
    Case("the same", "", identity.gate, seen("main")),
    Case("a node", "of the same target", identity.gate, seen("main@db2")),
    Case("newer and elsewhere", "it is the same system", identity.gate, seen("main", version="18.1", location="db9:1")),
    Case(
        "another database", "its URL leads elsewhere", identity.gate, seen("main", database="b", identity="1/b"),
        [f"{WAS}PostgreSQL 18.0 at db1:5432 database b (1/b)\n  check the URL, or make a new plan for this system"],
    ),
    Case(
        "another cluster in another role", "both are told", identity.gate,
        seen("main", identity="2/app", role="standby"),
        [f"{WAS}PostgreSQL 18.0 at db1:5432 database app (2/app)\n  check the URL, or make a new plan for this system",
         "main was a primary when the plan was made, and is a standby now: its order no longer holds\n  "
         "make a new plan"],
    ),
    Case(
        "a node of another", "it would be ordered with the nodes of another cluster", identity.gate,
        facts(OF_A_NODE, nodes={"main@db2": STANDBY.model_copy(update={"node_of": "x"})}, infos=INFOS_OF_STANDBY),
        ["the plan was made for another main@db2: PostgreSQL 18.0 at db2:5432 database app (1/app), and its URL now "
         "leads to PostgreSQL 18.0 at db2:5432 database app (1/app)\n  check the URL, or make a new plan for this "
         "system"],
    ),
    Case(
        "failed over", "a primary gets less than its standbys last", identity.gate, seen("main@db2", role="primary"),
        ["main@db2 was a standby when the plan was made, and is a primary now: its order no longer holds\n  "
         "make a new plan"],
    ),
    Case(
        "as a role", "another one's rights and names", identity.gate, seen("main", as_role="owners"),
        ["main was planned without `role`, and is declared as role owners\n  make a new plan"],
    ),
    Case(
        "as itself", "the other way round", identity.gate,
        facts(change(WORK_MEM), planned=AS_OWNERS, nodes=NODES, infos={"main": INFOS["main"]}),
        ["main was planned as role owners, and is declared without `role`\n  make a new plan"],
    ),
    Case("nobody is named", "whoever plans applies", applies_as.gate, seen("main", MAIN, "anybody")),
    Case("who is named", "", applies_as.gate, seen("main", BY_DEPLOYER, "deployer")),
    Case("no session yet to a target with a name", "", applies_as.gate, seen("main", BY_DEPLOYER)),
    Case(
        "somebody else", "the plan was judged by other rights", applies_as.gate, seen("main", BY_DEPLOYER, "Deployer"),
        ["main is to be applied as deployer, and Deployer has logged in\n  use the URL of deployer, or change "
         "`apply_as` of the target"],
    ),
]  # fmt: skip

DROP, LESS_SAFE, RESTART = HazardType.INDEX_DROP, HazardType.LESS_SAFE, HazardType.RESTART


def under(
    *changes: Change, main: Policy = NO_POLICY, cache: Policy = NO_POLICY, now=MADE, approvals=None, **said
) -> Facts:
    """Of a saved plan of targets with these policies; `said` by whoever applies."""
    targets = {"main": MAIN.model_copy(update={"policy": main}), "cache": CACHE.model_copy(update={"policy": cache})}
    options = Options(**{"saved": True} | said)
    return facts(*changes, targets=targets, options=options, now=now, approvals=approvals, sealed=A)


def by(*people: str, allow=(), rejected=(), **other) -> FoundApprovals:
    return beside(*approved(other.pop("plan", A), INFOS, *people, allow=allow, **other), rejected=rejected)


RUNNERS, MAINS = "the policy of whoever runs this (p.yaml:1:1)", "the policy of main (x.yaml:1:1)"
CACHES = "the policy of cache (x.yaml:1:1)"
DENIED = "this plan has hazards that a policy denies; nothing was run\n"
NOT_ABOVE = "\n  neither --allow nor an approval is above a policy: plan without these changes, or change the policy"
NOT_APPROVED = "this plan is not approved; nothing was run\n"
APPROVES = "\n  whoever is in signers approves it by: reconciler approve PLAN --key FILE"
ALICE, BOB = (f"  counts: {name} (SHA256:{name}), until 2026-03-08 00:00:00 UTC" for name in ("alice", "bob"))
NIGHTS = policy(windows=[window("0 22 * * *", 6, zone="Europe/Berlin")])
FREEZE = policy(windows=[window("0 0 4 3 *", 72, "deny", reason="freeze")])
NONE_COUNTS = f"{NOT_APPROVED}  --require-approvals asks for 1 approval, and 0 count\n"
OTHERWISE = "apply it then, or with a reason that the receipt tells: --outside-window REASON"
NEVER = policy(windows=[window("0 22 * * *", 6)], outside_window=False)
OPENS = "it opens at 2026-03-04 21:00 UTC, in 16 h"

OF_POLICIES = [
    Case("no-policy", "nothing is denied", denied.gate, under(DROPS, RESTARTS)),
    Case("no-such-hazard", "a plan without it", denied.gate, under(BUILD, main=policy(deny=[DROP]))),
    Case("of-another-target", "main has no drop", denied.gate, under(DROPS, main=policy(deny=[DROP]))),
    Case(
        "denied", "--allow and approvals do not help", denied.gate,
        under(DROPS, cache=policy(deny=[DROP, RESTART]), allowed=[DROP], approvals=by("alice", allow=[DROP])),
        [f"{DENIED}  {HZ.address}: index-drop is denied by {CACHES}{NOT_ABOVE}"],
    ),
    Case(
        "of-nodes", "the policy of a target is that of its nodes", denied.gate,
        under(change(WORK_MEM, "main@db2", RESTART), main=policy(deny=[RESTART])),
        [f"{DENIED}  main@db2/pg_setting/work_mem: restart is denied by {MAINS}{NOT_ABOVE}"],
    ),
    Case(
        "of-both", "the runner's is named first", denied.gate,
        under(DROPS, RESTARTS, main=policy(deny=[RESTART]), policy=policy("p.yaml:1:1", deny=[DROP, RESTART])),
        [f"{DENIED}  {HZ.address}: index-drop is denied by {RUNNERS}\n"
         f"  {WORK_MEM.address}: restart is denied by {RUNNERS}\n"
         f"  {WORK_MEM.address}: restart is denied by {MAINS}{NOT_ABOVE}"],
    ),
    Case("nobody-asks", "no approvals are needed", approvals.gate, under(DROPS, allowed=[DROP])),
    Case("nothing-to-do", "an empty plan needs no approval", approvals.gate, under(require_approvals=2)),
    Case(
        "by-hazard-only", "a build needs none", approvals.gate,
        under(BUILD, main=policy(approvals=wanted(0, index_drop=2))),
    ),
    Case("enough", "two of two", approvals.gate, under(BUILD, require_approvals=2, approvals=by("alice", "bob"))),
    Case(
        "of-hazards", "each hazard is allowed by all who are needed", approvals.gate,
        under(DROPS, require_approvals=2, approvals=by("alice", "bob", allow=[DROP])),
    ),
    Case(
        "not-saved", "nothing else can be approved", approvals.gate, under(BUILD, saved=False, require_approvals=1),
        ["--require-approvals asks for 1 approval, and only a saved plan can be approved\n  reconciler plan --out "
         "FILE, have it approved by reconciler approve FILE, and apply FILE"],
    ),
    Case(
        "allow", "who allows is who approves", approvals.gate,
        under(DROPS, cache=policy(approvals=wanted(2)), allowed=[DROP], approvals=by("alice", "bob", allow=[DROP])),
        [f"{CACHES} asks for 2 approvals, and a hazard is then allowed by those who approve: --allow index-drop has no "
         "place here\n  leave it away, and approve with it: reconciler approve PLAN --key FILE --allow index-drop"],
    ),
    Case(
        "no-signers", "nobody has said whose count", approvals.gate, under(BUILD, main=policy(approvals=wanted(1))),
        [f"{MAINS} asks for 1 approval, and nobody has said whose count\n  name the file of those who may approve: "
         "--allowed-signers FILE"],
    ),
    Case(
        "none", "nobody has approved", approvals.gate, under(BUILD, require_approvals=1, approvals=by()),
        [f"{NONE_COUNTS}  there is no approval beside it{APPROVES}"],
    ),
    Case(
        "too-few", "one of two", approvals.gate,
        under(BUILD, main=policy(approvals=wanted(2)), require_approvals=1, approvals=by("alice")),
        [f"{NOT_APPROVED}  {MAINS} asks for 2 approvals, and 1 count\n{ALICE}{APPROVES}"],
    ),
    Case(
        "runner-and-target", "whoever asks for most counts", approvals.gate,
        under(
            BUILD, main=policy(approvals=wanted(1)), policy=policy("p.yaml:1:1", approvals=wanted(2)),
            approvals=by("alice"),
        ),
        [f"{NOT_APPROVED}  {RUNNERS} asks for 2 approvals, and 1 count\n{ALICE}{APPROVES}"],
    ),
    Case(
        "hazard-not-allowed", "an approval that does not allow it", approvals.gate,
        under(
            DROPS, require_approvals=2,
            approvals=beside(*approved(A, INFOS, "alice", allow=[DROP]), *approved(A, INFOS, "bob")),
        ),
        [f"{NOT_APPROVED}  index-drop needs 2 approvals that allow it, and 1 count\n{ALICE}, allowing index-drop\n{BOB}"
         f"{APPROVES} --allow index-drop"],
    ),
    Case(
        "by-hazard", "three for a drop", approvals.gate,
        under(DROPS, cache=policy(approvals=wanted(2, index_drop=3)), approvals=by("alice", "bob", allow=[DROP])),
        [f"{NOT_APPROVED}  index-drop needs 3 approvals that allow it, and 2 count\n{ALICE}, allowing index-drop\n"
         f"{BOB}, allowing index-drop{APPROVES} --allow index-drop"],
    ),
    Case(
        "expired", "at the moment of the apply", approvals.gate,
        under(BUILD, require_approvals=1, approvals=by("alice"), now=datetime(2026, 3, 8, tzinfo=UTC)),
        [f"{NONE_COUNTS}  does not count: a/alice by alice has "
         f"expired: it was valid until 2026-03-08 00:00:00 UTC, and it is 2026-03-08 00:00:00 UTC now{APPROVES}"],
    ),
    Case(
        "by-the-author", "--not-by", approvals.gate,
        under(BUILD, require_approvals=1, not_by=["Alice"], approvals=by("alice")),
        [f"{NONE_COUNTS}  does not count: a/alice is by alice, whom "
         f"--not-by excludes{APPROVES}"],
    ),
    Case(
        "another-target", "the same digest cannot be, and is not believed", approvals.gate,
        under(BUILD, require_approvals=1, approvals=by("alice", targets={"main": "postgres:2/app"})),
        [f"{NONE_COUNTS}  does not count: a/alice names other "
         f"targets than the plan has{APPROVES}"],
    ),
    Case("no-window", "always open", windows.gate, under(BUILD, DROPS)),
    Case(
        "open", "22:00 in Berlin is 21:00 in winter", windows.gate,
        under(BUILD, main=NIGHTS, now=datetime(2026, 3, 3, 21, tzinfo=UTC)),
    ),
    Case("with-a-reason", "recorded", windows.gate, under(BUILD, main=NIGHTS, outside_window="the site is down")),
    Case(
        "closed", "all there is to do is of it", windows.gate, under(BUILD, main=NIGHTS),
        [f"nothing was run: no window is open\n  main: {MAINS} has no window open now; {OPENS}\n  {OTHERWISE}",
         f"main: {MAINS} has no window open now; {OPENS}\n  {OTHERWISE}"],
    ),
    Case(
        "closed-for-one", "the other target is not kept waiting", windows.gate, under(BUILD, DROPS, main=NIGHTS),
        [f"main: {MAINS} has no window open now; {OPENS}\n  {OTHERWISE}"],
    ),
    Case(
        "denied-by-a-window", "no reason is above a freeze", windows.gate,
        under(BUILD, DROPS, main=FREEZE, outside_window="the site is down"),
        [f"main: {MAINS} denies it now: freeze; it opens at 2026-03-07 00:00 UTC, in 3 d\n  apply it then"],
    ),
    Case(
        "no-reason-counts", "the policy says never", windows.gate,
        under(BUILD, DROPS, main=NEVER, outside_window="urgent"),
        [f"{MAINS} lets nobody apply outside of its windows, whatever the reason\n  leave --outside-window away, and "
         "apply when they are open"],
    ),
]  # fmt: skip

UNKNOWN = change(WORK_MEM, "", HazardType.INDEX_BUILD)
TAKES = change(
    WORK_MEM, "", HazardType.INDEX_BUILD,
    evidence=(Fact(name="build time", value=1200, unit="seconds", estimated=True),),
)  # fmt: skip


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 3, 3, hour, minute, tzinfo=UTC)


OF_THE_MOMENT = [
    Case("no-policy", "any time", time_left.gate, under(TAKES, UNKNOWN)),
    Case("still-approved", "it has not expired", time_left.gate,
         under(BUILD, require_approvals=1, approvals=by("alice"), now=datetime(2026, 3, 7, tzinfo=UTC))),
    Case(
        "expired-meanwhile", "between two changes", time_left.gate,
        under(BUILD, require_approvals=1, approvals=by("alice"), now=datetime(2026, 3, 8, tzinfo=UTC)),
        ["fewer approvals count by now than --require-approvals asks for: a/alice by alice has expired: it was valid "
         "until 2026-03-08 00:00:00 UTC, and it is 2026-03-08 00:00:00 UTC now\n  have it approved again: reconciler "
         "approve PLAN --key FILE"],
    ),
    Case("in-time", "three times as long is left", time_left.gate, under(TAKES, main=NIGHTS, now=at(21, 0))),
    Case("just-in-time", "to the second", time_left.gate, under(TAKES, main=policy(windows=[window("0 20 * * *", 6)]),
                                                               now=datetime(2026, 3, 4, 1, tzinfo=UTC))),
    Case(
        "not-in-time", "less than three times as long is left", time_left.gate,
        under(TAKES, main=policy(windows=[window("0 20 * * *", 1)]), now=at(20, 1)),
        [f"main: the window of {MAINS} closes in 59 min, and this needs about 20 min, up to 60 min\n  apply it when a "
         "window has just opened that is long enough"],
    ),
    Case("instant", "what builds nothing ends at once", time_left.gate,
         under(BUILD, main=policy(windows=[window("0 20 * * *", 1)]), now=at(20, 59))),
    Case(
        "unknown", "nobody can say", time_left.gate, under(UNKNOWN, main=NIGHTS, now=at(21, 0)),
        [f"main: the window of {MAINS} closes in 6 h, and nobody can say how long this takes\n  have its table "
         "analyzed, and plan again; or let such builds run: without_estimate: run"],
    ),
    Case("unknown-runs", "the policy lets it", time_left.gate,
         under(UNKNOWN, main=NIGHTS.model_copy(update={"without_estimate": True}), now=at(21, 0))),
    Case("closed-meanwhile", "between two changes", time_left.gate, under(BUILD, main=NIGHTS),
         [f"main: {MAINS} has no window open now; {OPENS}\n  {OTHERWISE}"]),
    Case(
        "before-a-freeze", "a reason is not above what denies", time_left.gate,
        under(TAKES, main=FREEZE, outside_window="urgent", now=at(23, 30)),
        [f"main: the window of {MAINS} closes in 30 min, and this needs about 20 min, up to 60 min\n  apply it when a "
         "window has just opened that is long enough"],
    ),
]  # fmt: skip

SECOND = change(
    indexes(MAIN, k={"columns": ["id"]})[0], "", HazardType.INDEX_BUILD,
    evidence=(Fact(name="build time", value=1200, unit="seconds", estimated=True),),
)  # fmt: skip
LEFT = "\n  what is left needs a new plan"


def bounded(**most) -> Policy:
    return policy(at_most=AtMost(**most))


UNDOING = RollsBack(receipt=B, plan=B, applied_at=MADE)


def undoing(found: Facts) -> Facts:
    """The same, of a plan that undoes an apply."""
    return replace(found, plan=found.plan.model_copy(update={"rolls_back": UNDOING}))


OF_ROLLBACKS = [
    Case("of-yaml", "the YAML speaks for it", rollback.gate, facts(BUILD, sealed=A)),
    Case("named", "by whoever applies it", rollback.gate, undoing(facts(BUILD, sealed=A, options=Options(digest=A)))),
    Case(
        "approved", "an approval names the plan", rollback.gate,
        undoing(under(BUILD, require_approvals=1, approvals=by("alice"))),
    ),
    Case(
        "not-named", "nobody speaks for it, whatever is declared", rollback.gate, undoing(facts(BUILD, sealed=A)),
        ["this plan undoes an apply, and no YAML declares what it makes: it is applied where its digest is named\n"
         f"  read it, then name it: --digest {A}; or have it approved: --allowed-signers FILE"],
    ),
    Case(
        "no-approvals-asked-for", "nobody has counted any", rollback.gate,
        undoing(under(BUILD, approvals=by("alice"))),
        ["this plan undoes an apply, and no YAML declares what it makes: it is applied where its digest is named\n"
         f"  read it, then name it: --digest {A}; or have it approved: --allowed-signers FILE"],
    ),
    Case("not-declared", "nothing of it is", superseded.gate, undoing(facts(BUILD, nodes=NODES, resources=[]))),
]  # fmt: skip

OF_BUILDS = [
    Case("no-bound", "as many as there are", at_most.gate, under(TAKES, SECOND)),
    Case("as-many", "one of one, and what builds nothing", at_most.gate, under(BUILD, TAKES, main=bounded(builds=1))),
    Case(
        "one-more", "the first of them is made", at_most.gate, under(TAKES, SECOND, main=bounded(builds=1)),
        [f"main: {MAINS} lets one apply build 1 at most{LEFT}"],
    ),
    Case("as-long", "to the second", at_most.gate,
         under(TAKES, SECOND, main=bounded(build_time=timedelta(minutes=40)))),
    Case(
        "longer", "together", at_most.gate, under(TAKES, SECOND, main=bounded(build_time=timedelta(minutes=39))),
        [f"main: {MAINS} lets one apply build for 39 min, and with this it would be about 40 min{LEFT}"],
    ),
    Case(
        "nobody-knows", "it is not begun", at_most.gate,
        under(UNKNOWN, main=bounded(build_time=timedelta(hours=1))),
        [f"main: {MAINS} lets one apply build for 60 min, and nobody can say how long this takes{LEFT}"],
    ),
]  # fmt: skip

MB = 1 << 20
LAGS = Headroom((Replica("db2", 80 * MB, timedelta(seconds=31)), Replica("db3", 0, timedelta())), 21 << 30, 9 << 30)
UNSEEN = Headroom(None, None, None)
BEARS, AS_MUCH = (
    Bounds(replica_lag=64 * MB, wal=20 << 30, free_disk=10 << 30),
    Bounds(replica_lag=80 * MB, wal=21 << 30, free_disk=9 << 30),
)
NOT_NOW, AGAIN = f"main: {MAINS} lets nothing begin now: ", "\n  apply it again when that is over"


def standing(found: Headroom, *changes: Change, main: Bounds = BEARS, runner: Bounds | None = None) -> Facts:
    """Changes of a server that stands so, and what policies bound of that."""
    said = {"policy": policy("p.yaml:1:1", bounds=runner)} if runner else {}
    return replace(under(*changes, main=policy(bounds=main), **said), headrooms={"main": found})


OF_BOUNDS = [
    Case("no-bounds", "whatever the server bears", bounds.gate, standing(LAGS, TAKES, main=Bounds())),
    Case("as-much-as-it-bears", "to the byte", bounds.gate, standing(LAGS, TAKES, RESTARTS, main=AS_MUCH)),
    Case("as-late-as-it-bears", "to the second", bounds.gate,
         standing(LAGS, TAKES, main=Bounds(replica_lag=timedelta(seconds=31)))),
    Case("no-burden", "it neither builds nor restarts", bounds.gate, standing(LAGS, BUILD)),
    Case("not-asked", "a Redis has none of it", bounds.gate, standing(LAGS, change(HZ, "", HazardType.INDEX_BUILD))),
    Case(
        "over", "all that is, with the bounds", bounds.gate, standing(LAGS, TAKES),
        [f"{NOT_NOW}its replica db2 is 80 MB behind, and the bound is 64 MB; it keeps 21 GB of WAL, and the bound is "
         f"20 GB; its fullest disk has 9 GB free, and the bound is 10 GB{AGAIN}"],
    ),
    Case(
        "late", "by time", bounds.gate, standing(LAGS, RESTARTS, main=Bounds(replica_lag=timedelta(seconds=30))),
        [f"{NOT_NOW}its replica db2 is 31 s behind, and the bound is 30 s{AGAIN}"],
    ),
    Case(
        "the-stricter", "of two policies", bounds.gate,
        standing(LAGS, TAKES, main=AS_MUCH, runner=Bounds(wal=20 << 30)),
        [f"main: {RUNNERS} lets nothing begin now: it keeps 21 GB of WAL, and the bound is 20 GB{AGAIN}"],
    ),
    Case(
        "unseen", "what nobody sees may be over", bounds.gate, standing(UNSEEN, TAKES),
        [f"{NOT_NOW}how far its replicas are behind cannot be seen: grant pg_monitor to its role; how much WAL it "
         "keeps cannot be seen: grant pg_monitor to its role; what its disks have free cannot be seen: run this beside "
         f"the server, as a user who may read its data directory, and grant pg_monitor to its role{AGAIN}"],
    ),
]  # fmt: skip

CASES = [
    *OF_A_SAVED_PLAN,
    *OF_BOUNDS,
    *OF_BUILDS,
    *OF_THE_MOMENT,
    *OF_POLICIES,
    *OF_ROLLBACKS,
    *OF_WHAT_IS_DECLARED,
    *OF_THE_NODES,
    *OF_THE_SYSTEMS,
]


def gate_of(case: Case) -> str:
    return case.gate.__module__.rpartition(".")[2]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{gate_of(case)}: {case.name}")
def test_a_gate_refuses_what_it_is_there_for_and_nothing_else(case):
    assert list(map(str, case.gate(case.facts))) == [*case.refused], case.reason


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{gate_of(case)}: {case.name}")
def test_a_refusal_is_of_changes_of_the_plan(case):
    """And of those that nobody has refused before."""
    for refusal in case.gate(case.facts):
        assert set(refusal.changes) <= {each.address for each in case.facts.changes}
        assert refusal.error is not None or refusal.result not in (Applied.APPLIED, Applied.SKIPPED)


def test_every_gate_has_a_file_a_line_in_the_table_and_cases_of_both_kinds():
    files = {path.stem for path in Path(reconciler.applying.gates.__file__).parent.glob("*.py")}
    table = [gate for gates in GATES.values() for gate in gates]
    assert len(table) == len(set(table))
    assert {gate.__module__.rpartition(".")[2] for gate in table} == files - {"__init__", "gate", "registry"}
    assert set(GATES) == set(Moment)
    for gate in table:
        assert {bool(case.refused) for case in CASES if case.gate is gate} == {True, False}, gate.__module__
    rows = [line.split()[0] for line in reconciler.applying.gates.__doc__.splitlines() if line.startswith("    ")]
    assert rows[1:] == [gate.__module__.rpartition(".")[2] for gate in table]


def test_the_first_gate_that_refuses_ends_the_apply():
    """A target that is not declared here, and two changes of one address."""
    with pytest.raises(PlanFileError, match="not declared here") as raised:
        enforce(Moment.DECLARED, facts(BUILD, BUILD))
    assert raised.value.hint == "declared are: none"


def test_a_hazard_of_what_is_superseded_need_not_be_allowed():
    known = {"nodes": NODES, "resources": [WORK_MEM]}
    found = enforce(Moment.FOUND, facts(change(WORK_MEM), DROPS, **known))
    assert [each.address for each in found.changes] == [WORK_MEM.address]
    assert {address: refusal.result for address, refusal in found.refused.items()} == {HZ.address: Applied.SUPERSEDED}
    with pytest.raises(HazardNotAllowed, match="--allow index-drop"):
        enforce(Moment.FOUND, facts(DROPS, options=Options(allowed_superseded=[HZ.address]), **known))


def test_a_refusal_of_nothing_in_particular_is_of_everything(monkeypatch):
    """A gate that names no change and raises no error lets none through."""
    closed = Refusal("outside of its window", "wait for Sunday", None)
    asked = []

    def window(facts: Facts) -> list[Refusal]:
        return [closed]

    def behind(facts: Facts) -> list[Refusal]:
        asked.extend(facts.changes)
        return []

    monkeypatch.setitem(GATES, Moment.FOUND, (window, behind))
    found = enforce(Moment.FOUND, facts(BUILD, DROPS))
    assert (found.changes, asked) == ([], [])
    assert found.refused == {BUILD.address: closed, DROPS.address: closed}
    assert closed.result is Applied.NOT_RUN


@pytest.mark.parametrize("changes", [(), (RESTARTS,), (RESTARTS, DROPS)], ids=len)
def test_a_plan_names_the_very_options_that_the_gate_asks_for(changes):
    said = [refusal.hint.partition("… ")[2] for refusal in hazards.gate(facts(*changes))]
    shown = permissions(changes)
    assert said == ([shown.needed.value] if shown else [])


WORDS = [
    # (runner's policy, target's policy, approvals of two people who allow it, --allow) → None: it may run
    (NO_POLICY, NO_POLICY, None, [], HazardNotAllowed),
    (NO_POLICY, NO_POLICY, None, [DROP], None),
    (NO_POLICY, policy(approvals=wanted(1)), None, [], ApprovalError),
    (NO_POLICY, policy(approvals=wanted(1)), None, [DROP], ApprovalError),
    (NO_POLICY, policy(approvals=wanted(1)), [DROP], [DROP], ApprovalError),
    (NO_POLICY, policy(approvals=wanted(1)), [DROP], [], None),
    (NO_POLICY, policy(approvals=wanted(1)), [RESTART], [], ApprovalError),
    (NO_POLICY, policy(approvals=wanted(2, index_drop=3)), [DROP], [], ApprovalError),
    (policy(approvals=wanted(3)), policy(approvals=wanted(1)), [DROP], [], ApprovalError),
    (policy(approvals=wanted(1)), policy(approvals=wanted(2)), [DROP], [], None),
    (NO_POLICY, policy(deny=[DROP]), [DROP], [], PolicyRefuses),
    (NO_POLICY, policy(deny=[DROP]), None, [DROP], PolicyRefuses),
    (policy(deny=[DROP]), NO_POLICY, [DROP], [], PolicyRefuses),
    (policy(deny=[DROP]), policy(approvals=wanted(1)), [DROP], [], PolicyRefuses),
    (policy(deny=[RESTART]), NO_POLICY, None, [DROP], None),
]


@pytest.mark.parametrize(("runner", "target", "allow", "allowed", "error"), WORDS)
def test_who_has_the_last_word(runner, target, allow, allowed, error):
    """The runner's policy, the target's, approvals, --allow; and deny always wins."""
    found = by("alice", "bob", allow=allow) if allow is not None else None
    asked = int(allow is not None)
    told = under(
        DROPS, cache=target, policy=runner, approvals=found, allowed=allowed, require_approvals=asked,
    )  # fmt: skip
    told = replace(told, nodes=NODES, resources=[WORK_MEM, HZ])

    def all_of_them() -> None:
        for gates in ((denied.gate, approvals.gate, windows.gate), (hazards.gate,)):
            for gate in gates:
                for refusal in gate(told):
                    assert refusal.error is not None
                    raise refusal.error(refusal.reason, hint=refusal.hint)

    if error is None:
        all_of_them()
    else:
        with pytest.raises(error):
            all_of_them()
