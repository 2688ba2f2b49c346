"""Patroni's REST API."""
