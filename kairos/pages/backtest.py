"""The page of a backtest: what would have gone, when, to whom not, at what cost."""

from __future__ import annotations

from datetime import date
from typing import Any

from campaigns.why import meaning
from kairos.pages.heatmap import bars, heatmap
from kairos.pages.paper import in_locale, language_of, tag_of, template

WORDS = {
    "en": {
        "title": "Backtest", "date": "day", "period": "{first} to {last}, {days} days", "began": "The simulation began with {what}.",
        "nothing": "an empty ledger", "the ledger": "what the ledger held", "moments": "moments", "messages": "messages",
        "busiest": "busiest day", "cost": "cost", "parts": "SMS parts", "calendar": "Messages a day", "all": "all campaigns",
        "hours": "Messages by the customer's hour", "campaigns": "Campaigns", "campaign": "campaign", "held_out": "held out",
        "refused": "refused", "gone": "expired or withdrawn", "held": "held", "channels": "channels", "reasons": "Why not",
        "reason": "reason", "count": "moments", "caps": "Too much at once, or in a day", "gate": "by",
        "cap": "contact cap", "budget": "daily budget", "arbitrate": "a better message", "channel": "channel", "outcome": "outcome",
        "collisions": "Two campaigns, one customer, one day", "and": "and", "customers": "customers", "capped": "room for one only",
        "silent": "Nothing would have gone:",
        "no_moment": "the trigger found no moment in the period", "day": "{day}: {count} messages", "hour": "{hour}:00, {count} messages",
        "table": "The same as a table", "none": "none", "assumed": "Messages count as delivered at the first minute they may go.",
        "law": "Every moment is accounted for.", "broken": "The conservation law is broken: please report this.", "most": "most a day",
        "sample": "Told from a sample of {customers} customers ({share} of all); messages in all: ± {within} (95 % interval).",
    },
    "zh": {
        "title": "回测报告", "date": "日期", "period": "{first} 至 {last}，共 {days} 天", "began": "模拟起点：{what}。",
        "nothing": "空账本", "the ledger": "账本中已有的记录", "moments": "时机", "messages": "消息",
        "busiest": "最繁忙的一天", "cost": "费用", "parts": "短信条数", "calendar": "每日消息量", "all": "全部活动",
        "hours": "按客户当地时间的消息量", "campaigns": "活动", "campaign": "活动", "held_out": "对照组",
        "refused": "未通过", "gone": "过期或撤回", "held": "等待", "channels": "渠道", "reasons": "未发送原因",
        "reason": "原因", "count": "时机数", "caps": "超出频次、预算或被更合适的消息取代", "gate": "依据",
        "cap": "触达频次上限", "budget": "每日预算", "arbitrate": "更合适的消息", "channel": "渠道", "outcome": "结果",
        "collisions": "同一客户同一天的活动冲突", "and": "与", "customers": "客户数", "capped": "只能发送其一",
        "silent": "不会发出任何消息：",
        "no_moment": "这段时间内没有符合触发条件的时机", "day": "{day}：{count} 条消息", "hour": "{hour}:00，{count} 条消息",
        "table": "以表格查看", "none": "无", "assumed": "假设消息在允许的第一分钟送达。",
        "law": "每个时机都有去向。", "broken": "守恒定律被破坏，请报告此问题。", "most": "单日最多",
        "sample": "由 {customers} 位客户（全部客户的 {share}）的抽样推算：消息总数的 95% 置信区间为 ± {within}。",
    },
}  # fmt: skip


def page(report: dict[str, Any], locale: str) -> str:
    """The report as one HTML page in the language nearest to the locale."""
    from babel import Locale
    from babel.dates import format_date
    from babel.numbers import format_decimal, format_percent

    language = language_of(locale)
    spoken = Locale(language)
    words, first, last = WORDS[language], date.fromisoformat(report["from"]), date.fromisoformat(report["to"])
    months = [spoken.months["stand-alone"]["abbreviated"][number] for number in range(1, 13)]
    days = [spoken.days["stand-alone"]["abbreviated"][number] for number in range(7)]

    def number(value: float) -> str:
        return format_decimal(value, locale=spoken)

    def say_day(day: date, count: int) -> str:
        return words["day"].format(day=format_date(day, "full", locale=spoken), count=number(count))

    def heat(counts: dict[str, int], name: str) -> str:
        return heatmap(counts, first, last, name, say_day, months, days)

    def say_hour(hour: int, count: int) -> str:
        return words["hour"].format(hour=f"{hour:02}", count=number(count))

    def say_sample(drawn: dict[str, Any]) -> str:
        share = format_percent(drawn["share"], format="#,##0.##%", locale=spoken)
        return words["sample"].format(
            customers=number(drawn["customers"]), share=share, within=number(drawn["messages_within"])
        )

    return template("backtest.html").render(
        report=report, t=words, lang=tag_of(language), insurer=in_locale(report["insurer"], locale), number=number, heat=heat,
        sample=say_sample(report["sample"]) if "sample" in report else "",
        hours=bars(report["per_hour"], words["hours"], say_hour), meaning=_meaning,
        titles={line["campaign"]: in_locale(line["title"], locale) for line in report["campaigns"]},
        day=lambda text: format_date(date.fromisoformat(text), "medium", locale=spoken) if text else words["none"],
    )  # fmt: skip


def _meaning(reason: str) -> str:
    """The words of a reason, `gate.reason`."""
    gate, _, code = reason.partition(".")
    return meaning(gate, code)
