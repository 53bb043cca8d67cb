"""Our own client of HTTP/1.1, over real sockets: what it reuses, repeats, bounds and does not believe."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from kassa.kit import peer_connection
from kassa.kit.peer import Answer, BrokenOff, CannotConnect, Client, Limits, Origin, PeerError, written
from tests.gateway.upstream import Reader, Writer, head_of, upstream

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Ask = Callable[..., Awaitable[Answer]]


class Asked:
    """Answers each request with the next of these bytes; closes the connection behind those that end with None."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.connections = self.requests = 0

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        self.connections += 1
        while self.answers:
            try:
                await head_of(reader)
            except asyncio.IncompleteReadError:
                return
            self.requests += 1
            answer = self.answers.pop(0)
            if answer is None:
                return
            writer.write(answer)
            await writer.drain()
        await reader.read()


async def ask(client: Client, url: str, verb: str = "GET", body: bytes | None = None, seconds: float = 5) -> Answer:
    return await client.call(verb, Origin.of(url), b"/", b"", body, seconds)


async def test_a_connection_is_used_again() -> None:
    talk = Asked(OK, OK, OK)
    async with upstream(talk) as url, Client() as client:
        answers = [await ask(client, url, "POST", b"") for _ in range(3)]
    assert [(each.status, each.body) for each in answers] == [(200, b"ok")] * 3
    assert talk.connections == 1


async def test_one_that_was_idle_for_too_long_or_was_closed_meanwhile_is_not() -> None:
    talk = Asked(OK, OK, OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"), OK)
    async with upstream(talk) as url:
        async with Client(limits=Limits(idle_seconds=0.01)) as client:
            await ask(client, url, "POST")
            await asyncio.sleep(0.02)
            await ask(client, url, "POST")
        async with Client() as client:
            await ask(client, url, "POST")
            await ask(client, url, "POST")
    assert (talk.requests, talk.connections) == (4, 4)


@pytest.mark.parametrize(("verb", "requests"), [("GET", 2), ("PUT", 2), ("DELETE", 2), ("POST", 1), ("PATCH", 1)])
async def test_what_breaks_off_is_asked_once_more_only_if_that_does_no_harm(verb: str, requests: int) -> None:
    talk = Asked(None, None, OK)
    async with upstream(talk) as url, Client() as client:
        with pytest.raises(BrokenOff):
            await ask(client, url, verb)
    assert talk.requests == requests


async def test_a_change_is_sent_on_a_new_connection_when_the_old_one_is_known_to_be_gone() -> None:
    talk = Asked(OK, None, OK)

    async def once(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        talk.connections += 1
        writer.write(OK)
        await writer.drain()

    async with upstream(once) as url, Client() as client:
        for _ in range(2):
            await ask(client, url, "POST")
            await asyncio.sleep(0.05)  # so that the end of the connection is heard of
    assert talk.connections == 2


async def test_half_an_answer_is_no_answer_and_is_not_asked_for_again() -> None:
    talk = Asked(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok", None)

    async def half(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        talk.requests += 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok")
        await writer.drain()

    async with upstream(half) as url, Client() as client:
        with pytest.raises(BrokenOff):
            await ask(client, url)
    assert talk.requests == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nx: " + b"x" * 100_000 + b"\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 300 + b"content-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"SSH-2.0-x\r\n\r\n",
    ],
    ids=["long head", "many lines", "large", "large in chunks", "two framings", "two lengths", "no", "other", "none"],
)
async def test_what_is_too_much_or_no_http_is_not_read_on(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    monkeypatch.setattr(peer_connection, "MOST_BODY_BYTES", 1000)
    async with upstream(Asked(answer)) as url, Client() as client:
        with pytest.raises(PeerError):
            await ask(client, url, "POST")


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nx: y\r\n\r\n", b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
    ids=["after others", "chunks", "no content"],
)
async def test_forms_of_an_answer(answer: bytes, body: bytes) -> None:
    talk = Asked(answer, answer)
    async with upstream(talk) as url, Client() as client:
        for _ in range(2):
            found = await ask(client, url, "POST")
            assert (found.body, found.field(b"link"), found.field(b"x")) == (body, "", "")
    assert talk.connections == 1


async def test_a_body_without_a_length_ends_with_the_connection() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        await writer.drain()

    async with upstream(talk) as url, Client() as client:
        assert (await ask(client, url, "POST")).body == b"all of it"


@pytest.mark.parametrize("pause", [0.0, 0.05])
async def test_what_nobody_has_asked_for_is_not_taken_for_the_next_answer(pause: float) -> None:
    forged = OK.replace(b"ok", b"NO")

    async def talk(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(OK)
        await asyncio.sleep(pause)
        writer.write(forged)
        await reader.read()

    async with upstream(talk) as url, Client() as client:
        assert (await ask(client, url, "POST")).body == b"ok"
        await asyncio.sleep(0.1)
        assert (await ask(client, url, "POST")).body == b"ok"


async def test_more_connections_than_allowed_are_not_made_and_the_next_waits_for_its_turn() -> None:
    there, most = 0, 0

    async def talk(reader: Reader, writer: Writer) -> None:
        nonlocal there, most
        there += 1
        most = max(most, there)
        try:
            while True:
                await head_of(reader)
                await asyncio.sleep(0.01)
                writer.write(OK)
        except asyncio.IncompleteReadError:
            there -= 1

    async with upstream(talk) as url, Client(limits=Limits(most=2)) as client:
        answers = await asyncio.gather(*(ask(client, url, "POST") for _ in range(10)))
    assert {each.status for each in answers} == {200}
    assert most == 2


async def test_who_waits_in_vain_for_a_connection_is_told_that_nothing_was_sent() -> None:
    talk, never = Asked(), asyncio.Event()

    async def hang(reader: Reader, writer: Writer) -> None:
        talk.requests += 1
        await never.wait()

    async with upstream(hang) as url, Client(limits=Limits(most=1, connect_seconds=0.05)) as client:
        first = asyncio.ensure_future(ask(client, url, "POST"))
        await asyncio.sleep(0.01)
        with pytest.raises(CannotConnect):
            await ask(client, url, "POST")
        first.cancel()
        await asyncio.sleep(0)
        never.set()
    assert talk.requests == 1


async def test_a_call_that_was_given_up_leaves_no_connection_for_another_to_find_its_answer_on() -> None:
    first_came = asyncio.Event()
    late = OK.replace(b"ok", b"NO")
    talks = iter((late, OK))

    async def talk(reader: Reader, writer: Writer) -> None:
        answer = next(talks)
        await head_of(reader)
        if answer is late:
            first_came.set()
            await asyncio.sleep(0.05)
        writer.write(answer)
        await reader.read()

    async with upstream(talk) as url, Client() as client:
        given_up = asyncio.ensure_future(ask(client, url, "POST"))
        await first_came.wait()
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        assert (await ask(client, url, "POST")).body == b"ok"


async def test_an_answer_that_comes_before_the_whole_body_was_sent_is_heard() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(OK.replace(b"200 OK", b"413 Too Large"))
        await reader.read()

    async def endless() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    async with upstream(talk) as url, Client() as client:
        stream = await client.open("POST", Origin.of(url), b"/", b"", endless(), 5)
        assert (stream.status, await stream.piece()) == (413, (b"ok", True))
        stream.close()


async def test_who_takes_an_answer_slowly_has_little_of_it_kept() -> None:
    size, part = 8 * 1024 * 1024, b"x" * 65536

    async def talk(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(size // len(part)):
            writer.write(part)
            await writer.drain()

    async with upstream(talk) as url, Client() as client:
        stream = await client.open("GET", Origin.of(url), b"/", b"", None, 5)
        pieces, is_last = [], False
        while not is_last:
            piece, is_last = await stream.piece()
            pieces.append(len(piece))
            await asyncio.sleep(0.001)
        stream.close()
    assert sum(pieces) == size
    assert max(pieces) < 1024 * 1024


@pytest.mark.parametrize("value", [b"a\r\nx: y", b"a\nb", b"a\rb", b"a\0b"])
def test_a_field_is_one_line(value: bytes) -> None:
    with pytest.raises(ValueError):
        written([(b"name", value)])


@pytest.mark.parametrize(("verb", "target"), [("GET", b"/a b"), ("GET", b"/a\r\nx: y"), ("HEAD", b"/"), ("A B", b"/")])
async def test_a_request_is_one_request(verb: str, target: bytes) -> None:
    async with upstream(Asked(OK)) as url, Client() as client:
        with pytest.raises(ValueError):
            await client.call(verb, Origin.of(url), target, b"", None, 1)
