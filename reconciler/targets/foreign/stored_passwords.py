"""Where PostgreSQL keeps passwords, or what leads to them: nothing that a limited author of YAML may ask for.

Whoever is trusted with the role in the URL may ask whether a password is stored as MD5. A pull request of somebody else
would read the hashes in the answer of its check.
"""

from __future__ import annotations

from reconciler.targets.foreign.reached_names import Reached

_RELATIONS = frozenset(
    {
        *("pg_authid", "pg_shadow", "pg_user_mapping", "pg_user_mappings", "pg_subscription", "pg_foreign_server"),
        *("pg_file_settings", "pg_hba_file_rules", "pg_ident_file_mappings", "pg_db_role_setting"),
        *("_pg_foreign_servers", "_pg_user_mappings", "foreign_server_options", "user_mapping_options"),
    }
)
"""Hashes of passwords, options of servers and of their users, and lines of files. The functions behind the views are
volatile, and refused for that; what a setting comes to may be asked, as it may by current_setting."""


def kept_in(text: Reached) -> str:
    """The first of them that a statement reads; empty where it reads none. A name without a schema may be any."""
    schemas = ("", "pg_catalog", "information_schema")
    return min({name for schema, name in text.relations if schema in schemas} & _RELATIONS, default="")
