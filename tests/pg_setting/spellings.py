"""Every spelling of a value that the server takes, and some that look like one and that it refuses.

Nothing here is believed: `test_in_sync` puts all of them to real servers.
"""

from __future__ import annotations

from fractions import Fraction

from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.values import lists

MEMORY = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
TIME = {"us": 1, "ms": 10**3, "s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6}
SIZES = {"8kB": 8192, **MEMORY, **TIME}

NOT_DEFAULT = {
    "work_mem": "1536kB",
    "maintenance_work_mem": "96MB",
    "effective_cache_size": "1536MB",
    "temp_file_limit": "3GB",
    "statement_timeout": "90s",
    "checkpoint_timeout": "90s",
    "log_rotation_age": "36h",
    "log_min_duration_statement": "250ms",
    "vacuum_cost_delay": "1.5ms",
    "random_page_cost": "1.25",
    "bgwriter_lru_multiplier": "2.5",
    "wal_level": "logical",
    "client_min_messages": "debug2",
    "log_destination": "stderr,csvlog",
    "unix_socket_permissions": "0770",
    "shared_preload_libraries": "auto_explain,pg_stat_statements",
    "session_preload_libraries": "auto_explain",
    "wal_compression": "on",
    "log_connections": "on",
    "constraint_exclusion": "on",
    "search_path": '"$user", public, "Quoted, with a comma"',
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""What the server of the test has set, so that there is more to spell than defaults."""

TEXTS = {
    "client_encoding": ("UTF8", "utf8", "UTF-8", "unicode"),
    "datestyle": ("ISO, MDY", "iso,mdy", "MDY, ISO", "ISO,US"),
    "default_text_search_config": ("pg_catalog.english", "english"),
    "log_timezone": ("UTC", "utc"),
    "search_path": (
        '"$user", public, "Quoted, with a comma"',
        '"$user",PUBLIC,"Quoted, with a comma"',
        '"$user" , "public", "Quoted, with a comma" ',
    ),
    "timezone": ("UTC", "utc"),
}
"""Spellings of texts that mean the same to the server, by the first of them."""

HIDDEN = {
    "wal_level": {"replica": ("archive", "hot_standby")},
    "wal_compression": {"pglz": ("on", "true", "yes", "1")},
}


def spellings(definition: Definition, setting: str) -> list[str]:
    """Texts that mean `setting`, that text among them."""
    match definition.vartype:
        case "bool":
            found = _cases(*_switches(setting))
        case "enum":
            found = _cases(*_names(definition, setting))
        case "integer":
            found = _integers(definition, int(setting, 8) if len(setting) > 1 and setting[0] == "0" else int(setting))
        case "real":
            found = _reals(definition, float(setting))
        case _:
            found = _strings(definition.name, setting)
    return sorted({setting, *found})


def near_misses(definition: Definition) -> list[str]:
    """Texts of which a server may think otherwise than one would expect; most of them it refuses."""
    match definition.vartype:
        case "bool":
            return ["", "o", "2", "1.5", " on", "on ", "tr ue", "maybe", "01", "onn", "+1", "enable"]
        case "enum":
            first = definition.enumvals[-1]
            return ["", f" {first}", f"{first} ", f"{first}x", "2", "t", "y", "enable"]
        case "integer" | "real":
            texts = ["", " ", "x", "1 2", "1e", "0x", "--1", "1,5", "08", "0b1", "1_000", "٣", "1.5.2", "nan", "inf"]
            units = [
                "mb",
                "Kb",
                "KB",
                "kb",
                "gB",
                "M",
                "k",
                "S",
                "MS",
                "Ms",
                "m",
                "H",
                "D",
                "sec",
                "B",
                "ms",
                "MB",
                "8kB",
            ]
            texts += [f"64{unit}" for unit in units] + ["64 k B", "64kB kB"]
            if definition.vartype == "integer":
                low, high = int(definition.min_val or 0), int(definition.max_val or 0)
                texts += [str(low - 1), str(high + 1), f"{high}.4", f"{high}.6", str(2**31), str(-(2**31) - 1), "1e10"]
            else:
                texts += ["1e400", "-1e400", "1e-400", "0x1p3", "0x1.8p1"]
            return texts
        case _:
            return []


def _cases(*words: str) -> set[str]:
    return {form for word in words for form in (word, word.upper(), word.capitalize(), word.swapcase())}


def _switches(setting: str) -> list[str]:
    full, others = (("true", "yes"), ["on", "1"]) if setting == "on" else (("false", "no"), ["off", "of", "0"])
    return others + [word[:length] for word in full for length in range(1, len(word) + 1)]


def _names(definition: Definition, setting: str) -> list[str]:
    found = [setting, *HIDDEN.get(definition.name, {}).get(setting, ())]
    if {"on", "off"} <= set(definition.enumvals) and setting in ("on", "off"):
        found += ["true", "yes", "1"] if setting == "on" else ["false", "no", "0"]
    return found + (["debug"] if setting == "debug2" else [])


def _integers(definition: Definition, number: int) -> set[str]:
    sign, digits = "-" if number < 0 else "", abs(number)
    found = {
        f"{number}", f" {number}", f"{number} ", f"\t{number}\t", f"{number}.0", f"{number}e0", f"{number}.",
        f"{sign}0{digits:o}", f"{sign}{digits:#x}", f"{sign}0X{digits:X}", f"{number}.4", f"{sign}{digits * 10}e-1",
    }  # fmt: skip
    if number >= 0:
        found.add(f"+{number}")
    return found | _with_units(definition.unit, Fraction(number))


def _reals(definition: Definition, number: float) -> set[str]:
    found = {f"{number:g}", f"{number}", f" {number:g} ", f"{number:e}", f"{number:E}", f"{number:.6f}", number.hex()}
    if 0 < number < 1:
        found.add(f"{number:g}".removeprefix("0"))
    return found | _with_units(definition.unit, Fraction(f"{number:g}"))


def _with_units(unit: str, number: Fraction) -> set[str]:
    """`number` of `unit` in every unit in which it takes no more than three decimals, exactly."""
    if not unit:
        return set()
    found = set()
    scale = TIME if unit in TIME else MEMORY
    for (name, size), smaller in zip(scale.items(), [1, *scale.values()], strict=False):
        amount = number * SIZES[unit] / size
        # A fraction is rounded to the next smaller unit: 0.025h is 2min, and not 90s.
        rounded = amount.denominator > 1 and (amount * size / smaller).denominator > 1 and size > 1
        if (amount * 1000).denominator == 1 and abs(amount) < 10**9 and not rounded:
            text = f"{amount.numerator}" if amount.denominator == 1 else f"{float(amount):.3f}".rstrip("0")
            found |= {f"{text}{name}", f"{text} {name}", f" {text}\t{name} "}
    return found


def _strings(name: str, setting: str) -> set[str]:
    if name in TEXTS:
        return set(TEXTS[name]) if setting == TEXTS[name][0] else set()
    if name == "log_connections":
        every = "receipt, authentication, authorization"
        return {*_cases("on", "true", "yes", "1"), every, every.upper()} if setting == "on" else set()
    if not lists.is_list(name):
        return set()
    items = lists.split(name, setting)
    if not items or (name == "unix_socket_directories"):
        return set()
    found = {",".join(items), ", ".join(items), " , ".join(items), ",".join(f'"{item}"' for item in items)}
    return found | {", ".join(items).upper()} if name in lists.PLAIN else found
