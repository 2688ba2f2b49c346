"""Measures what each server has by default, and writes the table that an import compares with.

    PYTHONPATH=tests:. python tests/redis_setting/measure_defaults.py

Each server is started with an empty configuration file. Versions that are not found on this machine keep their place in
the table. What depends on the machine or is a secret is not in it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import redis
from clusters.ports import lasting_port
from fix_servers import redis_binaries
from waiting import until_it_answers

from reconciler.kinds.redis_setting.values.defaults import OF_THE_MACHINE, TABLE
from reconciler.kinds.redis_setting.values.parameters import ALIASES, KNOWN, SECRETS


def measured(binary: Path) -> dict[str, str]:
    """The defaults of one server, by the names that it gives them first."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "redis.conf"
        empty.touch()
        port = lasting_port()
        process = subprocess.Popen(
            [binary, empty, "--port", str(port), "--bind", "127.0.0.1"], cwd=folder, stdout=subprocess.DEVNULL
        )
        try:
            with redis.Redis(port=port, decode_responses=True) as client:
                until_it_answers(client)
                found = client.config_get("*")
                for name in KNOWN - found.keys():  # some are answered by name only
                    found |= client.config_get(name)
        finally:
            process.kill()
            process.wait()
    # Given as arguments here. Seen without them: 6.2 lists no address for every one, later versions do.
    found |= {"port": "6379", "bind": "* -::*" if "bind-source-addr" in found else ""}
    return {
        name: value
        for name, value in sorted(found.items())
        if name not in SECRETS | OF_THE_MACHINE and ALIASES.get(name) not in found
    }


def main() -> None:
    """Brings the table up to date."""
    known = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    for name, binary in redis_binaries().items():
        product, version = name.split("-")
        known[f"{product.capitalize()} {'.'.join(version.split('.')[:2])}"] = measured(binary)
    TABLE.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
