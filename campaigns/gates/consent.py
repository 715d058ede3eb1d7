"""May we write to this customer, for this purpose, on this channel? In doubt: no."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from campaigns.gate import Case, Gate, Judgement, judged

if TYPE_CHECKING:
    import pandas as pd

    from campaigns.docket import Docket

NEVER = -(2**62)
"""Stands for "was not said" among instants, which are microseconds since 1970."""
# Who said what, as instants: `no`, a `yes` that holds, one that is `over`. `cell` tells how wide it is: 0 exactly this, 1 this purpose
# everywhere, 2 everything on this channel, 3 everything. Planning a query costs more than running it on a few customers: it is kept small.
_SAID = """
    select a.customer_id, a.purpose, a.medium, ({who}.purpose = '*')::int * 2 + ({who}.channel = '*')::int as cell,
           case when not granted then epoch_us("at") end as no, case when granted and {holds} then epoch_us("at") end as yes,
           case when granted and not {holds} then epoch_us("at") end as over, {confirmed} as confirmed, {words} as words"""
_HOLDS = "coalesce(expires_at > $now, true)"
_RECORD = """concat_ws(', ', "at"::varchar, 'text ' || text_version, 'by ' || given_by, evidence)"""
_ASKED = "(select distinct customer_id, purpose, medium from batch) a"
_COVERS = """{who}.purpose in (a.purpose, '*') and {who}.channel in (a.medium, '*') and ("at" <= $now or not granted)"""
_CONFIRMED = f"case when source = 'double_opt_in' and granted and {_HOLDS} then epoch_us(\"at\") end"
_TOLD = (
    _SAID.format(
        who="told",
        holds=_HOLDS,
        confirmed=_CONFIRMED,
        words="""concat_ws(', ', "at"::varchar, 'text ' || nullif(text_version, ''), source, nullif(evidence, ''))""",
    )
    + f" from {_ASKED} join told using (customer_id) where told.kind = 'consent' and {_COVERS.format(who='told')}"
)
_CELLS = range(4)
_NARROWER = {0: (0,), 1: (0, 1), 2: (0, 2), 3: (0, 1, 2, 3)}
_WORDS = {"yes_words": "yes", "no_words": "no", "over_words": "over"}
_STOPS = """
    left join (select a.*, max(epoch_us(o."at")) filter (not (o.purpose = '*' and o.medium = '*')) as stop,
                      max(epoch_us(o."at")) filter (o.purpose = '*' and o.medium = '*') as stop_all
                 from {asked} join opt_outs o using (customer_id)
                where o.purpose in (a.purpose, '*') and o.medium in (a.medium, '*') group by all) s using (customer_id, purpose, medium)
    left join (select t.customer_id, max(epoch_us(t."at")) as call, max(epoch_us(t."at")) filter (t."at" > case {since} end) as call_holds
                 from told t left join customers c on c.customer_id = t.customer_id
                where t.kind = 'call_refusal' group by 1) k on k.customer_id = b.customer_id and b.medium in ({calls})
    left join (select a.*, max(coalesce(l.until::varchar, 'for good')) as listed from {asked} join listed l using (customer_id)
                where l.channel in (a.medium, '*') and (l.until is null or l.until >= $now::date) group by all) f
              using (customer_id, purpose, medium)"""
_SAID_COLUMNS = ("over", *(f"{word}_{cell}" for word in ("no", "yes") for cell in _CELLS))
_TOLD_COLUMNS = ("confirmed", "confirmed_all", "stop", "stop_all", "call", "call_holds")


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

    def evidence(self, docket: Docket) -> str | None:
        """The newest words that cover a row's purpose and channel, by how wide they are, and whatever stops them."""
        # a yes is told in full where the purpose needs one, a no always: what is told is kept with every decision
        purposes = {case.campaign.purpose for case in docket.cases.values() if _rule(case) == "opt_in"}
        named = ", ".join(f"'{each}'" for each in sorted(purposes))
        full = f"a.purpose in ({named}) or" if purposes else ""
        words = f"case when {full} not granted then {_RECORD} end"
        records = _SAID.format(who="c", holds=_HOLDS, confirmed="null::bigint", words=words)
        said = f"{records} from {_ASKED} join consents c using (customer_id) where {_COVERS.format(who='c')}"
        quiet = docket.nothing_told
        columns = [f"max({word}) filter (cell = {cell}) as {word}_{cell}" for word in ("no", "yes") for cell in _CELLS]
        columns += [f"max(words) filter ({word} is not null) as {name}" for name, word in _WORDS.items()]
        if not quiet:
            said += f" union all {_TOLD}"
            columns += ["max(confirmed) as confirmed", "max(confirmed) filter (cell = 3) as confirmed_all"]
        asked = [f"coalesce({name}, {NEVER}) as consent_{name}" for name in _SAID_COLUMNS]
        asked += [f"{NEVER if quiet else f'coalesce({name}, {NEVER})'} as consent_{name}" for name in _TOLD_COLUMNS]
        asked += [f"{name} as consent_{name}" for name in _WORDS]
        return f"""
            select b.place, {", ".join(asked)}, {"null::varchar" if quiet else "listed"} as consent_listed
              from batch b left join (select customer_id, purpose, medium, max(over) as over, {", ".join(columns)}
                                        from ({said}) group by all) w using (customer_id, purpose, medium)
                   {"" if quiet else self._stops(docket)}"""

    def _stops(self, docket: Docket) -> str:
        terms = range(len(docket.policy.do_not_call.since(docket.now)))
        since = " ".join(
            f"when starts_with(coalesce(c.region_code, ''), $region{place}) then $since{place}" for place in terms
        )
        calls = ", ".join(f"'{name}'" for name in docket.policy.do_not_call.channels) or "null"
        return _STOPS.format(since=since, calls=calls, asked=_ASKED)

    def parameters(self, docket: Docket) -> Mapping[str, Any]:
        """Since when a refusal on a call still holds, by the beginning of the region code."""
        terms = enumerate(docket.policy.do_not_call.since(docket.now))
        named = ((f"region{place}", f"since{place}", *term) for place, term in terms)
        return {name: value for region, since, code, at in named for name, value in ((region, code), (since, at))}

    def rule(self, case: Case) -> str:
        """What the purpose needs."""
        return f"{case.campaign.purpose} on {case.medium.name}: {_rule(case)}"

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Lists and opt-outs first, which only contract notices pass; then the records, by the rule of the purpose."""
        rule, granted = docket.of(table, _rule), _granted(table)
        passes = docket.of(table, _passes_opt_outs, bool)
        checks = [(reason, hits & ~passes, seen) for reason, hits, seen in _stopped(table)]
        refused = _refused(table) & (rule != "not_required")
        expired = ~granted & _outlives(_at(table, "over"), _newest(table, "no", _CELLS))
        asks = rule == "opt_in"
        checks += [
            ("consent_refused", refused, _words("no", table["consent_no_words"])),
            ("consent_expired", asks & expired, _words("expired", table["consent_over_words"])),
            ("no_consent", asks & ~granted, "nothing on record"),
        ]
        return judged(table, checks, seen=_seen(table, granted, rule))


def _rule(case: Case) -> str:
    rule: str = getattr(case.policy.consent, case.campaign.purpose)
    return rule


def _passes_opt_outs(case: Case) -> bool:
    return case.campaign.purpose == "contract" and case.policy.consent.contract_after_opt_out


def _at(table: pd.DataFrame, name: str) -> Any:
    """A column of instants, NEVER where there is none."""
    return table[f"consent_{name}"].to_numpy("int64")


def _newest(table: pd.DataFrame, word: str, cells: Iterable[int]) -> Any:
    """The newest yes or no of these widths."""
    import numpy as np

    return np.maximum.reduce([_at(table, f"{word}_{cell}") for cell in cells])


def _outlives(at: Any, end: Any) -> Any:
    """Whether something was said and what ends it was not said at the same instant or later."""
    return at > end


def _stopped(table: pd.DataFrame) -> list[tuple[str, Any, Any]]:
    """What stops every purpose. An opt-out is lifted by a confirmed yes alone, one from everything only by one to everything."""
    import numpy as np

    confirmed, stop, stop_all, call = (_at(table, name) for name in ("confirmed", "stop", "stop_all", "call_holds"))
    lasts, lasts_all = _not_lifted(stop, confirmed), _not_lifted(stop_all, _at(table, "confirmed_all"))
    return [
        ("do_not_contact", table["consent_listed"].notna().to_numpy(bool), table["consent_listed"].to_numpy(object)),
        ("opted_out", lasts | lasts_all, _shown(np.where(lasts_all, stop_all, stop))),
        ("do_not_call", _not_lifted(call, confirmed), _shown(call)),
    ]


def _not_lifted(stop: Any, lifted: Any) -> Any:
    return (stop != NEVER) & ~(lifted > stop)


def _refused(table: pd.DataFrame) -> Any:
    """A no is taken back by a later yes about the same or something narrower, never by one about more."""
    import numpy as np

    found = np.zeros(len(table), dtype=bool)
    for cell, narrower in _NARROWER.items():
        found |= _not_lifted(_at(table, f"no_{cell}"), _newest(table, "yes", narrower))
    return found


def _granted(table: pd.DataFrame) -> Any:
    """A yes holds until any later no; a no on a call, though its term be over, ends the yes before it."""
    import numpy as np

    ends = np.maximum(_newest(table, "no", _CELLS), _at(table, "call"))
    return _outlives(_newest(table, "yes", _CELLS), ends)


def _shown(instants: Any) -> Any:
    """Instants as text in UTC; most rows have none."""
    import numpy as np

    shown = np.full(len(instants), "", dtype=object)
    said = instants != NEVER
    times = instants[said].astype("datetime64[us]").astype("datetime64[s]")
    shown[said] = [f"{time}Z" for time in np.datetime_as_string(times)]
    return shown


def _words(answer: str, records: pd.Series[str]) -> Any:
    """An answer with its record."""
    import numpy as np

    words, shown = records.to_numpy(object), np.full(len(records), "", dtype=object)
    said = records.notna().to_numpy(bool)
    shown[said] = f"{answer}: " + words[said]
    return shown


def _seen(table: pd.DataFrame, granted: Any, rule: Any) -> Any:
    """A yes, in full where the purpose needs one."""
    import numpy as np

    seen = np.where(granted, "yes", "nothing on record").astype(object)
    seen[rule == "not_required"] = "not required"
    full = granted & (rule == "opt_in")
    if full.any():
        seen[full] = _words("yes", table["consent_yes_words"])[full]
    return seen
