"""One plan with everything in it that a view can meet, and smaller ones for the sentences of summaries."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import cycle

from reconciler.documents.plan import seal
from reconciler.model import (
    Action,
    Address,
    Applied,
    Cause,
    CauseType,
    Change,
    ChangeReceipt,
    CheckResult,
    CheckStatus,
    CheckVerdict,
    Fact,
    FleetReceipt,
    Hazard,
    HazardType,
    Idleness,
    IdleRule,
    Ignored,
    IgnoreRule,
    ManualStep,
    Notice,
    NoticeType,
    NotRun,
    Outcome,
    Partial,
    Plan,
    PulledIn,
    Receipt,
    RedisStep,
    Rollout,
    RollsBack,
    SecretArgument,
    SecretRef,
    Severity,
    Shard,
    SqlStep,
    StepReceipt,
    System,
    TargetInfo,
    TargetReceipt,
    TargetResult,
    Unreachable,
    Unreached,
    UnreadReason,
    Verdict,
    Wave,
    WaveReceipt,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

TARGETS = {
    "main": TargetInfo(
        system=System.POSTGRES,
        product="PostgreSQL",
        version="18.6",
        location="db1:5432",
        database="app",
        identity="7412345678901234567/app",
    ),
    "cache": TargetInfo(
        system=System.REDIS, product="Valkey", version="9.1", location="cache1:6379", identity="cache1:6379"
    ),
}


def index(name: str, action: Action, *steps, **more) -> Change:
    before = None if action is Action.CREATE else {"definition": f"CREATE INDEX {name} ON public.sessions (user_id)"}
    after = None if action is Action.DELETE else {"definition": f"CREATE INDEX {name} ON public.sessions (user_id, x)"}
    return Change(
        address=Address("main", "pg_index", f"public.{name}"),
        action=action,
        before=before,
        after=after,
        steps=steps,
        desired={"name": name},
        lane="public.sessions",
        declared_at="desired/postgres/tasks.yaml:7:7",
        **more,
    )


def concurrently(*statements: str, hazards: tuple[Hazard, ...] = (), on_failure: tuple[str, ...] = ()) -> SqlStep:
    return SqlStep(statements=statements, lock_timeout="15min", hazards=hazards, on_failure=on_failure)


def setting(name: str, before: str, after: str, **more) -> Change:
    hazards = more.pop("hazards", ())
    return Change(
        address=Address("main", "pg_setting", name),
        action=Action.UPDATE,
        before={"value": before},
        after={"value": after},
        summary=f"{before} → {after}",
        steps=(
            SqlStep(statements=(f"alter system set {name} = '{after}'",), hazards=hazards),
            SqlStep(statements=("select pg_reload_conf()",), reloads=True),
        ),
        undo=(SqlStep(statements=(f"alter system reset {name}", "select pg_reload_conf()"), reloads=True),),
        desired={"value": after},
        lane="settings",
        **more,
    )


def redis_setting(name: str, command: tuple, before: str, after: str, **more) -> Change:
    hazards, waits_for = more.pop("hazards", ()), more.pop("waits_for", "")
    rewrite = RedisStep(command=("CONFIG", "REWRITE"), waits_for=waits_for)
    return Change(
        address=Address("cache", "redis_setting", name),
        action=Action.UPDATE,
        before={"value": before},
        after={"value": after},
        steps=(RedisStep(command=command, hazards=hazards), rewrite),
        desired={},
        **more,
    )


BUILD = Hazard(type=HazardType.INDEX_BUILD, message="reads the whole table; writes go on, and wait for nothing")
DROP = Hazard(type=HazardType.INDEX_DROP, message="queries that use it become slower; 1,204 scans since 3 March")

CHANGES = (
    index(
        "tasks_queue_idx",
        Action.CREATE,
        concurrently(
            "create index concurrently tasks_queue_idx on public.tasks using btree (priority desc, created_at)"
            " include (title) where status in ('pending', 'running')",
            hazards=(BUILD,),
            on_failure=("drop index concurrently public.tasks_queue_idx",),
        ),
        why="the workers' queue query",
        evidence=(
            Fact(name="rows", value=1_200_000, unit="rows"),
            Fact(name="table", value=340 << 20, unit="bytes"),
            Fact(name="index", value=28 << 20, unit="bytes", estimated=True),
            Fact(name="build time", value=4, unit="seconds", estimated=True),
        ),
    ),
    index(
        "sessions_user_idx",
        Action.REPLACE,
        concurrently(
            "create index concurrently sessions_user_idx_new on public.sessions (user_id, last_seen desc)",
            hazards=(BUILD,),
        ),
        SqlStep(
            statements=(
                "drop index public.sessions_user_idx",
                "alter index public.sessions_user_idx_new rename to sessions_user_idx",
            ),
            transaction=True,
            statement_timeout="30s",
            hazards=(DROP,),
        ),
        summary="user_id → user_id, last_seen desc",
        why="sessions of a user, the newest first",
    ),
    index(
        "votes_round_idx",
        Action.REBUILD,
        concurrently("reindex index concurrently public.votes_round_idx"),
        reason="INVALID since a failed build: rebuilt",
    ),
    index(
        "rounds_idx",
        Action.RENAME,
        SqlStep(statements=("alter index public.rounds_old rename to rounds_idx",), attempts=10),
        summary="rounds_old → rounds_idx",
    ),
    index(
        "a_name_that_is_longer_than_anybody_would_like_it_to_be_in_a_table_of_changes_idx",
        Action.DELETE,
        concurrently(
            "drop index concurrently"
            " public.a_name_that_is_longer_than_anybody_would_like_it_to_be_in_a_table_of_changes_idx",
            hazards=(DROP,),
        ),
        inverse=(concurrently("create index concurrently a_name on public.sessions using btree (user_id)"),),
        reason="declared absent",
    ),
    index(
        "emails_クエリ_idx",
        Action.CREATE,
        concurrently(
            "create index emails_クエリ_idx\n\ton public.users (lower(email))\n\twhere note <> 'a `b` | ```c``` <b>'"
        ),
        why="evil\x1b[2J\r\nrm -rf\u202e @everyone #12 <script>alert(1)</script> | `x`",
    ),
    index(
        "escape_idx",
        Action.CREATE,
        concurrently("create index escape_idx on public.users (note) where note <> '\x1b]0;owned\x07\x9b2J'"),
        notes=("a note\n-- \\! with a line break",),
    ),
    setting(
        "work_mem", "4MB", "16MB", notes=("reload", "default → postgresql.auto.conf"), why="sorts of the leaderboard"
    ),
    setting(
        "shared_buffers",
        "128MB",
        "4GB",
        notes=("25% of memory (16GB)", "waits for a restart"),
        hazards=(Hazard(type=HazardType.WAITS_FOR_RESTART, message="true after the next restart of the server"),),
    ),
    setting(
        "fsync",
        "on",
        "off",
        hazards=(Hazard(type=HazardType.LESS_SAFE, message="a crash of the machine may lose the database"),),
    ),
    redis_setting(
        "maxmemory",
        ("CONFIG", "SET", "maxmemory", "6442450944"),
        "0",
        "6442450944",
        summary="0 → 6GB",
        notes=("75% of memory (8GB)",),
        hazards=(Hazard(type=HazardType.EVICTS_KEYS, message="7.1 GB are held: about 1.1 GB of keys go at once"),),
    ),
    redis_setting(
        "requirepass",
        ("CONFIG", "SET", "requirepass", SecretArgument(secret=SecretRef(env="REDIS_PASSWORD"))),
        "(sensitive)",
        "(sensitive)",
        summary="(sensitive)",
        sensitive=("value",),
    ),
    redis_setting(
        "save",
        ("CONFIG", "SET", "save", ""),
        "3600 1 300 100",
        '""',
        summary='3600 1 300 100 → ""',
        waits_for="append-only-file",
    ),
    Change(
        address=Address("cache", "redis_user", "app"),
        action=Action.CREATE,
        before=None,
        after={"rules": "on ~app:* +@all -@dangerous", "password": "(sensitive)"},
        sensitive=("password",),
        summary="may run every command but @dangerous; may read and write app:*; gets a password",
        steps=(
            RedisStep(
                command=(
                    "ACL",
                    "SETUSER",
                    "app",
                    "reset",
                    "on",
                    SecretArgument(secret=SecretRef(env="APP_REDIS_PASSWORD"), form="acl-hash"),
                    "~app:*",
                    "+@all",
                    "-@dangerous",
                )
            ),
            ManualStep(instruction="tell the application its new password, then restart it"),
        ),
        desired={"rules": "on ~app:* +@all -@dangerous"},
    ),
    Change(
        address=Address("cache", "redis_user", "worker"),
        action=Action.UPDATE,
        before={"rules": "on ~* resetchannels -@all +get +flushall", "password": "(sensitive)"},
        after={"rules": "on ~jobs:* +get", "password": "(sensitive)"},
        sensitive=("password",),
        summary="may no longer run flushall; may no longer read and write keys other than jobs:*; "
        "its password is changed",
        deviation="may also run flushall; may also read and write every key; has another password",
        steps=(
            RedisStep(
                command=(
                    *("ACL", "SETUSER", "worker", "reset", "on", "~jobs:*", "+get"),
                    SecretArgument(secret=SecretRef(env="WORKER_REDIS_PASSWORD"), form="acl-hash"),
                )
            ),
        ),
        desired={"rules": "on ~jobs:* +get"},
    ),
)

NOTICES = tuple(
    Notice(address=Address(target, kind, name), type=type, message=message, declared_at="desired/x.yaml:1:1")
    for target, kind, name, type, message in (
        ("main", "pg_setting", "max_connections", NoticeType.WAITS_FOR_RESTART, "200 is written, 100 is running"),
        (
            "main",
            "pg_setting",
            "data_directory",
            NoticeType.NOT_VISIBLE,
            "not visible to the role app; grant pg_monitor",
        ),
        ("main", "pg_index", "public.tasks_meta_idx", NoticeType.BEING_BUILT, "by process 4711 since 05:01, 37 %"),
        ("main", "pg_index", "public.tasks_stray_idx", NoticeType.UNLISTED, "on public.tasks, 12 MB, never scanned"),
        ("cache", "redis_user", "bob", NoticeType.UNWANTED, "no file declares it: it logs in without a password"),
        ("main", "pg_index", "public.users_email_key", NoticeType.BLOCKED, "it backs a constraint: drop that first"),
        (
            "main",
            "pg_index",
            "public.tasks_queue_idx",
            NoticeType.PREFLIGHT,
            "process 4711, user app (report), idle in transaction for 3 h: the build would wait for it",
        ),
        ("cache", "redis_setting", "maxmemory-policy", NoticeType.NOT_PERSISTED, "the server has no config file"),
    )
)
RULE = IgnoreRule(
    pattern=Address("main", "pg_setting", "effective_io_concurrency"),
    reason="the autotuner sets it",
    until=date(2026, 6, 30),
    declared_at="desired/ignored.yaml:2:3",
)
IGNORED = Notice(
    address=RULE.pattern,
    type=NoticeType.IGNORED,
    message="16 → 200",
    declared_at="desired/x.yaml:1:1",
    ignored=Ignored(rule=RULE.declared_at, reason=RULE.reason, until=RULE.until),
)
IDLE_RULES = (
    IdleRule(
        rule=RULE.model_copy(update={"pattern": Address("*", "pg_index", "public.tmp_*"), "until": date(2026, 2, 28)}),
        idleness=Idleness.EXPIRED,
    ),
    IdleRule(
        rule=RULE.model_copy(update={"pattern": Address("cache", "redis_user", "bop")}),
        idleness=Idleness.MATCHES_NOTHING,
    ),
)

CHECKS = tuple(
    CheckResult(
        address=Address(target, "check", name),
        title=title,
        severity=severity,
        status=status,
        message=message,
        evidence=evidence,
        declared_at=f"desired/checklists/production.yaml:{line}:5",
    )
    for line, (target, name, title, severity, status, message, evidence) in enumerate(
        (
            ("main", "pg-slow-log", "Slow queries are logged", Severity.HIGH, CheckStatus.FAIL,
             "log_min_duration_statement is off; wanted at most 250ms", "live"),
            ("main", "pg-pool", "Connection pool configured", Severity.MEDIUM, CheckStatus.PASS, "20 of 100", "config"),
            ("main", "pg-backup", "Backups are restored", Severity.CRITICAL, CheckStatus.ATTESTED,
             "by dba on 2026-02-01", "attested"),
            ("main", "pg-vacuum", "Autovacuum keeps up", Severity.LOW, CheckStatus.NO_DATA,
             "no table was vacuumed", "live"),
            ("main", "pg-replica", "Replicas follow", Severity.HIGH, CheckStatus.NOT_APPLICABLE, "no replica", "live"),
            ("cache", "redis-commands", "Dangerous commands are off", Severity.CRITICAL, CheckStatus.WAIVED,
             "until 2026-12-31, by dba: migration in progress", "live"),
            ("cache", "redis-acl", "ACL log is empty", Severity.LOW, CheckStatus.NOT_VISIBLE,
             "ACL LOG is not allowed", ""),
            ("cache", "node-health", "Health | answers <b>", Severity.HIGH, CheckStatus.ERROR,
             "GET http://app:8080/health: no answer in 5 s\x1b[31m", "live"),
        ),
        start=3,
    )
)  # fmt: skip

PLAN = seal(
    Plan(
        reconciler_version="0.1.0",
        created_at=NOW,
        targets=TARGETS,
        changes=CHANGES,
        notices=NOTICES,
        checks=CHECKS,
        in_sync={"pg_index": 29, "pg_setting": 20, "redis_setting": 11},
    )
)

IN_SYNC = PLAN.model_copy(
    update={
        "changes": (),
        "notices": (),
        "checks": tuple(check.model_copy(update={"status": CheckStatus.PASS}) for check in CHECKS),
    }
)

IGNORING = seal(PLAN.model_copy(update={"changes": (), "notices": (IGNORED,), "idle_rules": IDLE_RULES, "checks": ()}))
"""All that differs is ignored, by one of three rules."""
ROLLBACK = seal(
    PLAN.model_copy(
        update={
            "rolls_back": RollsBack(
                receipt="5ee1" * 16, plan="9a1b" * 16, applied_at=datetime(2026, 3, 3, 22, 4, 5, tzinfo=UTC),
                commit="c0ffee" * 6 + "c0ff",
            ),
            "changes": (
                index(
                    "sessions_user_idx", Action.DELETE,
                    SqlStep(
                        statements=("drop index concurrently public.sessions_user_idx",),
                        hazards=(Hazard(type=HazardType.INDEX_DROP, message="queries that use it become slower"),),
                    ),
                    reason="it was not there before what is undone",
                    inverse=(SqlStep(statements=("create index concurrently sessions_user_idx on sessions (a)",)),),
                ).model_copy(update={"declared_at": ""}),
                Change(
                    address=Address("cache", "redis_setting", "maxmemory-policy"),
                    action=Action.UPDATE,
                    before={"value": "allkeys-lru"},
                    after={"value": "noeviction"},
                    summary="allkeys-lru → noeviction",
                    notes=("does not come back: keys that were evicted meanwhile",),
                    steps=(RedisStep(command=("CONFIG", "SET", "maxmemory-policy", "noeviction")),),
                    desired={},
                ),
            ),
            "notices": (
                Notice(
                    address=Address("main", "pg_setting", "work_mem"),
                    type=NoticeType.BLOCKED,
                    message="not undone: it has changed since it was applied: taking that back would update it, "
                    "9MB → 7MB",
                ),
            ),
            "checks": (),
            "in_sync": {},
        }
    )
)  # fmt: skip
"""The apply of an evening is undone, but for what somebody has changed since."""

CAUSED = seal(
    PLAN.model_copy(
        update={
            "checks": (),
            "causes": tuple(
                Cause(address=each.address, type=type, receipt="5" * 64 if known else "", since=NOW if known else None)
                for each, (type, known) in zip(
                    PLAN.changes,
                    cycle(
                        ((CauseType.CHANGED_OUTSIDE, True), (CauseType.NOT_APPLIED, True), (CauseType.UNKNOWN, False))
                    ),
                    strict=False,
                )
            ),
        }
    )
)
"""Drift of which receipts tell something."""

UNREAD = (
    Unreachable(
        target="billing",
        node="billing@db9:5432",
        reason=UnreadReason.NOT_CONNECTED,
        message="cannot connect: connection refused\x1b[2J | @everyone",
        hint="check its URL, that the server is up, and that this role may connect",
        declared_at="desired/targets.yaml:9:3",
    ),
    Unreachable(
        target="sessions",
        node="sessions",
        reason=UnreadReason.SILENT,
        message="cannot connect: no answer within 10 s",
        declared_at="desired/targets.yaml:12:3",
    ),
)

PARTIAL = seal(PLAN.model_copy(update={"changes": CHANGES[:1], "checks": CHECKS[:1], "unreachable": UNREAD}))
"""Of which two targets were not read."""

NARROWED = seal(
    PLAN.model_copy(
        update={
            "changes": CHANGES[:2], "notices": (), "checks": CHECKS[:2], "in_sync": {"pg_index": 1},
            "partial": Partial(
                to=("main/pg_index/public.tasks_*", "cache/check/*"), where="env = prod",
                pulled_in=(PulledIn(address=CHANGES[1].address, needed_by=CHANGES[0].address),), left_out=7,
            ),
        }
    )
)  # fmt: skip
"""Narrowed to some resources, one of which leans on another."""

TENANTS = tuple(f"tenant-{number:03}" for number in range(1, 13))


def _fleet() -> Plan:
    """Twelve targets alike, but that one has an index of its own, another other evidence; and more that are gone."""

    def on(name: str, *outcomes: Outcome) -> list[Outcome]:
        return [each.model_copy(update={"address": each.address._replace(target=name)}) for each in outcomes]

    found: list[Outcome] = []
    for number, name in enumerate(TENANTS):
        first, second, third = CHANGES[0], CHANGES[1], CHANGES[2]
        if number == 4:
            first = first.model_copy(update={"evidence": first.evidence[:1]})
        found += on(name, first, third if number == 3 else second, NOTICES[0], *CHECKS[:2])
    gone = [UNREAD[0].model_copy(update={"target": name, "node": name}) for name in ("gone-1", "gone-2", "gone-3")]
    return Plan(
        reconciler_version="0.1.0",
        created_at=NOW,
        targets=dict.fromkeys(TENANTS, TARGETS["main"]),
        changes=tuple(each for each in found if isinstance(each, Change)),
        notices=tuple(each for each in found if isinstance(each, Notice)),
        checks=tuple(each for each in found if isinstance(each, CheckResult)),
        in_sync={"pg_index": 3},
        unreachable=(*gone, UNREAD[1]),
    )


FLEET = seal(_fleet())
"""Of so many targets that what is the same is said once."""

QUIET = IN_SYNC.model_copy(update={"unreachable": UNREAD})
"""The same, and all that was read is in sync."""

UNSEEN = seal(
    Plan(reconciler_version="0.1.0", created_at=NOW, targets={}, unreachable=UNREAD)
)  # fmt: skip
"""Of nothing but targets that were not read."""


MEASURED = (
    Fact(name="index", value=30 << 20, unit="bytes"),
    Fact(name="build time", value=5.1, unit="seconds"),
    Fact(name="rows", value=1_200_000, unit="rows"),
)


def _receipt() -> Receipt:
    results = (
        (Applied.APPLIED, ""),
        (Applied.FAILED, "lock timeout: process 4711 holds it\nin: create index …"),
        (Applied.SKIPPED, "already as wanted"),
        (Applied.STALE, "the index is not what it was when the plan was made: observed (user_id, id)\x1b[2J"),
        (Applied.NOT_RUN, "an earlier change of this table failed"),
    )
    return Receipt(
        reconciler_version="0.1.0",
        plan_digest=PLAN.digest,
        started_at=NOW,
        finished_at=NOW.replace(minute=8),
        changes=tuple(
            ChangeReceipt(
                address=change.address,
                action=change.action,
                before=change.before,
                after=change.after,
                sensitive=change.sensitive,
                inverse=change.inverse,
                result=result,
                message=message,
                steps=tuple(StepReceipt(step=step, seconds=1.25) for step in change.steps) if message == "" else (),
                started_at=NOW.replace(second=8) if result in (Applied.APPLIED, Applied.FAILED) else None,
                seconds=4.2 if result is Applied.APPLIED else 0.0,
                evidence=MEASURED if result is Applied.APPLIED else (),
            )
            for change, (result, message) in zip(CHANGES, results, strict=False)
        ),
        remaining=(CHANGES[1].address, CHANGES[3].address, CHANGES[4].address),
        verdict=Verdict.DIFFERS,
        succeeded=False,
    )


RECEIPT = _receipt()

OF_PARTIAL = RECEIPT.model_copy(
    update={
        "changes": RECEIPT.changes[:1], "remaining": (), "unseen": PARTIAL.unseen, "verdict": Verdict.UNREACHABLE,
    }
)  # fmt: skip
"""What an apply of a plan did that had not read two targets."""

OF_NARROWED = RECEIPT.model_copy(
    update={"changes": RECEIPT.changes[:1], "remaining": (), "verdict": Verdict.IN_SYNC, "partial": NARROWED.partial}
)


def _of_target(result: TargetResult, verdict: Verdict | None, *, succeeded: bool, message: str = "") -> TargetReceipt:
    return TargetReceipt(
        plan_digest=PLAN.digest, result=result, verdict=verdict, succeeded=succeeded, message=message
    )  # fmt: skip


RUN = FleetReceipt(
    reconciler_version=PLAN.reconciler_version, run="20260304T050607Z-00ff00", fleet_digest="f" * 64,
    approved=("a" * 64,), started_at=NOW, finished_at=NOW,
    targets={
        "acme": _of_target(TargetResult.APPLIED, Verdict.IN_SYNC, succeeded=True),
        "before": _of_target(TargetResult.DONE_BEFORE, None, succeeded=True),
        "blocked": _of_target(TargetResult.NOTHING_TO_DO, Verdict.BLOCKED, succeeded=False),
        "globex": _of_target(
            TargetResult.NOT_APPROVED, None, succeeded=False,
            message="its change is in no approved group: globex/pg_index/public.tasks_queue_idx",
        ),
        "held": _of_target(
            TargetResult.HELD, None, succeeded=False,
            message="held: another apply is at work: reconciler apply by ci\x1b[2J\n  wait until it is done",
        ),
        "initech": _of_target(TargetResult.NOTHING_TO_DO, Verdict.IN_SYNC, succeeded=True),
        "restart": _of_target(TargetResult.APPLIED, Verdict.WAITS, succeeded=True),
        "umbrella": _of_target(TargetResult.FAILED, None, succeeded=False, message="umbrella: cannot connect"),
    },
    unseen=("sessions",), complete=True, succeeded=False,
)  # fmt: skip
"""Of each result one."""

RUN_OF_SHARD = RUN.model_copy(
    update={
        "shard": Shard(number=3, of=16), "approved": None, "unseen": (), "complete": False,
        "targets": {"acme": RUN.targets["acme"]},
    }
)  # fmt: skip
"""Killed after its first target."""

ROLLOUT = Rollout(
    waves=(
        Wave(by="where tier = canary", bake=1800, checks=True, targets=(TENANTS[0], "gone-1")),
        Wave(by="share 25%", targets=tuple(TENANTS[1:4])),
        Wave(by="share 100%", bake=60, targets=(*TENANTS[4:], "gone-2", "gone-3", UNREAD[1].target)),
    ),
    at_once=32, stop_after=5, stop_after_unreachable=20, unreachable=Unreached.LATER,
)  # fmt: skip

RUN_IN_WAVES = RUN.model_copy(
    update={
        "unseen": (),
        "targets": {
            "acme": RUN.targets["acme"],
            "globex": _of_target(TargetResult.UNREACHABLE, None, succeeded=False, message="globex: cannot connect"),
            **{
                name: TargetReceipt(
                    plan_digest=PLAN.digest, result=TargetResult.NOT_RUN, succeeded=False, not_run=NotRun.CHECKS
                )
                for name in ("hooli", "initech", "pied", "umbrella")
            },
        },
        "waves": (
            WaveReceipt(number=1),
            WaveReceipt(
                number=2, stopped=NotRun.CHECKS, checks=CheckVerdict.FAILED,
                failing=(Address("acme", "check", "queue-\x1b[2Jshort"),),
            ),
        ),
    }
)  # fmt: skip
"""It ended behind its second wave."""
