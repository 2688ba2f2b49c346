"""Which settings pg_settings keeps from a role that is not a member of pg_read_all_settings.

They are left out of the view without a trace, so that how many are missing can only be told by knowing them. Read off
live servers, 13 to 18, by comparing what a superuser and a plain role see; extensions may bring more.
"""

from __future__ import annotations

from collections.abc import Collection


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ALWAYS = _names(
    """
    config_file data_directory dynamic_library_path external_pid_file hba_file ident_file jit_provider
    krb_server_keyfile log_directory log_filename primary_conninfo session_preload_libraries shared_preload_libraries
    ssl_ciphers ssl_dh_params_file ssl_max_protocol_version ssl_min_protocol_version ssl_passphrase_command
    unix_socket_directories
    """
)
_UNTIL = {"stats_temp_directory": 15, "ssl_ecdh_curve": 18}
_SINCE = {
    "extension_control_path": 18,
    "oauth_validator_libraries": 18,
    "output_plugin_libraries": 18,
    "ssl_groups": 18,
    "ssl_tls13_ciphers": 18,
}


def hidden(version_num: int, listed: Collection[str]) -> tuple[str, ...]:
    """The server's own settings, in lower case, that are not among those `listed` to a role, though they are there."""
    major = version_num // 10000
    there = (
        _ALWAYS
        | {name for name, first in _SINCE.items() if major >= first}
        | {name for name, gone in _UNTIL.items() if major < gone}
    )
    return tuple(sorted(there - set(listed)))
