"""Phone numbers in E.164.

The phonenumbers library reads about 20,000 numbers a second, a large insurer has a hundred million. Numbers of the
default region in the usual spellings, and mobile numbers of other countries written with + and their code, are therefore
read in SQL, by the library's own patterns; only the distinct rest goes through the library. Both ways give the same
answer (a test holds them against each other).
"""

# ruff: noqa: S608 - names come from triggers.views or are quoted, values are quoted by triggers.sqltext
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from triggers.sqltext import text

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection
    from phonenumbers import PhoneMetadata, PhoneNumberDesc

CHUNK = 50_000


@dataclass(frozen=True)
class Numbers:
    """How numbers are read: where those without a country code belong (ISO 3166-1), and who is told how many are done."""

    region: str = "CN"
    progress: Callable[[int, int], None] = lambda _done, _total: None


def e164(written: str, region: str) -> str | None:
    """The number in E.164, read as one of `region` (ISO 3166-1) unless it says otherwise; None if it is not valid."""
    import phonenumbers

    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def read_rest(db: DuckDBPyConnection, table: str, mark: str, numbers: Numbers) -> None:
    """Create `staging.phones(written, e164)` of every distinct text behind the `mark` in the column `phone` of `table`."""
    db.execute(
        f"CREATE TABLE staging.phones AS SELECT written, CAST(NULL AS VARCHAR) AS e164, {dialled('written')} AS digits "
        f"FROM (SELECT DISTINCT substr(phone, {len(mark) + 1}) AS written FROM {table} "
        f"WHERE starts_with(phone, {text(mark)}))"
    )
    _read(db, numbers)


def read_phones(db: DuckDBPyConnection, written: str, source: str, numbers: Numbers) -> None:
    """Create `staging.phones(written, e164)`: every distinct text that the SQL expression `written` has in `source`."""
    usual = usual_spellings("written", numbers.region, "digits")
    db.execute(
        f"CREATE TABLE staging.phones AS SELECT written, {usual} AS e164, digits "
        f"FROM (SELECT written, {dialled('written')} AS digits "
        f"FROM (SELECT DISTINCT {written} AS written FROM {source} r) WHERE written IS NOT NULL)"
    )
    _read(db, numbers)


def _read(db: DuckDBPyConnection, numbers: Numbers) -> None:
    """Read the numbers there are not yet."""
    _read_abroad(db)
    rest = db.sql("SELECT written FROM staging.phones WHERE e164 IS NULL ORDER BY written").to_arrow_table()
    for read in _through_the_library(rest, numbers):
        db.register("phones_read", read)
        db.execute("UPDATE staging.phones p SET e164 = n.e164 FROM phones_read n WHERE n.written = p.written")
        db.unregister("phones_read")


def _read_abroad(db: DuckDBPyConnection) -> None:
    """Read the mobile numbers of other countries, where the country is written with them."""
    begun = "SELECT DISTINCT left(written, 4) FROM staging.phones WHERE e164 IS NULL AND starts_with(written, '+')"
    codes = {code for (beginning,) in db.execute(begun).fetchall() if (code := _country(beginning[1:]))}
    if codes:
        db.execute(f"UPDATE staging.phones SET e164 = {abroad('written', sorted(codes), 'digits')} WHERE e164 IS NULL")


def _country(digits: str) -> int | None:
    """The country code these digits begin with; None where none does."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    found = (int(digits[:size]) for size in (1, 2, 3) if digits[:size].isdecimal())
    return next((code for code in found if code in COUNTRY_CODE_TO_REGION_CODE), None)


def dialled(column: str) -> str:
    """SQL of a number without what only parts its digits."""
    return rf"regexp_replace({column}, '[ ().-]', '', 'g')"


def abroad(column: str, codes: Sequence[int], digits: str = "") -> str:
    """SQL of the E.164 number for a mobile number written with + and one of these country codes, else NULL (not: invalid).

    `digits` is SQL of `dialled(column)` where that is at hand.
    """
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    digits = digits or dialled(column)
    cases = []
    for code in codes:
        metadata = PhoneMetadata.metadata_for_region(COUNTRY_CODE_TO_REGION_CODE[code][0])
        if metadata is not None:  # codes of no country, such as 800, have none
            number = f"substr({digits}, {len(str(code)) + 2})"
            cases.append(f"WHEN starts_with({digits}, '+{code}') AND {_is_national(number, metadata)} THEN {digits}")
    spelled = rf"regexp_full_match({column}, '\+[0-9][0-9 ().-]*')"
    return f"(CASE WHEN NOT {spelled} THEN NULL {' '.join(cases)} END)"


def _through_the_library(rest: pa.Table, numbers: Numbers) -> Iterator[pa.Table]:
    import pyarrow as pa

    done = 0
    for batch in rest.to_batches(max_chunksize=CHUNK):
        found = [e164(written, numbers.region) for written in batch.column(0).to_pylist()]
        yield pa.table({"written": batch.column(0), "e164": pa.array(found, pa.string())})
        done += batch.num_rows
        numbers.progress(done, rest.num_rows)


def usual_spellings(column: str, region: str, digits: str = "") -> str:
    """SQL of the E.164 number for a column written in one of the region's usual ways, else NULL (not: invalid).

    Usual: the mobile number alone, with +CC or CC before it, or any number with the national prefix before it;
    spaces, hyphens, dots and brackets anywhere. `digits` is SQL of `dialled(column)` where that is at hand: it is asked
    for many times. Raises ValueError for a region the library does not know.
    """
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        raise ValueError(f"{region!r} is not a region phone numbers can belong to, e.g. CN, DE or US")
    code = metadata.country_code
    if code is None or COUNTRY_CODE_TO_REGION_CODE[code][0] != region:
        return "CAST(NULL AS VARCHAR)"
    digits = digits or dialled(column)
    spelled = rf"regexp_full_match({column}, '\+?[0-9(][0-9 ().-]*')"
    cases = " ".join(f"WHEN {when} THEN '+{code}' || {then}" for when, then in _ways(digits, metadata))
    return f"(CASE WHEN NOT {spelled} THEN NULL {cases} END)"


def _ways(digits: str, metadata: PhoneMetadata) -> Iterator[tuple[str, str]]:
    """Each usual spelling: the condition that it is one, and the national number in it."""
    country = str(metadata.country_code)
    after_plus = f"substr({digits}, {len(country) + 2})"
    yield f"starts_with({digits}, '+{country}') AND {_is_national(after_plus, metadata)}", after_plus
    dialled_abroad = _begins(digits, metadata.international_prefix)
    after_country = f"substr({digits}, {len(country) + 1})"
    whole = _matches(digits, metadata.general_desc)
    with_country = f"starts_with({digits}, '{country}')"
    yield (
        f"{with_country} AND NOT {dialled_abroad} AND NOT {whole} AND {_is_national(after_country, metadata)}",
        after_country,
    )
    yield f"NOT {with_country} AND NOT {dialled_abroad} AND {_is_national(digits, metadata)}", digits
    prefix = metadata.national_prefix
    if prefix and metadata.national_prefix_transform_rule is None:
        after_prefix = f"substr({digits}, {len(prefix) + 1})"
        taken = f"regexp_extract({digits}, {text(f'^(?:{metadata.national_prefix_for_parsing})')}) = '{prefix}'"
        known = f"NOT {with_country} AND NOT {dialled_abroad} AND {taken} AND NOT {whole}"
        kinds = (_is_of(after_prefix, kind, metadata) for kind in (metadata.mobile, metadata.fixed_line))
        yield f"{known} AND ({' OR '.join(kinds)})", after_prefix


def _is_national(number: str, metadata: PhoneMetadata) -> str:
    prefixed = _begins(number, metadata.national_prefix_for_parsing)
    return f"(NOT {prefixed} AND {_is_of(number, metadata.mobile, metadata)})"


def _is_of(number: str, kind: PhoneNumberDesc | None, metadata: PhoneMetadata) -> str:
    """A number of this kind; those with a leading zero of their own (Italy) are left to the library."""
    if kind is None or kind.national_number_pattern is None:
        return "false"
    general = _matches(number, metadata.general_desc)
    lengths = [length for length in kind.possible_length if length > 0] or [-1]
    long_enough = f"length({number}) IN ({', '.join(map(str, lengths))})"
    return f"({_matches(number, kind)} AND {general} AND {long_enough} AND NOT starts_with({number}, '0'))"


def _matches(number: str, kind: PhoneNumberDesc | None) -> str:
    pattern = kind.national_number_pattern if kind is not None else None
    return f"regexp_full_match({number}, {text(pattern)})" if pattern else "false"


def _begins(number: str, pattern: str | None) -> str:
    return f"regexp_matches({number}, {text(f'^(?:{pattern})')})" if pattern else "false"
