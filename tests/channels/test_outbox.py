"""The outbox folder: files people open, and which hold each message once whatever happens."""

import asyncio
import multiprocessing
import os
import signal
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from channels import Channel, Message, read_adapter
from channels.adapter import Ports
from channels.contract import Absent, Accepted

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CHINA = timezone(timedelta(hours=8))


def message(message_id: str, words: str = "您的车险还有60天到期。", reserved_at: datetime = NOON) -> Message:
    return Message(
        message_id, "motor-renewal", "service", "sms", "C1", "+8613800138000", "zh-CN",
        {"sms": words}, NOON, NOON + timedelta(hours=8), reserved_at,
    )  # fmt: skip


def outbox(folder: Path, now: datetime = NOON) -> Channel:
    return read_adapter("sms", "outbox").open({}, Ports(lambda: now, folder, CHINA))


def files(folder: Path) -> list[Path]:
    return sorted((folder / "outbox").rglob("*.txt"))


def test_a_batch_is_one_file_a_person_can_read(tmp_path: Path) -> None:
    asyncio.run(outbox(tmp_path).hand([message("m-1"), message("m-2", "第二条\n两行")]))
    (file,) = files(tmp_path)
    assert file.parent == tmp_path / "outbox" / "2026-11-23" / "sms"
    line = "-" * 72
    assert file.read_text(encoding="utf-8") == (
        f"2 messages\n{line}\n"
        "Message: m-1\nTo: +8613800138000\nCustomer: C1\nCampaign: motor-renewal (service)\nLocale: zh-CN\n"
        "Between: 2026-11-23T12:00:00+00:00 and 2026-11-23T20:00:00+00:00\n[sms]\n    您的车险还有60天到期。\n"
        f"{line}\n"
        "Message: m-2\nTo: +8613800138000\nCustomer: C1\nCampaign: motor-renewal (service)\nLocale: zh-CN\n"
        "Between: 2026-11-23T12:00:00+00:00 and 2026-11-23T20:00:00+00:00\n[sms]\n    第二条\n    两行\n"
        f"{line}\n"
    )


def test_a_message_is_written_once_whoever_hands_it_and_in_whatever_batch(tmp_path: Path) -> None:
    first, second = outbox(tmp_path), outbox(tmp_path)
    before = asyncio.run(first.hand([message("m-1"), message("m-2")]))
    after = asyncio.run(second.hand([message("m-2"), message("m-3"), message("m-3")]))
    assert after[0] == before[1]
    assert after[1] == after[2] != before[1]
    text = "".join(file.read_text(encoding="utf-8") for file in files(tmp_path))
    assert [text.count(f"Message: m-{number}\n") for number in (1, 2, 3)] == [1, 1, 1]
    assert asyncio.run(first.reconcile([message("m-3"), message("m-4")])) == [after[1], Absent()]


def test_a_message_handed_yesterday_is_found_today(tmp_path: Path) -> None:
    accepted = asyncio.run(outbox(tmp_path).hand([message("m-1")]))
    tomorrow = outbox(tmp_path, NOON + timedelta(days=1))
    assert asyncio.run(tomorrow.hand([message("m-1")])) == accepted
    assert len(files(tmp_path)) == 1


def test_the_day_is_the_insurers(tmp_path: Path) -> None:
    late = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
    asyncio.run(outbox(tmp_path, late).hand([message("m-1")]))
    assert [file.parent.parent.name for file in files(tmp_path)] == ["2026-11-24"]


def test_no_words_can_pass_for_another_message(tmp_path: Path) -> None:
    asyncio.run(outbox(tmp_path).hand([message("m-1", "x\nMessage: m-2\n\rMessage: m-3")]))
    assert asyncio.run(outbox(tmp_path).reconcile([message("m-2"), message("m-3")])) == [Absent(), Absent()]


def test_what_was_not_finished_is_not_counted(tmp_path: Path) -> None:
    folder = tmp_path / "outbox" / "2026-11-23" / "sms"
    folder.mkdir(parents=True)
    (folder / ".batch-0.txt.unfinished").write_text("1 messages\n---\nMessage: m-1\n")
    channel = outbox(tmp_path)
    assert asyncio.run(channel.reconcile([message("m-1")])) == [Absent()]
    assert isinstance(asyncio.run(channel.hand([message("m-1")]))[0], Accepted)


def _hand_for_ever(folder: str) -> None:
    channel = outbox(Path(folder))
    for number in range(1_000_000):
        asyncio.run(channel.hand([message(f"m-{number}-{row}") for row in range(50)]))


def test_a_killed_sender_leaves_whole_batches_or_none(tmp_path: Path) -> None:
    for attempt in range(3):
        sender = multiprocessing.get_context("spawn").Process(
            target=_hand_for_ever, args=(str(tmp_path / str(attempt)),)
        )
        sender.start()
        deadline = time.monotonic() + 30
        while len(files(tmp_path / str(attempt))) < 5 + attempt and time.monotonic() < deadline:
            time.sleep(0.002)
        assert sender.pid is not None
        os.kill(sender.pid, signal.SIGKILL)
        sender.join()
        batches = files(tmp_path / str(attempt))
        assert len(batches) >= 5
        assert {file.read_text(encoding="utf-8").count("\nMessage: ") for file in batches} == {50}


def test_a_thousand_messages_take_less_than_a_tenth_of_a_second(tmp_path: Path) -> None:
    channel = outbox(tmp_path)
    took = []
    for batch in range(5):
        messages = [message(f"m-{batch}-{row}") for row in range(1000)]
        start = time.perf_counter()
        asyncio.run(channel.hand(messages))
        took.append(time.perf_counter() - start)
    assert min(took) < 0.1
