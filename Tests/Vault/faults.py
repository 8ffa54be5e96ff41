"""What can go wrong between a client and its vault. Each fault is a coroutine that answers one
request in its own way and returns true if the connection may go on."""

import asyncio
import json
import socket
import struct
from email.utils import formatdate
import time
from typing import TYPE_CHECKING, Any

from wire import Request, Response

if TYPE_CHECKING:
    from vault import Vault


class Call:
    """One request on its way through a fault."""

    def __init__(
        self, vault: "Vault", request: Request, message: Any, options: dict[str, Any],
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, entry: dict[str, Any],
    ) -> None:
        self.vault, self.request, self.message, self.options = vault, request, message, options
        self.reader, self.writer, self.entry = reader, writer, entry

    async def apply(self) -> Response:
        """The real answer; what it writes is written."""
        return await self.vault.forward(self.request, self.entry)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def give(self, response: Response) -> bool:
        self.entry["status"] = response.status
        await self.send(response.bytes())
        return True

    async def silence(self) -> bool:
        """Until the client gives up."""
        while await self.reader.read(65536):
            pass
        return False

    def cut(self, reset: bool = False) -> bool:
        if reset:
            raw = self.writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        return False

    @property
    def id(self) -> Any:
        return self.message.get("id") if isinstance(self.message, dict) else None

    def rpc(self, **fields: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": self.id} | fields

    def tool_error(self, text: str) -> dict[str, Any]:
        return self.rpc(result={"content": [{"type": "text", "text": text}], "isError": True})


def event(message: Any) -> bytes:
    return b"event: message\r\ndata: " + json.dumps(message, ensure_ascii=False).encode() + b"\r\n\r\n"


def stream(body: bytes) -> Response:
    return Response(200, {"content-type": "text/event-stream"}, body)


def events_of(response: Response) -> bytes:
    """The data of the answer's last event, whatever its form."""
    if response.headers.get("content-type", "").startswith("application/json"):
        return response.body
    data = [line[6:] for line in response.body.split(b"\r\n") if line.startswith(b"data: ")]
    return data[-1] if data else b""


PAGE = b"<!doctype html><title>Sign in</title><form>Password</form>"


async def answer_fault(name: str, c: Call) -> bool:
    """The faults that are an answer."""
    wait = int(c.options.get("retry_after", 1))
    retry = {"retry-after": formatdate(time.time() + wait, usegmt=True) if c.options.get("date")
             else str(wait)}
    html = {"content-type": "text/html; charset=utf-8"}
    plain_json = {"content-type": "application/json"}
    match name:
        case "401" | "403":
            return await c.give(Response.json({"error": "Unauthorized"}, int(name)))
        case "429" | "503":
            return await c.give(Response(int(name), retry, b"slow down"))
        case "500":
            return await c.give(Response.json({"error": "internal"}, 500))
        case "404":
            return await c.give(Response(404, html, b"<h1>Not found</h1>"))
        case "html_502":
            return await c.give(Response(502, html, b"<h1>Bad gateway</h1>"))
        case "login_page":
            return await c.give(Response(200, html, PAGE))
        case "malformed_json":
            return await c.give(Response(200, plain_json, b'{"jsonrpc": "2.0", oops'))
        case "cut_json":
            body = json.dumps(c.rpc(result={"content": []})).encode()
            return await c.give(Response(200, plain_json, body[:-9]))
        case "empty":
            return await c.give(Response(200, plain_json))
        case "empty_202":
            return await c.give(Response(202))
        case "wrong_type":
            return await c.give(Response(200, {"content-type": "text/plain"}, b'{"ok": true}'))
        case "not_jsonrpc":
            return await c.give(Response.json({"hello": "world"}))
        case "wrong_id":
            return await c.give(Response.json(c.rpc(result={"content": []}) | {"id": 987654}))
        case "is_error":
            return await c.give(stream(event(c.tool_error('{"error":"D1_ERROR: no such column"}'))))
        case "validation":
            text = ("MCP error -32602: Input validation error: Invalid arguments for tool task: "
                    "[ { \"path\": [\"title\"] } ]")
            return await c.give(stream(event(c.tool_error(text))))
        case "rpc_error":
            return await c.give(Response.json(c.rpc(error={"code": -32603, "message": "internal"})))
        case "rpc_validation":
            return await c.give(
                Response.json(c.rpc(error={"code": -32602, "message": "Invalid params"})))
        case "not_found_task":
            text = json.dumps({"error": "Task not found", "id": "x"})
            return await c.give(
                stream(event(c.rpc(result={"content": [{"type": "text", "text": text}]}))))
        case "redirect":
            target = f"http://127.0.0.1:{c.vault.other.port}{c.request.path}"
            return await c.give(Response(int(c.options.get("status", 307)), {"location": target}))
    return await connection_fault(name, c)


async def connection_fault(name: str, c: Call) -> bool:
    """The faults that are no answer, half of one, or too much of one."""
    json_head = {"content-type": "application/json"}
    match name:
        case "black_hole":
            return await c.silence()
        case "drop":
            return c.cut()
        case "slow":
            await asyncio.sleep(float(c.options.get("seconds", 5)))
            return await c.give(await c.apply())
        case "slow_body":
            response = await c.apply()
            await c.send(response.head())
            for at in range(len(response.body)):
                await c.send(response.body[at : at + 1])
                await asyncio.sleep(0.2)
            return True
        case "truncated_json":
            await c.send(Response(200, json_head).head(500) + b'{"jsonrpc": "2.0", "id": 1, "res')
            return c.cut()
        case "truncated_sse":
            head = b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
            await c.send(head + b'event: message\r\ndata: {"jsonrpc": "2.0", "resu')
            return c.cut()
        case "endless_sse":
            await c.send(b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n"
                         b"connection: close\r\n\r\n")
            while True:
                await c.send(b": ping\r\ndata:\r\n\r\n")
                await asyncio.sleep(0.05)
        case "huge" | "huge_sse":
            kind = "application/json" if name == "huge" else "text/event-stream"
            start = b"" if name == "huge" else b"data: "
            start += json.dumps(c.rpc(result={"content": [{"type": "text", "text": ""}]}))[:-5].encode()
            size = 50 << 20
            await c.send(Response(200, {"content-type": kind}).head(size) + start)
            for _ in range(size >> 16):
                await c.send(b"x" * 65536)
            return c.cut()
    return await applied_fault(name, c)


async def applied_fault(name: str, c: Call) -> bool:
    """The faults behind a call that was carried out, and the odd forms of a right answer."""
    match name:
        case "apply_then_drop":
            await c.apply()
            return c.cut()
        case "apply_then_reset":
            await c.apply()
            return c.cut(reset=True)
        case "apply_then_502":
            await c.apply()
            return await c.give(
                Response(502, {"content-type": "text/html"}, b"<h1>Bad gateway</h1>"))
        case "apply_then_broken":
            body = events_of(await c.apply())
            return await c.give(Response(200, {"content-type": "application/json"}, body[:-7]))
        case "apply_then_is_error":
            await c.apply()
            return await c.give(stream(event(c.tool_error('{"error":"KV timeout"}'))))
        case "apply_then_silence":
            await c.apply()
            return await c.silence()
        case "apply_late":
            c.vault.later(float(c.options.get("seconds", 1)), c)
            return c.cut()
        case "ping_first":
            other = {"jsonrpc": "2.0", "method": "notifications/message",
                     "params": {"level": "info", "data": "hello"}}
            body = b": hello\r\n\r\ndata:\r\n\r\nevent: ping\r\ndata: \r\n\r\n" + event(other)
            return await c.give(stream(body + b"data: " + events_of(await c.apply()) + b"\r\n\r\n"))
        case "crlf_sse" | "cr_sse" | "bom_sse":
            text = json.dumps(json.loads(events_of(await c.apply()) or b"null"), indent=1)
            end = "\r" if name == "cr_sse" else "\r\n"
            body = "\ufeff" if name == "bom_sse" else ""
            body += "".join(f"data: {line}{end}" for line in text.split("\n")) + end
            return await c.give(stream(body.encode()))
    raise ValueError(f"no fault {name}")
