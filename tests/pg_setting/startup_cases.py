"""Declarations with which a server would not start again, or let nobody in, beside legal ones that look like them."""

from __future__ import annotations

from typing import Any, NamedTuple


class Case(NamedTuple):
    """`refused`: what the plan has to say of each declaration that it refuses; empty: all has to be planned.

    `there` is set by hand before, and the server restarted; `before` are statements. `fails`: set by hand, it truly
    keeps the server from starting; False where that cannot be told from here, or breaks something else. `memory` is
    declared, in bytes. {folder}, {port} and {libdir} are the server's.
    """

    reason: str
    declared: dict[str, Any]
    refused: str = ""
    pg: str = ""
    there: dict[str, str] = {}
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    fails: bool = True
    memory: int | None = None


GIGABYTE = 1 << 30
DROP_SLOTS = ("select pg_drop_replication_slot(slot_name) from pg_replication_slots",)
PREPARED = (
    "begin; create table if not exists t (); prepare transaction 'one'",
    "begin; create table if not exists u (); prepare transaction 'two'",
)
ROLLED_BACK = ("rollback prepared 'one'", "rollback prepared 'two'")
LOGICAL = "select pg_create_logical_replication_slot('kept', 'test_decoding')"
PHYSICAL = "select pg_create_physical_replication_slot('kept')"

MEMORY = [
    Case("more buffers than memory", {"shared_buffers": "4TB"}, "lower shared_buffers"),
    Case("a forgotten unit", {"shared_buffers": "1000000000"}, "lower shared_buffers"),
    Case("locks for everything", {"max_locks_per_transaction": "100000000"}, "lower max_locks_per_transaction"),
    Case("predicate locks for everything", {"max_pred_locks_per_transaction": "100000000"}, "lower max_pred_locks"),
    Case("locks times connections", {"max_locks_per_transaction": "100000", "max_connections": "10000"}, "memory",
         fails=False),
    Case("WAL buffers", {"wal_buffers": "1GB"}, "lower wal_buffers", memory=GIGABYTE, fails=False),
    Case("texts of queries", {"track_activity_query_size": "1MB", "max_connections": "50000"}, "memory"),
    Case("dynamic memory set aside", {"min_dynamic_shared_memory": "4TB"}, "min_dynamic_shared_memory", ">= 14"),
    Case("handles for I/O", {"io_max_concurrency": "1024", "io_max_combine_limit": "1MB", "max_connections": "50000"},
         "memory", ">= 18"),
    Case("buffers for notifications", {"notify_buffers": "1GB", "shared_buffers": "800MB"}, "memory", ">= 17",
         memory=GIGABYTE, fails=False),
    Case("each would fit, both do not", {"shared_buffers": "800MB", "max_connections": "5000"}, "lower shared_buffers",
         memory=GIGABYTE, fails=False),
    Case("buffers that fit", {"shared_buffers": "800MB"}, memory=GIGABYTE),
    Case("connections that fit", {"max_connections": "5000"}, memory=GIGABYTE),
    Case("too much to remember of statements", {"pg_stat_statements.max": "1000000000"}, "lower pg_stat_statements.max",
         there={"shared_preload_libraries": "pg_stat_statements"}),
    Case("no huge pages", {"huge_pages": "on"}, "raise vm.nr_hugepages"),
    Case("huge pages if there are some", {"huge_pages": "try", "shared_buffers": "200MB"}),
    Case("huge pages with the wrong memory", {"huge_pages": "on", "shared_memory_type": "sysv"}, "shared_memory_type"),
    Case("memory of System V", {"shared_memory_type": "sysv"}),
    Case("dynamic memory in files", {"dynamic_shared_memory_type": "mmap"}),
]  # fmt: skip

NUMBERS = [
    Case("too many processes", {"max_connections": "200000", "max_worker_processes": "100000"}, "must be less than"),
    Case("too many senders", {"max_wal_senders": "262143"}, "must be less than", ">= 18"),
    Case("too many workers for autovacuum", {"autovacuum_worker_slots": "262143"}, "must be less than", ">= 18"),
    Case("WAL in too small a room", {"max_wal_size": "12"}, "at least 32MB, twice wal_segment_size"),
    Case("WAL below a segment", {"min_wal_size": "16MB"}, "min_wal_size must be at least 32MB"),
    Case("the least WAL", {"max_wal_size": "32MB", "min_wal_size": "32MB"}),
    Case("fewer connections than are reserved", {"max_connections": "5"}, "superuser_reserved_connections (10)",
         there={"superuser_reserved_connections": "10"}),
    Case("as many reserved as there are", {"superuser_reserved_connections": "9", "max_connections": "9"},
         "max_connections (9)"),
    Case("one connection for everybody", {"superuser_reserved_connections": "10", "max_connections": "11"}),
    Case("reserved twice", {"reserved_connections": "98"}, "reserved_connections (98)", ">= 16"),
    Case("more prepared transactions than places", {"max_prepared_transactions": "1"}, "2 prepared transactions",
         before=PREPARED, after=ROLLED_BACK),
    Case("as many places as prepared transactions", {"max_prepared_transactions": "2"}, before=PREPARED,
         after=ROLLED_BACK, there={"max_prepared_transactions": "5"}),
]  # fmt: skip

WAL = [
    Case("minimal, with senders", {"wal_level": "minimal"}, "declare max_wal_senders: 0 as well"),
    Case("minimal, with an archive", {"wal_level": "minimal", "archive_mode": "on"}, "archive_mode on",
         there={"max_wal_senders": "0"}),
    Case("minimal, with summaries", {"summarize_wal": "on"}, "summarize_wal on", ">= 17",
         there={"max_wal_senders": "0", "wal_level": "minimal"}),
    Case("minimal, without", {"wal_level": "minimal", "max_wal_senders": "0"}),
    Case("minimal, and the senders reset", {"max_wal_senders": "default"}, "declare max_wal_senders: 0",
         there={"max_wal_senders": "0", "wal_level": "minimal"}),
    Case("logical slots need their level", {"wal_level": "replica"}, "1 logical replication slots",
         there={"wal_level": "logical"}, before=(LOGICAL,), after=DROP_SLOTS),
    Case("the same by RESET", {"wal_level": "default"}, "1 logical replication slots",
         there={"wal_level": "logical"}, before=(LOGICAL,), after=DROP_SLOTS),
    Case("logical again without slots", {"wal_level": "replica"}, there={"wal_level": "logical"}),
    Case("physical slots need their level", {"wal_level": "minimal", "max_wal_senders": "0"}, "1 replication slots",
         before=(PHYSICAL,), after=DROP_SLOTS),
    Case("fewer places than slots", {"max_replication_slots": "0"}, "1 replication slots", before=(PHYSICAL,),
         after=DROP_SLOTS),
    Case("as many places as slots", {"max_replication_slots": "1"}, before=(PHYSICAL,), after=DROP_SLOTS),
    Case("two ways to archive", {"archive_library": "basic_archive", "archive_command": "true"}, "exclude each other",
         ">= 16", fails=False),
    Case("an archive by a library that is not there", {"archive_library": "nonsense"}, "nothing would be archived",
         ">= 15", fails=False),
    Case("an archive by a library", {"archive_library": "basic_archive"}, pg=">= 15"),
    Case("two targets of a recovery", {"recovery_target_time": "2030-01-01 00:00:00", "recovery_target_xid": "9"},
         "only one of recovery_target_time, recovery_target_xid"),
    Case("one target of a recovery", {"recovery_target_time": "2030-01-01 00:00:00"}),
]  # fmt: skip

DOORS = [
    Case("a port of the system's", {"port": "80"}, "change the target's URL"),
    Case("another port", {"port": "15999"}, "change the target's URL"),
    Case("the port as it is", {"port": "{port}"}),
    Case("no address", {"listen_addresses": ""}, "127.0.0.1"),
    Case("an address of somebody else", {"listen_addresses": "192.0.2.1"}, "add 127.0.0.1"),
    Case("no address at all", {"listen_addresses": "nonsense"}, "add 127.0.0.1"),
    Case("the other family only", {"listen_addresses": "::1"}, "add 127.0.0.1"),
    Case("no comma", {"listen_addresses": "127.0.0.1 localhost"}, "a comma is wanted"),
    Case("a comma too many", {"listen_addresses": "127.0.0.1,,localhost"}, "an item is missing"),
    Case("a quote that is not closed", {"listen_addresses": '"127.0.0.1'}, "not closed"),
    Case("everywhere", {"listen_addresses": "*"}),
    Case("here and elsewhere", {"listen_addresses": "192.0.2.1, 127.0.0.1"}),
    Case("here, as a list", {"listen_addresses": ["localhost", "127.0.0.1"]}),
    Case("sockets nowhere", {"unix_socket_directories": "/nonexistent"}, "is no directory"),
    Case("sockets in a file", {"unix_socket_directories": "{folder}/data/PG_VERSION"}, "is no directory"),
    Case("sockets where it may not", {"unix_socket_directories": "/etc"}, "whether it may"),
    Case("sockets with too long a name", {"unix_socket_directories": "/srv/" + "x" * 100}, "107 bytes"),
    Case("sockets in a quoted list", {"unix_socket_directories": "{folder},/nonexistent"}, "/nonexistent is no",
         ">= 14"),
    Case("sockets where it may not be able to", {"unix_socket_directories": "/srv"}, "whether it may", fails=False),
    Case("sockets in its own directory", {"unix_socket_directories": ["{folder}/data", "{folder}"]}, pg=">= 14"),
    Case("several folders for sockets", {"unix_socket_directories": ["{folder}/data", "{folder}"]},
         "postgresql.conf only", "< 14", fails=False),
    Case("no sockets", {"unix_socket_directories": ""}, "only be had by RESET", fails=False,
         there={"unix_socket_directories": "pg_stat"}),
    Case("sockets without files", {"unix_socket_directories": "@reconciler-{port}"}, pg=">= 14"),
    Case("sockets without files, too early", {"unix_socket_directories": "@reconciler-{port}"}, "PostgreSQL 14",
         pg="< 14"),
    Case("no group of this name", {"unix_socket_group": "nonsense"}, "does not belong to a group nonsense"),
    Case("a group of somebody else", {"unix_socket_group": "root"}, "does not belong to a group root"),
    Case("no rules", {"hba_file": "/nonexistent"}, "who may come in"),
    Case("no rules in there", {"hba_file": "PG_VERSION"}, "who may come in"),
    Case("no map", {"ident_file": "/nonexistent"}, "who may come in", fails=False),
    Case("all roles by another name", {"db_user_namespace": "on"}, "name@database", "< 17", fails=False),
]  # fmt: skip

FILES = [
    Case("a log nowhere", {"logging_collector": "on", "log_directory": "/nonexistent/a"}, "is no directory"),
    Case("a log where it may not", {"logging_collector": "on", "log_directory": "/etc"}, "whether it may"),
    Case("a log in a file", {"logging_collector": "on", "log_directory": "PG_VERSION"}, "is no directory"),
    Case("a log in the root", {"logging_collector": "on", "log_directory": ""}, "the root of the file system"),
    Case("a log without a name", {"logging_collector": "on", "log_filename": ""}, "is not the name of a file"),
    Case("a log with a path", {"logging_collector": "on", "log_filename": "a/b.log"}, "is not the name of a file"),
    Case("a log named by slashes", {"logging_collector": "on", "log_filename": "%D.log"}, "is not the name of a file"),
    Case("a log over the configuration",
         {"logging_collector": "on", "log_directory": ".", "log_filename": "postgresql.auto.conf"}, "server's own",
         fails=False),
    Case("a log over the control file",
         {"logging_collector": "on", "log_directory": "global", "log_filename": "pg_control"}, "server's own",
         fails=False),
    Case("the collector alone", {"logging_collector": "on"}, "/nonexistent/a is no",
         there={"log_directory": "/nonexistent/a"}),
    Case("the directory alone", {"log_directory": "/nonexistent/a"}, "/nonexistent/a is no",
         there={"logging_collector": "on"}, fails=True),
    Case("a log that cannot be opened twice",
         {"logging_collector": "on", "log_filename": "one.log", "log_file_mode": "0000"}, "declare 0600", fails=False),
    Case("a log for others", {"logging_collector": "on", "log_filename": "one.log", "log_file_mode": "0640"}),
    Case("a log in its place", {"logging_collector": "on", "log_filename": "pg-%a.log"}),
    Case("a log in a directory to be made", {"logging_collector": "on", "log_directory": "logs_of_mine"}),
    Case("a directory without a collector", {"log_directory": "/nonexistent/a"}),
    Case("the rules overwritten by a number", {"external_pid_file": "pg_hba.conf"}, "name a file of its own",
         fails=False),
    Case("the control file overwritten", {"external_pid_file": "{folder}/data/global/pg_control"}, "of its own",
         fails=False),
    Case("its own lock overwritten", {"external_pid_file": "postmaster.pid"}, "of its own", fails=False),
    Case("a number in a file of its own", {"external_pid_file": "{folder}/main.pid"}),
    Case("statistics nowhere", {"stats_temp_directory": "/nonexistent"}, "is no directory", "< 15"),
    Case("statistics without a place", {"stats_temp_directory": ""}, "has to be a directory", "< 15"),
    Case("direct I/O", {"debug_io_direct": "data"}, "direct I/O", ">= 16", fails=False),
]  # fmt: skip

LIBRARIES = [
    Case("a library that is not there", {"shared_preload_libraries": "nonsense"}, "installed on the server: nonsense"),
    Case("two libraries in one item", {"shared_preload_libraries": ["pg_stat_statements,auto_explain"]}, "installed"),
    Case("a library somewhere", {"shared_preload_libraries": "/nonexistent/x"}, "installed"),
    Case("a device for a library", {"shared_preload_libraries": "/dev/zero"}, "installed"),
    Case("a text for a library", {"shared_preload_libraries": "/etc/passwd"}, "no module of PostgreSQL"),
    Case("a directory for a library", {"shared_preload_libraries": "pgxs"}, "installed"),
    Case("a library of clients", {"shared_preload_libraries": "libpq"}, "installed on the server: libpq"),
    Case("added to a list", {"shared_preload_libraries": {"include": ["nonsense"]}}, "installed"),
    Case("a library for sessions that is not there", {"session_preload_libraries": "nonsense"}, "no session"),
    Case("a library for anybody that is not in plugins", {"local_preload_libraries": "auto_explain"}, "no session"),
    Case("a library for anybody by a path", {"local_preload_libraries": "$libdir/auto_explain"}, "$libdir/plugins/"),
    Case("libraries looked for elsewhere", {"dynamic_library_path": "/nonexistent"}, "pg_stat_statements",
         there={"shared_preload_libraries": "pg_stat_statements"}),
    Case("both at once", {"dynamic_library_path": "/nonexistent", "shared_preload_libraries": "pg_stat_statements"},
         "pg_stat_statements", fails=False),
    Case("libraries by a path", {"shared_preload_libraries": "$libdir/auto_explain"}),
    Case("libraries, quoted and not", {"shared_preload_libraries": '"pg_stat_statements", auto_explain,'}),
    Case("no library", {"shared_preload_libraries": ""}, there={"shared_preload_libraries": "auto_explain"}),
    Case("a library for sessions", {"session_preload_libraries": "auto_explain"}),
    Case("libraries looked for here and elsewhere", {"dynamic_library_path": "/nonexistent:$libdir"},
         there={"shared_preload_libraries": "pg_stat_statements"}),
]  # fmt: skip

SESSIONS = [
    Case("a long wait before the password", {"pre_auth_delay": "60"}, "60 s to begin"),
    Case("a long wait after the password", {"post_auth_delay": "1000"}, "1000 s to begin"),
    Case("a short wait", {"post_auth_delay": "1"}),
    Case("transactions that end at once", {"transaction_timeout": "1"}, "100ms at least", ">= 17"),
    Case("transactions that end soon", {"transaction_timeout": "10s"}, pg=">= 17"),
    Case("statements that end at once", {"statement_timeout": "1"}, "10ms at least", fails=False),
    Case("statements that end soon", {"statement_timeout": "10s"}),
    Case("sessions that end at once", {"idle_session_timeout": "1"}, "10ms at least", ">= 14", fails=False),
    Case("idle transactions that end at once", {"idle_in_transaction_session_timeout": "1"}, "10ms at", fails=False),
    Case("statistics that exclude each other", {"log_statement_stats": "on", "log_parser_stats": "on"},
         "log_parser_stats: switch it off"),
    Case("statistics of parts", {"log_executor_stats": "on", "log_parser_stats": "on"}),
    Case("a text of several lines", {"log_line_prefix": "%m\n"}, "several lines", fails=False),
    Case("a number at the end of a block", {"work_mem": "64MB\n", "random_page_cost": "2.5\n"}),
    Case("more stack than the shell gives", {"max_stack_depth": "1GB"}, "is not a value", fails=False),
    Case("an encoding that one database cannot have", {"client_encoding": "EUC_JP"}, "to the encoding of latin",
         before=("create database latin encoding 'LATIN1' locale 'C' template template0",),
         after=("drop database latin",), fails=False),
    Case("an encoding that Python does not know", {"client_encoding": "EUC_TW"}),
    Case("no encoding", {"client_encoding": "SQL_ASCII"}),
    Case("a standby's setting on a primary", {"hot_standby": "off"}),
    Case("a provider of JIT that is not there", {"jit_provider": "nonsense"}),
]  # fmt: skip

CASES = [*MEMORY, *NUMBERS, *WAL, *DOORS, *FILES, *LIBRARIES, *SESSIONS]

TLS = {"ssl": "on", "ssl_cert_file": "{folder}/server.crt", "ssl_key_file": "{folder}/server.key"}

TLS_CASES = [
    Case("TLS without a certificate", {"ssl": "on"}, "server.crt is no file"),
    Case("TLS with a certificate that is none", TLS | {"ssl_cert_file": "PG_VERSION"}, "no CERTIFICATE"),
    Case("TLS with a key that is none", TLS | {"ssl_key_file": "PG_VERSION"}, "no PRIVATE KEY"),
    Case("TLS without an authority", TLS | {"ssl_ca_file": "/nonexistent"}, "ssl_ca_file /nonexistent is no file"),
    Case("TLS without the list of revocations", TLS | {"ssl_crl_file": "/nonexistent"}, "is no file"),
    Case("TLS without parameters", TLS | {"ssl_dh_params_file": "/nonexistent"}, "is no file"),
    Case("TLS that nobody speaks",
         TLS | {"ssl_min_protocol_version": "TLSv1.3", "ssl_max_protocol_version": "TLSv1.2"}, "to overlap"),
    Case("TLS by a curve that is none", TLS | {"ssl_ecdh_curve": "nonsense"}, "nonsense is none", "< 18"),
    Case("an authority that is not there, later", {"ssl_ca_file": "/nonexistent"}, "is no file", there=TLS),
    Case("TLS with a key that wants a passphrase", TLS | {"ssl_key_file": "{folder}/encrypted.key"}, "wants a passph"),
    Case("TLS by suites that are none", TLS | {"ssl_ciphers": "NONSENSE"}, "ssl_ciphers NONSENSE: it comes to none",
         fails=False),  # OpenSSL 1.1.1, of other builds, starts with TLS 1.3 alone
    Case("TLS by suites that Debian's OpenSSL does not know", TLS | {"ssl_ciphers": "NONSENSE"}, "it comes to none",
         pg="== 15.*"),
    Case("TLS by no suite", TLS | {"ssl_ciphers": "HIGH:!ALL"}, "it comes to none", fails=False),
    Case("TLS by nothing", TLS | {"ssl_ciphers": ""}, "it comes to none", fails=False),
    Case("TLS by a command that is none", TLS | {"ssl_ciphers": "HIGH:@NONSENSE"}, "it is no list of cipher suites"),
    Case("suites that are none, later", {"ssl_ciphers": "NONSENSE"}, "it comes to none", there=TLS, fails=False),
    Case("suites that are none, without TLS", {"ssl_ciphers": "NONSENSE"}),
    Case("TLS with suites that are none before", {"ssl": "on"}, "it comes to none", fails=False, there={
         "ssl_ciphers": "NONSENSE", "ssl_cert_file": "{folder}/server.crt", "ssl_key_file": "{folder}/server.key"}),
    Case("TLS by a suite", TLS | {"ssl_ciphers": "ECDHE-RSA-AES128-GCM-SHA256"}),
    Case("TLS by sound suites", TLS | {"ssl_ciphers": "HIGH:!aNULL:NONSENSE"}),
    Case("TLS without authentication", TLS | {"ssl_ciphers": "aNULL"}),
    Case("TLS without encryption", TLS | {"ssl_ciphers": "eNULL"}),
    Case("TLS by the usual suites and weak keys", TLS | {"ssl_ciphers": "DEFAULT@SECLEVEL=0"}),
    Case("TLS of old protocols", TLS | {"ssl_ciphers": "TLSv1.2"}),
    Case("TLS by suites of several words", TLS | {"ssl_ciphers": "ECDHE+AESGCM DHE+AESGCM, RSA"}),
    Case("TLS by a word that counts at the beginning alone", TLS | {"ssl_ciphers": "NONSENSE:DEFAULT"}, "to none",
         fails=False),
    Case("TLS with a certificate from a device", TLS | {"ssl_cert_file": "/dev/zero"}, "no CERTIFICATE"),
    Case("TLS", TLS),
    Case("TLS as its own authority", TLS | {"ssl_ca_file": "{folder}/server.crt"}),
    Case("TLS by another curve", TLS | {"ssl_ecdh_curve": "secp384r1"}, pg="< 18"),
    Case("versions that nobody speaks, without TLS",
         {"ssl_min_protocol_version": "TLSv1.3", "ssl_max_protocol_version": "TLSv1.2"}),
]  # fmt: skip
