"""The insurer's do-not-contact file: phone numbers, e-mail addresses or salted hashes, whoever they belong to.

CSV whose first line names the columns: one of `phone`, `email` or `hash`, and if wanted `channel` (a channel, or * for all)
and `until` (the last day on which it holds). A number that cannot be read is left out: customers' numbers are read in the
same way, so that nobody could be reached under it.
"""

# ruff: noqa: S608 - column names from a fixed list; values are parameters
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from campaigns.problems import Problem
from channels.contract import MEDIA
from kairos.errors import ProblemsFoundError

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

KEYS = ("phone", "email", "hash")
COLUMNS = (*KEYS, "channel", "until")
SHOWN = 20
"""Faults listed at once."""
_FAULTS = {
    "hash": (
        "key is null or not regexp_full_match(key, '[0-9a-f]{64}')",
        "is no hash",
        "sha256 of `hash_salt` and the value, as 64 hexadecimal digits in small letters",
    ),
    "email": ("key is null or not contains(key, '@')", "is no e-mail address", "write one address a line"),
    "phone": ("key is null", "names nobody", "write one phone number a line"),
    "channel": (
        "channel <> '*' and not list_contains($channels, channel)",
        "is no channel",
        f"write {', '.join(MEDIA)}, or * for all",
    ),
    "until": (
        "until is not null and try_cast(until as date) is null",
        "is no day",
        "write it as 2027-02-20, or nothing: for good",
    ),
}


def read_list(path: Path, salt: str, phone_region: str) -> pa.Table:
    """The file as `hash`, `channel`, `until` (date, null = for good). Raises ProblemsFoundError."""
    import duckdb

    with duckdb.connect(":memory:") as db:
        try:
            found = db.read_csv(str(path), header=True, all_varchar=True, encoding="utf-8", sep=",")
            key = _key(path, [name.strip() for name in found.columns])
            _lay_out(db, found, key)
        except (duckdb.Error, OSError) as error:
            first = str(error).splitlines()[0]
            raise _faulty(path, 1, "", f"the list cannot be read: {first}", _HINT) from error
        if faults := _faults(db, path, key):
            raise ProblemsFoundError(faults)
        return _hashes(db, key, salt, phone_region)


_HINT = "`do_not_contact` in kairos.yaml names a CSV file of the workspace"


def _key(path: Path, columns: list[str]) -> str:
    keys = [name for name in columns if name in KEYS]
    unknown = [name for name in columns if name not in COLUMNS]
    if len(keys) != 1 or unknown:
        wrong = f"it has a column {unknown[0]!r}" if unknown else f"it names {len(keys)} of phone, email and hash"
        raise _faulty(
            path, 1, "", f"the first line does not name the columns: {wrong}", "write e.g. phone,channel,until"
        )
    return keys[0]


def _lay_out(db: DuckDBPyConnection, found: object, key: str) -> None:
    """The table `listed`: line, key, channel and until as written, blanks made null."""
    columns = {name.strip(): name for name in getattr(found, "columns")}  # noqa: B009 - a relation, untyped

    def text(name: str) -> str:
        return f"""nullif(trim("{columns[name]}"), '')""" if name in columns else "null::varchar"

    db.register("written", found)
    shown = f"lower({text(key)})" if key != "phone" else text(key)
    db.execute(
        f"create table listed as select row_number() over () + 1 as line, {shown} as key, "
        f"coalesce({text('channel')}, '*') as channel, {text('until')} as until from written"
    )


def _faults(db: DuckDBPyConnection, path: Path, key: str) -> list[Problem]:
    problems = []
    for name in (key, "channel", "until"):
        fault, words, hint = _FAULTS[name]
        values = {"channels": list(MEDIA)} if "$channels" in fault else {}
        column = "key" if name == key else name
        sql = f"select line, {column} from listed where {fault} order by line limit {SHOWN}"
        rows = db.execute(sql, values).fetchall()
        problems += [Problem(str(path), line, 1, name, f"{value or ''!r} {words}", hint) for line, value in rows]
    return problems


def _hashes(db: DuckDBPyConnection, key: str, salt: str, phone_region: str) -> pa.Table:
    ended = "channel, try_cast(until as date) as until from listed"
    if key == "hash":
        return db.sql(f"select distinct key as hash, {ended}").to_arrow_table()
    if key == "email":
        return db.sql(f"select distinct sha256($salt || key) as hash, {ended}", params={"salt": salt}).to_arrow_table()
    from triggers.phones import Numbers, read_phones

    db.execute("create schema staging")
    read_phones(db, "r.key", "listed", Numbers(phone_region))
    ended = ended.replace(
        "from listed", "from listed join staging.phones p on p.written = key where p.e164 is not null"
    )
    return db.sql(f"select distinct sha256($salt || p.e164) as hash, {ended}", params={"salt": salt}).to_arrow_table()


def _faulty(path: Path, line: int, where: str, message: str, hint: str) -> ProblemsFoundError:
    return ProblemsFoundError([Problem(str(path), line, 1, where, message, hint)])
