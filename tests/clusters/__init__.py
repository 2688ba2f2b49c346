"""Servers that belong together: a streaming pair, Patroni on etcd, a Redis Cluster, a primary with its Sentinels.

All on loopback, in a folder that whoever makes them gives and removes, like reconciler.demo.servers. `start` and `stop`
are for the whole; single nodes are started and stopped by themselves. `stop` also cleans up after a failed start.
"""
