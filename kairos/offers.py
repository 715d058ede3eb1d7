"""Offers: of some customers, looked at by hand, or of all of them, into a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kairos.errors import KairosError
from kairos.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from recommender.partitions import Asking
    from recommender.serving import Recommender
    from triggers.facts import Facts

Kind = Literal["insurance", "service"] | None
PART = 100_000
"""Customers of a part: what one task of a cluster does."""


def top_offers(place: Workspace, customers: Sequence[str], kind: Kind, top: int, now: datetime) -> list[dict[str, Any]]:
    """The best offers of the customers named, or of the first ten there are."""
    model = _model(place)
    from recommender.staleness import check_fresh

    words = place.words()
    with place.facts(now) as facts:
        if customers:
            facts.db.execute("create temp table asked as select unnest($ids) as customer_id", {"ids": list(customers)})
        else:
            facts.db.execute(
                "create temp table asked as select customer_id from customers order by customer_id limit 10"
            )
        found = facts.db.sql(
            "select a.customer_id, c.locale from asked a left join customers c using (customer_id)"
        ).to_arrow_table()
        locales = [words.locale_of(locale) for locale in found["locale"].to_pylist()]
        asked = found.set_column(1, "locale", [locales])
        check_fresh(facts.db, model.describe(), now)
        offers: list[dict[str, Any]] = model.top(facts.db, asked, kind=kind, top=top, now=now).to_pylist()
        return offers


def all_offers(
    place: Workspace, target: Path, kind: Kind, top: int, now: datetime, progress: Callable[[str, int, int], None]
) -> dict[str, Any]:
    """Write the best offers of every customer to a Parquet file, by customer and rank; how many of how many got one.

    Where `engine` is a cluster, the customers are scored there, part by part. The file is whole or as it was before.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from recommender.offers import offer_schema
    from recommender.staleness import check_fresh

    model = _model(place)
    written = target.with_name(f".{target.name}.new")
    offers = served = 0
    with place.facts(now, progress) as facts:
        check_fresh(facts.db, model.describe(), now)
        total = int(facts.db.execute("select count(*) from customers").fetchall()[0][0])
        asking = _asking(place, facts, kind, top, now)
        try:
            with pq.ParquetWriter(written, offer_schema()) as file:
                for batch in _batches(place, facts, model, asking, max(1, -(-total // PART))):
                    file.write_batch(batch)
                    offers += batch.num_rows
                    served += pc.sum(pc.equal(batch["rank"], 1)).as_py() or 0
                    progress("offers", served, total)
            written.replace(target)
        finally:
            written.unlink(missing_ok=True)
    return {"file": str(target), "model": model.version, "customers": total, "served": served, "offers": offers}


def _batches(
    place: Workspace, facts: Facts, model: Recommender, asking: Asking, parts: int
) -> Iterator[pa.RecordBatch]:
    from recommender.offers import offer_schema
    from recommender.partitions import TABLES, Part

    if facts.engine is None:
        return asking.offers(model, facts.db)
    work = Part(asking, str(place.models.resolve()))
    return facts.engine.spread(work, parts, facts, TABLES, offer_schema(), "customer_id, rank")


def _asking(place: Workspace, facts: Facts, kind: Kind, top: int, now: datetime) -> Asking:
    from recommender.partitions import Asking

    words = place.words()
    found = [locale for (locale,) in facts.db.execute("select distinct locale from customers order by 1").fetchall()]
    spoken = tuple((locale, words.locale_of(locale)) for locale in found)
    return Asking(kind, top, now, place.settings.timezone, spoken)


def _model(place: Workspace) -> Recommender:
    from recommender import NoModelError, load

    try:
        return load(place.models)
    except NoModelError as error:
        raise KairosError(f"no model is fitted; run `kairos recommend fit -w {place.folder}` first") from error
