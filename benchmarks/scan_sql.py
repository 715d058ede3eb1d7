"""The tables of the scan, and for each kind the SQL one would write by hand for just that question, in the same order."""

# ruff: noqa: E501 - SQL is read more easily in long lines

from __future__ import annotations

TABLES = (
    """INSERT INTO customers BY NAME SELECT 'C' || i AS customer_id, DATE '1950-01-01' + (hash(i) % 20000)::INT AS birth_date,
              ['gold', 'silver', 'bronze', 'plain'][1 + (hash(i, 1) % 4)::BIGINT] AS tier, (110000 + 100 * (hash(i, 2) % 400))::VARCHAR AS region_code,
              DATE '2020-01-01' + (hash(i, 3) % 2500)::INT AS joined_on FROM range(($n * 2 / 3)::BIGINT) t(i)""",
    """INSERT INTO policies BY NAME SELECT 'P' || i AS policy_id, 'C' || (i * 2 // 3) AS customer_id,
              ['motor', 'home', 'health', 'life'][1 + (hash(i) % 4)::BIGINT] AS line, CASE WHEN hash(i, 1) % 5 = 0 THEN 'lapsed' ELSE 'active' END AS status,
              DATE '2026-01-01' + (hash(i, 2) % 730)::INT AS expiry_date, DATE '2025-01-01' + (hash(i, 2) % 730)::INT AS effective_date
         FROM range($n) t(i)""",
    """ALTER TABLE policies ADD COLUMN lapse_risk DOUBLE""",
    """UPDATE policies SET lapse_risk = (hash(policy_id) % 1000) / 1000.0""",
    """INSERT INTO events BY NAME SELECT 'E' || i AS event_id, 'C' || (hash(i) % ($n * 2 // 3)::UBIGINT) AS customer_id,
              ['call', 'app_login', 'quote_started', 'policy_bought', 'web_visit'][1 + (hash(i, 1) % 5)::BIGINT] AS type,
              TIMESTAMPTZ '2025-11-01 00:00:00+08' + to_seconds((hash(i, 2) % 33480000)::BIGINT) AS occurred_at FROM range(($n / 2)::BIGINT) t(i)""",
    """INSERT INTO alerts BY NAME SELECT 'A' || i AS alert_id, 'typhoon' AS event, 'severe' AS severity, 'active' AS status,
              TIMESTAMPTZ '2026-11-22 12:00:00+08' AS effective_at, TIMESTAMPTZ '2026-11-25 12:00:00+08' AS expires_at FROM range(3) t(i)""",
    """CREATE TABLE alert_cover AS SELECT 'A' || (i % 3) AS alert_id, (110000 + 100 * i)::VARCHAR AS region_code FROM range(60) t(i)""",
    """INSERT INTO memberships SELECT customer_id, 'customer', TIMESTAMPTZ '2026-11-20 10:00:00+08', NULL, false FROM customers
        WHERE tier = 'gold' AND hash(customer_id) % 9 = 0""",
    """INSERT INTO memberships SELECT customer_id, 'policy:' || policy_id, TIMESTAMPTZ '2026-11-21 10:00:00+08', NULL, false FROM policies
        WHERE lapse_risk > 0.8 AND hash(policy_id, 5) % 9 = 0""",
)
NOW = "TIMESTAMPTZ '2026-11-23 10:00:00+08'"
_MOMENT = "NULL::VARCHAR AS policy_id, NULL::VARCHAR AS claim_id, NULL::VARCHAR AS event_id, NULL::VARCHAR AS alert_id"
BY_HAND = {
    "date": f"""
        SELECT customer_id, 'policy:' || policy_id AS subject, expiry_date::VARCHAR AS occasion,
               (expiry_date - INTERVAL 60 DAY)::TIMESTAMPTZ AS due_at, {_MOMENT.replace("NULL::VARCHAR AS policy_id", "policy_id")}
          FROM policies WHERE expiry_date BETWEEN DATE '2026-11-03' + 60 AND DATE '2026-11-23' + 60 AND line = 'motor' AND status = 'active'
           AND (expiry_date - INTERVAL 60 DAY)::TIMESTAMPTZ BETWEEN {NOW} - INTERVAL 20 DAY AND {NOW} ORDER BY 1, 2, 3""",
    "date, yearly": f"""
        SELECT customer_id, 'customer' AS subject, '2026-11-23' AS occasion, DATE '2026-11-23'::TIMESTAMPTZ AS due_at, {_MOMENT}
          FROM customers WHERE month(birth_date) = 11 AND day(birth_date) = 23 AND year(birth_date) < 2026 ORDER BY 1, 2, 3""",
    "event": f"""
        WITH calls AS (SELECT e.customer_id, e.event_id, e.occurred_at, p.policy_id, l.claim_id, row_number() OVER (PARTITION BY e.customer_id,
                              coalesce('claim:' || l.claim_id, 'policy:' || p.policy_id, 'customer')
                              ORDER BY e.occurred_at DESC, e.event_id DESC) AS place
                         FROM events e SEMI JOIN customers c ON c.customer_id = e.customer_id LEFT JOIN claims l ON l.claim_id = e.subject_id LEFT JOIN policies p ON p.policy_id = coalesce(l.policy_id, e.subject_id)
                        WHERE type = 'call' AND occurred_at + INTERVAL 1 DAY BETWEEN {NOW} - INTERVAL 3 DAY AND {NOW}
                          AND occurred_at BETWEEN {NOW} - INTERVAL 6 DAY AND {NOW}
                          AND NOT EXISTS (SELECT 1 FROM events b WHERE b.customer_id = e.customer_id AND b.type = 'policy_bought'
                                             AND b.occurred_at >= date_trunc('day', e.occurred_at) AND b.occurred_at <= e.occurred_at + INTERVAL 1 DAY))
        SELECT customer_id, 'event:' || event_id AS subject, event_id AS occasion, occurred_at + INTERVAL 1 DAY AS due_at,
               policy_id, claim_id, event_id, NULL::VARCHAR AS alert_id FROM calls WHERE place = 1 ORDER BY 1, 2, 3""",
    "missing": f"""
        WITH quotes AS (SELECT e.customer_id, e.event_id, e.occurred_at, p.policy_id, l.claim_id, row_number() OVER (PARTITION BY e.customer_id,
                              coalesce('claim:' || l.claim_id, 'policy:' || p.policy_id, 'customer')
                               ORDER BY e.occurred_at DESC, e.event_id DESC) AS place
                          FROM events e SEMI JOIN customers c ON c.customer_id = e.customer_id LEFT JOIN claims l ON l.claim_id = e.subject_id LEFT JOIN policies p ON p.policy_id = coalesce(l.policy_id, e.subject_id)
                         WHERE type = 'quote_started' AND occurred_at + INTERVAL 24 HOUR BETWEEN {NOW} - INTERVAL 3 DAY AND {NOW}
                           AND occurred_at BETWEEN {NOW} - INTERVAL 6 DAY AND {NOW}
                           AND NOT EXISTS (SELECT 1 FROM events b WHERE b.customer_id = e.customer_id AND b.type = 'policy_bought'
                                              AND b.occurred_at >= date_trunc('day', e.occurred_at) AND b.occurred_at <= {NOW}))
        SELECT customer_id, 'event:' || event_id AS subject, event_id AS occasion, occurred_at + INTERVAL 24 HOUR AS due_at,
               policy_id, claim_id, event_id, NULL::VARCHAR AS alert_id FROM quotes WHERE place = 1 ORDER BY 1, 2, 3""",
    "dormancy": f"""
        WITH signs AS (SELECT customer_id, occurred_at AS seen FROM events WHERE occurred_at >= {NOW} - INTERVAL 195 DAY
                          AND type NOT IN ('policy_renewed', 'policy_bought')
                       UNION ALL SELECT customer_id, joined_on::TIMESTAMPTZ FROM customers WHERE joined_on >= DATE '2026-11-23' - 195),
             last AS (SELECT customer_id, max(seen) AS seen FROM signs GROUP BY 1)
        SELECT customer_id, 'customer' AS subject, seen::DATE::VARCHAR AS occasion, (seen::DATE + INTERVAL 180 DAY)::TIMESTAMPTZ AS due_at, {_MOMENT}
          FROM last SEMI JOIN customers USING (customer_id)
         WHERE (seen::DATE + INTERVAL 180 DAY)::TIMESTAMPTZ BETWEEN {NOW} - INTERVAL 14 DAY AND {NOW} ORDER BY 1, 2, 3""",
    "region": f"""
        SELECT p.customer_id, 'customer' AS subject, a.alert_id AS occasion, a.effective_at AS due_at, min(p.policy_id) AS policy_id,
               NULL::VARCHAR AS claim_id, NULL::VARCHAR AS event_id, a.alert_id
          FROM alerts a JOIN alert_cover v USING (alert_id) JOIN customers c ON true JOIN policies p ON p.customer_id = c.customer_id
         WHERE a.status = 'active' AND a.severity IN ('severe', 'extreme') AND a.expires_at > {NOW} AND p.status = 'active'
           AND coalesce(p.insured_region_code, c.region_code) = v.region_code AND a.effective_at BETWEEN {NOW} - INTERVAL 2 DAY AND {NOW}
         GROUP BY p.customer_id, a.alert_id, a.effective_at
       QUALIFY row_number() OVER (PARTITION BY p.customer_id ORDER BY a.effective_at DESC, a.alert_id DESC) = 1 ORDER BY 1, 2, 3""",
    "count": f"""
        WITH calls AS (SELECT e.customer_id, event_id, occurred_at, p.policy_id,
                              lag(occurred_at, 1) OVER w AS one, lag(occurred_at, 2) OVER w AS two
                         FROM events e SEMI JOIN customers c ON c.customer_id = e.customer_id LEFT JOIN policies p ON p.policy_id = e.subject_id
                        WHERE type = 'call' AND occurred_at BETWEEN {NOW} - INTERVAL 60 DAY AND {NOW}
                       WINDOW w AS (PARTITION BY e.customer_id ORDER BY occurred_at, event_id)),
             full_ AS (SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY occurred_at DESC, event_id DESC) AS place FROM calls
                        WHERE one > occurred_at - INTERVAL 20 DAY AND NOT coalesce(two > one - INTERVAL 20 DAY, false)
                          AND occurred_at BETWEEN {NOW} - INTERVAL 7 DAY AND {NOW})
        SELECT customer_id, 'customer' AS subject, occurred_at::DATE::VARCHAR AS occasion, occurred_at AS due_at,
               policy_id, NULL::VARCHAR AS claim_id, event_id, NULL::VARCHAR AS alert_id FROM full_ WHERE place = 1 ORDER BY 1, 2, 3""",
    "segment": f"""
        SELECT c.customer_id, 'customer' AS subject, m.entered_at::DATE::VARCHAR AS occasion, m.entered_at AS due_at, {_MOMENT}
          FROM customers c JOIN memberships m ON m.customer_id = c.customer_id AND m.subject = 'customer'
         WHERE c.tier = 'gold' AND m.left_at IS NULL AND NOT m.initial AND m.entered_at BETWEEN {NOW} - INTERVAL 7 DAY AND {NOW} ORDER BY 1, 2, 3""",
    "score": f"""
        SELECT p.customer_id, m.subject, m.entered_at::DATE::VARCHAR AS occasion, m.entered_at AS due_at,
               {_MOMENT.replace("NULL::VARCHAR AS policy_id", "p.policy_id")}
          FROM policies p SEMI JOIN customers USING (customer_id) JOIN memberships m ON m.subject = 'policy:' || p.policy_id AND m.customer_id = p.customer_id
         WHERE m.left_at IS NULL AND NOT m.initial AND m.entered_at BETWEEN {NOW} - INTERVAL 7 DAY AND {NOW} ORDER BY 1, 2, 3""",
}
