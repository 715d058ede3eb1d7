"""The page of uplift models: the verdict, the curves, and the customers by tenths."""

from __future__ import annotations

from typing import Any

from kairos.figures import p_value
from kairos.pages.curves import Line, lines
from kairos.pages.paper import language_of, tag_of, template
from kairos.pages.sentences import speaker

WORDS = {
    "en": {
        "title": "Whom a contact changes", "verdict": "Verdict", "average": "Average effect", "rows": "Customers",
        "treated": "rate with the contact", "untreated": "rate without",
        "learner": "learner", "over": "over the response model", "interval": "95 % interval",
        "best": "effect in the best {share}", "worth": "worth contacting", "gain": "gain over contacting everybody, a customer",
        "curve": "Qini curve", "x": "share of the customers contacted, best first", "y": "outcomes gained per 1,000 customers",
        "tenths": "Customers by tenths of {learner}", "tenth": "tenth", "score": "mean score", "effect": "effect", "chance": "by chance",
        "table": "The learners", "definition": "Qini and AUUC", "left_out": "Left out as features", "source": "method", "p": "p (adjusted)",
        "data": "in the file", "train": "learnt from", "test": "tested on", "other_arms": "of other arms",
        "targeting beats the response model": "Targeting beats the response model",
        "no evidence that targeting beats the response model": "No evidence that targeting beats the response model",
        "no evidence that the effect differs between customers": "No evidence that the effect differs between customers",
    },
    "zh": {
        "title": "触达改变了谁", "verdict": "结论", "average": "平均效应", "rows": "客户数", "treated": "触达组比率",
        "untreated": "对照组比率", "learner": "模型", "over": "与响应模型之差", "interval": "95% 置信区间",
        "best": "前 {share} 客户的效应", "worth": "值得触达", "gain": "相对全部触达的收益（每位客户）",
        "curve": "Qini 曲线", "x": "触达客户比例（由高分到低分）", "y": "每千名客户增加的结果数",
        "tenths": "按 {learner} 分数十等分的客户", "tenth": "十分位", "score": "平均分", "effect": "效应", "chance": "随机",
        "table": "各模型", "definition": "Qini 与 AUUC", "left_out": "未用作特征的列", "source": "方法", "p": "p 值（已校正）",
        "data": "文件中", "train": "训练", "test": "测试", "other_arms": "其他组",
        "targeting beats the response model": "按增量选人优于响应模型",
        "no evidence that targeting beats the response model": "没有证据表明按增量选人优于响应模型",
        "no evidence that the effect differs between customers": "没有证据表明效应因客户而异",
    },
}  # fmt: skip
SHOWN = 3
"""Learners whose curves are drawn, with the better response model: more lines tell nobody anything."""


def page(report: dict[str, Any], locale: str) -> str:
    """The report as one HTML page that needs nothing else, in the language nearest to the locale."""
    from babel import Locale
    from babel.numbers import format_decimal, format_percent

    language = language_of(locale)
    spoken, words = Locale(language), WORDS[language]

    def number(value: float | None, form: str = "#,##0.0000") -> str:
        return "?" if value is None else format_decimal(value, format=form, locale=spoken)

    def percent(value: float) -> str:
        return format_percent(value, locale=spoken)

    learners = report["learners"]
    told = next((each for each in learners if each["learner"] == report["verdict"]["learner"]), learners[0])
    return template("uplift_model.html").render(
        report=report, t=words, lang=tag_of(language), number=number, percent=percent, told=told,
        say=speaker(language), p_value=p_value,
        curve=lines(_curves(report), words["curve"], (words["x"], words["y"]), number),
    )  # fmt: skip


def _curves(report: dict[str, Any]) -> list[Line]:
    """The best learners, the better response model, and chance."""
    learners = report["learners"]
    best = [each for each in learners if each["over_response"]][:SHOWN]
    base = [each for each in learners if not each["over_response"]][:1]
    found = [Line(each["learner"], [(x, 1000 * y) for x, y in each["curve"]]) for each in (*best, *base)]
    end = (best or base)[0]["curve"][-1][1]
    return [*found, Line("", [(0.0, 0.0), (1.0, 1000 * end)], dashed=True)]
