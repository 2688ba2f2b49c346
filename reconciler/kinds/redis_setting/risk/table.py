"""Every parameter of Redis 6.2, 7.0 and Valkey 9.1, and when a new value of it has to be allowed by name.

A row is the parameters, the condition under which the new value is a risk, which risk, and why. Parameters without a
row are in FREE, each with the reason why nobody has to allow it. `tests/redis_setting/test_decisions.py` holds
the two complete against CONFIG GET of each server. What is in neither (a newer version's, a module's) is `less-safe`.

Those that a running server refuses to change have their row, too: the notice that says what to write into the file
says what that costs.

Decided: docs/decisions.md#parameters-that-no-table-knows
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reconciler.kinds.redis_setting.risk.value_conditions import (
    ALWAYS,
    EMPTIED,
    FILLED,
    LOWERED,
    ON,
    STRICTER,
    Becomes,
    Below,
    Condition,
    Holds,
)
from reconciler.kinds.redis_setting.values.parameters import ALIASES
from reconciler.model import HazardType

LESS_SAFE, STOPS_SERVICE, RUNS_PROGRAMS = HazardType.LESS_SAFE, HazardType.STOPS_SERVICE, HazardType.RUNS_PROGRAMS
EVICTS_KEYS = HazardType.EVICTS_KEYS


class Decision(NamedTuple):
    """One condition, and what it means where it holds."""

    when: Condition
    hazard: HazardType
    reason: str


ROWS: tuple[tuple[str, Condition, HazardType, str], ...] = (
    # What is left of the data.
    ("appendfsync", Becomes("no"), LESS_SAFE,
     "the operating system decides when writes reach the disk: a crash may lose half a minute"),
    ("appendfsync", Becomes("everysec", before="always"), LESS_SAFE, "a crash may lose the last second of writes"),
    ("no-appendfsync-on-rewrite", ON, LESS_SAFE, "a crash during a rewrite may lose half a minute of writes"),
    ("aof-load-truncated", ON, LESS_SAFE, "a start goes on without the writes that a torn file has lost"),
    ("stop-writes-on-bgsave-error", Becomes("no"), LESS_SAFE, "writes go on although they cannot be saved"),
    ("rdb-del-sync-files", ON, LESS_SAFE, "the file that a replica was filled from is deleted, maybe its only copy"),
    ("rdbchecksum", Becomes("no"), LESS_SAFE, "a damaged snapshot is loaded without a word"),
    ("rdb-version-check", Becomes("relaxed"), LESS_SAFE, "snapshots of unknown versions are loaded as far as they go"),
    ("repl-diskless-load", Becomes("swapdb", "flush-before-load"), LESS_SAFE,
     "a replica gives up its own data, or needs the memory twice, before it has the new"),
    ("rdb-key-save-delay", Below(1, otherwise=True), LESS_SAFE, "for tests: snapshots take that much longer a key"),
    ("key-load-delay", Below(1, otherwise=True), STOPS_SERVICE, "for tests: a start takes that much longer a key"),
    ("import-mode", ON, LESS_SAFE, "keys that have expired are not deleted"),
    ("shutdown-on-sigint shutdown-on-sigterm", Holds("nosave", "now", "force"), LESS_SAFE,
     "the server ends without a snapshot, or without waiting for its replicas"),
    ("shutdown-timeout", Below(1), LESS_SAFE, "the server ends without waiting for its replicas"),
    ("dir dbfilename appendfilename appenddirname", ALWAYS, LESS_SAFE,
     "a start looks for the data under another name, and begins without any where there is none"),
    ("auto-aof-rewrite-percentage", Below(1), LESS_SAFE,
     "the append-only file is never rewritten, and grows until the disk is full"),
    ("auto-aof-rewrite-percentage", Below(1001, otherwise=True), LESS_SAFE,
     "the append-only file is rewritten so rarely that it may fill the disk"),
    ("auto-aof-rewrite-min-size", Below(64 << 30, otherwise=True), LESS_SAFE,
     "the append-only file is not rewritten before it has that size, and may fill the disk"),
    ("databases cluster-databases", LOWERED, STOPS_SERVICE, "with keys in a database beyond it does not start"),
    # Replication.
    ("replica-read-only", Becomes("no"), LESS_SAFE, "what is written to a replica is lost"),
    ("replica-ignore-maxmemory", Becomes("no"), EVICTS_KEYS, "a replica evicts keys that its primary still has"),
    ("replica-ignore-disk-write-errors", ON, LESS_SAFE, "a replica goes on although it cannot write to its disk"),
    ("replica-serve-stale-data", Becomes("no"), STOPS_SERVICE, "a replica that has lost its primary refuses to answer"),
    ("replica-serve-stale-data", ON, LESS_SAFE, "a replica that has lost its primary answers with what is old"),
    ("replica-priority", Below(1), LESS_SAFE, "Sentinel never makes a primary of it"),
    ("replica-announced", Becomes("no"), LESS_SAFE, "Sentinel does not know it, and cannot fail over to it"),
    ("replica-announce-ip replica-announce-port", ALWAYS, LESS_SAFE, "Sentinel and clients look for the replica there"),
    ("replicaof", ALWAYS, LESS_SAFE, "all keys that it has are replaced by those of its primary"),
    ("min-replicas-to-write", Below(1), LESS_SAFE, "writes are taken although no replica has them"),
    ("min-replicas-max-lag", Below(1), LESS_SAFE, "0 turns min-replicas-to-write off"),
    ("min-replicas-max-lag", LOWERED, STOPS_SERVICE, "replicas that are later no longer count: writes may be refused"),
    ("repl-timeout", Below(10), STOPS_SERVICE, "a link that is silent between two pings is taken for dead"),
    ("repl-ping-replica-period", Below(11, otherwise=True), STOPS_SERVICE,
     "replicas hear of an idle primary that rarely: after repl-timeout they take the link for dead, and start anew"),
    ("bind-source-addr", FILLED, LESS_SAFE, "replication comes from that address, or not at all"),
    ("masterauth masteruser", EMPTIED, LESS_SAFE, "a replica is not let in where its primary wants a password"),
    ("propagation-error-behavior", Becomes("ignore"), LESS_SAFE, "a replica goes on with what differs"),
    ("propagation-error-behavior", Becomes("panic", "panic-on-replicas"), STOPS_SERVICE,
     "the server ends where a replicated command fails"),
    # Who gets in, and what they may do there.
    ("protected-mode", Becomes("no"), LESS_SAFE, "without a password, everyone who reaches the port may do everything"),
    ("requirepass", EMPTIED, LESS_SAFE, "the default user needs no password"),
    ("aclfile", ALWAYS, LESS_SAFE, "users are other ones: those of that file alone"),
    ("acl-pubsub-default", Becomes("allchannels"), LESS_SAFE, "new users may use every channel"),
    ("sanitize-dump-payload", Becomes("no"), LESS_SAFE, "RESTORE takes payloads unchecked"),
    ("enable-debug-command", Becomes("yes", "local"), LESS_SAFE, "DEBUG ends the server, and changes its data"),
    ("enable-protected-configs", Becomes("yes", "local"), LESS_SAFE, "clients may have it write files anywhere"),
    ("enable-module-command loadmodule", Becomes("no", otherwise=True), RUNS_PROGRAMS, "the server loads code"),
    ("rename-command include user", ALWAYS, LESS_SAFE, "commands, settings or users are other ones after a start"),
    ("acllog-max-len", LOWERED, LESS_SAFE, "what was denied to whom is forgotten sooner, from this moment on"),
    ("loglevel", Becomes("nothing"), LESS_SAFE, "nothing is logged any more, failed writes and restarts included"),
    ("gopher-enabled", ON, LESS_SAFE, "keys are served by a second protocol"),
    ("unixsocket", ALWAYS, STOPS_SERVICE, "local clients look for the server at the old path"),
    ("unixsocketperm unixsocketgroup", ALWAYS, LESS_SAFE, "other accounts of the machine reach the socket"),
    ("hash-seed", ALWAYS, LESS_SAFE, "keys can be chosen to collide where the seed is known"),
    ("rdma-port rdma-bind", FILLED, LESS_SAFE, "the server listens at one more place"),
    ("hide-user-data-from-log", Becomes("no"), LESS_SAFE, "keys and values may stand in the log"),
    ("ignore-warnings", FILLED, LESS_SAFE, "a start goes on where the kernel may corrupt the data"),
    ("watchdog-period", Below(1, otherwise=True), LESS_SAFE, "for tests: signals interrupt the server"),
    ("lua-replicate-commands", Becomes("no"), LESS_SAFE, "scripts that are not deterministic make replicas differ"),
    # TLS.
    ("tls-port", Below(1), LESS_SAFE, "there is no encrypted port any more"),
    ("tls-auth-clients", Becomes("no", "optional"), LESS_SAFE, "clients need no certificate"),
    ("tls-auth-clients", ON, STOPS_SERVICE, "clients without a certificate are refused"),
    ("tls-auth-clients-user", Becomes("off", otherwise=True), LESS_SAFE, "a certificate says which user a client is"),
    ("tls-ca-cert-file tls-ca-cert-dir", ALWAYS, LESS_SAFE, "who signs the certificates of those that are let in"),
    ("tls-cert-file tls-key-file", ALWAYS, STOPS_SERVICE, "clients that do not trust the new certificate turn away"),
    ("tls-client-cert-file tls-client-key-file", ALWAYS, STOPS_SERVICE, "replication may be refused with the new one"),
    ("tls-key-file-pass tls-client-key-file-pass", ALWAYS, STOPS_SERVICE, "a key that it does not open is not loaded"),
    ("tls-ciphers tls-ciphersuites tls-protocols tls-dh-params-file", ALWAYS, LESS_SAFE,
     "weaker encryption may be agreed on, and clients may find none that they share"),
    ("tls-replication tls-cluster", Becomes("no"), LESS_SAFE, "what goes between servers is not encrypted"),
    ("tls-replication tls-cluster", ON, STOPS_SERVICE, "servers without TLS are cut off"),
    # Who is turned away.
    ("port", ALWAYS, STOPS_SERVICE, "clients look for the server at the old port"),
    ("maxmemory-clients", STRICTER, STOPS_SERVICE, "clients are closed that take more than that together"),
    ("timeout", Below(30, least=1), STOPS_SERVICE, "clients that are idle for so few seconds are closed"),
    ("tcp-keepalive", Below(1), LESS_SAFE, "clients that are gone are never noticed"),
    ("client-query-buffer-limit proto-max-bulk-len", LOWERED, STOPS_SERVICE, "requests that are longer are refused"),
    ("cluster-link-sendbuf-limit", STRICTER, STOPS_SERVICE, "links between nodes are closed that have more to send"),
    ("busy-reply-threshold", Below(100), STOPS_SERVICE, "scripts of normal length make others get BUSY; 0: never, so "
     "that one without an end cannot be stopped"),
    ("supervised daemonize", ALWAYS, STOPS_SERVICE, "who starts the server may take it for one that has failed"),
    ("oom-score-adj-values", ALWAYS, LESS_SAFE, "the kernel may end it before others where memory is short"),
    # Cluster.
    ("cluster-enabled cluster-config-file cluster-port", ALWAYS, STOPS_SERVICE, "the node is no part of its cluster"),
    ("cluster-require-full-coverage", ON, STOPS_SERVICE, "all is refused while one slot has no node"),
    ("cluster-allow-reads-when-down", ON, LESS_SAFE, "a node that is cut off answers with what is old"),
    ("cluster-replica-no-failover", ON, LESS_SAFE, "a replica never takes over"),
    ("cluster-replica-validity-factor", Below(1), LESS_SAFE, "a replica takes over however old its data is"),
    ("cluster-node-timeout", Below(1000), STOPS_SERVICE, "nodes that are slow for a moment are taken for dead"),
    ("cluster-config-save-behavior", Becomes("best-effort"), LESS_SAFE, "what a node knows of its cluster may be lost"),
    ("cluster-announce-ip cluster-announce-hostname cluster-announce-port cluster-announce-tls-port "
     "cluster-announce-bus-port cluster-announce-client-ipv4 cluster-announce-client-ipv6 "
     "cluster-announce-client-port cluster-announce-client-tls-port cluster-preferred-endpoint-type",
     ALWAYS, STOPS_SERVICE, "nodes and clients look for the node there"),
)  # fmt: skip

JUDGED_ALONE = frozenset(
    {"appendonly", "bind", "client-output-buffer-limit", "maxclients", "maxmemory", "maxmemory-policy"}
    | {"min-replicas-to-write", "protected-mode", "save", "stop-writes-on-bgsave-error"}
)
"""Parameters whose risk is worked out of more than their two values: see `hazards.py`."""

_FREE: Mapping[str, str] = {
    "how fast, and with how much CPU or memory, the server does the same": """
        active-defrag-cycle-max active-defrag-cycle-min active-defrag-cycle-us active-defrag-ignore-bytes
        active-defrag-max-scan-fields active-defrag-threshold-lower active-defrag-threshold-upper active-expire-effort
        activedefrag activerehashing aof-rewrite-incremental-fsync disable-thp dynamic-hz hz io-threads
        io-threads-do-reads jemalloc-bg-thread lazyfree-lazy-eviction lazyfree-lazy-expire
        lazyfree-lazy-server-del lazyfree-lazy-user-del
        lazyfree-lazy-user-flush max-new-connections-per-cycle max-new-tls-connections-per-cycle mptcp
        oom-score-adj prefetch-batch-max-size rdb-save-incremental-fsync rdbcompression rdma-completion-vector
        rdma-rx-size repl-disable-tcp-nodelay repl-mptcp replica-lazy-flush tcp-backlog tls-session-cache-size
        tls-session-cache-timeout tls-session-caching tracking-table-max-keys aof-rewrite-cpulist bgsave-cpulist
        bio-cpulist server-cpulist
    """,
    "how values are held in memory; what clients see of them is the same": """
        hash-max-listpack-entries hash-max-listpack-value hll-sparse-max-bytes list-compress-depth
        list-max-listpack-size set-max-intset-entries set-max-listpack-entries set-max-listpack-value
        stream-node-max-bytes stream-node-max-entries zset-max-listpack-entries zset-max-listpack-value
    """,
    "which keys are chosen where some have to go, not whether": """
        lfu-decay-time lfu-log-factor maxmemory-eviction-tenacity maxmemory-samples
    """,
    "how the same data is written, or sent to replicas": """
        aof-disable-auto-gc aof-timestamp-enabled aof-use-rdb-preamble dual-channel-replication-enabled
        repl-backlog-size repl-backlog-ttl repl-diskless-sync repl-diskless-sync-delay repl-diskless-sync-max-replicas
    """,
    "what is measured, logged, shown or told": """
        always-show-logo availability-zone cluster-announce-human-nodename cluster-slot-stats-enabled
        commandlog-large-reply-max-len commandlog-large-request-max-len commandlog-reply-larger-than
        commandlog-request-larger-than crash-log-enabled crash-memcheck-enabled latency-monitor-threshold
        latency-tracking latency-tracking-info-percentiles log-format log-timestamp-format logfile
        notify-keyspace-events pidfile proc-title-template set-proc-title slowlog-log-slower-than slowlog-max-len
        syslog-enabled syslog-facility syslog-ident socket-mark-id use-exit-on-panic
    """,
    "how a cluster moves slots, and replicas, among its nodes": """
        cluster-allow-pubsubshard-when-down cluster-allow-replica-migration cluster-blacklist-ttl
        cluster-manual-failover-timeout cluster-migration-barrier cluster-slot-migration-log-max-len
        slot-migration-max-failover-repl-bytes
    """,
    "how some answers are spelled or sorted": "extended-redis-compatibility locale-collate",
    "which side chooses among what both take, and when files are read again": """
        tls-auto-reload-interval tls-prefer-server-ciphers
    """,
}

FREE: Mapping[str, str] = {name: reason for reason, names in _FREE.items() for name in names.split()}
"""Why nobody has to allow a new value, by parameter."""

BY_NAME: Mapping[str, tuple[Decision, ...]] = {
    name: tuple(Decision(when, hazard, reason) for names, when, hazard, reason in ROWS if name in names.split())
    for name in {name for names, *_ in ROWS for name in names.split()}
}

UNKNOWN = Decision(ALWAYS, LESS_SAFE, "what it does is not known to this version of reconciler")


def is_decided(name: str) -> bool:
    """Whether the table knows the parameter, by whichever of its names."""
    name = ALIASES.get(name, name)
    return name in FREE or name in BY_NAME or name in JUDGED_ALONE


def decisions(name: str) -> tuple[Decision, ...]:
    """The decisions on a parameter, by whichever of its names; empty where they are left to `hazards.py`, or free."""
    return BY_NAME.get(ALIASES.get(name, name), ()) if is_decided(name) else (UNKNOWN,)
