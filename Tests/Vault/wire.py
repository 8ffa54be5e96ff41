"""The little HTTP/1.1 that the stand-in keeps in its own hands, in order to break it."""

import asyncio
import json
import socket
import ssl
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

HEAD_LIMIT = 1 << 20  # bytes


@dataclass(slots=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def is_last(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


@dataclass(slots=True)
class Response:
    """An event stream is sent chunked, as its end is not known before; all else with a length."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def json(cls, value: Any, status: int = 200) -> "Response":
        headers = {"content-type": "application/json", "access-control-allow-origin": "*"}
        return cls(status, headers, to_json(value).encode())

    @classmethod
    def events(cls, body: bytes = b"") -> "Response":
        return cls(200, {"content-type": "text/event-stream"}, body)

    @property
    def is_stream(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    def head(self, length: int | None = None) -> bytes:
        """`length` is announced instead of the body's own."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.is_stream:
            lines.append("transfer-encoding: chunked")
        elif self.status != 204:
            lines.append(f"content-length: {len(self.body) if length is None else length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def bytes(self) -> bytes:
        if not self.is_stream:
            return self.head() + self.body
        return self.head() + (chunk(self.body) if self.body else b"") + LAST_CHUNK


LAST_CHUNK = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def to_json(value: Any) -> str:
    """As JavaScript writes it: no spaces, and no escapes beyond ASCII."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_lines(value: Any) -> str:
    """As JavaScript writes it with an indent of two spaces."""
    return json.dumps(value, ensure_ascii=False, indent=2)


async def read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Request | None:
    """The next request of a connection, or nothing if there is none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name = name.lower()
        given = headers.get(name)
        headers[name] = value.strip() if given is None else f"{given}, {value.strip()}"
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readuntil(b"\n")).partition(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readuntil(b"\n")
        while await reader.readuntil(b"\n") != b"\r\n":
            pass
    elif length := int(headers.get("content-length", "0")):
        body = await reader.readexactly(length)
    return Request(method, target, headers, body)


Handler = Callable[[Request, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]


class Listener:
    """A loopback port whose requests a handler answers; a connection ends when it returns false.

    The port stays ours while nothing listens on it, so that it can be listened on again.
    """

    def __init__(self, handler: Handler, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._handler, self._tls = handler, tls
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._fillers: list[socket.socket] = []
        self._bind(port)
        self.port: int = self._socket.getsockname()[1]

    def _bind(self, port: int) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))

    async def open(self) -> None:
        if self._server is None:
            if self._fillers:
                self.close()
            self._server = await asyncio.start_server(
                self._serve, sock=self._socket, ssl=self._tls, limit=HEAD_LIMIT, backlog=1024)

    def close(self) -> None:
        """New connections are refused from now on, and those that are open are cut."""
        for filler in self._fillers:
            filler.close()
        self._fillers = []
        if self._server:
            self._server.close()
            self._server = None
        self._socket.close()
        self._bind(self.port)
        for writer in list(self._writers):
            writer.transport.abort()

    def swallow(self) -> None:
        """New connections are neither taken nor refused: the queue of those that wait is full."""
        self.close()
        self._socket.listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while request := await read_request(reader, writer):
                if not await self._handler(request, reader, writer) or request.is_last:
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # The client has gone away, or speaks no HTTP.
        except asyncio.CancelledError:
            pass  # The process ends; asyncio would complain of a connection that says so.
        except Exception:  # A mistake of the stand-in.
            traceback.print_exc(file=sys.stderr)
        finally:
            self._writers.discard(writer)
            writer.close()
