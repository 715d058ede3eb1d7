"""The columns of every file: those of the canonical views, and the extra ones the demo's campaigns use."""

from __future__ import annotations

import pyarrow as pa

INSTANT = pa.timestamp("us", tz="UTC")
TEXT, DAY, NUMBER, FLAG = pa.string(), pa.date32(), pa.float64(), pa.bool_()
TEXTS, WHOLE = pa.list_(pa.string()), pa.int32()

SCHEMAS: dict[str, pa.Schema] = {
    "customers": pa.schema(
        {
            "customer_id": TEXT,
            "name": TEXT,
            "gender": TEXT,
            "birth_date": TEXT,  # text, since the insurer's old system let 30 February pass
            "phone": TEXT,
            "email": TEXT,
            "push_token": TEXT,
            "locale": TEXT,
            "timezone": TEXT,
            "region_code": TEXT,
            "agent_id": TEXT,
            "tier": TEXT,
            "joined_on": DAY,
            "deceased_on": DAY,
            "personalisation": FLAG,
            "exam_year": WHOLE,
        }
    ),
    "policies": pa.schema(
        {
            "policy_id": TEXT,
            "customer_id": TEXT,
            "product_id": TEXT,
            "line": TEXT,
            "status": TEXT,
            "effective_date": DAY,
            "expiry_date": DAY,
            "premium": NUMBER,
            "currency": TEXT,
            "insured_object": TEXT,
            "insured_region_code": TEXT,
            "renews_policy_id": TEXT,
            "next_premium_due": DAY,
            "renewal_premium": NUMBER,
            "no_claim_discount": NUMBER,
            "lapse_risk": NUMBER,
            "recorded_at": INSTANT,
        }
    ),
    "claims": pa.schema(
        {
            "claim_id": TEXT,
            "policy_id": TEXT,
            "customer_id": TEXT,
            "status": TEXT,
            "reported_at": INSTANT,
            "updated_at": INSTANT,
            "closed_at": INSTANT,
            "amount": NUMBER,
            "missing_documents": TEXTS,
        }
    ),
    "events": pa.schema(
        {
            "event_id": TEXT,
            "customer_id": TEXT,
            "type": TEXT,
            "occurred_at": INSTANT,
            "subject_id": TEXT,
            "channel": TEXT,
            "properties": TEXT,
        }
    ),
    "consents": pa.schema(
        {
            "customer_id": TEXT,
            "purpose": TEXT,
            "channel": TEXT,
            "granted": FLAG,
            "at": INSTANT,
            "evidence": TEXT,
            "expires_at": INSTANT,
            "text_version": TEXT,
            "given_by": TEXT,
        }
    ),
    "complaints": pa.schema(
        {"complaint_id": TEXT, "customer_id": TEXT, "opened_at": INSTANT, "closed_at": INSTANT, "category": TEXT}
    ),
    "products": pa.schema(
        {
            "product_id": TEXT,
            "name": TEXT,
            "kind": TEXT,
            "line": TEXT,
            "active": FLAG,
            "eligibility": TEXT,
            "value": NUMBER,
            "name_en": TEXT,
        }
    ),
    "alerts": pa.schema(
        {
            "alert_id": TEXT,
            "source": TEXT,
            "event": TEXT,
            "severity": TEXT,
            "effective_at": INSTANT,
            "expires_at": INSTANT,
            "region_codes": TEXTS,
            "polygon": TEXT,
            "status": TEXT,
            "headline": TEXT,
            "headline_en": TEXT,
        }
    ),
    "regions": pa.schema({"region_code": TEXT, "name": TEXT, "name_en": TEXT, "latitude": NUMBER, "longitude": NUMBER}),
}


def table(view: str, columns: dict[str, pa.Array]) -> pa.Table:
    """The table of a view, its columns in the declared order and of the declared types."""
    schema = SCHEMAS[view]
    missing = set(schema.names) ^ set(columns)
    if missing:
        raise KeyError(f"{view}: columns do not match the schema: {', '.join(sorted(missing))}")
    return pa.table([pa.array(columns[name]).cast(schema.field(name).type) for name in schema.names], schema=schema)
