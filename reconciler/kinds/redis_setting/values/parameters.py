"""What is known about the parameters of Redis and Valkey by name: their types, and which a running server refuses.

Seen on Redis 6.2.14, Redis 7.0.15 and Valkey 9.1.2, whose own answers to CONFIG GET and CONFIG SET
`tests/redis_setting/test_parameters.py` compares with these tables. A parameter that is in none of them is handled as
text: nothing here is needed to manage it.

Decided: docs/decisions.md#dir-and-dbfilename, docs/decisions.md#watchdog-period
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


BOOLEANS = _names(
    """
    activedefrag activerehashing aof-disable-auto-gc aof-load-truncated aof-rewrite-incremental-fsync
    aof-timestamp-enabled aof-use-rdb-preamble appendonly cluster-allow-pubsubshard-when-down
    cluster-allow-reads-when-down cluster-allow-replica-migration cluster-replica-no-failover
    cluster-require-full-coverage cluster-slave-no-failover cluster-slot-stats-enabled crash-log-enabled
    crash-memcheck-enabled disable-thp dual-channel-replication-enabled dynamic-hz extended-redis-compatibility
    gopher-enabled hide-user-data-from-log import-mode jemalloc-bg-thread latency-tracking lazyfree-lazy-eviction
    lazyfree-lazy-expire lazyfree-lazy-server-del lazyfree-lazy-user-del lazyfree-lazy-user-flush lua-replicate-commands
    no-appendfsync-on-rewrite protected-mode rdb-del-sync-files rdb-save-incremental-fsync rdbcompression
    repl-disable-tcp-nodelay repl-diskless-sync replica-announced replica-ignore-disk-write-errors
    replica-ignore-maxmemory replica-lazy-flush replica-read-only replica-serve-stale-data slave-ignore-maxmemory
    slave-lazy-flush slave-read-only slave-serve-stale-data stop-writes-on-bgsave-error tls-cluster
    tls-prefer-server-ciphers tls-replication tls-session-caching use-exit-on-panic
    """
)

INTEGERS = _names(
    """
    acllog-max-len active-defrag-cycle-max active-defrag-cycle-min active-defrag-cycle-us active-defrag-max-scan-fields
    active-defrag-threshold-lower active-defrag-threshold-upper active-expire-effort auto-aof-rewrite-percentage
    busy-reply-threshold cluster-announce-bus-port cluster-announce-client-port cluster-announce-client-tls-port
    cluster-announce-port cluster-announce-tls-port cluster-blacklist-ttl cluster-manual-failover-timeout
    cluster-migration-barrier cluster-node-timeout cluster-replica-validity-factor cluster-slave-validity-factor
    cluster-slot-migration-log-max-len commandlog-execution-slower-than commandlog-large-reply-max-len
    commandlog-large-request-max-len commandlog-reply-larger-than commandlog-request-larger-than
    commandlog-slow-execution-max-len hash-max-listpack-entries hash-max-ziplist-entries hz io-threads key-load-delay
    latency-monitor-threshold lfu-decay-time lfu-log-factor list-compress-depth list-max-listpack-size
    list-max-ziplist-size lua-time-limit max-new-connections-per-cycle max-new-tls-connections-per-cycle maxclients
    maxmemory-eviction-tenacity maxmemory-samples min-replicas-max-lag min-replicas-to-write min-slaves-max-lag
    min-slaves-to-write port prefetch-batch-max-size rdb-key-save-delay rdma-port repl-backlog-ttl
    repl-diskless-sync-delay repl-diskless-sync-max-replicas repl-ping-replica-period repl-ping-slave-period
    repl-timeout replica-announce-port replica-priority set-max-intset-entries set-max-listpack-entries
    set-max-listpack-value shutdown-timeout slave-announce-port slave-priority slowlog-log-slower-than slowlog-max-len
    stream-node-max-entries tcp-keepalive timeout tls-auto-reload-interval tls-port tls-session-cache-size
    tls-session-cache-timeout tracking-table-max-keys watchdog-period zset-max-listpack-entries zset-max-ziplist-entries
    """
)

MEMORY = _names(
    """
    active-defrag-ignore-bytes auto-aof-rewrite-min-size client-query-buffer-limit cluster-link-sendbuf-limit
    hash-max-listpack-value hash-max-ziplist-value hll-sparse-max-bytes maxmemory maxmemory-clients proto-max-bulk-len
    repl-backlog-size slot-migration-max-failover-repl-bytes stream-node-max-bytes zset-max-listpack-value
    zset-max-ziplist-value
    """
)
"""Amounts of bytes, which take units. `maxmemory-clients` also takes a percentage."""

ENUMS = _names(
    """
    acl-pubsub-default appendfsync cluster-config-save-behavior cluster-preferred-endpoint-type log-format
    log-timestamp-format loglevel maxmemory-policy oom-score-adj propagation-error-behavior rdb-version-check
    repl-diskless-load sanitize-dump-payload tls-auth-clients tls-auth-clients-user
    """
)
"""One word of a list, in any case of letters. Which words there are differs from version to version."""

SPECIAL = _names(
    """
    bind client-output-buffer-limit latency-tracking-info-percentiles notify-keyspace-events oom-score-adj-values save
    shutdown-on-sigint shutdown-on-sigterm tls-protocols
    """
)
"""Those whose text has a structure of its own: see `__init__.py`."""

SECRETS = _names("masterauth masteruser primaryauth primaryuser requirepass tls-client-key-file-pass tls-key-file-pass")

TEXTS = _names(
    """
    availability-zone bind-source-addr cluster-announce-client-ipv4 cluster-announce-client-ipv6
    cluster-announce-hostname cluster-announce-human-nodename cluster-announce-ip ignore-warnings locale-collate
    proc-title-template rdma-bind replica-announce-ip slave-announce-ip tls-ca-cert-dir tls-ca-cert-file tls-cert-file
    tls-ciphers tls-ciphersuites tls-client-cert-file tls-client-key-file tls-dh-params-file tls-key-file
    """
)

IMMUTABLE = _names(
    """
    aclfile always-show-logo aof-rewrite-cpulist aof_rewrite_cpulist appenddirname appendfilename bgsave-cpulist
    bgsave_cpulist bio-cpulist bio_cpulist cluster-config-file cluster-databases cluster-enabled cluster-port daemonize
    databases enable-debug-command enable-module-command enable-protected-configs hash-seed io-threads-do-reads logfile
    mptcp pidfile rdbchecksum rdma-completion-vector rdma-rx-size repl-mptcp replicaof server-cpulist server_cpulist
    set-proc-title slaveof socket-mark-id supervised syslog-enabled syslog-facility syslog-ident tcp-backlog unixsocket
    unixsocketgroup unixsocketperm
    """
)
"""Refused by CONFIG SET on every version that has them ("can't set immutable config"; 6.2: "Unsupported")."""

FIXED_WORDS = _names(
    """
    always-show-logo cluster-enabled daemonize enable-debug-command enable-module-command enable-protected-configs
    io-threads-do-reads mptcp rdbchecksum repl-mptcp set-proc-title supervised syslog-enabled syslog-facility
    """
)
"""Those of IMMUTABLE that are one word, in any case of letters."""

PROTECTED = frozenset({"dir", "dbfilename"})
"""Where the data is. Refused by CONFIG SET since 7.0, unless `enable-protected-configs` says otherwise.

Never set by us, also where the server would take it: the next start loads what it finds there, and does not start
where that is something else.
"""

FILE_ONLY = _names("include loadmodule rename-command user")
"""Lines of the file that no command reads or sets."""

ALIASES: dict[str, str] = {
    "aof_rewrite_cpulist": "aof-rewrite-cpulist",
    "bgsave_cpulist": "bgsave-cpulist",
    "bio_cpulist": "bio-cpulist",
    "server_cpulist": "server-cpulist",
    "lua-time-limit": "busy-reply-threshold",
    "primaryauth": "masterauth",
    "primaryuser": "masteruser",
    "commandlog-execution-slower-than": "slowlog-log-slower-than",
    "commandlog-slow-execution-max-len": "slowlog-max-len",
    "hash-max-ziplist-entries": "hash-max-listpack-entries",
    "hash-max-ziplist-value": "hash-max-listpack-value",
    "list-max-ziplist-size": "list-max-listpack-size",
    "zset-max-ziplist-entries": "zset-max-listpack-entries",
    "zset-max-ziplist-value": "zset-max-listpack-value",
    "cluster-slave-no-failover": "cluster-replica-no-failover",
    "cluster-slave-validity-factor": "cluster-replica-validity-factor",
    "min-slaves-max-lag": "min-replicas-max-lag",
    "min-slaves-to-write": "min-replicas-to-write",
    "repl-ping-slave-period": "repl-ping-replica-period",
    "slave-announce-ip": "replica-announce-ip",
    "slave-announce-port": "replica-announce-port",
    "slave-ignore-maxmemory": "replica-ignore-maxmemory",
    "slave-lazy-flush": "replica-lazy-flush",
    "slave-priority": "replica-priority",
    "slave-read-only": "replica-read-only",
    "slave-serve-stale-data": "replica-serve-stale-data",
    "slaveof": "replicaof",
}
"""Two names of one parameter. Both are answered by the server; declaring both is a contradiction."""

KNOWN = BOOLEANS | INTEGERS | MEMORY | ENUMS | SPECIAL | SECRETS | TEXTS | IMMUTABLE | PROTECTED
"""All names that were seen."""


def is_immutable(name: str, product: str, version: tuple[int, ...]) -> bool:
    """True where a running server of this product and version refuses CONFIG SET of `name`."""
    if name == "io-threads":
        return not (product == "Valkey" and version >= (9,))  # changed at run time on 9.1; older ones were not tried
    if name == "disable-thp":
        return version >= (7,)
    return name in IMMUTABLE
