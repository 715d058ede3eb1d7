"""May we write to this customer, for this purpose, on this channel? In doubt: no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from campaigns.gate import Case, Gate, Judgement, judged

if TYPE_CHECKING:
    import pandas as pd

# What the insurer's records say. Planning a query costs more than running it on a few customers: it is kept small.
_RECORDS = """
    select c.customer_id, c.purpose = '*' as every_purpose, c.channel = '*' as every_channel, c.granted, c."at", c.expires_at,
           false as confirmed, {words} as words
      from consents c semi join batch b on b.customer_id = c.customer_id
     where c.purpose in ($purpose, '*') and c.channel in ($medium, '*') and (c."at" <= $now or not c.granted)"""
_RECORD = """concat_ws(', ', c."at"::varchar, 'text ' || c.text_version, 'by ' || c.given_by, c.evidence)"""
# What customers told Kairos itself.
_TOLD = """
    union all
    select t.customer_id, t.purpose = '*', t.channel = '*', t.granted, t."at", t.expires_at, t.granted and t.source = 'double_opt_in',
           concat_ws(', ', t."at"::varchar, 'text ' || nullif(t.text_version, ''), t.source, nullif(t.evidence, ''))
      from told t
     where t.kind = 'consent' and t.purpose in ($purpose, '*') and t.channel in ($medium, '*') and (t."at" <= $now or not t.granted)"""
_YES = "granted and coalesce(expires_at > $now, true)"
# The newest no and yes about exactly this, this purpose everywhere, everything on this channel, and everything.
_CELLS = {
    "this": "not every_purpose and not every_channel",
    "purpose": "not every_purpose and every_channel",
    "channel": "every_purpose and not every_channel",
    "all": "every_purpose and every_channel",
}
_NARROWER = {"this": ("this",), "purpose": ("this", "purpose"), "channel": ("this", "channel"), "all": tuple(_CELLS)}
_STOPS = """
    left join (select customer_id, max("at") filter (not (purpose = '*' and medium = '*')) as consent_stop,
                      max("at") filter (purpose = '*' and medium = '*') as consent_stop_all
                 from opt_outs where purpose in ($purpose, '*') and medium in ($medium, '*') group by 1) s using (customer_id)
    left join (select t.customer_id, max(t."at") as consent_call, max(t."at") filter (t."at" > case {since} end) as consent_call_holds
                 from told t left join customers c on c.customer_id = t.customer_id
                where t.kind = 'call_refusal' and {calls} group by 1) k using (customer_id)
    left join (select customer_id, max(coalesce(until::varchar, 'for good')) as consent_listed from listed
                where channel in ($medium, '*') and (until is null or until >= $now::date) group by 1) f using (customer_id)"""
_STOP_COLUMNS = {
    "consent_stop": "timestamptz",
    "consent_stop_all": "timestamptz",
    "consent_call": "timestamptz",
    "consent_call_holds": "timestamptz",
    "consent_listed": "varchar",
}
_STOPPED = ", ".join(_STOP_COLUMNS)
_NO_STOPS = ", ".join(f"null::{kind} as {name}" for name, kind in _STOP_COLUMNS.items())


class Consent(Gate):
    """Reads the insurer's consent records, what customers told Kairos itself, opt-outs, and lists of whom not to contact."""

    name = "consent"
    order = 20
    scope = "channel"
    stands = True
    reasons: ClassVar = {
        "do_not_contact": "the customer, the number or the address is on a do-not-contact list",
        "opted_out": "the customer told us to stop",
        "do_not_call": "the customer refused on a call, and the term of that refusal is not over",
        "consent_refused": "the customer's latest word on this purpose and channel is no",
        "consent_expired": "this purpose needs a yes, and the one on record has expired",
        "no_consent": "this purpose needs a yes, and there is none on record",
        "erased": "the customer's data was erased before the matter was settled",
    }

    def evidence(self, case: Case) -> str | None:
        """The newest words that cover this purpose and channel, by how wide they are, and whatever stops them."""
        # a yes is told in full where the purpose needs one, a no always: what is told is kept with every decision
        words = _RECORD if _rule(case) == "opt_in" else f"case when not c.granted then {_RECORD} end"
        said = _RECORDS.format(words=words) + ("" if case.nothing_told else _TOLD)
        columns = "".join(
            f""", max("at") filter (not granted and {cell}) as consent_no_{name}"""
            f""", max("at") filter ({_YES} and {cell}) as consent_yes_{name}"""
            for name, cell in _CELLS.items()
        )
        stops = _NO_STOPS if case.nothing_told else _STOPPED
        joins = "" if case.nothing_told else self._stops(case)
        return f"""
            select b.moment_id, w.* exclude (customer_id), {stops}
              from batch b left join (
                select customer_id, max("at") filter (not ({_YES}) and granted) as consent_over,
                       max("at") filter (confirmed and {_YES}) as consent_confirmed,
                       max("at") filter (confirmed and {
            _YES
        } and every_purpose and every_channel) as consent_confirmed_all,
                       max(words) filter ({_YES}) as consent_yes, max(words) filter (not granted) as consent_no,
                       max(words) filter (not ({_YES}) and granted) as consent_expired{columns}
                  from ({said}) group by 1) w using (customer_id) {joins}"""

    def _stops(self, case: Case) -> str:
        terms = range(len(case.policy.do_not_call.since(case.now)))
        since = " ".join(
            f"when starts_with(coalesce(c.region_code, ''), $region{place}) then $since{place}" for place in terms
        )
        calls = "true" if case.medium.name in case.policy.do_not_call.channels else "false"
        return _STOPS.format(since=since, calls=calls)

    def parameters(self, case: Case) -> Mapping[str, Any]:
        """Since when a refusal on a call still holds, by the beginning of the region code."""
        terms = enumerate(case.policy.do_not_call.since(case.now))
        named = ((f"region{place}", f"since{place}", *term) for place, term in terms)
        return {name: value for region, since, code, at in named for name, value in ((region, code), (since, at))}

    def judge(self, table: pd.DataFrame, case: Case) -> Judgement:
        """Lists and opt-outs first, which only contract notices pass; then the records, by the rule of the purpose."""
        rule, contract = _rule(case), case.campaign.purpose == "contract"
        asked = f"{case.campaign.purpose} on {case.medium.name}: {rule}"
        checks = [] if contract and case.policy.consent.contract_after_opt_out else _stopped(table)
        if rule == "not_required":
            return judged(table, asked, checks, seen="not required")
        checks.append(("consent_refused", _refused(table), _words("no", table["consent_no"])))
        granted = _granted(table)
        if rule == "opt_in":
            expired = ~granted & _outlives(table["consent_over"], _newest(table, "no", _CELLS))
            checks.append(("consent_expired", expired, _words("expired", table["consent_expired"])))
            checks.append(("no_consent", ~granted, "nothing on record"))
        return judged(table, asked, checks, seen=_seen(table, granted, rule))


def _rule(case: Case) -> str:
    rule: str = getattr(case.policy.consent, case.campaign.purpose)
    return rule


def _newest(table: pd.DataFrame, word: str, cells: Any) -> pd.Series[pd.Timestamp]:
    """The newest yes or no of these widths; none is NaT."""
    newest: pd.Series[pd.Timestamp] = table[[f"consent_{word}_{cell}" for cell in cells]].max(axis=1)
    return newest


def _outlives(at: pd.Series[pd.Timestamp], end: pd.Series[pd.Timestamp]) -> Any:
    """Whether something was said and what ends it was not said at the same instant or later."""
    return (at.notna() & ~(end >= at)).to_numpy(bool)


def _stopped(table: pd.DataFrame) -> list[tuple[str, Any, Any]]:
    """What stops every purpose. An opt-out is lifted by a confirmed yes alone, one from everything only by one to everything."""
    confirmed, to_all = table["consent_confirmed"], table["consent_confirmed_all"]
    stop, stop_all, call = table["consent_stop"], table["consent_stop_all"], table["consent_call_holds"]
    opted_out = stop.notna() & ~(confirmed > stop) | stop_all.notna() & ~(to_all > stop_all)
    refused = call.notna() & ~(confirmed > call)
    return [
        ("do_not_contact", table["consent_listed"].notna(), table["consent_listed"].astype(str).to_numpy(object)),
        ("opted_out", opted_out, stop_all.fillna(stop).astype(str).to_numpy(object)),
        ("do_not_call", refused, call.astype(str).to_numpy(object)),
    ]


def _refused(table: pd.DataFrame) -> Any:
    """A no is taken back by a later yes about the same or something narrower, never by one about more."""
    import numpy as np

    found = np.zeros(len(table), dtype=bool)
    for cell, narrower in _NARROWER.items():
        no = table[f"consent_no_{cell}"]
        found |= (no.notna() & ~(_newest(table, "yes", narrower) > no)).to_numpy(bool)
    return found


def _granted(table: pd.DataFrame) -> Any:
    """A yes holds until any later no; a no on a call, though its term be over, ends the yes before it."""
    yes = _newest(table, "yes", _CELLS)
    return _outlives(yes, _newest(table, "no", _CELLS)) & _outlives(yes, table["consent_call"])


def _words(answer: str, records: pd.Series[str]) -> Any:
    """An answer with its record."""
    return (f"{answer}: " + records.astype("object")).to_numpy(object)


def _seen(table: pd.DataFrame, granted: Any, rule: str) -> Any:
    import numpy as np

    seen = np.where(granted, "yes", "nothing on record").astype(object)
    if rule == "opt_in":
        seen[granted] = _words("yes", table["consent_yes"])[granted]
    return seen
