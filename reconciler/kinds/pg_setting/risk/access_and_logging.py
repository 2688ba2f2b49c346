"""Settings that decide who comes in, what statements mean, what is written to the log: and those for developers."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.pg_setting.risk.model import ANY, Risk, stops, unsafe
from reconciler.kinds.pg_setting.risk.turns import (
    above,
    added,
    below,
    bits_added,
    bits_removed,
    changed,
    emptied,
    leaves,
    listens_less,
    listens_wider,
    named,
    other_items,
    other_zone,
    removed,
    schemas_before_others,
    shorter,
    sinks,
    tells_less,
    to,
    weaker_ciphers,
)

_DEVELOPER = "it is for developers of PostgreSQL, and not for servers with data"
_UNLOGGED = "who comes in is no longer in the log, for those who look there after an attack"
_LOGGED = "texts of statements are in the log, and with them values, and passwords of roles that are made"
_AUDIT = "what is written down of what people do changes"
_FILE = "which file it is decides who is let in, or who the server is taken for"

RISKS: Mapping[str, tuple[Risk, ...]] = {
    # Who comes in, and as whom.
    "auth_delay.milliseconds": (unsafe(shorter(), "passwords can be guessed faster"),),
    "basebackup_to_shell.required_role": (unsafe(changed, "others may start backups to a command"),),
    "bonjour": (unsafe(to("on"), "the server makes itself known to the whole network"),),
    "createrole_self_grant": (unsafe(added, "who makes a role is a member of it, and has all that it has"),),
    "cron.enable_superuser_jobs": (unsafe(to("on"), "jobs of superusers are run"),),
    "cron.host": (unsafe(changed, "jobs are run on what is there, by whoever is let in there"),),
    "db_user_namespace": (unsafe(to("on"), "passwords are only checked by MD5, and roles have other names"),),
    "gss_accept_delegation": (unsafe(to("on"), "clients hand over credentials, by which the server may act as them"),),
    "hba_file": (unsafe(changed, _FILE),),
    "ident_file": (unsafe(changed, _FILE),),
    "krb_caseins_users": (unsafe(to("on"), "names of Kerberos that differ in case only are taken for the same"),),
    "krb_server_keyfile": (unsafe(changed, _FILE),),
    "listen_addresses": (
        unsafe(listens_wider, "other machines can reach the server, and pg_hba.conf alone decides who comes in"),
        stops(listens_less, "whoever comes by an address that goes is refused"),
    ),
    "password_encryption": (unsafe(to("md5"), "new passwords are stored as MD5, which is easily broken"),),
    "passwordcheck.min_password_length": (unsafe(shorter(), "shorter passwords are taken"),),
    "pgcrypto.builtin_crypto_enabled": (unsafe(to("on", "fips"), "functions that FIPS forbids can be called"),),
    "role": (unsafe(changed, "sessions act as another role, with all that it may, and own what they make by it"),),
    "scram_iterations": (unsafe(below(4096), "new passwords are easier to guess for whoever has the hashes"),),
    "sepgsql.permissive": (unsafe(to("on"), "rules of SELinux are no longer enforced"),),
    "ssl": (
        unsafe(to("off"), "passwords and data cross the network in clear"),
        stops(to("off"), "clients that insist on TLS are refused"),
    ),
    "ssl_ca_file": (unsafe(changed, _FILE),),
    "ssl_cert_file": (stops(changed, "clients that verify the certificate may refuse another"),),
    "ssl_ciphers": (
        unsafe(weaker_ciphers, "it takes suites without authentication, without encryption, or with a broken one"),
    ),
    "ssl_crl_dir": (unsafe(changed, "certificates that were revoked may be taken"),),
    "ssl_crl_file": (unsafe(changed, "certificates that were revoked may be taken"),),
    "ssl_dh_params_file": (unsafe(named, "parameters that somebody chose may be weak"),),
    "ssl_key_file": (stops(changed, "clients that verify the certificate may refuse another"),),
    "ssl_max_protocol_version": (unsafe(to("TLSv1", "TLSv1.1", "TLSv1.2"), "clients cannot use newer TLS"),),
    "ssl_min_protocol_version": (
        unsafe(to("", "TLSv1", "TLSv1.1"), "clients may connect by versions of TLS that are broken"),
        stops(to("TLSv1.3"), "clients that speak TLS 1.2 at most are refused"),
    ),
    "ssl_prefer_server_ciphers": (unsafe(to("off"), "clients choose the suite, and may choose the weakest"),),
    "unix_socket_directories": (stops(removed, "whoever comes by a socket that goes is refused"),),
    "unix_socket_group": (unsafe(changed, "other users of the machine may come in by the socket"),),
    "unix_socket_permissions": (
        unsafe(bits_added, "more users of the machine may come in by the socket"),
        stops(bits_removed, "users of the machine who come in by the socket are refused"),
    ),

    # What statements mean, and what is checked.
    "array_nulls": (unsafe(to("off"), "NULL in the text of an array is read as a word"),),
    "backslash_quote": (unsafe(to("on"), "in some encodings a quote that was escaped ends the text: injection"),),
    "check_function_bodies": (unsafe(to("off"), "functions are made without a look at their bodies"),),
    "client_encoding": (unsafe(changed, "texts of clients that name none are taken for texts of another encoding"),),
    "composite_type_mismatch": (unsafe(leaves("error"), "rows of a type that has changed are read wrongly"),),
    "cron.timezone": (unsafe(other_zone, "jobs are run at other times of the day"),),
    "datestyle": (unsafe(other_items, "1/2/2026 is another day, and dates are written in another way"),),
    "default_text_search_config": (unsafe(changed, "words that were found by a search are no longer, and others are"),),
    "default_transaction_isolation": (
        unsafe(
            sinks("read uncommitted", "read committed", "repeatable read", "serializable"),
            "transactions see what others commit meanwhile, which whoever wrote them may not expect",
        ),
    ),
    "event_triggers": (unsafe(to("off"), "event triggers, which may guard or audit, do not fire"),),
    "extra_float_digits": (unsafe(below(0), "numbers are written with fewer digits than they have"),),
    "gin_fuzzy_search_limit": (unsafe(below(ANY, 0), "searches by GIN indexes leave out rows at random"),),
    "intervalstyle": (unsafe(changed, "the sign of '-1 2:00' counts for more of it, and intervals look otherwise"),),
    "isn.weak": (unsafe(to("on"), "numbers with a wrong check digit are taken"),),
    "lc_monetary": (unsafe(changed, "what amounts of the type money are worth, and how they are read, changes"),),
    "lo_compat_privileges": (unsafe(to("on"), "everybody may read and write all large objects"),),
    "plpgsql.check_asserts": (unsafe(to("off"), "assertions in functions are not checked"),),
    "plpgsql.variable_conflict": (unsafe(leaves("error"), "names that are ambiguous in functions get a meaning"),),
    "restrict_nonsystem_relation_kind": (
        unsafe(removed, "code that others wrote into views and foreign tables can be reached again"),
        stops(added, "views or foreign tables can no longer be used"),
    ),
    "row_security": (unsafe(to("off"), "queries fail where row security would have applied"),),
    "search_path": (
        unsafe(schemas_before_others, "names are looked for where whoever may create there decides what they mean"),
    ),
    "session_replication_role": (
        unsafe(to("replica"), "triggers do not fire, and foreign keys are not checked"),
        unsafe(to("local"), "triggers and changes are taken for those of this server alone"),
    ),
    "standard_conforming_strings": (
        unsafe(to("off"), "backslashes in texts escape, which programs that quote do not expect: injection"),
    ),
    "timezone": (unsafe(other_zone, "times without a zone mean another moment, and days begin at another"),),
    "timezone_abbreviations": (unsafe(changed, "abbreviations such as IST mean other zones"),),
    "transform_null_equals": (unsafe(to("on"), "`= NULL` is read as IS NULL, against the standard"),),

    # What is written to the log, and who can still find out what happened.
    "auto_explain.log_min_duration": (unsafe(below(1, -1), _LOGGED),),
    "debug_print_parse": (unsafe(to("on"), _LOGGED),),
    "debug_print_plan": (unsafe(to("on"), _LOGGED),),
    "debug_print_rewritten": (unsafe(to("on"), _LOGGED),),
    "log_connections": (unsafe(removed, _UNLOGGED),),
    "log_destination": (unsafe(emptied, "nothing is logged any more"),),
    "log_disconnections": (unsafe(removed, _UNLOGGED),),
    "log_file_mode": (unsafe(bits_added, "more users of the machine may read, or write, the log"),),
    "log_line_prefix": (unsafe(tells_less, "the log no longer tells of each line what it did: who, from where, when"),),
    "log_min_duration_sample": (unsafe(below(1, -1), _LOGGED),),
    "log_min_duration_statement": (unsafe(below(1, -1), _LOGGED),),
    "log_min_error_statement": (unsafe(to("panic", "fatal"), "statements that fail are not in the log"),),
    "log_min_messages": (unsafe(to("panic", "fatal"), "errors are not in the log"),),
    "log_parameter_max_length_on_error": (unsafe(above(0, -1), "values of parameters are in the log with an error"),),
    "log_replication_commands": (unsafe(removed, _UNLOGGED),),
    "log_statement": (unsafe(to("all", "mod", "ddl"), _LOGGED),),
    "log_timezone": (unsafe(other_zone, "times in the log are those of another zone, for whoever looks there"),),
    "log_transaction_sample_rate": (unsafe(above(0), _LOGGED),),
    "log_truncate_on_rotation": (unsafe(to("on"), "a log of that name is overwritten, and what it told is gone"),),
    "logging_collector": (unsafe(to("off"), "the log goes to wherever the server was started, which may be nowhere"),),
    "pgaudit.log": (unsafe(changed, _AUDIT),),
    "pgaudit.log_catalog": (unsafe(changed, _AUDIT),),
    "pgaudit.log_client": (unsafe(changed, "what is audited may be sent to clients, or is no longer"),),
    "pgaudit.log_level": (unsafe(changed, _AUDIT),),
    "pgaudit.log_parameter": (unsafe(changed, _AUDIT),),
    "pgaudit.log_parameter_max_size": (unsafe(changed, _AUDIT),),
    "pgaudit.log_relation": (unsafe(changed, _AUDIT),),
    "pgaudit.log_rows": (unsafe(changed, _AUDIT),),
    "pgaudit.log_statement": (unsafe(changed, _AUDIT),),
    "pgaudit.log_statement_once": (unsafe(changed, _AUDIT),),
    "pgaudit.role": (unsafe(changed, _AUDIT),),
    "track_activities": (unsafe(to("off"), "nobody sees what sessions do, nor which one is in the way of others"),),

    # For developers of PostgreSQL.
    "debug_discard_caches": (stops(above(0), "every statement reads all it needs anew: a hundred times as slow"),),
    "debug_io_direct": (unsafe(added, _DEVELOPER),),
    "debug_logical_replication_streaming": (unsafe(leaves("buffered"), _DEVELOPER),),
    "debug_parallel_query": (unsafe(to("regress", "on"), _DEVELOPER),),
    "force_parallel_mode": (unsafe(to("regress", "on"), _DEVELOPER),),
    "jit_debugging_support": (unsafe(to("on"), _DEVELOPER),),
    "jit_dump_bitcode": (unsafe(to("on"), "files are written to the data directory without end"),),
    "jit_profiling_support": (unsafe(to("on"), "files are written to the home of the server's user without end"),),
    "sepgsql.debug_audit": (unsafe(to("on"), _DEVELOPER),),
    "trace_connection_negotiation": (unsafe(to("on"), _DEVELOPER),),
    "trace_notify": (unsafe(to("on"), _DEVELOPER),),
    "trace_recovery_messages": (unsafe(leaves("log"), _DEVELOPER),),
    "trace_sort": (unsafe(to("on"), _DEVELOPER),),
    "wal_consistency_checking": (stops(added, "a standby stops at the first page that differs"),),
}  # fmt: skip
