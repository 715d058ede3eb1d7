"""The ledger as the rest of the package uses it: tables in, tables out, one transaction a call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from campaigns.ledger.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

    from campaigns.definition import Campaign

PENDING_COLUMNS = (
    "moment_id",
    "campaign",
    "customer_id",
    "subject",
    "occasion",
    "due_at",
    "policy_id",
    "claim_id",
    "event_id",
    "alert_id",
    "admitted_at",
    "status",
    "step",
)


def seconds(instant: datetime) -> int:
    """An instant as the ledger keeps it: whole seconds since 1970-01-01 UTC. Raises ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone")
    return int(instant.timestamp())


def instant(value: int) -> datetime:
    """The ledger's seconds as an instant in UTC."""
    return datetime.fromtimestamp(value, UTC)


@dataclass(frozen=True)
class History:
    """What the ledger knows of a batch's customers: Arrow tables `contacts` and `opt_outs` (instants in UTC)."""

    contacts: pa.Table
    opt_outs: pa.Table


class Ledger:
    """Opened by path or SQLite URL. Every method that writes is one transaction."""

    def __init__(self, path: Path | str) -> None:
        self.store = Store(path)

    def publish(self, campaigns: Sequence[Campaign], now: datetime, by: str) -> int:
        """Remember these campaigns as they are; the number of versions not seen before."""
        rows = [
            (
                c.name,
                c.version,
                json.dumps(c.model_dump(mode="json", by_alias=True), ensure_ascii=False),
                seconds(now),
                by,
            )
            for c in campaigns
        ]
        with self.store.transaction():
            return sum(
                self.store.run("publish", dict(zip(("campaign", "version", "body", "at", "by"), row, strict=True)))
                for row in rows
            )

    def admit(self, campaign: Campaign, moments: pa.RecordBatch, now: datetime) -> int:
        """Let moments in; the unique key decides which are new. Returns how many were."""
        import pyarrow as pa
        import pyarrow.compute as pc

        due = pc.divide(pc.cast(pc.cast(moments["due_at"], pa.timestamp("us", "UTC")), pa.int64()), 1_000_000)
        texts = [moments[name].to_pylist() for name in ("customer_id", "subject", "occasion")]
        links = [moments[name].to_pylist() for name in ("policy_id", "claim_id", "event_id", "alert_id")]
        size, at, first = moments.num_rows, seconds(now), campaign.sends[0].send.key
        columns = [[campaign.name] * size, *texts, due.to_pylist(), *links, [at] * size, [first] * size, [at] * size]
        with self.store.transaction():
            return self.store.many("admit", zip(*columns, strict=True))

    def count_pending(self, campaign: str, now: datetime) -> int:
        """How many moments of a campaign want a decision now."""
        row = self.store.one("count_pending", campaign=campaign, now=seconds(now))
        return int(row[0]) if row else 0

    def pending(self, campaign: str, now: datetime, rows: int) -> Iterator[pa.Table]:
        """Moments that want a decision now, about `rows` at a time, never splitting a customer, in a fixed order."""
        after = ""
        while True:
            found = self.store.all("pending", campaign=campaign, now=seconds(now), after=after, limit=rows)
            if not found:
                return
            after = found[-1][2]
            if len(found) == rows:
                found = [row for row in found if row[2] != after]
                found += self.store.all("pending_of_customer", campaign=campaign, now=seconds(now), customer=after)
            yield _pending_table(found)

    def history(self, customers: pa.ChunkedArray, since: datetime) -> History:
        """Contacts since an instant, and opt-outs, of these customers."""
        with self.store.transaction():
            self.store.run("wanted_clear")
            self.store.many("wanted_add", ((customer,) for customer in customers.unique().to_pylist()))
        return History(
            contacts=_table(
                self.store.all("contacts", since=seconds(since)), ("customer_id", "medium", "purpose"), "at"
            ),
            opt_outs=_table(self.store.all("opt_outs"), ("customer_id", "purpose", "medium"), "at"),
        )

    def record_run(self, command: str, now: datetime, report: dict[str, Any]) -> None:
        """Keep what a command reported."""
        with self.store.transaction():
            self.store.run(
                "record_run",
                {"command": command, "as_of": seconds(now), "report": json.dumps(report, ensure_ascii=False)},
            )

    def opt_out(self, customer_id: str, now: datetime, source: str, *, purpose: str = "*", medium: str = "*") -> bool:
        """Once and for all; False where it was known."""
        values = {
            "customer_id": customer_id,
            "purpose": purpose,
            "medium": medium,
            "at": seconds(now),
            "source": source,
        }
        with self.store.transaction():
            return self.store.run("opt_out", values) > 0

    def close(self) -> None:
        """Close the file."""
        self.store.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _pending_table(rows: list[tuple[Any, ...]]) -> pa.Table:
    import pyarrow as pa

    columns = list(zip(*rows, strict=True))
    arrays = []
    for name, values in zip(PENDING_COLUMNS, columns, strict=True):
        kind = pa.int64() if name in ("moment_id", "due_at", "admitted_at") else pa.string()
        array = pa.array(values, kind)
        arrays.append(array.cast(pa.timestamp("s", "UTC")) if name in ("due_at", "admitted_at") else array)
    return pa.table(dict(zip(PENDING_COLUMNS, arrays, strict=True)))


def _table(rows: list[tuple[Any, ...]], texts: tuple[str, ...], at: str) -> pa.Table:
    import pyarrow as pa

    columns = list(zip(*rows, strict=True)) or [()] * (len(texts) + 1)
    arrays = {name: pa.array(values, pa.string()) for name, values in zip(texts, columns, strict=False)}
    return pa.table({**arrays, at: pa.array(columns[-1], pa.int64()).cast(pa.timestamp("s", "UTC"))})
