"""The offers of all customers, part by part: what each part needs are files and a fitted model, so parts may be anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from recommender.offers import COLUMNS

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from recommender.serving import Recommender

TABLES = ("customers", "policies", "events", "products")
"""What offers are made from."""
OF_CUSTOMERS = ("customers", "policies", "events")


@dataclass(frozen=True)
class Asking:
    """What is asked for everybody. `spoken`: locale of a customer (or None) and the language spoken to them, all there are.

    `zone` (IANA) is where the day of `now` is the insurer's.
    """

    kind: Literal["insurance", "service"] | None
    top: int
    now: datetime
    zone: str
    spoken: tuple[tuple[str | None, str], ...]

    def offers(self, model: Recommender, db: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
        """Of all customers of the view `customers`, by id, some thousands at a time (`offer_table`, in the order of its columns)."""
        from recommender.serving import AUDIENCE

        customers = self._customers(db)
        for start in range(0, customers.num_rows, AUDIENCE):
            some = customers.slice(start, AUDIENCE)
            found = model.top(db, some, kind=self.kind, top=self.top, now=self.now)
            yield from found.select(list(COLUMNS)).to_batches()

    def _customers(self, db: duckdb.DuckDBPyConnection) -> pa.Table:
        import pyarrow as pa

        written, told = zip(*self.spoken, strict=True) if self.spoken else ((), ())
        db.register(
            "recommender_spoken",
            pa.table({"written": pa.array(written, pa.string()), "locale": pa.array(told, pa.string())}),
        )
        try:
            return db.sql(
                "select c.customer_id, s.locale from customers c left join recommender_spoken s on s.written is not distinct from c.locale "
                "order by c.customer_id"
            ).to_arrow_table()
        finally:
            db.unregister("recommender_spoken")


@dataclass(frozen=True)
class Part:
    """The offers of one part of the customers, by hash of their id: the work of one task, on whatever machine.

    `models`: the folder of fitted models, which every machine sees.
    """

    asking: Asking
    models: str

    def __call__(self, files: Mapping[str, str], part: int, parts: int) -> Iterator[pa.RecordBatch]:
        """Rows of `offer_table`; `files`: TABLES as Parquet."""
        import duckdb

        from recommender.serving import load

        with duckdb.connect(":memory:") as db:
            zone = self.asking.zone.replace("'", "''")
            db.execute(f"set TimeZone = '{zone}'")
            for name in TABLES:
                path = files[name].replace("'", "''")
                own = f" where hash(customer_id) % {parts:d} = {part:d}" if name in OF_CUSTOMERS else ""
                db.execute(f"create table {name} as select * from read_parquet('{path}'){own}")  # noqa: S608 - quoted, numbers
            yield from self.asking.offers(load(Path(self.models)), db)
