"""What the ledger remembers of a batch's customers, laid out as tables for the gates to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaigns.errors import CampaignError
from campaigns.ledger.ledger import History
from campaigns.pseudonyms import salt_check
from campaigns.scene import Scene

if TYPE_CHECKING:
    import pyarrow as pa

_HASHES = """
    with people as (select c.customer_id, c.phone, c.email from customers c semi join asked a on a.customer_id = c.customer_id),
         marks as (select customer_id, sha256($salt || 'customer:' || customer_id) as hash from asked
                   union all select customer_id, sha256($salt || phone) from people where phone is not null
                   union all select customer_id, sha256($salt || lower(email)) from people where email is not null),
         lists as (select hash, '*' as channel, cast(null as date) as until from erased
                   union all select hash, channel, until from do_not_contact)
    select distinct m.customer_id, l.channel, l.until from lists l join marks m on m.hash = l.hash"""


def recall(scene: Scene, history: History, customers: pa.ChunkedArray) -> bool:
    """Register `opt_outs`, `told` and `listed` (customer_id, channel, until: who is on a do-not-contact list).

    True where all three are empty (`Case.nothing_told`). Raises CampaignError where data was erased under another salt:
    nobody could be recognised.
    """
    scene.db.register("opt_outs", history.opt_outs)
    scene.db.register("told", history.told)
    listed = _listed(scene, history, customers)
    scene.db.register("listed", listed)
    return not (history.opt_outs.num_rows or history.told.num_rows or listed.num_rows)


def _listed(scene: Scene, history: History, customers: pa.ChunkedArray) -> pa.Table:
    import pyarrow as pa

    own = scene.rules.do_not_contact
    if not history.do_not_contact.num_rows and own is None:
        return pa.table(_columns("customer_id"))
    salt = scene.rules.policy.salt_of_hashes
    _same_salt(history, salt)
    scene.db.register("asked", pa.table({"customer_id": customers.unique()}))
    scene.db.register("erased", history.do_not_contact)
    scene.db.register("do_not_contact", own if own is not None else pa.table(_columns("hash")))
    return scene.db.sql(_HASHES, params={"salt": salt}).to_arrow_table()


def _columns(key: str) -> dict[str, pa.Array]:
    """A list with nobody on it."""
    import pyarrow as pa

    return {key: pa.array([], pa.string()), "channel": pa.array([], pa.string()), "until": pa.array([], pa.date32())}


def _same_salt(history: History, salt: str) -> None:
    if set(history.do_not_contact["salt_check"].unique().to_pylist()) - {salt_check(salt)}:
        raise CampaignError(
            "customers were erased under another `hash_salt`, so that nobody could be recognised as one not to contact; "
            "set `hash_salt` in kairos.yaml to what it was then"
        )
