"""What gateways take, as data with sources. Rules of trade read in public documents: defaults to check, not advice."""

from __future__ import annotations

from channels.contract import Profile

PROFILES: dict[str, Profile] = {
    "generic": Profile(
        alphabet="sms",
        max_segments=10,
        replies=True,
        batch=1000,
        source="an insurer's own line: no rule but decency; 10 parts are what common gateways concatenate",
    ),
    "china_106": Profile(
        alphabet="sms",
        max_characters=500,
        signature="required",
        opt_out_marker="拒收请回复R",
        replies=True,
        batch=1000,
        source="own 106 number with the carriers; 通信短信息服务管理规定 (2015): say how to refuse, free and easily",
    ),
    "twilio": Profile(
        alphabet="sms",
        max_characters=1600,
        receipts=True,
        replies=True,
        per_second=100.0,
        prefixes=(("+86", "twilio_china"),),
        source="twilio.com/docs/errors/21617 (1600 characters)",
    ),
    "twilio_china": Profile(
        alphabet="sms",
        max_segments=8,
        max_characters=500,
        signature="required",
        links=False,
        promotes_insurance=False,
        receipts=True,
        replies=False,
        per_second=100.0,
        source="twilio.com/en/guidelines/cn/sms; PRC restrictions (2021-03-30): no marketing of banks or insurers, "
        "no URLs, registered signature, replies never arrive",
    ),
    "tencent": Profile(
        alphabet="sms",
        max_characters=500,
        signature="added_by_gateway",
        opt_out_marker="回T退订",
        promotes_insurance=False,
        carries_insurance=False,
        receipts=True,
        replies=True,
        looks_up=False,
        source="cloud.tencent.com/document/product/382/39023 (2025-06-17): nothing financial, no 【】 in the body; "
        "tencentcloud.com/document/product/382/42834: marketing ends with the marker",
    ),
    "huawei_msgsms": Profile(
        alphabet="sms",
        signature="added_by_gateway",
        opt_out_marker="拒收请回复R",
        promotes_insurance=False,
        carries_insurance=False,
        hours=("08:00", "22:00"),
        receipts=True,
        replies=True,
        looks_up=False,
        source="support.huaweicloud.com msgsms_faq/sms_faq_0076: finance in no type, no payment reminders, 8:00-22:00; "
        "status reports come without authentication",
    ),
    "qiniu": Profile(
        alphabet="sms",
        signature="added_by_gateway",
        opt_out_marker="回T退订",
        promotes_insurance=False,
        hours=("08:00", "20:00"),
        receipts=True,
        replies=True,
        looks_up=False,
        source="developer.qiniu.com/sms/5814/template-specification (2021): 保险推广 banned, 8:00-20:00, 回T退订",
    ),
    "fcm": Profile(
        max_characters=1000,
        per_second=500.0,
        looks_up=False,
        source="firebase.google.com/docs/cloud-messaging: payload of 4096 bytes; no way to ask for a message again",
    ),
    "smtp": Profile(
        looks_up=False,
        within_seconds=300.0,
        source="RFC 5321: once the server said 250 to the data, nobody can be asked again",
    ),
    "queue": Profile(batch=500, replies=True, source="our own task stream, asked by subject"),
}
"""Name to profile; `profile:` in the workspace's settings picks one by this name."""


def governing(profile: Profile, address: str) -> Profile:
    """The profile that holds for this address: some gateways follow the rules of the country they send to."""
    for prefix, name in profile.prefixes:
        if address.startswith(prefix):
            return PROFILES[name]
    return profile
