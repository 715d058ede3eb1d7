"""The task queues on a real NATS server, which is started, shared, killed and stopped."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from channels.adapter import MaybePublishedError, NotPublishedError
from channels.tasks import RESULTS, CallResult
from kairos import nats_server
from kairos.nats_server import NatsServer
from kairos.queues import DEAD, DEAD_STREAM, RESULTS_STREAM, QueueLimits, Queues, document

QUICK = QueueLimits(timeout=2.0, first_pause=0.05, longest_pause=0.2, most_deliveries=4)
JSON = {"content-type": "application/json"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with nats_server.start(tmp_path / "queue") as running:
        yield running


def until(true: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


async def soon(true: Callable[[], bool], seconds: float = 15.0) -> bool:
    for _ in range(int(seconds / 0.02)):
        if true():
            return True
        await asyncio.sleep(0.02)
    return False


def result(name: str) -> CallResult:
    return CallResult(result_id=name, job_id="m-1", outcome="answered", occurred_at=datetime(2026, 11, 23, tzinfo=UTC))


def test_a_task_put_twice_is_kept_once(server: NatsServer) -> None:
    async def story() -> None:
        async with Queues(server.url, limits=QUICK) as queues:
            subject = "kairos.tasks.ai_outbound.m-1"
            await queues.publish(subject, b"first", "m-1")
            await queues.publish(subject, b"again", "m-1")
            # as after the two minutes in which the server remembers ids
            await queues.publish(subject, b"much later", "m-1 forgotten")
            kept = await queues.jetstream().get_last_msg("KAIROS_TASKS", subject)
            assert kept.data == b"first"
            assert (await queues.jetstream().stream_info("KAIROS_TASKS")).state.messages == 1

    asyncio.run(story())


def test_a_task_is_there_or_it_is_not(server: NatsServer) -> None:
    async def story() -> None:
        async with Queues(server.url, limits=QUICK) as queues:
            await queues.publish("kairos.tasks.agent_task.m-1", b"{}", "m-1")
            assert await queues.lookup("kairos.tasks.agent_task.m-1") is True
            assert await queues.lookup("kairos.tasks.agent_task.m-2") is False

    asyncio.run(story())


def test_without_a_server_nothing_was_put_and_nobody_can_say(server: NatsServer) -> None:
    async def story() -> None:
        queues = Queues(server.url, limits=QUICK)
        with pytest.raises(NotPublishedError):
            await queues.publish("kairos.tasks.ai_outbound.m-1", b"{}", "m-1")
        with pytest.raises(MaybePublishedError):
            await queues.lookup("kairos.tasks.ai_outbound.m-1")

    asyncio.run(story())


def test_a_result_is_taken_off_only_after_it_was_recorded(server: NatsServer) -> None:
    came: list[str] = []

    async def record(said: CallResult) -> None:
        came.append(said.result_id)
        if said.result_id == "busy" and came.count("busy") < 3:
            raise RuntimeError("the ledger is busy")

    async def story() -> None:
        async with Queues(server.url, record, limits=QUICK) as queues:
            for name in ("r-1", "busy"):
                await queues.broker.publish(result(name), RESULTS, stream=RESULTS_STREAM)
            assert await soon(lambda: came.count("busy") == 3)
            consumer = await settled(queues)
            assert (consumer.num_ack_pending, consumer.num_pending) == (0, 0)
        assert came.count("r-1") == 1

    asyncio.run(story())


async def settled(queues: Queues) -> object:
    for _ in range(200):
        info = await queues.jetstream().consumer_info(RESULTS_STREAM, "kairos-results")
        if info.num_ack_pending == info.num_pending == 0:
            break
        await asyncio.sleep(0.02)
    return info


@pytest.mark.parametrize("poison", [b"not json", b'{"job_id": 1}', b"\xff\xfe"])
def test_a_result_nobody_can_read_is_set_aside_and_the_others_go_on(server: NatsServer, poison: bytes) -> None:
    came: list[str] = []

    async def record(said: CallResult) -> None:
        came.append(said.result_id)

    async def story() -> None:
        async with Queues(server.url, record, limits=QUICK) as queues:
            await queues.broker.publish(poison, RESULTS, stream=RESULTS_STREAM, headers=JSON)
            await queues.broker.publish(result("r-1"), RESULTS, stream=RESULTS_STREAM)
            assert await soon(lambda: came == ["r-1"])
            await settled(queues)
            assert (await queues.jetstream().get_last_msg(DEAD_STREAM, DEAD)).data == poison

    asyncio.run(story())


def test_a_result_that_can_never_be_recorded_ends_where_a_person_finds_it(server: NatsServer) -> None:
    came: list[str] = []

    async def record(said: CallResult) -> None:
        came.append(said.result_id)
        raise ValueError("no such task")

    async def story() -> None:
        async with Queues(server.url, record, limits=QUICK) as queues:
            await queues.broker.publish(result("r-1"), RESULTS, stream=RESULTS_STREAM)
            assert await soon(lambda: len(came) == QUICK.most_deliveries)
            await settled(queues)
            buried = await queues.jetstream().get_last_msg(DEAD_STREAM, DEAD)
            assert CallResult.model_validate_json(buried.data) == result("r-1")
            assert buried.headers["kairos-reason"] == "ValueError"

    asyncio.run(story())


HOLDER = """
import asyncio, sys
from kairos.queues import QueueLimits, Queues

async def hold(result):
    print(result.result_id, flush=True)
    await asyncio.sleep(60)

async def main():
    async with Queues(sys.argv[1], hold, limits=QueueLimits(ack_wait=1.0)):
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_result_left_in_hand_by_a_killed_process_comes_again(server: NatsServer) -> None:
    came: list[str] = []

    async def record(said: CallResult) -> None:
        came.append(said.result_id)

    async def story() -> None:
        async with Queues(server.url, limits=QUICK) as queues:
            await queues.broker.publish(result("r-1"), RESULTS, stream=RESULTS_STREAM)
        with subprocess.Popen([sys.executable, "-c", HOLDER, server.url], stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "r-1\n"
            holder.kill()
        async with Queues(server.url, record, limits=QueueLimits(ack_wait=1.0)):
            assert await soon(lambda: came == ["r-1"])

    asyncio.run(story())


def test_the_pause_doubles_up_to_its_limit() -> None:
    assert [QueueLimits().pause(n) for n in (1, 2, 3, 10, 11, 19)] == [1.0, 2.0, 4.0, 512.0, 600.0, 600.0]


def test_partners_get_a_document_without_a_server() -> None:
    described = document()
    assert described["asyncapi"] == "3.0.0"
    assert {"kairos.results.ai_outbound", "kairos.tasks.ai_outbound", "kairos.tasks.agent_task"} <= described[
        "channels"
    ].keys()
    schemas = described["components"]["schemas"]
    assert {"phone", "script_id", "not_before", "max_attempts", "dedup_key", "callback_subject"} <= schemas["CallTask"][
        "properties"
    ].keys()
    assert {"result_id", "job_id", "outcome", "do_not_call", "wants_person"} <= schemas["CallResult"][
        "properties"
    ].keys()
    actions = {operation["action"] for operation in described["operations"].values()}
    assert actions == {"send", "receive"}


def test_a_second_process_uses_the_same_server_and_the_last_one_stops_it(tmp_path: Path) -> None:
    folder = tmp_path / "queue"
    first = nats_server.start(folder)
    second = nats_server.start(folder)
    assert first.url == second.url
    first.close()
    time.sleep(3 * nats_server.POLL_SECONDS)
    assert nats_server.running(folder) == second.url
    second.close()
    assert until(lambda: nats_server.running(folder) == "")


def test_two_workspaces_have_two_servers(tmp_path: Path) -> None:
    with nats_server.start(tmp_path / "a") as one, nats_server.start(tmp_path / "b") as two:
        assert one.url != two.url


def test_a_server_does_not_outlive_a_killed_user(tmp_path: Path) -> None:
    script = "import sys, time, pathlib, kairos.nats_server as n; s = n.start(pathlib.Path(sys.argv[1])); "
    script += "print(s.url, flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", script + "; time.sleep(60)", str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as user:
        assert user.stdout is not None
        url = user.stdout.readline().strip()
        assert nats_server.running(tmp_path) == url
        user.kill()
    assert until(lambda: nats_server.running(tmp_path) == "")


def test_tasks_survive_a_killed_server_and_a_stale_note(tmp_path: Path) -> None:
    import json

    async def put(url: str) -> None:
        async with Queues(url, limits=QUICK) as queues:
            await queues.publish("kairos.tasks.ai_outbound.m-1", b"{}", "m-1")

    async def find(url: str) -> bool:
        async with Queues(url, limits=QUICK) as queues:
            return await queues.lookup("kairos.tasks.ai_outbound.m-1")

    with nats_server.start(tmp_path) as first:
        asyncio.run(put(first.url))
        os.kill(json.loads((tmp_path / "server.json").read_text())["pid"], signal.SIGKILL)
        assert until(lambda: nats_server.running(tmp_path) == "")
        assert (tmp_path / "server.json").exists(), "the note is stale"
        with nats_server.start(tmp_path) as second:
            assert asyncio.run(find(second.url)) is True


def test_a_note_that_names_somebody_elses_port_is_seen_through(tmp_path: Path) -> None:
    import json

    with nats_server.start(tmp_path / "a") as other:
        (tmp_path / "b").mkdir()
        note = {"port": int(other.url.rpartition(":")[2]), "pid": 1}
        (tmp_path / "b" / "server.json").write_text(json.dumps(note))
        assert nats_server.running(tmp_path / "b") == ""
