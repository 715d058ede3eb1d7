"""The sentences of reports in Chinese, by their English form; both have places for the same values."""

from __future__ import annotations

from collections.abc import Callable

from recommender.sentence import said

CHINESE = {
    # groups
    "treated": "触达组",
    "held_out": "对照组",
    "control": "对照组",
    # recommender/effect/verdict.py
    "the groups are not as large as they were meant to be: find out who was lost first":
        "各组人数与设计不符：请先查明哪些客户缺失",
    "the interval excludes 0: more with the treatment":
        "区间不含零：触达后更高",
    "the interval excludes 0: less with the treatment":
        "区间不含零：触达后更低",
    "with as many comparisons as these so much is chance (adjusted p = {p:.3f})":
        "在如此多的比较中，这样的差异属于偶然（校正后 p = {p:.3f}）",
    "the rows of each group are all alike: nothing tells how far off the difference may be":
        "各组内的数值完全相同：无法判断差异的误差",
    "an effect of {size:.4g} would be found with probability {chance:.0%} only":
        "若真实效果为 {size:.4g}，目前只有 {chance:.0%} 的概率能发现",
    "the interval holds 0; an effect of {size:.4g} would be found with probability {chance:.0%}":
        "区间含零；若真实效果为 {size:.4g}，有 {chance:.0%} 的概率能发现",
    "rows of the {group} group: {n:,}; nothing is said below {least}":
        "{group}仅有 {n:,} 个样本，少于 {least} 不下结论",
    "the {group} group has no {per} to divide by":
        "{group}的 {per} 合计为零，无法作除数",
    "rows of the {group} group with the outcome: {n:g}; nothing is said below {least}":
        "{group}达成目标的仅有 {n:g} 个，少于 {least} 不下结论",
    "rows of the {group} group without the outcome: {n:g}; nothing is said below {least}":
        "{group}未达成目标的仅有 {n:g} 个，少于 {least} 不下结论",
    # campaigns/measure/health.py
    "there is one group only: with a `holdout` above 0 and below 100% there are two, and an effect to see":
        "只有一个组：`holdout` 大于 0 且小于 100% 时才有两组，才能看到效果",
    "customers / as many as were meant: {parts}; p = {p:.3g}": "客户数 / 设计人数：{parts}；p = {p:.3g}",
    "nobody was treated once and held out another time":
        "没有客户时而触达、时而对照",
    "customers who were treated once and held out another time: {count:,}; they are left out":
        "有 {count:,} 位客户时而触达、时而对照，不计入",
    "one share held out all along": "对照比例始终不变",
    "earlier versions that held out another share: {count}; what they drew is left out":
        "有 {count} 个早期版本的对照比例不同，其抽样不计入",
    "outcomes were never looked for: does `kairos run` run?":
        "从未查找过结果：`kairos run` 在运行吗？",
    "outcomes are known up to {at:%Y-%m-%d %H:%M} UTC":
        "结果已知至 {at:%Y-%m-%d %H:%M} UTC",
    "outcomes are known up to {at:%Y-%m-%d %H:%M} UTC; run `kairos run`, later windows count as open":
        "结果只知至 {at:%Y-%m-%d %H:%M} UTC；请运行 `kairos run`，此后的窗口视为未结束",
    "no event {goal} ever reached the goal; no window is closed yet":
        "尚无 {goal} 事件达成目标；还没有窗口结束",
    "no event {goal} ever reached the goal: is it in the facts?":
        "从未有 {goal} 事件达成目标：数据中有这类事件吗？",
    "events {goal} that reached the goal: {count:,}, the last on {last:%Y-%m-%d}; moments since then: {since:,}":
        "{count:,} 个 {goal} 事件达成目标，最近一次在 {last:%Y-%m-%d}；此后有 {since:,} 个时机",
    "the goal can be reached without a message":
        "不收到消息也能达成目标",
    "answers to the campaign's own messages among the {count:,} events {goal}: {answers:,}; nobody held out can give one: "
    "take a goal that customers reach by themselves":
        "{count:,} 个 {goal} 事件中有 {answers:,} 个是对本活动消息的回应，对照组不可能有：请改用客户自己能达成的目标",
    "nobody is treated yet": "尚未触达任何人",
    "moments treated: {moments:,}, with a message: {messaged:,}; with none that arrived: {failed:,}":
        "触达 {moments:,} 个时机，已发消息 {messaged:,} 个；全部未送达 {failed:,} 个",
    # kairos/measurements.py
    "it has no `goal`: nothing says what success is":
        "没有 `goal`：未说明何为成功",
    "nobody is held out: set `holdout` to see what it causes":
        "没有对照组：设置 `holdout` 才能看到效果",
    # recommender/uplift
    "only response models were asked for: nothing was learnt about effects":
        "只选了响应模型：对效应一无所知",
    "on average a contact adds {told} to the rate":
        "平均而言，触达使比率提高 {told}",
    "on average a contact takes from the rate: {told}":
        "平均而言，触达使比率降低：{told}",
    "no proven effect on average: {told}":
        "平均效应未获证实：{told}",
    "{learner}: Qini {value:.4f} ({low:.4f} to {high:.4f}), p = {p:.3g}":
        "{learner}：Qini {value:.4f}（{low:.4f} 至 {high:.4f}），p = {p:.3g}",
    "{qini}: the effect differs between customers":
        "{qini}：效应因客户而异",
    "{learner} ranks better than the response model: Qini {told}, p = {p:.3g}":
        "{learner} 的排序优于响应模型：Qini {told}，p = {p:.3g}",
    "no evidence that targeting beats the response model: Qini {told}, p = {p:.3g}":
        "没有证据表明按增量选人优于响应模型：Qini {told}，p = {p:.3g}",
    "no evidence that the effect differs between customers: {qini}":
        "没有证据表明效应因客户而异：{qini}",
    "leaving out the {share:.0%} it says a contact is not worth for gains {told} a customer":
        "不触达模型认为不值得的 {share:.0%} 客户，每位客户多得 {told}",
    "no proven gain over contacting everybody: {told} a customer":
        "相对全部触达的收益未获证实：每位客户 {told}",
    "{value:+.4f} ({low:+.4f} to {high:+.4f})":
        "{value:+.4f}（{low:+.4f} 至 {high:+.4f}）",
    "{value:+.5f} ({low:+.5f} to {high:+.5f})":
        "{value:+.5f}（{low:+.5f} 至 {high:+.5f}）",
    "area between curve and diagonal over that of the perfect ranking, negative effects included "
    "(scikit-uplift: qini_auc_score, uplift_auc_score)":
        "曲线与对角线之间的面积，除以完美排序的同一面积，含负效应（与 scikit-uplift 的 qini_auc_score、uplift_auc_score 一致）",
    "is another number in every row: an id": "每行数值都不同：是编号",
    "is empty": "为空",
    "is the same in every row": "每行都相同",
    "has another value in most rows: an id or a text":
        "多数行的取值都不同：是编号或文本",
    "is the same, or rare, in every row": "每行都相同，或取值太少见",
}  # fmt: skip


def speaker(language: str) -> Callable[[str], str]:
    """Says a sentence of a report in the page's language."""
    return lambda words: said(words, CHINESE if language == "zh" else {})
