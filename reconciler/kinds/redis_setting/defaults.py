"""What a parameter is where no line of the file says otherwise: seen on servers that were started without any file.

Needed to tell whether what runs would survive a restart: CONFIG REWRITE writes no line for what is at its default.
"""

from __future__ import annotations

from reconciler.kinds.redis_setting.accepted import TRIED
from reconciler.kinds.redis_setting.parameters import ALIASES

_BY_VALUE = {
    "no": """
        activedefrag aof-disable-auto-gc aof-timestamp-enabled appendonly cluster-allow-reads-when-down
        cluster-replica-no-failover cluster-slot-stats-enabled dual-channel-replication-enabled
        extended-redis-compatibility gopher-enabled import-mode lazyfree-lazy-eviction lazyfree-lazy-expire
        lazyfree-lazy-server-del lazyfree-lazy-user-del lazyfree-lazy-user-flush no-appendfsync-on-rewrite
        oom-score-adj rdb-del-sync-files repl-disable-tcp-nodelay replica-ignore-disk-write-errors
        replica-lazy-flush sanitize-dump-payload tls-cluster tls-prefer-server-ciphers tls-replication
        use-exit-on-panic
    """,
    "yes": """
        activerehashing aof-load-truncated aof-rewrite-incremental-fsync aof-use-rdb-preamble
        cluster-allow-pubsubshard-when-down cluster-allow-replica-migration cluster-require-full-coverage
        crash-log-enabled crash-memcheck-enabled dynamic-hz hide-user-data-from-log jemalloc-bg-thread
        latency-tracking lua-replicate-commands protected-mode rdb-save-incremental-fsync rdbcompression
        repl-diskless-sync replica-announced replica-ignore-maxmemory replica-read-only replica-serve-stale-data
        stop-writes-on-bgsave-error tls-auth-clients tls-session-caching
    """,
    "": """
        availability-zone bind-source-addr cluster-announce-client-ipv4 cluster-announce-client-ipv6
        cluster-announce-hostname cluster-announce-human-nodename cluster-announce-ip ignore-warnings
        locale-collate notify-keyspace-events rdma-bind replica-announce-ip tls-ca-cert-dir tls-ca-cert-file
        tls-cert-file tls-ciphers tls-ciphersuites tls-client-cert-file tls-client-key-file tls-dh-params-file
        tls-key-file tls-protocols
    """,
    "0": """
        cluster-announce-bus-port cluster-announce-client-port cluster-announce-client-tls-port
        cluster-announce-port cluster-announce-tls-port cluster-link-sendbuf-limit key-load-delay
        latency-monitor-threshold list-compress-depth maxmemory maxmemory-clients min-replicas-to-write
        rdb-key-save-delay rdma-port repl-diskless-sync-max-replicas replica-announce-port
        slot-migration-max-failover-repl-bytes timeout tls-auto-reload-interval tls-port watchdog-period
    """,
    "10": """
        active-defrag-threshold-lower cluster-replica-validity-factor hz lfu-log-factor
        max-new-connections-per-cycle maxmemory-eviction-tenacity min-replicas-max-lag repl-ping-replica-period
        shutdown-timeout
    """,
    "1": """
        active-defrag-cycle-min active-expire-effort cluster-migration-barrier io-threads lfu-decay-time
        max-new-tls-connections-per-cycle
    """,
    "128": """
        acllog-max-len commandlog-large-reply-max-len commandlog-large-request-max-len set-max-listpack-entries
        slowlog-max-len zset-max-listpack-entries
    """,
    "100": "active-defrag-threshold-upper auto-aof-rewrite-percentage replica-priority stream-node-max-entries",
    "1048576": "commandlog-reply-larger-than commandlog-request-larger-than repl-backlog-size",
    "64": "hash-max-listpack-value set-max-listpack-value zset-max-listpack-value",
    "1000": "active-defrag-max-scan-fields cluster-slot-migration-log-max-len",
    "10000": "maxclients slowlog-log-slower-than",
    "300": "tcp-keepalive tls-session-cache-timeout",
    "5": "maxmemory-samples repl-diskless-sync-delay",
    "5000": "busy-reply-threshold cluster-manual-failover-timeout",
    "512": "hash-max-listpack-entries set-max-intset-entries",
    "60": "cluster-blacklist-ttl repl-timeout",
    "default": "shutdown-on-sigint shutdown-on-sigterm",
    "legacy": "log-format log-timestamp-format",
    "* -::*": "bind",
    "-2": "list-max-listpack-size",
    "0 200 800": "oom-score-adj-values",
    "1000000": "tracking-table-max-keys",
    "104857600": "active-defrag-ignore-bytes",
    "1073741824": "client-query-buffer-limit",
    "15000": "cluster-node-timeout",
    "16": "prefetch-batch-max-size",
    "20480": "tls-session-cache-size",
    "25": "active-defrag-cycle-max",
    "3000": "hll-sparse-max-bytes",
    "3600": "repl-backlog-ttl",
    "3600 1 300 100 60 10000": "save",
    "4096": "stream-node-max-bytes",
    "50 99 99.9": "latency-tracking-info-percentiles",
    "500": "active-defrag-cycle-us",
    "536870912": "proto-max-bulk-len",
    "67108864": "auto-aof-rewrite-min-size",
    "disabled": "repl-diskless-load",
    "everysec": "appendfsync",
    "ignore": "propagation-error-behavior",
    "ip": "cluster-preferred-endpoint-type",
    "noeviction": "maxmemory-policy",
    "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60": "client-output-buffer-limit",
    "notice": "loglevel",
    "off": "tls-auth-clients-user",
    "resetchannels": "acl-pubsub-default",
    "strict": "rdb-version-check",
    "sync": "cluster-config-save-behavior",
    "{title} {listen-addr} {server-mode}": "proc-title-template",
}

_COMMON = {name: value for value, names in _BY_VALUE.items() for name in names.split()}

_ONLY_THERE = {
    ("Redis", (6, 2)): {
        "acl-pubsub-default": "allchannels",
        "bind": "",
        "disable-thp": "yes",
        "repl-diskless-sync": "no",
    },
    ("Valkey", (9, 1)): {
        "lazyfree-lazy-eviction": "yes",
        "lazyfree-lazy-expire": "yes",
        "lazyfree-lazy-server-del": "yes",
        "lazyfree-lazy-user-del": "yes",
        "lazyfree-lazy-user-flush": "yes",
        "repl-backlog-size": "10485760",
        "replica-lazy-flush": "yes",
    },
}


def default(name: str, product: str, version: tuple[int, ...]) -> str | None:
    """The value of `name` in a file that does not mention it; None where that is not known of this server."""
    name, server = ALIASES.get(name, name), (product, version[:2])
    if server not in TRIED:
        return None
    return _ONLY_THERE.get(server, {}).get(name, _COMMON.get(name))
