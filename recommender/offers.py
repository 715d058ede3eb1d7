"""Offers as the table that campaigns fill their slots from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.catalogue import Catalogue
from recommender.ranking import Ranked
from recommender.reasons import name_columns, words

if TYPE_CHECKING:
    import pyarrow as pa


COLUMNS = ("customer_id", "rank", "product_id", "name", "reason", "probability", "score", "model")


@dataclass(frozen=True)
class Offers:
    """Ranked items, the possession that speaks for each (-1: none to name) and whether each was chosen personally."""

    ranked: Ranked
    causes: NDArray[np.int64]
    personal: NDArray[np.bool_]


def offer_schema() -> pa.Schema:
    """The columns of `offer_table`."""
    import pyarrow as pa

    texts, numbers = ("customer_id", "product_id", "name", "reason", "model"), ("probability", "score")
    kinds = {**dict.fromkeys(texts, pa.string()), **dict.fromkeys(numbers, pa.float64()), "rank": pa.int64()}
    return pa.schema([(name, kinds[name]) for name in COLUMNS])


def offer_table(customers: pa.Table, offers: Offers, catalogue: Catalogue, models: tuple[str, str]) -> pa.Table:
    """One line per offer in words: names and reasons in each customer's locale; `models` = (popular, personal) name."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ranked = offers.ranked
    locales = pc.fill_null(customers["locale"].cast(pa.string()), "").combine_chunks().dictionary_encode()
    spoken = locales.dictionary.to_pylist()
    tongue = locales.indices.to_numpy().astype(np.int64)[ranked.row]
    items = len(catalogue.items)
    names = pa.array(
        [catalogue.name(item, name_columns(locale)) for locale in spoken for item in range(items)], pa.string()
    )
    reasons = pa.array([text for locale in spoken for text in words(catalogue, locale)], pa.string())
    return pa.table(
        {
            "customer_id": customers["customer_id"].cast(pa.string()).combine_chunks().take(pa.array(ranked.row)),
            "rank": pa.array(ranked.rank, pa.int64()),
            "product_id": pa.array(catalogue.items, pa.string()).take(pa.array(ranked.item)),
            "name": names.take(pa.array(tongue * items + ranked.item)),
            "reason": reasons.take(pa.array(tongue * (items + 1) + offers.causes + 1)),
            "probability": pa.array(ranked.probability.astype(np.float64)),
            "score": pa.array(ranked.score.astype(np.float64)),
            "model": pa.array(models, pa.string()).take(pa.array(offers.personal.astype(np.int64))),
        }
    )
