"""What holds for every adapter, each against its real server."""

import asyncio
import logging
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from channels import MEDIA, adapters, read_adapter
from channels.adapter import ChannelError, MissingSecretError, Ports
from channels.contract import Absent, Accepted, Refused, RetryLater, Unknown

Open = Callable[[], AbstractAsyncContextManager[Any]]


def test_the_folder_lists_the_adapters() -> None:
    assert sorted(adapters()) == ["fcm", "outbox", "queue", "smtp", "twilio"]
    for name, kind in adapters().items():
        assert kind.media <= MEDIA.keys()
        assert get_args(kind.model_fields["adapter"].annotation) == (name,)
        assert all(field.description for key, field in kind.model_fields.items() if key != "adapter"), name


def test_every_medium_is_served_by_the_outbox() -> None:
    assert adapters()["outbox"].media == MEDIA.keys()


def test_a_message_handed_once_is_accepted_and_arrives_once(bench: Open) -> None:
    async def story() -> None:
        async with bench() as b:
            message, other = b.message("m-1"), b.message("m-2")
            results = await b.channel.hand([message, other])
            assert [type(result) for result in results] == [Accepted, Accepted]
            assert [await b.copies(message), await b.copies(other)] == [1, 1]

    asyncio.run(story())


def test_a_reconcile_finds_what_was_handed_and_not_what_was_not(bench: Open) -> None:
    async def story() -> None:
        async with bench() as b:
            there, never = b.message("m-1"), b.message("m-2")
            accepted = (await b.channel.hand([there]))[0]
            found = await b.channel.reconcile([never, there])
            if b.channel.profile.looks_up:
                assert found == [Absent(), Accepted(accepted.provider_id)]
            else:
                assert [type(finding) for finding in found] == [Unknown, Unknown]

    asyncio.run(story())


def test_a_lost_answer_is_unknown_until_the_provider_is_asked(bench: Open) -> None:
    async def story() -> None:
        async with bench() as b:
            message = b.message("m-1")
            b.fault("lost")
            assert isinstance((await b.channel.hand([message]))[0], Unknown)
            assert await b.copies(message) == 1
            expected = Accepted if b.channel.profile.looks_up else Unknown
            assert isinstance((await b.channel.reconcile([message]))[0], expected)

    asyncio.run(story())


def test_try_later_means_that_nothing_arrived(bench: Open) -> None:
    async def story() -> None:
        async with bench() as b:
            message = b.message("m-1")
            b.fault("retry")
            result = (await b.channel.hand([message]))[0]
            assert isinstance(result, RetryLater)
            assert result.after > timedelta(0)
            assert await b.copies(message) == 0
            assert isinstance((await b.channel.hand([message]))[0], Accepted)
            assert await b.copies(message) == 1

    asyncio.run(story())


def test_a_bad_address_is_refused_and_the_others_go_on(bench: Open) -> None:
    async def story() -> None:
        async with bench() as b:
            if "refused" not in b.faults:
                pytest.skip("a folder refuses nobody")
            bad, good = b.message("m-1", **b.more["refused"]), b.message("m-2")
            refused, accepted = await b.channel.hand([bad, good])
            assert isinstance(refused, Refused)
            assert (refused.bad_address, refused.opt_out, refused.halt) == (True, False, "message")
            assert isinstance(accepted, Accepted)

    asyncio.run(story())


def test_what_has_expired_is_not_sent(bench: Open) -> None:
    async def story() -> None:
        async with bench() as b:
            if b.name == "outbox":
                pytest.skip("a folder delivers nothing: whoever empties it sees until when each message holds")
            message = b.message("m-1", expires_at=datetime.now(UTC) - timedelta(seconds=1))
            assert (await b.channel.hand([message]))[0] == Refused(
                "expired", "expired", b.more.get("words", _said(b.name))
            )
            assert await b.copies(message) == 0

    asyncio.run(story())


def _said(name: str) -> str:
    return "too late to be done" if name == "queue" else "too late to send"


def test_neither_secrets_nor_numbers_get_into_words_or_logs(
    bench: Open, secrets: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def story() -> None:
        async with bench() as b:
            message = b.message("m-1")
            said = [repr(message), repr(b.channel), repr(vars(b.channel))]
            said += map(repr, [b.more.get("settings"), *await b.channel.hand([message])])
            for fault in sorted(b.faults - {"refused"}):
                b.fault(fault)
                said += map(repr, await b.channel.hand([b.message(f"m-{fault}")]))
            if "refused" in b.faults:
                said += map(repr, await b.channel.hand([b.message("m-9", **b.more["refused"])]))
            # "mail.log" is the server's own
            said += [record.getMessage() for record in caplog.records if record.name != "mail.log"]
            text = "\n".join(said)
            for secret in (*secrets, message.address, *b.more.get("refused", {}).values()):
                assert secret not in text, secret

    asyncio.run(story())


@pytest.mark.parametrize("name", ["twilio", "smtp", "fcm"])
def test_a_missing_secret_is_named(name: str, tmp_path: Path) -> None:
    written = {
        "twilio": {"adapter": "twilio", "from": "+15005550006"},
        "smtp": {"adapter": "smtp", "host": "localhost", "from": "a@example.com"},
        "fcm": {"adapter": "fcm"},
    }
    settings = read_adapter(sorted(adapters()[name].media)[0], written[name])
    assert settings.missing({}) == list(settings.variables())
    with pytest.raises(MissingSecretError, match=settings.variables()[0]):
        settings.open({}, Ports(lambda: datetime.now(UTC), tmp_path))


def test_secrets_are_named_where_they_are_documented() -> None:
    for name, kind in adapters().items():
        names = [key for key in kind.model_fields if key.endswith("_env")]
        described = [kind.model_fields[key].description or "" for key in names]
        assert all("environment variable" in words for words in described), name


@pytest.mark.parametrize(
    ("medium", "written", "words"),
    [
        ("sms", "carrier-pigeon", "there is no adapter 'carrier-pigeon' | for sms: outbox, twilio"),
        ("email", {"adapter": "twilio"}, "the adapter twilio does not serve email | for email: outbox, smtp"),
        ("sms", {"folder": "x"}, "no adapter is named | write one of outbox, twilio, or a mapping with `adapter:`"),
        ("sms", {"adapter": "twilio"}, "Twilio needs one sender | write either messaging_service_sid or from"),
        ("sms", {"adapter": "outbox", "foldr": "x"}, "foldr: Extra inputs are not permitted | options of outbox"),
        (
            "sms",
            {"adapter": "outbox", "profile": "acme"},
            "profile: there is no gateway profile 'acme' | known: generic",
        ),
    ],
)
def test_a_fault_in_the_settings_says_what_to_write(medium: str, written: Any, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        read_adapter(medium, written)


def test_a_profile_named_in_the_settings_holds_for_texts_only() -> None:
    settings = read_adapter("sms", {"adapter": "outbox", "profile": "tencent"})
    assert settings.profile_for("sms").carries_insurance is False
    assert settings.profile_for("push").carries_insurance is True
    assert settings.profile_for("push").alphabet == "utf-8"


def test_the_queue_wants_a_queue(tmp_path: Path) -> None:
    with pytest.raises(ChannelError, match="needs a running task queue"):
        read_adapter("ai_outbound", "queue").open({}, Ports(lambda: datetime.now(UTC), tmp_path))


def test_every_profile_says_where_it_comes_from() -> None:
    from channels.profiles import PROFILES

    assert {name for name, profile in PROFILES.items() if not profile.source} == set()
    assert {kind.own_profile for kind in adapters().values()} <= PROFILES.keys()
    assert {target for profile in PROFILES.values() for _, target in profile.prefixes} <= PROFILES.keys()
    assert "batch" in {field.name for field in fields(PROFILES["generic"])}
