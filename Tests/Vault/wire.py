"""The little HTTP that the stand-in needs to have in its own hands, in order to break it."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Awaitable, Callable


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Response:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @staticmethod
    def json(value: Any, status: int = 200) -> "Response":
        body = json.dumps(value, ensure_ascii=False).encode()
        return Response(status, {"content-type": "application/json"}, body)

    def head(self, length: int | None = None) -> bytes:
        lines = [f"HTTP/1.1 {self.status} X"]
        lines += [f"{k}: {v}" for k, v in self.headers.items() if k != "content-length"]
        if self.status not in (204, 304):
            lines.append(f"content-length: {len(self.body) if length is None else length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def bytes(self) -> bytes:
        return self.head() + self.body


Handler = Callable[[Request, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    line = (await reader.readline()).decode("latin-1").split()
    if len(line) < 2:
        return None
    headers: dict[str, str] = {}
    while (raw := await reader.readline()) not in (b"\r\n", b"\n", b""):
        name, _, value = raw.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while (size := int((await reader.readline()).split(b";")[0] or b"0", 16)) > 0:
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    elif int(headers.get("content-length", "0")):
        body = await reader.readexactly(int(headers["content-length"]))
    return Request(line[0], line[1], headers, body)


class Listener:
    """A port whose connections are answered by a handler, for as long as it returns true."""

    def __init__(self, handler: Handler, tls: Any = None) -> None:
        self.handler, self.tls, self.port = handler, tls, 0
        self.server: asyncio.Server | None = None
        self.writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        if self.server is None:
            self.server = await asyncio.start_server(
                self.serve, "127.0.0.1", self.port, ssl=self.tls, reuse_address=True, limit=1 << 26)
            self.port = self.server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """From now on connections are refused, those that are open are cut."""
        if self.server is not None:
            server, self.server = self.server, None
            server.close()
        for writer in list(self.writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            while (request := await read_request(reader)) is not None:
                if not await self.handler(request, reader, writer):
                    break
        except (OSError, asyncio.IncompleteReadError, ValueError, EOFError):
            pass  # The client has gone, or sent no HTTP.
        finally:
            self.writers.discard(writer)
            writer.close()
