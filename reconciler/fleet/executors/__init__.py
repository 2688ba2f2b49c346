"""Engines that run the apply of each target elsewhere: on a worker that has the credentials, inside its network.

Decided: docs/decisions.md#a-dask-cluster
"""
