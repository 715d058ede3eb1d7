"""Twilio: what we ask of it, what its answers mean, and its own description as referee."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from jsonschema import Draft4Validator
from twilio.request_validator import RequestValidator

from channels.adapter import Ports
from channels.contract import Absent, Accepted, Receipt, Refused, RetryLater, Unknown
from channels.twilio_callbacks import STATUSES, NoReceiptError, parse_status, verify_signature
from channels.twilio_codes import codes, verdict

BenchOf = Callable[[str], AbstractAsyncContextManager[Any]]
URL = "https://kairos.example.com/twilio?mid=m-1"


def test_the_request_says_until_when_and_whom_to_tell(bench_of: BenchOf) -> None:
    async def story() -> None:
        async with bench_of("twilio") as b:
            now = datetime.now(UTC)
            await b.channel.hand(
                [
                    b.message("m/1", expires_at=now + timedelta(minutes=10)),
                    b.message("m-2", expires_at=now + timedelta(days=3)),
                ]
            )
            short, long = sorted(b.more["gateway"].requests, key=lambda form: int(form["ValidityPeriod"]))
            assert 590 <= int(short.pop("ValidityPeriod")) <= 600
            assert long["ValidityPeriod"] == "36000"
            assert short == {
                "To": "+8613800138000",
                "Body": "您的车险将到期 m/1",
                "MessagingServiceSid": "MG" + "1" * 32,
                "StatusCallback": "https://kairos.example.com/twilio?mid=m%2F1",
            }

    asyncio.run(story())


@pytest.mark.parametrize("fault", ["cut", "500", "slow"])
def test_a_message_twilio_took_is_never_posted_twice(bench_of: BenchOf, fault: str) -> None:
    async def story() -> None:
        async with bench_of("twilio") as b:
            b.more["gateway"].faults.append(fault)
            message = b.message("m-1")
            assert isinstance((await b.channel.hand([message]))[0], Unknown)
            assert len(b.more["gateway"].requests) == 1
            assert isinstance((await b.channel.reconcile([message]))[0], Accepted)

    asyncio.run(story())


def test_a_message_twilio_never_got_is_absent(bench_of: BenchOf) -> None:
    async def story() -> None:
        async with bench_of("twilio") as b:
            b.more["gateway"].faults.append("lost")
            message = b.message("m-1")
            assert isinstance((await b.channel.hand([message]))[0], Unknown)
            assert await b.channel.reconcile([message]) == [Absent()]

    asyncio.run(story())


def test_two_messages_with_the_same_words_need_two_records(bench_of: BenchOf) -> None:
    async def story() -> None:
        async with bench_of("twilio") as b:
            one, two = b.message("m-1"), b.message("m-2")
            two = replace(two, parts=one.parts)
            await b.channel.hand([one])
            first, second = await b.channel.reconcile([one, two])
            assert (type(first), type(second)) == (Accepted, Absent)
            await b.channel.hand([two])
            first, second = await b.channel.reconcile([one, two])
            assert first.provider_id != second.provider_id

    asyncio.run(story())


def test_a_record_that_is_anothers_does_not_count(bench_of: BenchOf, tmp_path: Path) -> None:
    async def story() -> None:
        async with bench_of("twilio") as b:
            await b.channel.hand([b.message("m-1")])
            claims = Ports(lambda: datetime.now(UTC), tmp_path, claimed=lambda ids: ids)
            other = b.more["settings"].open(b.more["env"], claims)
            later = replace(b.message("m-2"), parts=b.message("m-1").parts)
            assert await other.reconcile([later]) == [Absent()]
            await other.close()

    asyncio.run(story())


def test_an_older_message_with_the_same_words_does_not_count(bench_of: BenchOf) -> None:
    async def story() -> None:
        async with bench_of("twilio") as b:
            message = b.message("m-1")
            await b.channel.hand([message])
            nextyear = replace(message, reserved_at=message.reserved_at + timedelta(minutes=5))
            assert await b.channel.reconcile([nextyear]) == [Absent()]

    asyncio.run(story())


def test_more_than_a_page_is_read(bench_of: BenchOf) -> None:
    async def story() -> None:
        async with bench_of("twilio") as b:
            message = b.message("m-1")
            await b.channel.hand([message])
            gateway = b.more["gateway"]
            for number in range(150):
                gateway.accept({"To": message.address, "Body": f"other {number}", "From": "+15005550006"})
            assert isinstance((await b.channel.reconcile([message]))[0], Accepted)

    asyncio.run(story())


def test_refused_credentials_stop_the_channel_and_the_rest_is_not_tried(bench_of: BenchOf, tmp_path: Path) -> None:
    async def story() -> None:
        async with bench_of("twilio") as b:
            env = {**b.more["env"], "TWILIO_AUTH_TOKEN": "wrong"}
            settings = b.more["settings"].model_copy(update={"concurrency": 1})
            channel = settings.open(env, Ports(lambda: datetime.now(UTC), tmp_path))
            first, second = await channel.hand([b.message("m-1"), b.message("m-2")])
            assert (first.reason, first.code, first.halt) == ("stop_channel", "20003", "channel")
            assert isinstance(second, RetryLater)
            assert len(b.more["gateway"].requests) == 1
            assert isinstance((await channel.reconcile([b.message("m-1")]))[0], Unknown)
            await channel.close()

    asyncio.run(story())


def test_a_dead_gateway_has_certainly_taken_nothing(bench_of: BenchOf, tmp_path: Path) -> None:
    async def story() -> None:
        async with bench_of("twilio") as b:
            settings = b.more["settings"].model_copy(update={"base_url": "http://127.0.0.1:1"})
            channel = settings.open(b.more["env"], Ports(lambda: datetime.now(UTC), tmp_path))
            (result,) = await channel.hand([b.message("m-1")])
            assert (type(result), result.code) == (RetryLater, "no_connection")
            await channel.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("21610", ("opt_out", True, False, "message")),
        ("21211", ("bad_address", False, True, "message")),
        ("21614", ("bad_address", False, True, "message")),
        ("30006", ("bad_address", False, True, "message")),
        ("30007", ("stop_campaign", False, False, "campaign")),
        ("20003", ("stop_channel", False, False, "channel")),
        ("21617", ("refuse", False, False, "message")),
    ],
)
def test_a_code_means_what_the_table_says(code: str, expected: tuple[Any, ...]) -> None:
    said = verdict(code)
    assert isinstance(said, Refused)
    assert (said.reason, said.opt_out, said.bad_address, said.halt) == expected


def test_too_many_requests_are_tried_again_and_unknown_codes_wait_for_a_person() -> None:
    assert verdict("20429") == RetryLater(
        timedelta(seconds=5), "20429", "too many requests; never processed and always safe to retry"
    )
    assert verdict("99999") == RetryLater(timedelta(hours=1), "99999", "a code nobody here knows", alert=True)


def test_every_row_of_the_table_has_a_known_meaning_and_a_source() -> None:
    meanings = {"opt_out", "bad_address", "refuse", "stop_campaign", "stop_channel", "retry"}
    for row in codes().values():
        assert row.meaning in meanings
        assert row.source == row.source.strip() != ""
        assert (row.after > timedelta(0)) == (row.meaning == "retry"), row.code


def test_a_forged_callback_is_told_apart() -> None:
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    signature = RequestValidator("token").compute_signature(URL, form)
    assert verify_signature("token", URL, form, signature)
    assert not verify_signature("token", URL + "2", form, signature)
    assert not verify_signature("token", URL, {**form, "MessageStatus": "failed"}, signature)
    assert not verify_signature("other", URL, form, signature)
    assert not verify_signature("token", URL, form, "")


def test_a_callback_is_a_receipt_for_our_message() -> None:
    form = {"mid": "m-1", "MessageSid": "SM1", "MessageStatus": "delivered"}
    assert parse_status(form) == Receipt("m-1", "SM1", "delivered")
    failed = parse_status({**form, "MessageStatus": "undelivered", "ErrorCode": "30007"})
    assert (failed.status, failed.code, failed.refusal and failed.refusal.halt) == ("failed", "30007", "campaign")
    assert parse_status({**form, "MessageStatus": "undelivered", "ErrorCode": "30003"}).refusal is None


@pytest.mark.parametrize("gone", ["mid", "MessageSid", "MessageStatus"])
def test_a_callback_about_nothing_of_ours_is_no_receipt(gone: str) -> None:
    form = {"mid": "m-1", "MessageSid": "SM1", "MessageStatus": "delivered"}
    del form[gone]
    with pytest.raises(NoReceiptError):
        parse_status(form)


def resolved(schema: Any, api: dict[str, Any]) -> Any:
    """The schema with its references put in and `nullable` said the way JSON Schema does."""
    if isinstance(schema, list):
        return [resolved(item, api) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return resolved(api["components"]["schemas"][name], api)
    plain = {key: resolved(value, api) for key, value in schema.items() if key not in ("nullable", "format")}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") else plain


def form_schema(api: dict[str, Any]) -> dict[str, Any]:
    post = api["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]
    schema: dict[str, Any] = resolved(
        post["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"], api
    )
    return {**schema, "additionalProperties": False}


@pytest.mark.real_data
def test_our_requests_are_as_twilio_describes_them(bench_of: BenchOf, twilio_openapi: dict[str, Any]) -> None:
    schema = form_schema(twilio_openapi)
    validator = Draft4Validator(schema)

    async def story() -> None:
        async with bench_of("twilio") as b:
            await b.channel.hand([b.message("m-1")])
            (form,) = b.more["gateway"].requests
            typed = {
                name: int(v) if schema["properties"][name].get("type") == "integer" else v for name, v in form.items()
            }
            assert list(validator.iter_errors(typed)) == []
            assert list(validator.iter_errors({**typed, "Purpose": "x"})) != [], "an unknown field must be found"

    asyncio.run(story())


@pytest.mark.real_data
def test_the_loopback_gateway_answers_as_twilio_describes_it(bench_of: BenchOf, twilio_openapi: dict[str, Any]) -> None:
    message = Draft4Validator(resolved({"$ref": "#/components/schemas/api.v2010.account.message"}, twilio_openapi))
    get = twilio_openapi["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["get"]
    page = Draft4Validator(resolved(get["responses"]["200"]["content"]["application/json"]["schema"], twilio_openapi))

    async def story() -> None:
        async with bench_of("twilio") as b:
            await b.channel.hand([b.message("m-1"), b.message("m-2")])
            answer = b.more["gateway"].page({"To": b.address, "PageSize": "1"})
            assert list(page.iter_errors(answer)) == []
            assert list(message.iter_errors(answer["messages"][0])) == []
            assert list(message.iter_errors({**answer["messages"][0], "status": "eaten"})) != []

    asyncio.run(story())


@pytest.mark.real_data
def test_every_status_twilio_describes_is_known(twilio_openapi: dict[str, Any]) -> None:
    described = set(twilio_openapi["components"]["schemas"]["message_enum_status"]["enum"])
    assert described - {"receiving", "received"} <= STATUSES.keys()


def test_the_gateway_runs_on_its_own_and_keeps_its_journal(
    tmp_path: Path, gateway_module: Callable[[str], ModuleType]
) -> None:
    module, journal = gateway_module("twilio"), tmp_path / "journal.jsonl"
    assert module.__file__ is not None
    command = [sys.executable, module.__file__, "--port", "0", "--journal", str(journal), "--fail-rate", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        request = urllib.request.Request(
            f"{url}/2010-04-01/Accounts/{module.ACCOUNT}/Messages.json", b"To=%2B15005550010&Body=x&From=%2B15005550006"
        )
        import base64

        request.add_header(
            "Authorization", "Basic " + base64.b64encode(f"{module.ACCOUNT}:{module.TOKEN}".encode()).decode()
        )
        with urllib.request.urlopen(request) as answer:
            sid = json.loads(answer.read())["sid"]
        process.kill()
    assert [json.loads(line)["sid"] for line in journal.read_text().splitlines()] == [sid]
    with module.TwilioGateway(journal) as again:
        assert [message["sid"] for message in again.messages] == [sid]
