"""Customers of a trial with a known effect, drawn in DuckDB: FILE CUSTOMERS SEED. One segment of 20 has it reversed."""

from __future__ import annotations

import sys

import duckdb

file, customers, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with duckdb.connect() as db:
    # hashes rather than random(): the same rows however many threads there are
    draw = "(hash(i, '{0}', {1}) >> 11)::double / 9007199254740992"
    one, two, three, four = (draw.format(name, seed) for name in ("arm", "before", "renews", "segment"))
    db.execute(
        f"""copy (
          with drawn as (select case when {one} < 0.9 then 'mailed' else 'held_out' end as arm, {two} as before, {three} as u,
                                's' || lpad(((20 * {four})::int % 20)::varchar, 2, '0') as segment from range({customers}) t(i)),
               felt as (select *, case when arm = 'held_out' then 0 when segment = 's07' then -0.02 else 0.02 end as effect from drawn)
          select arm, segment, before, (u < 0.1 + 0.3 * before + effect)::int as renewed,
                 (case when arm = 'mailed' then 0.05 else 0 end)::double as cost
            from felt) to '{file}' (format parquet)"""
    )
