"""The page of a comparison of models: how good each is, how sure one can be, whether its probabilities hold."""

from __future__ import annotations

from typing import Any

from kairos.pages.charts import curve, intervals
from kairos.pages.paper import language_of, tag_of, template

WORDS = {
    "en": {
        "title": "Which model offers best", "events": "{events} test events, {items} items, learnt from {rows} rows",
        "all": "All events", "with history": "Users known from training", "new": "New users", "hit": "Hit rate at {k}",
        "rule": "The rule marks popularity; bars are 95 % bootstrap intervals.", "model": "model", "over": "over popularity (95 %)",
        "coverage": "coverage", "novelty": "novelty, bits", "trust": "Are probabilities what comes?",
        "diagonal": "Across: the probability said. Up: the share taken. On the diagonal they agree; larger dots are more offers.",
        "chosen": "Chosen on the last of the training rows", "fading": "A row weighs half after {days} days.", "steady": "No row fades.",
        "exposure": "Scored per chance to take an item.", "setting": "setting", "weight": "weight in the blend", "not_fitted": "Not fitted",
        "error": "calibration error",
    },
    "zh": {
        "title": "哪个模型推荐得最好", "events": "{events} 个测试事件，{items} 个产品，{rows} 行训练数据",
        "all": "全部事件", "with history": "训练中已有的客户", "new": "新客户", "hit": "前 {k} 命中率",
        "rule": "竖线为热门基准；横条为 95% 自助法区间。", "model": "模型", "over": "相对热门（95%）",
        "coverage": "覆盖率", "novelty": "新颖度（比特）", "trust": "概率可信吗？",
        "diagonal": "横轴：模型给出的概率；纵轴：实际发生的比例。对角线表示一致；点越大样本越多。",
        "chosen": "在训练数据的最后一段上选定", "fading": "每过 {days} 天，一行的权重减半。", "steady": "旧数据不衰减。",
        "exposure": "按可购买机会计分。", "setting": "参数", "weight": "融合权重", "not_fitted": "未训练",
        "error": "校准误差",
    },
}  # fmt: skip


def page(report: dict[str, Any], locale: str) -> str:
    """The report of `Comparison.as_dict` as one HTML page that needs nothing else, in the language nearest to the locale."""

    language = language_of(locale)
    segments: dict[str, list[dict[str, Any]]] = {}
    for line in report["models"]:
        segments.setdefault(line["segment"], []).append(line)
    return template("evaluation.html").render(
        report=report, segments=segments, t=WORDS[language], lang=tag_of(language),
        dots=lambda lines, name: intervals({line["model"]: line["hr"] for line in lines}, name, "popularity"), curve=curve,
    )  # fmt: skip
