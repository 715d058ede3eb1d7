"""A ledger that only pretends: the real one in a file thrown away, for turns over many days."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from campaigns.ledger import Ledger
from campaigns.ledger.ledger import seconds

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from campaigns.definition import Campaign

_NEW = """
    select m.*, hash(m.customer_id, m.subject, m.occasion) as one, hash(m.occasion, m.subject, m.customer_id, 1) as two
      from found m"""


class SimulatedLedger(Ledger):
    """The ledger's own code on a temporary file that need not survive a power cut.

    A scan finds each occasion as often as it is looked at, for as long as it may be late. Here those seen before are
    dropped before they reach the file, by two 64-bit hashes of their identity. With `among` (customer_id), so are the
    moments of everybody else.
    """

    def __init__(self, folder: Path, beginning: Ledger | None = None, among: pa.Table | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=folder))
        if beginning is not None:
            beginning.store.copy_to(self._folder / "ledger.db")
        super().__init__(self._folder / "ledger.db", durable=False)
        self._seen: duckdb.DuckDBPyConnection | None = None
        self._among = among

    def admit(self, campaign: Campaign, moments: pa.RecordBatch, now: datetime) -> int:
        """Let moments in that were not seen before; the unique key of the ledger still has the last word."""
        import pyarrow as pa

        db, table = self._memory(campaign.name)
        db.register("found", pa.Table.from_batches([moments]))
        ours = "" if self._among is None else "semi join among using (customer_id)"
        new = db.sql(f"select * from ({_NEW}) anti join {table} using (one, two) {ours}").to_arrow_table()  # noqa: S608 - a quoted name
        db.register("new_ones", new)
        db.execute(f"insert into {table} select one, two from new_ones")  # noqa: S608 - a quoted name
        db.unregister("new_ones")
        admitted = 0
        for batch in new.select(moments.schema.names).cast(moments.schema).to_batches():
            admitted += super().admit(campaign, batch, now)
        return admitted

    def deliver(self, now: datetime) -> int:
        """Whatever may go by now has gone and arrived: nobody hands anything over in a simulation."""
        with self.store.transaction():
            return self.store.run("simulate_delivery", {"now": seconds(now)})

    def close(self) -> None:
        """Close and throw away."""
        super().close()
        if self._seen is not None:
            self._seen.close()
        shutil.rmtree(self._folder)

    def __enter__(self) -> Self:
        return self

    def _memory(self, campaign: str) -> tuple[duckdb.DuckDBPyConnection, str]:
        """The hashes seen of a campaign."""
        import duckdb

        if self._seen is None:
            self._seen = duckdb.connect(":memory:")
            if self._among is not None:
                self._seen.register("among", self._among)
        table = '"' + campaign.replace('"', '""') + '"'
        self._seen.execute(f"create table if not exists {table} (one ubigint, two ubigint)")
        return self._seen, table
