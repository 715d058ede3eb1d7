"""The page on the service: what has fallen first, then each index over time and by whom, and what the comments are about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kairos.figures import p_value
from kairos.pages.intervals import Point, dots, trend
from kairos.pages.paper import in_locale, language_of, tag_of, template

WORDS = {
    "en": {
        "title": "What customers say", "period": "{first} to {last}; falls compare what came from {recent} on with what came before.",
        "nps": "Net promoter score", "csat": "Satisfaction, % who gave 4 or 5", "ces": "Ease, mean of 1 to 7",
        "answers": "answers", "of_all": "of all answers", "fallen": "Fallen", "none": "Nothing has fallen beyond what chance explains.",
        "was": "{group}: {before} to {now} ({answers} answers, adjusted p = {p})", "all": "all together",
        "month": "by month", "campaign": "by campaign", "channel": "by channel", "region": "by region", "agent": "by agent",
        "few": "Pale: fewer answers than anybody should be judged by.", "topics": "What the comments are about",
        "words": "words", "share": "share", "mean": "mean", "examples": "for example", "nobody": "Nobody has answered in this time.",
        "table": "The same as a table", "group": "group", "value": "value", "interval": "95 % interval",
        "aside": "{count} answers could not be read and are set aside.",
        "more": "{count} more stand in the table.",
    },
    "zh": {
        "title": "客户评价", "period": "{first} 至 {last}；“下降”指 {recent} 之后与之前相比。",
        "nps": "净推荐值（NPS）", "csat": "满意度（打 4 分或 5 分的比例，%）", "ces": "便利度（1 至 7 分的平均值）",
        "answers": "份回答", "of_all": "占全部回答", "fallen": "下降", "none": "没有超出偶然波动的下降。",
        "was": "{group}：由 {before} 降至 {now}（{answers} 份回答，校正后 p = {p}）", "all": "总体",
        "month": "按月", "campaign": "按活动", "channel": "按渠道", "region": "按地区", "agent": "按服务人员",
        "few": "浅色表示回答太少，不宜据此评判。", "topics": "评论主题",
        "words": "关键词", "share": "占比", "mean": "平均", "examples": "例如", "nobody": "这段时间没有人回答。",
        "table": "以表格查看", "group": "分组", "value": "数值", "interval": "95% 区间",
        "aside": "{count} 份回答无法读取，已单独统计。",
        "more": "其余 {count} 项见表格。",
    },
}  # fmt: skip
KINDS, BY = ("nps", "csat", "ces"), ("campaign", "channel", "region", "agent")
MOST = 20
"""Groups drawn: those with the most answers."""


def page(report: dict[str, Any], locale: str) -> str:
    """The report as one HTML page in the language nearest to the locale."""
    from babel import Locale
    from babel.dates import format_date
    from babel.numbers import format_decimal, format_percent

    language = language_of(locale)
    spoken, words = Locale(language), WORDS[language]

    def number(value: float, digits: str = "#,##0.#") -> str:
        return format_decimal(value, digits, locale=spoken)

    def day(text: str) -> str:
        return format_date(datetime.fromisoformat(text), "medium", locale=spoken)

    def said(each: dict[str, Any]) -> str:
        ends = " – ".join("?" if end is None else number(end) for end in each["interval"])
        return f"{each['group'] or words['all']}: {number(each['value'])} ({ends}), {number(each['answers'])} {words['answers']}"

    def point(each: dict[str, Any]) -> Point:
        low, high = each["interval"]
        return Point(each["group"], each["value"], low, high, said(each), faint=not each["enough"])

    def of(kind: str, by: str) -> list[dict[str, Any]]:
        return [each for each in report["indices"] if each["kind"] == kind and each["by"] == by]

    def most(kind: str, by: str) -> list[dict[str, Any]]:
        chosen = sorted(of(kind, by), key=lambda each: -each["answers"])[:MOST]
        return sorted(chosen, key=lambda each: each["value"])

    return template("quality.html").render(
        report=report, t=words, lang=tag_of(language), insurer=in_locale(report["insurer"], locale), number=number, day=day, of=of,
        p_value=p_value,
        kinds=[kind for kind in KINDS if of(kind, "")], by=BY, said=said, most=MOST,
        percent=lambda share: format_percent(share, locale=spoken),
        trend=lambda kind: trend([point(each) for each in of(kind, "month")], f"{words[kind]}, {words['month']}"),
        dots=lambda kind, by: dots([point(each) for each in most(kind, by)], f"{words[kind]}, {words[by]}"),
        aside=sum(report["set_aside"].values()),
    )  # fmt: skip
