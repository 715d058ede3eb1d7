"""May we write to this customer, for this purpose, on this channel? In doubt: no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from campaigns.gate import Case, Gate, Judgement, judged

if TYPE_CHECKING:
    import pandas as pd

# A yes is told in full where the purpose needs one ({full}), a no always: what is told is kept with every decision.
_SAID = """
    select c.customer_id, c.purpose = '*' as every_purpose, c.channel = '*' as every_channel, c.granted, c."at",
           c.granted and coalesce(c.expires_at <= $now, false) as over, false as confirmed,
           case when {full} or not c.granted
                then concat_ws(', ', c."at"::varchar, 'text ' || c.text_version, 'by ' || c.given_by, c.evidence) end as words
      from consents c semi join batch b on b.customer_id = c.customer_id
     where c.purpose in ($purpose, '*') and c.channel in ($medium, '*') and (c."at" <= $now or not c.granted)
    union all by name
    select t.customer_id, t.purpose = '*' as every_purpose, t.channel = '*' as every_channel, t.granted, t."at",
           t.granted and coalesce(t.expires_at <= $now, false) as over, t.granted and t.source = 'double_opt_in' as confirmed,
           concat_ws(', ', t."at"::varchar, 'text ' || nullif(t.text_version, ''), t.source, nullif(t.evidence, '')) as words
      from told t
     where t.kind = 'consent' and t.purpose in ($purpose, '*') and t.channel in ($medium, '*') and (t."at" <= $now or not t.granted)"""
_WORD = """
    select customer_id, max("at") filter (not granted) as no_at,
           max("at") filter (granted and not over) as yes_at, max("at") filter (over) as over_at,
           max(words) filter (granted and not over) as yes_words, max(words) filter (not granted) as no_words,
           max(words) filter (over) as over_words
      from said group by 1"""
# A no is taken back by a later yes about the same or something narrower, never by one about more.
_REFUSED = """
    select distinct n.customer_id, true as refused from said n
     where not n.granted and not exists (
        select 1 from said y where y.customer_id = n.customer_id and y.granted and not y.over and y."at" > n."at"
           and (n.every_purpose or not y.every_purpose) and (n.every_channel or not y.every_channel))"""
_CONFIRMED = """
    select customer_id, max("at") as narrow_at, max("at") filter (every_purpose and every_channel) as all_at
      from said where confirmed and not over group by 1"""
# An opt-out is lifted by a confirmed yes alone, one from everything only by a confirmed yes to everything.
_STOPPED = """
    select o.customer_id, max(o."at") as stopped_at
      from opt_outs o left join confirmed w on w.customer_id = o.customer_id
     where o.purpose in ($purpose, '*') and o.medium in ($medium, '*')
       and o."at" >= coalesce(case when o.purpose = '*' and o.medium = '*' then w.all_at else w.narrow_at end, '-infinity')
     group by 1"""


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
        """The words that cover this purpose and channel, wildcards included, and whatever stops them."""
        calls = "true" if case.medium.name in case.policy.do_not_call.channels else "false"
        terms = case.policy.do_not_call.since(case.now)
        since = " ".join(
            f"when starts_with(coalesce(c.region_code, ''), $region{place}) then $since{place}"
            for place in range(len(terms))
        )
        full = "true" if getattr(case.policy.consent, case.campaign.purpose) == "opt_in" else "false"
        return f"""
            with said as materialized ({_SAID.format(full=full)}), word as ({_WORD}), refused as ({_REFUSED}),
            confirmed as ({_CONFIRMED}), stopped as ({_STOPPED}),
            calls as (select t.customer_id, max(t."at") as at_all,
                             max(t."at") filter (t."at" > case {since} end
                                              and t."at" >= coalesce(w.narrow_at, '-infinity')) as refused_at
                        from told t left join customers c on c.customer_id = t.customer_id
                             left join confirmed w on w.customer_id = t.customer_id
                       where t.kind = 'call_refusal' and {calls} group by 1),
            forbidden as (select customer_id, max(coalesce(until::varchar, 'for good')) as until from listed
                           where channel in ($medium, '*') and (until is null or until >= $now::date) group by 1)
            select b.moment_id, r.refused as consent_refused, w.yes_words as consent_yes, w.no_words as consent_no,
                   w.over_words as consent_over, s.stopped_at as consent_stopped, k.refused_at as consent_call, f.until as consent_listed,
                   -- a no on a call, though its term be over, ends the yes before it
                   coalesce(w.yes_at > greatest(coalesce(w.no_at, '-infinity'), coalesce(k.at_all, '-infinity')), false) as consent_granted,
                   coalesce(w.over_at > coalesce(w.no_at, '-infinity'), false) as consent_expired
              from batch b left join word w using (customer_id) left join refused r using (customer_id)
                   left join stopped s using (customer_id) left join calls k using (customer_id)
                   left join forbidden f using (customer_id)"""

    def parameters(self, case: Case) -> Mapping[str, Any]:
        """Since when a refusal on a call still holds, by the beginning of the region code."""
        terms = enumerate(case.policy.do_not_call.since(case.now))
        return {
            name: value
            for place, (region, since) in terms
            for name, value in ((f"region{place}", region), (f"since{place}", since))
        }

    def judge(self, table: pd.DataFrame, case: Case) -> Judgement:
        """Lists and opt-outs first, which only contract notices pass; then the records, by the rule of the purpose."""
        import numpy as np

        rule, contract = getattr(case.policy.consent, case.campaign.purpose), case.campaign.purpose == "contract"
        asked = f"{case.campaign.purpose} on {case.medium.name}: {rule}"
        checks = [] if contract and case.policy.consent.contract_after_opt_out else _stops(table)
        if rule == "not_required":
            return judged(table, asked, checks, seen="not required")
        refused, granted = table["consent_refused"].eq(True).to_numpy(bool), table["consent_granted"].to_numpy(bool)
        checks.append(("consent_refused", refused, _words("no", table["consent_no"])))
        if rule == "opt_in":
            expired = ~granted & table["consent_expired"].to_numpy(bool)
            checks.append(("consent_expired", expired, _words("expired", table["consent_over"])))
            checks.append(("no_consent", ~granted, "nothing on record"))
        seen = np.where(granted, "yes", "nothing on record").astype(object)
        if rule == "opt_in":
            seen[granted] = _words("yes", table["consent_yes"])[granted]
        return judged(table, asked, checks, seen=seen)


def _stops(table: pd.DataFrame) -> list[tuple[str, Any, Any]]:
    """What stops every purpose."""
    columns = {"do_not_contact": "consent_listed", "opted_out": "consent_stopped", "do_not_call": "consent_call"}
    return [
        (reason, table[column].notna(), table[column].astype(str).to_numpy(object))
        for reason, column in columns.items()
    ]


def _words(answer: str, records: pd.Series[str]) -> Any:
    """An answer with its record."""
    return (f"{answer}: " + records).to_numpy(object)
