"""The escalation bench itself: small, on real processes, beside whichever peers are installed. It times nothing."""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import time

import pytest

from hub.bench import alertmanager, presser, queue_peer, scenes
from hub.bench.receiver import Receiver
from hub.bench.scenes import ratio, spread
from hub.commands import bench_escalation
from hub.ingress.mqtt311 import frame

SMALL = ("--alerts", "3", "--timers", "3", "--pending", "50", "--burst", "20", "--killed", "5", "--presses", "20")


async def post(url: str, path: str, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    head = b"POST %b HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body))
    for part in (head[:9], head[9:] + body[:2], body[2:]):  # however it is cut
        writer.write(part)
        await writer.drain()
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.close()
    return answer


@pytest.mark.anyio
async def test_receiver_notes_every_system_by_its_own_key() -> None:
    async with Receiver() as receiver:
        before = time.time()
        assert (await post(receiver.url, "/c/bench00001", b'{"page":1}')).startswith(b"HTTP/1.1 204")
        await post(receiver.url, "/alerts", b'{"alerts":[{"labels":{"n":"a"}},{"labels":{"n":"b"}}]}')
        await post(receiver.url, "/late/1", b'{"started":12.5}')
        assert await receiver.all_of(["/c/bench00001", "a", "b"], 5) == 3
        assert before <= await receiver.first("a") <= time.time()
        assert receiver.started == {"/late/1": 12.5}
        assert await receiver.all_of(["a", "never"], 0.01) == 1


@pytest.mark.anyio
async def test_receiver_that_holds_has_received_nothing() -> None:
    async with Receiver() as receiver:
        receiver.holding = True
        reader, writer = await asyncio.open_connection("127.0.0.1", int(receiver.url.rpartition(":")[2]))
        writer.write(b"POST /c/1 HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.05)
        assert "/c/1" not in receiver.came
        writer.close()


def test_press_is_one_packet_of_its_watch() -> None:
    packet = presser.packet("bench00007")
    assert frame(packet, 0) == (2, len(packet))
    assert b"carehub/bench00007/event" in packet


def test_ratio_is_to_the_peer_of_the_same_run() -> None:
    figures: dict[str, scenes.Figures] = {
        "carehub": {"ms_p99": 8.0},
        "alertmanager": {"ms_p99": 4.0, "fired": "n/a: none"},
    }
    assert ratio(figures, "ms_p99", "alertmanager") == 2.0
    assert ratio(figures, "ms_p99", "procrastinate") is None
    assert spread([1.0, 2.0, 3.0], "ms") == {"ms_min": 1.0, "ms_p50": 2.0, "ms_p99": pytest.approx(2.98)}
    assert spread([1.0], "ms")["ms_p50"] is None


def test_table_shows_what_was_played_and_dashes_for_what_was_not() -> None:
    figures = {"first": {"carehub": {"ms_min": 1.0, "ms_p50": 2.0, "ms_p99": None}}, "ratios": {}, "promises": {}}
    shown = bench_escalation.table(figures)
    assert "1.00" in shown
    assert "–" in shown
    assert "kill -9" not in shown


def test_arguments_name_the_scenes() -> None:
    options: argparse.Namespace = bench_escalation.arguments(["--only", "kill", "first"])
    assert options.only == ["kill", "first"]
    with pytest.raises(SystemExit):
        bench_escalation.arguments(["--only", "tea"])


def test_bench_plays_every_scene_and_the_hub_loses_nothing() -> None:
    command = [sys.executable, "-m", "hub", "bench", "escalation", *SMALL, "--limit", "60", "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=240)
    figures = json.loads(done.stdout.splitlines()[-1])
    hub = {scene: figures[scene]["carehub"] for scene in bench_escalation.SCENES}
    assert hub["first"]["ms_p99"] > 0
    assert hub["late"]["fired"] == 3
    assert hub["burst"]["paged"] == hub["presses"]["paged"] == hub["presses"]["acked"] == 20
    assert hub["kill"] | {"all_back_s": 0} == {"accepted": 5, "arrived": 5, "lost": 0, "all_back_s": 0}
    present = {"alertmanager"} if shutil.which(alertmanager.PROGRAM) else set()
    present |= {"procrastinate"} if queue_peer.installed() else set()
    for peer in ("alertmanager", "procrastinate"):
        assert (peer in figures["first"]) == (peer in present), f"{peer}: {done.stderr}"
    if "alertmanager" in present:
        assert figures["kill"]["alertmanager"]["arrived"] == 0
