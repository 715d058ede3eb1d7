"""What customers read who follow a link or write back."""

from __future__ import annotations

import re
from collections.abc import Sequence

WORDS = {
    "en": {
        "title": "Your consent", "ask": "{insurer} would like to send you {purpose} by {channel}. Do you agree?", "yes": "I agree",
        "no": "If you do not agree, close this page: you will get none.", "confirmed": "Thank you. You have agreed.",
        "more": "You can take this back at any time.", "expired": "This link is no longer valid. Nothing has been agreed.",
        "unknown": "This link is not known here. Nothing has been agreed.", "away": "This cannot be done just now. Please try again later.",
        "service": "news about your policies", "care": "tips and help", "marketing": "offers", "contract": "notices about your policies",
        "*": "messages", "any": "any channel", "sms": "text message", "push": "the app", "email": "e-mail", "ai_outbound": "automated call",
        "agent_task": "a call from your adviser",
        "stopped": "{insurer}: you will get no more text messages from us.", "agreed": "{insurer}: thank you, you have agreed.",
        "help": "{insurer} writes to you about your insurance.{call} Answer STOP to get no more text messages.",
        "call": " Call us on {phone}.",
    },
    "zh": {
        "title": "您的授权", "ask": "{insurer}希望通过{channel}向您发送{purpose}。您是否同意？", "yes": "我同意",
        "no": "如不同意，请关闭本页面，我们不会发送。", "confirmed": "谢谢，您已同意。",
        "more": "您可以随时撤回。", "expired": "此链接已失效，未记录任何授权。",
        "unknown": "无法识别此链接，未记录任何授权。", "away": "暂时无法处理，请稍后再试。",
        "service": "保单服务通知", "care": "关怀提示", "marketing": "优惠信息", "contract": "保单通知",
        "*": "消息", "any": "任何渠道", "sms": "短信", "push": "应用消息", "email": "电子邮件", "ai_outbound": "智能语音电话",
        "agent_task": "专属顾问来电",
        "stopped": "【{insurer}】您已退订，我们不会再向您发送短信。", "agreed": "【{insurer}】谢谢，您已同意。",
        "help": "【{insurer}】向您发送保险相关信息。{call}回复TD退订。", "call": "客服电话{phone}。",
    },
}  # fmt: skip
_HAN = re.compile(r"[\u4e00-\u9fff]")


def accepted(header: str, locales: Sequence[str]) -> str:
    """zh or en: what a browser asks for first of the two (`Accept-Language`), else the insurer's first language."""
    asked = [part.partition(";")[0].strip().lower()[:2] for part in header.split(",")]
    return next((each for each in asked if each in WORDS), _first(locales))


def written_in(words: str, locales: Sequence[str]) -> str:
    """zh or en: the language somebody wrote in."""
    if _HAN.search(words):
        return "zh"
    return "en" if any(locale.lower().startswith("en") for locale in locales) else _first(locales)


def _first(locales: Sequence[str]) -> str:
    return "zh" if locales[0].lower().startswith("zh") else "en"
