"""Spark as engine: the checked tables handed over as Parquet, the same query tree, the rows back as Parquet.

Tables a query names are written once for each opened facts, those that change between queries each time. What comes
back is read, put in order and typed by the facts' own database, so that a moment is the same to the byte.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from triggers.errors import FactsError
from triggers.moments import session, zone_of
from triggers.readers import described
from triggers.spark_dialect import in_spark
from triggers.sqltext import identifier, text

if TYPE_CHECKING:
    import pyarrow

    from triggers.engine import Work
    from triggers.facts import Facts

CHANGING = ("memberships",)
KINDS = {"string": "string", "int64": "bigint", "double": "double"}
ROWS = 100_000
MISSING = "Spark cannot be started: {0}. Install kairos[spark] and a Java runtime (Debian: apt-get install openjdk-17-jre-headless)"


class SparkEngine:
    """One Spark session at `address`, started when it is first needed. Files pass through `share`, which all nodes must see.

    Raises FactsError where PySpark or Java is missing, or the master does not answer.
    """

    def __init__(self, address: str, share: Path | None = None) -> None:
        self.address, self._share = address, share
        self._spark: Any = None
        self._folder: Path | None = None
        self._handed: dict[str, Path] = {}
        self._numbers = count()

    def batches(self, query: exp.Select, facts: Facts, rows: int) -> Iterator[pyarrow.RecordBatch]:
        """Run on the cluster; read the result in the query's order, with the types the query has in the facts' database."""
        with session(facts) as db:
            spark, folder = self._session(zone_of(facts.db)), self._files()
            for name in _tables(query):
                if name in CHANGING or name not in self._handed:
                    self._hand_over(db, spark, name)
            result = folder / f"result-{next(self._numbers)}"
            spark.sql(in_spark(query)).write.parquet(str(result))
            yield from db.sql(_read(db, query, result)).to_arrow_reader(rows)
            shutil.rmtree(result)

    def spread(
        self, work: Work, parts: int, facts: Facts, tables: Sequence[str], schema: pyarrow.Schema, order: str
    ) -> Iterator[pyarrow.RecordBatch]:
        """One task a part; every node needs Kairos installed and sees `share`. The rows are put in order by the facts' database."""
        with session(facts) as db:
            spark, folder = self._session(zone_of(facts.db)), self._files()
            for name in tables:
                if name not in self._handed:
                    self._hand_over(db, spark, name)
            files = {name: str(self._handed[name]) for name in tables}
            result = folder / f"result-{next(self._numbers)}"
            kinds = ", ".join(f"{field.name} {KINDS[str(field.type)]}" for field in schema)
            spark.range(0, parts, 1, parts).mapInArrow(_task(work, files, parts), kinds).write.parquet(str(result))
            found = f"SELECT * FROM read_parquet({text(str(result / '*.parquet'))}) ORDER BY {order}"  # noqa: S608 - quoted, own names
            yield from db.sql(found).to_arrow_reader(ROWS)
            shutil.rmtree(result)

    def close(self) -> None:
        """Stop the session and remove the files."""
        if self._spark is not None:
            self._spark.stop()
            self._spark = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        self._handed.clear()

    def _hand_over(self, db: Any, spark: Any, name: str) -> None:
        path = self._files() / f"{name}-{next(self._numbers)}.parquet"
        db.execute(f"COPY (SELECT * FROM {identifier(name)}) TO {text(str(path))} (FORMAT parquet)")  # noqa: S608 - quoted
        spark.read.parquet(str(path)).createOrReplaceTempView(name)
        self._handed[name] = path

    def _files(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="kairos-spark-", dir=self._share))
        return self._folder

    def _session(self, zone: str) -> Any:
        if self._spark is None:
            self._spark = _started(self.address)
        self._spark.conf.set("spark.sql.session.timeZone", zone)
        return self._spark


def _task(work: Work, files: Mapping[str, str], parts: int) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """What a node does with the numbers of the parts it is given."""

    def run(batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            for part in batch.column(0).to_pylist():
                yield from work(files, part, parts)

    return run


def _tables(query: exp.Select) -> list[str]:
    """The facts' tables a query names."""
    inner = {alias.alias_or_name for alias in query.find_all(exp.CTE)}
    return sorted({table.name for table in query.find_all(exp.Table)} - inner)


def _read(db: Any, query: exp.Select, result: Path) -> str:
    """The rows of the result with the query's own columns and types, in its order."""
    from triggers.moments import in_duckdb

    kinds = described(db, in_duckdb(query))
    columns = ", ".join(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in kinds.items())
    order = query.args.get("order")
    found = f"SELECT {columns} FROM read_parquet({text(str(result / '*.parquet'))})"  # noqa: S608 - quoted
    return f"{found} {order.sql('duckdb')}" if order else found


def _started(address: str) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise FactsError(MISSING.format("PySpark is not installed")) from error
    settings = {
        "spark.app.name": "kairos",
        "spark.sql.ansi.enabled": "false",  # a value that cannot be read is unknown, as in the facts' database
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    if address.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # the nodes are on this machine: the same Python
        settings |= {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.sql.shuffle.partitions": "4",
            "spark.driver.memory": "2g",
        }
    builder = SparkSession.builder.master(address)
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise FactsError(MISSING.format(f"{type(error).__name__} at {address}")) from error
