from __future__ import annotations

pytest_plugins = ["fix_servers"]

WANTED_POSTGRES = {"13", "14", "15", "16", "17", "18"}


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    """Says which servers the live tests ran on, so that nobody takes a missing one for a passing one."""
    from fix_servers import postgres_binaries, redis_binaries

    postgres, redis = postgres_binaries(), redis_binaries()
    missing = sorted(WANTED_POSTGRES - {version.split(".")[0] for version in postgres})
    terminalreporter.section("servers covered")
    terminalreporter.write_line(f"PostgreSQL {', '.join(postgres)}; Redis: {', '.join(redis)}")
    terminalreporter.write_line(f"Not covered on this machine: PostgreSQL {', '.join(missing) or 'none'}")
