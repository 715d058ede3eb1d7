"""How a written value becomes a typed one, as SQL: what cannot be read becomes NULL, never an error and never a guess.

Dates are accepted as 2026-03-01, 2026/3/1, 20260301, 2026.3.1 and 2026年3月1日; forms whose day and month cannot be
told apart (01/02/2026) are not. Years outside 1800 to 9999 are misreadings. Whole numbers given where an instant is
wanted are seconds, or milliseconds, since 1970.
"""

from __future__ import annotations

from triggers.sqltext import text
from triggers.views import DATE, FLAG, INSTANT, NUMBER, TEXT, TEXTS

ABSENT = ("null", "none", "nan", "n/a", "na", "nat", "\\n", "-")
"""Words that mean "no value" where something other than text is expected; as text they may be somebody's name."""

_DATE_FORMS = "['%Y%m%d', '%Y.%m.%d', '%Y年%m月%d日']"
_INSTANT_FORMS = "['%Y%m%d%H%M%S', '%Y%m%d %H:%M:%S', '%Y%m%d', '%Y.%m.%d %H:%M:%S', '%Y年%m月%d日']"
_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
_FRACTION = {"FLOAT", "DOUBLE"}
_NEVER_WORDS = _WHOLE | {"BOOLEAN", "DATE", "TIME"}
_YES, _NO = "('on', '是', '有')", "('off', '否', '无')"


def written(column: str, source_type: str, target: str) -> str:
    """SQL of what the source has for a column, as text; NULL where it has nothing."""
    value = _as_text(column, source_type)
    if target == TEXT:
        return value
    absent = ", ".join(text(word) for word in ABSENT)
    return f"(CASE WHEN lower({value}) IN ({absent}) THEN NULL ELSE {value} END)"


def present(column: str, source_type: str, target: str) -> str:
    """SQL that is NULL where `written` is, without writing the value out where its type can be none of the words ABSENT."""
    if target != TEXT and (source_type in _NEVER_WORDS or source_type.startswith(("TIMESTAMP", "DECIMAL"))):
        return column
    if target != TEXT and source_type in _FRACTION:
        return f"(CASE WHEN NOT isnan({column}) THEN {column} END)"
    return written(column, source_type, target)


def typed(column: str, source_type: str, target: str) -> str:
    """SQL of the column read as `target`; NULL where it cannot be."""
    readers = {DATE: _date, INSTANT: _instant, NUMBER: _number, FLAG: _flag, TEXTS: _list, TEXT: _as_text}
    reader = readers.get(target)
    return reader(column, source_type) if reader else f"TRY_CAST({column} AS {target})"


def values_of(value: str, allowed: tuple[str, ...], synonyms: dict[str, str]) -> str:
    """SQL of the allowed value this text stands for, case and separators aside; NULL if for none."""
    folded = f"replace(replace(lower({value}), ' ', '_'), '-', '_')"
    cases = " ".join(f"WHEN {text(word)} THEN {text(meant)}" for word, meant in synonyms.items() if meant in allowed)
    same = ", ".join(text(word) for word in allowed)
    chosen = f"WHEN {folded} IN ({same}) THEN {folded}"
    return f"(CASE {chosen} ELSE (CASE {folded} {cases} END) END)" if cases else f"(CASE {chosen} END)"


def _as_text(column: str, source_type: str) -> str:
    if source_type == TEXT:
        return column
    if source_type in _FRACTION:
        whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
        return f"(CASE WHEN {whole} THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END)"
    if source_type == "JSON":
        return f"({column} ->> '$')"
    if source_type.startswith(("STRUCT", "MAP")) or source_type.endswith("]"):
        return f"CAST(to_json({column}) AS VARCHAR)"
    return f"CAST({column} AS VARCHAR)"


def _date(column: str, source_type: str) -> str:
    if source_type != TEXT:
        return _sane(f"TRY_CAST({column} AS DATE)", DATE)
    read = f"coalesce(TRY_CAST({column} AS DATE), CAST({_in_forms(column, _DATE_FORMS)} AS DATE))"
    return f"(CASE WHEN ascii({column}) BETWEEN 48 AND 57 THEN {_sane(read, DATE)} END)"


def _instant(column: str, source_type: str) -> str:
    if source_type in _WHOLE:
        seconds = f"(CASE WHEN abs({column}) > 100000000000 THEN {column} / 1000.0 ELSE CAST({column} AS DOUBLE) END)"
        return _sane(f"(CASE WHEN abs({column}) < 100000000000000 THEN to_timestamp({seconds}) END)", INSTANT)
    if source_type != TEXT:
        return _sane(f"TRY_CAST({column} AS {INSTANT})", INSTANT)
    local = f"CAST({_in_forms(column, _INSTANT_FORMS)} AS {INSTANT})"
    read = f"coalesce(TRY_CAST({column} AS {INSTANT}), {local})"
    return f"(CASE WHEN ascii({column}) BETWEEN 48 AND 57 THEN {_sane(read, INSTANT)} END)"


def _in_forms(column: str, forms: str) -> str:
    """Shorter digits could be cut into year, month and day in several ways (2026111)."""
    return f"(CASE WHEN length({column}) >= 8 THEN try_strptime({column}, {forms}) END)"


def _sane(value: str, target: str) -> str:
    """NULL outside 1800 to 9999, `value` computed once: greatest and least pass over NULLs and end at the bound."""
    low, high = f"{target} '1799-12-31'", f"{target} '10000-01-01'"
    return f"nullif(least(nullif(greatest({value}, {low}), {low}), {high}), {high})"


def _number(column: str, source_type: str) -> str:
    grouped = rf"regexp_full_match({column}, '[+-]?\d{{1,3}}(,\d{{3}})+(\.\d+)?')"
    plain = (
        f"(CASE WHEN {grouped} THEN replace({column}, ',', '') ELSE {column} END)" if source_type == TEXT else column
    )
    read = f"TRY_CAST({plain} AS DOUBLE)"
    return f"(CASE WHEN isfinite({read}) THEN {read} END)"


def _flag(column: str, source_type: str) -> str:
    if source_type != TEXT:
        return f"TRY_CAST({column} AS BOOLEAN)"
    word = f"lower({column})"
    own = f"CASE WHEN {word} IN {_YES} THEN true WHEN {word} IN {_NO} THEN false END"
    return f"coalesce(TRY_CAST({column} AS BOOLEAN), {own})"


def _list(column: str, source_type: str) -> str:
    if source_type != TEXT:
        return f"TRY_CAST({column} AS VARCHAR[])"
    split = f"regexp_split_to_array({column}, '[;,|、，；]')"
    parts = f"list_filter(list_transform({split}, lambda x: trim(x)), lambda x: x <> '')"
    return f"(CASE WHEN starts_with({column}, '[') THEN TRY_CAST({column} AS VARCHAR[]) ELSE {parts} END)"
