"""The queries that really run, as pg_stat_statements has them."""
