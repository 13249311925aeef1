"""The stream of totals: what opens it, what follows, who is dropped."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import uvicorn
from starlette.types import Message

from api.errors import Problem
from api.stream import EventStream, StreamLimits, StreamQuery, Streams, event
from tests.api.makers import HOUR, USAGE, World
from tests.state.view_makers import Usage, series

FAST = StreamLimits(interval_seconds=0.001)
MORE: Usage = {**USAGE, (series("PLAIN", "calls"), HOUR): (3, 120, 120_000, 0)}


def streams_of(world: World) -> Streams:
    """The streams of a world's application."""
    return cast("Streams", world.app.state.streams)


def parse(frame: bytes) -> tuple[str, str | None, Any]:
    """The name, id and data of an event."""
    lines = dict(line.split(": ", 1) for line in frame.decode().strip().split("\n"))
    return lines["event"], lines.get("id"), json.loads(lines["data"])


class Reader:
    """Reads the events of one stream, one at a time."""

    def __init__(self, frames: AsyncGenerator[bytes]) -> None:
        self._frames = frames

    async def frame(self) -> bytes:
        """The next bytes."""
        return await anext(self._frames)

    async def event(self) -> tuple[str, str | None, Any]:
        """The next event."""
        return parse(await self.frame())


def follow(
    world: World,
    script: Callable[[Reader], Awaitable[None]],
    query: StreamQuery = StreamQuery(),  # noqa: B008 - immutable
    resume: str | None = None,
) -> None:
    """Run a script on an opened stream."""

    async def run() -> None:
        frames = cast("AsyncGenerator[bytes]", streams_of(world).events(query, resume))
        async with aclosing(frames):
            reader = Reader(frames)
            assert await reader.frame() == b"retry: 1000\n\n"
            await script(reader)

    asyncio.run(run())


def test_an_event_is_one_line_of_data() -> None:
    """Whatever is in the data, it has no line break, which would end the event."""
    assert event("delta", {"a": "x\ny"}, "AQ") == b'event: delta\nid: AQ\ndata: {"a":"x\\ny"}\n\n'


def test_a_stream_opens_with_a_snapshot(tmp_path: Path) -> None:
    """All totals, as decimal strings, with outcomes and the position as id."""
    world = World(tmp_path, limits=FAST).fill().count(("rated", "none", 7), ("excluded", "test", 0))

    async def script(reader: Reader) -> None:
        name, position, body = await reader.event()
        assert (name, position) == ("snapshot", body["position"])
        assert [item["agreement"] for item in body["items"]] == ["PLAIN", "WHOLE"]
        assert body["items"][0] == {
            "partner": "ALFA",
            "agreement": "PLAIN",
            "model": "wholesale",
            "period": "2026-11",
            "currency": "EUR",
            "events": 5,
            "receivable": "0.090000",
            "payable": "0.030000",
            "net": "0.060000",
            "status": "provisional",
            "statement": None,
        }
        assert body["outcomes"] == [{"outcome": "rated", "reason": "none", "events": 7}]
        assert (body["as_of"], body["status"]) == ("2026-11-22T20:14:05.120Z", "provisional")

    follow(world, script)


def test_a_stream_goes_on_with_what_changed(tmp_path: Path) -> None:
    """A delta has only totals that moved; new counts alone make one without any."""
    world = World(tmp_path, limits=FAST).fill()

    async def script(reader: Reader) -> None:
        await reader.event()
        plain = {at: sums for at, sums in MORE.items() if at[0].agreement == "PLAIN"}
        world.fill(plain)
        name, _, body = await reader.event()
        assert name == "delta"
        assert [(i["agreement"], i["receivable"]) for i in body["items"]] == [("PLAIN", "0.120000")]
        world.count(("rated", "none", 8))
        name, _, body = await reader.event()
        assert (name, body["items"], body["outcomes"][0]["events"]) == ("delta", [], 8)

    follow(world, script)


def test_a_close_brings_a_snapshot(tmp_path: Path) -> None:
    """When other rows are shown than before, the client gets them all anew."""
    world = World(tmp_path, limits=FAST).fill()

    async def script(reader: Reader) -> None:
        await reader.event()
        world.close_period("PLAIN").close_period("WHOLE")
        name, _, body = await reader.event()
        assert (name, body["status"]) == ("snapshot", "final")
        assert {item["status"] for item in body["items"]} == {"final"}

    follow(world, script)


def test_a_filter_holds_for_all_events(tmp_path: Path) -> None:
    """Whoever follows one partner never hears of another."""
    world = World(tmp_path, limits=FAST).fill()

    async def script(reader: Reader) -> None:
        _, _, body = await reader.event()
        assert [item["agreement"] for item in body["items"]] == ["WHOLE"]
        world.fill(MORE)
        _, _, body = await reader.event()
        assert {item["agreement"] for item in body["items"]} <= {"WHOLE"}

    follow(world, script, StreamQuery(partner="BRAVO"))


def test_waiting_is_told_once_for_each_reason(tmp_path: Path) -> None:
    """Without figures the stream is open and says why, instead of showing zeros."""
    world = World(tmp_path, limits=FAST)

    async def script(reader: Reader) -> None:
        assert await reader.event() == ("waiting", None, {"readiness": "loading"})
        world.view.mark_caught_up()
        assert await reader.event() == ("waiting", None, {"readiness": "empty"})
        world.fill()
        assert (await reader.event())[0] == "snapshot"

    follow(world, script)


def test_a_client_resumes_where_it_was(tmp_path: Path) -> None:
    """With the id of an event that was sent a stream opens with a delta, else with a snapshot."""
    world = World(tmp_path, limits=FAST).fill()
    known: list[str | None] = []

    async def first(reader: Reader) -> None:
        known.append((await reader.event())[1])

    async def again(reader: Reader) -> None:
        name, _, body = await reader.event()
        assert (name, len(body["items"])) == ("delta", 2)

    async def stranger(reader: Reader) -> None:
        assert (await reader.event())[0] == "snapshot"

    follow(world, first)
    world.fill(MORE)
    follow(world, again, resume=known[0])
    follow(world, stranger, resume="forged")


def test_positions_that_can_be_resumed_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old positions are forgotten; who comes with one gets a snapshot."""
    monkeypatch.setattr("api.stream.POSITIONS_MAX", 1)
    world = World(tmp_path, limits=FAST).fill()
    known: list[str | None] = []

    async def first(reader: Reader) -> None:
        known.append((await reader.event())[1])
        world.fill(MORE)
        known.append((await reader.event())[1])

    async def forgotten(reader: Reader) -> None:
        assert (await reader.event())[0] == "snapshot"

    follow(world, first)
    assert known[0] != known[1]
    follow(world, forgotten, resume=known[0])


def test_a_quiet_stream_is_kept_open(tmp_path: Path) -> None:
    """When nothing changes a comment goes out, so that no proxy closes the connection."""
    world = World(tmp_path, limits=StreamLimits(interval_seconds=0, heartbeat_seconds=0)).fill()

    async def script(reader: Reader) -> None:
        await reader.event()
        assert await reader.frame() == b": still here\n\n"

    follow(world, script)


def test_streams_are_bounded(tmp_path: Path) -> None:
    """One more stream than there may be is refused, with what to do instead."""
    world = World(tmp_path, limits=StreamLimits(clients_max=1)).fill()
    streams = streams_of(world)
    streams.open()
    answer = world.client.get("/v1/accruals/stream")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["type"] == "urn:weir:problem:too-many-streams"
    streams.leave(dropped=False)
    assert world.meter.streams == [(1, 0), (0, 0)]


def test_a_closing_process_opens_no_stream(tmp_path: Path) -> None:
    """While the process ends, open streams end and new ones are refused."""
    world = World(tmp_path, limits=FAST).fill()
    streams = streams_of(world)

    async def script(reader: Reader) -> None:
        await reader.event()
        streams.close()
        with pytest.raises(StopAsyncIteration):
            await reader.frame()

    follow(world, script)
    with pytest.raises(Problem, match="As many streams"):
        streams.open()


def test_a_stream_of_nobody_is_not_found(tmp_path: Path) -> None:
    """An unknown agreement has no stream, and is not counted as one."""
    world = World(tmp_path).fill()
    assert world.client.get("/v1/accruals/stream?agreement=NOBODY").status_code == 404
    assert world.meter.streams == []


def run_response(world: World, send: Callable[[Message], Awaitable[None]]) -> None:
    """Let a stream be sent to a client that hears and never speaks."""
    streams = streams_of(world)
    streams.open()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("the client never speaks")

    asyncio.run(EventStream(streams, StreamQuery(), None)({"type": "http"}, receive, send))


def test_a_client_that_does_not_read_is_dropped(tmp_path: Path) -> None:
    """When an event cannot be handed over in time the stream ends, and is counted as dropped."""
    world = World(tmp_path, limits=StreamLimits(unread_seconds_max=0.001)).fill()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    run_response(world, send)
    assert world.meter.streams == [(1, 0), (0, 1)]


def test_a_stream_that_is_ended_ends_well(tmp_path: Path) -> None:
    """When the process ends, the client gets a proper end and may come back."""
    world = World(tmp_path, limits=FAST).fill()
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        streams_of(world).close()

    run_response(world, send)
    assert sent[0]["status"] == 200
    assert sent[-1] == {"type": "http.response.body", "body": b""}
    assert world.meter.streams == [(1, 0), (0, 0)]


@contextmanager
def served(world: World) -> Iterator[http.client.HTTPConnection]:
    """A connection to a real server with the world's application."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(world.app, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        yield connection
    finally:
        connection.close()
        streams_of(world).close()
        server.should_exit = True
        thread.join()
        listener.close()


def test_a_real_server_streams(tmp_path: Path) -> None:
    """Over a socket: headers for proxies, the snapshot at once, and a client that just leaves."""
    world = World(tmp_path, limits=FAST).fill()
    with served(world) as connection:
        connection.request("GET", "/v1/accruals/stream")
        answer = connection.getresponse()
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["content-length"] is None
        assert answer.readline() == b"retry: 1000\n"
        assert answer.readline() == b"\n"
        assert answer.readline() == b"event: snapshot\n"
        answer.close()
        connection.close()
        world.fill(MORE)
        while world.meter.streams[-1][0]:
            threading.Event().wait(0.001)
    assert world.meter.streams == [(1, 0), (0, 0)]
