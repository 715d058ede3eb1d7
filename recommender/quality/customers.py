"""What each customer said last, on one scale for all questions: a column a `score` trigger can watch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recommender.errors import QualityError
from recommender.quality.scales import SCALES

if TYPE_CHECKING:
    import duckdb

FORMATS = {".parquet": "format parquet", ".csv": "format csv, header true"}
_TEN = " ".join(
    f"when '{each.name}' then (score - {each.low}) * 10.0 / {each.high - each.low}" for each in SCALES.values()
)
_LAST = f"""select customer_id, arg_max(round(case kind {_TEN} end, 2), (answered_at, event_id)) as satisfaction,
                   arg_max(kind, (answered_at, event_id)) as satisfaction_kind, max(answered_at) as satisfaction_at
              from survey_answers group by 1 order by 1"""  # noqa: S608 - own names


def write_scores(db: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write customer_id, satisfaction (0 to 10, the last answer), its kind and instant; the number of customers.

    The file is complete or as it was before. Raises QualityError for an ending that is neither .csv nor .parquet.
    """
    if path.suffix not in FORMATS:
        raise QualityError(f"{path} is neither .csv nor .parquet; name the file so that it says what it is")
    written = path.with_name(f".{path.name}.new")
    target = str(written).replace("'", "''")
    try:
        db.execute(f"copy ({_LAST}) to '{target}' ({FORMATS[path.suffix]})")
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
    return int(db.execute("select count(distinct customer_id) from survey_answers").fetchall()[0][0])
