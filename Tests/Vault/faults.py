"""What can go wrong between a client and its vault.

Of these faults `apply_*`, `lose_every`, `slow`, `slow_body`, `wrong_type` and the odd but right
event streams call the tool, and so do those that only some requests can have; no other does.
"""

import asyncio
import gzip
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Protocol

from schemas import validation_text
from wire import LAST_CHUNK, Request, Response, chunk, to_json, to_lines

HUGE = 50 << 20  # bytes
HTML = {"content-type": "text/html; charset=utf-8"}
JSON = {"content-type": "application/json"}


class Vault(Protocol):
    """What faults need of the vault."""

    other_port: int

    async def serve(self, request: Request, entry: dict[str, Any]) -> Response: ...
    def vanish(self, seconds: float) -> None: ...
    def forget(self, session: str) -> None: ...
    def spawn(self, work: Awaitable[Any]) -> None: ...


@dataclass(slots=True)
class Exchange:
    """One request, and the connection that it came on."""

    vault: Vault
    request: Request
    id: Any
    entry: dict[str, Any]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    fault: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    async def apply(self) -> Response:
        """The service's own answer; what the request writes is written."""
        return await self.vault.serve(self.request, self.entry)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def start(self, response: Response, length: int | None = None) -> None:
        """Sends a head only."""
        self.entry["status"] = response.status
        await self.send(response.head(length))

    async def give(self, response: Response) -> bool:
        self.entry["status"] = response.status
        await self.send(response.bytes())
        return True

    async def silence(self) -> bool:
        """Until the client gives up."""
        while await self.reader.read(1 << 16):
            pass
        return False

    def rpc(self, **fields: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": self.id} | fields

    def tool_result(self, text: str, **fields: Any) -> Response:
        content = [{"type": "text", "text": text}]
        return Response.events(event(to_json(self.rpc(result={"content": content} | fields))))

    def tool_error(self, text: str) -> Response:
        return self.tool_result(text, isError=True)

    def failure(self, why: str) -> Response:
        """A failure inside the tool that was called."""
        names = [name for name in (self.entry["tool"] or "task", self.entry["action"]) if name]
        return self.tool_error(to_json({"error": f"{'.'.join(names)} failed: {why}"}))

    def complaint(self) -> str:
        issue = {
            "code": "invalid_type", "expected": "string", "received": "undefined",
            "path": ["title"], "message": "Required"}
        return validation_text(self.entry["tool"] or "task", [issue])


def event(data: str, end: str = "\n") -> bytes:
    lines = ["event: message", *(f"data: {line}" for line in data.split("\n")), "", ""]
    return end.join(lines).encode()


def payload(response: Response) -> bytes:
    """The JSON-RPC message of an answer, if there is one."""
    if not response.is_stream:
        return response.body
    lines = [line.rstrip(b"\r") for line in response.body.split(b"\n")]
    data = [line[6:] for line in lines if line.startswith(b"data: ")]
    return data[-1] if data else b""


# By fault, its options and their defaults. Times are in seconds.
OPTIONS: dict[str, dict[str, Any]] = {
    "429": {"retry_after": 1, "date": False},
    "503": {"retry_after": None, "date": False},
    "redirect": {"status": 307},
    "slow": {"seconds": 5},
    "apply_late": {"seconds": 1},
    "refused": {"seconds": 0.2},
    "lose_every": {"every": 4},
}


def busy(x: Exchange) -> Response:
    headers, wait = dict(HTML), x.options["retry_after"]
    if wait is not None:
        date = formatdate(time.time() + wait, usegmt=True)
        headers["retry-after"] = date if x.options["date"] else str(int(wait))
    return Response(int(x.fault), headers, b"<h1>Come back later</h1>")


def redirect(x: Exchange) -> Response:
    target = f"http://127.0.0.1:{x.vault.other_port}{x.request.target}"
    return Response(x.options["status"], {"location": target})


# Faults that are one whole answer.
ANSWERS: dict[str, Callable[[Exchange], Response]] = {
    "401": lambda x: Response.json({"error": "Unauthorized"}, 401),
    "403": lambda x: Response.json({"error": "Forbidden"}, 403),
    "429": busy,
    "503": busy,
    "500": lambda x: Response.json({"error": "Internal Server Error"}, 500),
    "404": lambda x: Response(404, HTML, b"<h1>Not found</h1>"),
    "html_502": lambda x: Response(502, HTML, b"<h1>Bad gateway</h1>"),
    "login_page": lambda x: Response(
        200, HTML, b"<!doctype html><title>Sign in</title><form><input name=password></form>"),
    "redirect": redirect,
    "empty": lambda x: Response(200, JSON),
    "empty_202": lambda x: Response(202),
    "malformed_json": lambda x: Response(200, JSON, b'{"jsonrpc": "2.0", "id": oops, "result"]}'),
    "cut_json": lambda x: Response(200, JSON, to_json(x.rpc(result={"content": []})).encode()[:-9]),
    "not_jsonrpc": lambda x: Response.json({"status": "ok", "hello": "world"}),
    "wrong_id": lambda x: Response.json(x.rpc(id=987654321, result={"content": []})),
    "is_error": lambda x: x.failure("D1_ERROR: no such column"),
    "rpc_error": lambda x: Response.json(
        x.rpc(error={"code": -32603, "message": "Internal error"})),
    "validation": lambda x: x.tool_error(f"MCP error -32602: {x.complaint()}"),
    "rpc_validation": lambda x: Response.json(
        x.rpc(error={"code": -32602, "message": x.complaint()})),
}


async def whole_answer(x: Exchange) -> bool:
    return await x.give(ANSWERS[x.fault](x))


async def some_requests(x: Exchange) -> bool:
    """Faults that only some requests can have; the others are answered as always."""
    session = x.request.headers.get("mcp-session-id")
    if x.fault == "session_forgotten" and session:
        x.vault.forget(session)
        error = {"code": -32600, "message": "Session not found"}
        return await x.give(Response.json(x.rpc(id=None, error=error), 404))
    is_change = (x.entry["tool"], x.entry["action"]) in {("task", "update"), ("task", "done")}
    if x.fault == "not_found_task" and is_change:
        missing = {"error": "Task not found", "id": x.entry["arguments"].get("id")}
        return await x.give(x.tool_result(to_lines(missing)))
    response = await x.apply()
    if x.fault == "odd_backup" and x.entry["tool"] == "backup":
        result = json.loads(payload(response) or b"{}").get("result", {})
        if result and not result.get("isError"):
            backup = json.loads(result["content"][0]["text"])
            backup["d1"]["decisions"] = "none"
            response = x.tool_result(to_lines(backup))
    return await x.give(response)


async def bad_connection(x: Exchange) -> bool:
    """Faults of the transport; all but the slow ones come before the tool is called."""
    match x.fault:
        case "refused":  # For some requests; see vault.py for a vault that refuses all.
            x.vault.vanish(x.options["seconds"])
        case "black_hole" | "black_hole_connect":
            return await x.silence()
        case "slow":
            response = await x.apply()
            await asyncio.sleep(x.options["seconds"])
            return await x.give(response)
        case "slow_body":
            response = await x.apply()
            await x.start(response)
            for at in range(len(response.body)):
                byte = response.body[at : at + 1]
                await x.send(chunk(byte) if response.is_stream else byte)
                await asyncio.sleep(0.2)
            await x.send(LAST_CHUNK if response.is_stream else b"")
            return True
        case "truncated_json":
            body = to_json(x.rpc(result={"content": []})).encode()
            await x.start(Response(200, JSON), len(body))
            await x.send(body[: len(body) // 2])
        case "truncated_sse":
            await x.start(Response.events())
            await x.send(chunk(event(to_json(x.rpc(result={"content": []})))[:40]))
        case "endless_sse":
            await x.start(Response.events())
            while not x.reader.at_eof():
                await x.send(chunk(b": ping\n\nevent: ping\ndata:\n\n"))
                await asyncio.sleep(0.05)
    return False  # What `drop` does, and nothing else.


async def huge(x: Exchange) -> bool:
    """A right answer, but for its size."""
    start, end = to_json(x.rpc(result={"content": [{"type": "text", "text": "|"}]})).split("|")
    frame: Callable[[bytes], bytes] = bytes
    response = Response(200, JSON)
    if x.fault == "huge_sse":
        response, frame = Response.events(), chunk
        start, end = "data: " + start, end + "\n\n"
    piece = frame(b"x" * (1 << 16))
    await x.start(response, len(start) + HUGE + len(end))
    await x.send(frame(start.encode()))
    for _ in range(HUGE >> 16):
        await x.send(piece)
    await x.send(frame(end.encode()) + (LAST_CHUNK if response.is_stream else b""))
    return True


async def lost_answer(x: Exchange) -> bool:
    """The call is carried out, but its answer does not say so."""
    if x.fault == "apply_late":
        async def later() -> None:
            await asyncio.sleep(x.options["seconds"])
            await x.apply()

        x.vault.spawn(later())
        await asyncio.sleep(0.05)
        return False
    response = await x.apply()
    match x.fault:
        case "apply_then_reset":
            raw: socket.socket = x.writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            x.writer.transport.abort()
        case "apply_then_502":
            return await x.give(Response(502, HTML, b"<h1>Bad gateway</h1>"))
        case "apply_then_broken":
            return await x.give(Response(200, JSON, payload(response)[:-7] or b'{"jsonrpc":'))
        case "apply_then_is_error":
            return await x.give(x.failure("KV PUT failed: 500"))
        case "apply_then_gzip":  # Whatever the client accepts.
            response.body = gzip.compress(response.body)
            response.headers["content-encoding"] = "gzip"
            return await x.give(response)
        case "apply_then_silence":
            return await x.silence()
    return False  # What `apply_then_drop` and `lose_every` do, and nothing else.


async def odd_answer(x: Exchange) -> bool:
    """Right answers in a form that is rare, or wrong only in its type."""
    response = await x.apply()
    message = payload(response)
    if response.status != 200 or not message:
        return await x.give(response)
    is_text = x.fault == "wrong_type"
    response.headers["content-type"] = "text/plain" if is_text else "text/event-stream"
    lines = json.dumps(json.loads(message), ensure_ascii=False, indent=1)
    match x.fault:
        case "wrong_type":
            response.body = message
        case "crlf_sse":
            response.body = event(lines, "\r\n")
        case "cr_sse":
            response.body = event(lines, "\r")
        case "bom_sse":
            response.body = b"\xef\xbb\xbf" + event(message.decode())
        case "ping_first":
            note = {"jsonrpc": "2.0", "method": "notifications/message",
                    "params": {"level": "info", "data": "a line\u2028of the log"}}
            question = {"jsonrpc": "2.0", "id": "vault-1", "method": "ping"}
            answer = event(message.decode())
            await x.start(response)
            for piece in (b": hello\n\n", b"data:\n\n", b"event: ping\ndata: \n\n",
                          event(to_json(note)), event(to_json(question)), answer[:30], answer[30:]):
                await x.send(chunk(piece))
                await asyncio.sleep(0.01)
            await x.send(LAST_CHUNK)
            return True
    return await x.give(response)


BEHAVIOURS = {
    whole_answer: list(ANSWERS),
    some_requests: ["session_forgotten", "not_found_task", "odd_backup"],
    bad_connection: [
        "refused", "black_hole", "black_hole_connect", "drop", "slow", "slow_body",
        "truncated_json", "truncated_sse", "endless_sse"],
    huge: ["huge", "huge_sse"],
    lost_answer: [
        "apply_then_drop", "apply_then_reset", "apply_then_502", "apply_then_broken",
        "apply_then_is_error", "apply_then_gzip", "apply_then_silence", "apply_late",
        "lose_every"],
    odd_answer: ["wrong_type", "ping_first", "crlf_sse", "cr_sse", "bom_sse"],
}
# A fault answers one request in its own way, and returns true if the connection may go on.
FAULTS = {name: behave for behave, names in BEHAVIOURS.items() for name in names}
