"""Push and e-mail: what is sent, and what the servers' answers mean."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels import read_adapter
from channels.adapter import ChannelError, Ports
from channels.contract import Accepted, Refused, RetryLater, Unknown
from channels.fcm import classed

BenchOf = Callable[[str], AbstractAsyncContextManager[Any]]


def test_a_push_carries_its_message_id_as_the_key_by_which_a_copy_replaces_it(bench_of: BenchOf) -> None:
    async def story() -> None:
        async with bench_of("fcm") as b:
            message = b.message("m-1", expires_at=datetime.now(UTC) + timedelta(hours=1, seconds=30))
            await b.channel.hand([message])
            (taken,) = b.more["gateway"].taken
            assert taken["notification"] == {"title": "续保提醒 m-1", "body": "您的车险将到期 m-1"}
            assert taken["android"]["collapse_key"] == taken["android"]["notification"]["tag"] == "m-1"
            assert taken["apns"]["headers"]["apns-collapse-id"] == "m-1"
            assert 3600 <= int(taken["android"]["ttl"].removesuffix("s")) <= 3630

    asyncio.run(story())


def test_one_access_token_serves_many_pushes(bench_of: BenchOf) -> None:
    async def story() -> None:
        async with bench_of("fcm") as b:
            results = await b.channel.hand([b.message(f"m-{number}") for number in range(20)])
            assert {type(result) for result in results} == {Accepted}
            assert b.more["gateway"].token_requests == 1

    asyncio.run(story())


def test_a_refused_key_stops_the_push_channel(bench_of: BenchOf) -> None:
    async def story() -> None:
        async with bench_of("fcm") as b:
            b.more["gateway"].refuse_key = True
            (result,) = await b.channel.hand([b.message("m-1")])
            assert (result.reason, result.halt) == ("stop_channel", "channel")
            assert b.more["gateway"].taken == []

    asyncio.run(story())


@pytest.mark.parametrize(("fault", "kind"), [("500", Unknown), ("503", RetryLater), ("invalid", Refused)])
def test_an_error_after_which_nobody_knows_is_not_one_that_says_come_back(
    bench_of: BenchOf, fault: str, kind: type
) -> None:
    async def story() -> None:
        async with bench_of("fcm") as b:
            b.more["gateway"].faults.append(fault)
            (result,) = await b.channel.hand([b.message("m-1")])
            assert type(result) is kind
            if isinstance(result, RetryLater):
                assert result.after == timedelta(seconds=17)
            if isinstance(result, Refused):
                assert result.bad_address

    asyncio.run(story())


@pytest.mark.parametrize(
    ("status", "text", "retry_after", "expected"),
    [
        (503, "", "", Unknown("HTTP 503")),
        (502, "<html>", "", Unknown("HTTP 502")),
        (302, "", "", Unknown("HTTP 302")),
        (200, "<html>", "", Unknown("the answer names no message")),
        (429, "", "", RetryLater(timedelta(seconds=60), "429")),
        (404, "", "", Refused("stop_channel", "404", "", halt="channel")),
        (400, "", "", Refused("refuse", "400", "")),
    ],
)
def test_answers_without_fcms_own_words_are_classed_too(
    status: int, text: str, retry_after: str, expected: object
) -> None:
    assert classed(status, text, retry_after) == expected


@pytest.mark.parametrize("key", ["/nowhere/key.json", "{not json", '{"type": "service_account"}'])
def test_an_unreadable_key_is_named_and_not_shown(key: str, tmp_path: Path) -> None:
    settings = read_adapter("push", "fcm")
    with pytest.raises(ChannelError, match="GOOGLE_APPLICATION_CREDENTIALS") as caught:
        settings.open({"GOOGLE_APPLICATION_CREDENTIALS": key}, Ports(lambda: datetime.now(UTC), tmp_path))
    assert key not in str(caught.value)


def test_an_email_is_html_with_plain_words_beside_it_and_a_way_out(bench_of: BenchOf) -> None:
    async def story() -> None:
        async with bench_of("smtp") as b:
            await b.channel.hand([b.message("m-1")])
            (mail,) = b.more["gateway"].taken
            assert (mail["Subject"], mail["From"], mail["To"]) == (
                "续保提醒 m-1",
                "service@example.com",
                "li@example.com",
            )
            assert mail["List-Unsubscribe"] == "<https://example.com/u/m-1>"
            assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert mail.get_body(("html",)).get_content().strip() == "<p>您的车险将到期</p> m-1"
            assert mail.get_body(("plain",)).get_content().strip() == "您的车险将到期\r\nm-1"

    asyncio.run(story())


def test_a_line_break_in_the_subject_writes_no_header(bench_of: BenchOf) -> None:
    async def story() -> None:
        async with bench_of("smtp") as b:
            parts = {"email_subject": "x\r\nBcc: all@example.com", "email": "<p>x</p>"}
            refused, accepted = await b.channel.hand([b.message("m-1", parts=parts), b.message("m-2")])
            assert (refused.reason, refused.bad_address) == ("refuse", False)
            assert isinstance(accepted, Accepted)
            assert len(b.more["gateway"].taken) == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    "address", ["a@b.example\r\nBcc: c@d.example", "nobody", "李@example.com", "a b@example.com", "@", ""]
)
def test_what_is_no_address_is_refused_as_one(bench_of: BenchOf, address: str) -> None:
    async def story() -> None:
        async with bench_of("smtp") as b:
            refused, accepted = await b.channel.hand([b.message("m-1", address=address), b.message("m-2")])
            assert (type(refused), refused.bad_address) == (Refused, True)
            assert isinstance(accepted, Accepted)

    asyncio.run(story())


@pytest.mark.parametrize(("fault", "kind", "code"), [("busy", RetryLater, "450"), ("policy", Refused, "554")])
def test_the_server_says_whether_to_come_back(bench_of: BenchOf, fault: str, kind: type, code: str) -> None:
    async def story() -> None:
        async with bench_of("smtp") as b:
            b.more["gateway"].faults.append(fault)
            first, second = await b.channel.hand([b.message("m-1"), b.message("m-2")])
            assert (type(first), first.code) == (kind, code)
            assert isinstance(second, Accepted), "the session goes on"

    asyncio.run(story())


def test_a_wrong_password_stops_the_email_channel(bench_of: BenchOf, tmp_path: Path) -> None:
    async def story() -> None:
        async with bench_of("smtp") as b:
            env = {**b.more["env"], "SMTP_PASSWORD": "wrong"}
            channel = b.more["settings"].open(env, Ports(lambda: datetime.now(UTC), tmp_path))
            first, second = await channel.hand([b.message("m-1"), b.message("m-2")])
            assert (first.reason, first.halt) == ("stop_channel", "channel")
            assert isinstance(second, RetryLater)

    asyncio.run(story())


def test_an_untrusted_server_gets_no_password(bench_of: BenchOf, tmp_path: Path) -> None:
    async def story() -> None:
        async with bench_of("smtp") as b:
            settings = b.more["settings"].model_copy(update={"ca_file": ""})
            channel = settings.open(b.more["env"], Ports(lambda: datetime.now(UTC), tmp_path))
            (result,) = await channel.hand([b.message("m-1")])
            assert (result.reason, result.code) == ("stop_channel", "SSLCertVerificationError")
            assert b.more["gateway"].taken == []

    asyncio.run(story())


def test_after_a_lost_answer_the_rest_of_the_batch_goes_on(bench_of: BenchOf) -> None:
    async def story() -> None:
        async with bench_of("smtp") as b:
            b.fault("lost")
            first, second = await b.channel.hand([b.message("m-1"), b.message("m-2")])
            assert (type(first), type(second)) == (Unknown, Accepted)

    asyncio.run(story())
