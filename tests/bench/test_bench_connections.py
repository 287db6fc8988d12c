"""The connections bench itself: small, on real processes, so that its numbers can be trusted when it is large."""

import asyncio
import json
import subprocess
import sys

import pytest

from hub.bench import crowd
from hub.commands import bench_connections
from hub.ingress.mqtt311 import frame
from tests.conftest import need
from tests.integration.ingress import trackers

SMALL = ("--connections", "200", "--back-at-once", "100", "--seconds", "2")


def test_tracker_speaks_as_its_vendor_writes() -> None:
    assert crowd.gt06(0x01, bytes.fromhex(crowd.imei(17).zfill(16)), 1) == trackers.gt06_login("862000000000017")
    assert crowd.gt06(0x13, b"\x01\x02", 70_001) == trackers.gt06(0x13, b"\x01\x02", 70_001 & 0xFFFF)


def test_watch_says_whole_packets() -> None:
    line = crowd.Line(3, None, None)  # type: ignore[arg-type]
    for packet in (crowd.connect_packet(3), crowd.connect_packet(3, secret=""), crowd.subscribe_packet(3)):
        bounds = frame(packet, 0)
        assert bounds is not None
        assert bounds[1] == len(packet)
    assert b"carehub/bench00003/vitals" in crowd.mqtt_report(line)
    assert b"\0\x02" in crowd.mqtt_press(line), "each message has the next id"


@pytest.mark.anyio
async def test_peer_that_was_ended_is_gone_and_another_is_not() -> None:
    async with await asyncio.start_server(lambda _reader, writer: writers.append(writer), "127.0.0.1", 0) as server:
        writers: list[asyncio.StreamWriter] = []
        port = server.sockets[0].getsockname()[1]
        peers = [await crowd.silent(port, b"") for _ in range(2)]
        while len(writers) < 2:  # noqa: ASYNC110 - the server's own callback fills it
            await asyncio.sleep(0.005)
        for writer in writers:
            writer.transport.abort()
        assert await crowd.all_gone(peers, 5) < 5
        kept = await crowd.silent(port, b"x")
        assert not crowd.gone(kept)
        with pytest.raises(crowd.CrowdError, match="1 of 1"):
            await crowd.all_gone([kept], 0.1)
        for peer in (*peers, kept):
            peer.close()
        writers[-1].transport.abort()


def test_more_files_than_there_may_be_are_refused_with_what_to_do() -> None:
    with pytest.raises(crowd.CrowdError, match="ulimit"):
        crowd.allow_files(1 << 40)


def test_percentiles_of_nothing_are_none() -> None:
    assert bench_connections.spread("press", []) == {"press_ms_p50": None, "press_ms_p99": None}
    assert bench_connections.shown(None) == "–"


def test_bench_plays_every_scene_and_nobody_is_lost() -> None:
    need("mosquitto", "mosquitto")
    command = [sys.executable, "-m", "hub", "bench", "connections", *SMALL, "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=240)
    figures = json.loads(done.stdout.splitlines()[-1])
    for way in ("mqtt", "tcp"):
        assert figures[way]["reports"] >= 200
        assert figures[way]["bad_peers_gone_s"] < bench_connections.PATIENCE_S + bench_connections.GONE_WITHIN_S
        assert figures[way]["press_ms_p99"] > 0
    assert figures["mqtt"]["bad_peers"] > figures["tcp"]["bad_peers"] > 0
    assert figures["mosquitto"]["kb_per_connection"] > 0
    kept = figures["takeover"]
    assert kept["downlinks_heard"] == kept["downlinks_waited"] == 100
    assert kept["presses_kept"] >= kept["presses_acknowledged"] == 200
