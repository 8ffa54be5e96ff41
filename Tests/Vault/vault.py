"""A stand-in for vault-mcp: its tools on the official MCP SDK, behind a front that can misbehave.
contract.py compares its answers with those of the real service.

Prints one line of JSON, {"port", "control_port", "other_port", "url"}, and ends with its standard
input. With --fork-server PATH it is no vault itself: each connection to that socket is the standard
input and output of a vault of its own, once it has sent its arguments as a line of JSON. The control
port takes and gives JSON:

  POST /fault    {"name", "count", "match": {"rpc", "tool", "action", "kind"}, options}; {}: none
  POST /flap     {"seed", "weights": {name or "ok": weight}, "mean_requests"}; {}: none
  POST /options  see Options, and {"forget_sessions": true}
  POST /state    {"clear", "tasks", "decisions", "checkpoints", "fill_tasks"}; GET: everything
  GET  /log      ?since=n; /log/count: by kind of request; POST /log/clear
  GET  /stolen   what reached the host that the fault `redirect` points to
  POST /stop
"""

import argparse
import asyncio
import contextlib
import dataclasses
import gc
import json
import logging
import os
import random
import select
import signal
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.version import SUPPORTED_PROTOCOL_VERSIONS
from mcp.types import INVALID_PARAMS, PARSE_ERROR

import rest
from certificate import make_certificate
from faults import FAULTS, OPTIONS, Exchange
from tools import WRITES, Store, health, make_server
from wire import Listener, Request, Response

BODY_LIMIT = 100 << 20  # bytes
MATCHES = ("rpc", "tool", "action")
PROTOCOL_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07")
SUPPORTED_PROTOCOL_VERSIONS[:] = PROTOCOL_VERSIONS[::-1]  # The SDK in Python lacks the oldest.
# The service's words for what its SDK cannot read, by the code that the SDK in Python has for it.
UNREADABLE = {
    PARSE_ERROR: "Parse error: Invalid JSON",
    INVALID_PARAMS: "Parse error: Invalid JSON-RPC message",
}


@dataclasses.dataclass(slots=True)
class Options:
    """What may change while the vault runs."""

    kv_lag: float = 0
    """Seconds for which lists and backups do not show a write to a task."""
    prefix: str = ""
    """Of the tools' names, as a portal gives them."""
    stateful: bool = False
    json: bool = False
    """Answers in JSON instead of event streams."""
    old_protocol: str | None = None
    """The newest version that is known."""
    strict_protocol: bool = False
    """An unknown version in `initialize` gets 400 instead of a counter-offer."""
    session_ttl_requests: int | None = None
    validation: str = "tool"
    """How bad arguments are refused: as the `tool`'s result, or as an `rpc` error."""
    own_checkpoints: int = 0
    """After each so many calls of tools the vault saves a checkpoint of its own; 0: never."""

    def check(self) -> None:
        if self.old_protocol not in [None, *PROTOCOL_VERSIONS]:
            raise ValueError(f"no protocol version {self.old_protocol}")
        if self.validation not in ("tool", "rpc"):
            raise ValueError(f"no validation {self.validation}")
        if self.own_checkpoints < 0:
            raise ValueError(f"not after {self.own_checkpoints} calls")


class Rhythm:
    """What `lose_every` needs: it answers all but every n-th of the requests that it meets."""

    options: dict[str, Any]
    met = 0

    def spares(self) -> bool:
        self.met += 1
        return bool(self.met % self.options.get("every", 1))


class Fault(Rhythm):
    """A fault that was asked for, for as many requests as it is to break."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.name: str = given["name"]
        self.count: int | None = given.get("count")
        self.match: dict[str, str] | None = given.get("match")
        options = {k: v for k, v in given.items() if k not in ("name", "count", "match")}
        if self.name not in FAULTS:
            raise ValueError(f"no fault {self.name}")
        if unknown := set(options) - set(OPTIONS.get(self.name, {})):
            raise ValueError(f"{self.name} has no {unknown}")
        self.options = OPTIONS.get(self.name, {}) | options
        if unknown := set(self.match or {}) - {*MATCHES, "kind"}:
            raise ValueError(f"nothing to match: {unknown}")
        if self.options.get("every", 1) < 1:
            raise ValueError(f"not every {self.options['every']}")

    @property
    def is_total(self) -> bool:
        return self.count is None and not self.match

    def next(self, entry: dict[str, Any]) -> str | None:
        match = self.match or {}
        is_write = (entry["tool"], entry["action"]) in WRITES
        if any(entry[key] != match[key] for key in MATCHES if key in match):
            return None
        if "kind" in match and is_write != (match["kind"] == "write"):
            return None
        if self.spares():
            return None
        if self.count is not None:
            if self.count <= 0:
                return None
            self.count -= 1
        return self.name


class Flap(Rhythm):
    """Faults at random, each for some requests in a row; the same seed gives the same."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.weights: dict[str, float] = given["weights"]
        self.mean, self.random = int(given["mean_requests"]), random.Random(given["seed"])
        self.left, self.name = 0, "ok"
        self.options = {}
        if unknown := set(self.weights) - set(FAULTS) - {"ok"}:
            raise ValueError(f"no fault {unknown}")

    def next(self, entry: dict[str, Any]) -> str | None:
        if self.left == 0:
            names = sorted(self.weights)
            [self.name] = self.random.choices(names, [self.weights[name] for name in names])
            self.left = self.random.randint(1, 2 * self.mean - 1)
            self.options = OPTIONS.get(self.name, {})
        self.left -= 1
        return None if self.spares() or self.name == "ok" else self.name


class Vault:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.token: str = arguments.token
        self.is_path_only: bool = arguments.path_auth
        self.state_file: Path | None = arguments.state
        self.options = Options(
            kv_lag=arguments.kv_lag, prefix=arguments.prefix, stateful=arguments.stateful,
            json=arguments.json, own_checkpoints=arguments.own_checkpoints)
        self.options.check()
        self.upstream: str | None = arguments.upstream
        self.upstream_token: str = arguments.upstream_token
        self.store = Store()
        self.store.kv_lag = self.options.kv_lag
        server = make_server(self.store, self.options)
        self.managers = {
            (is_stateful, is_json): StreamableHTTPSessionManager(
                server, json_response=is_json, stateless=not is_stateful,
                max_request_body_size=BODY_LIMIT)
            for is_stateful in (False, True) for is_json in (False, True)
        }
        self.sessions: dict[str, int | None] = {}  # requests that each has left
        self.fault: Fault | Flap | None = None
        self.log: list[dict[str, Any]] = []
        self.requests = 0
        self.counts: dict[str, Counter[str]] = {
            kind: Counter() for kind in ("rpc", "tool", "action")}
        self.stolen: list[dict[str, Any]] = []
        self.background: set[asyncio.Future[Any]] = set()
        self.returning: asyncio.TimerHandle | None = None
        self.stop = asyncio.Event()
        tls = None
        if arguments.tls:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(*arguments.tls)
        self.front = Listener(self.answer, arguments.port, tls)
        self.other = Listener(self.steal)
        self.control = Listener(self.command)
        self.other_port = self.other.port
        path = f"/{self.token}/mcp" if self.is_path_only else "/mcp"
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.front.port}{path}"

    # The front: each request is noted, and meets the fault or the service

    async def answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        message: Any = None
        with contextlib.suppress(ValueError):
            message = json.loads(request.body or b"null")
        entry = self.note(request, message if isinstance(message, dict) else {})
        id = message.get("id") if isinstance(message, dict) else None
        exchange, fault = Exchange(self, request, id, entry, reader, writer), self.fault
        if fault and request.path in self.endpoints and (name := fault.next(entry)):
            entry["fault"] = exchange.fault = name
            exchange.options = fault.options
            return await FAULTS[name](exchange)
        return await exchange.give(await exchange.apply())

    def note(self, request: Request, message: dict[str, Any]) -> dict[str, Any]:
        rpc, params = message.get("method"), message.get("params")
        tool = action = arguments = None
        if rpc == "tools/call" and isinstance(params, dict):
            tool = str(params.get("name")).removeprefix(self.options.prefix)
            arguments = params.get("arguments")
            action = arguments.get("action") if isinstance(arguments, dict) else None
        self.requests += 1
        entry = {
            "n": self.requests, "t": time.time(), "method": request.method, "path": request.target,
            "headers": request.headers, "rpc": rpc, "tool": tool, "action": action,
            "arguments": arguments, "bytes": len(request.body), "fault": None, "applied": False,
            "status": None,
        }
        self.log.append(entry)
        self.counts["rpc"][str(rpc)] += 1
        if tool:
            self.counts["tool"][tool] += 1
            self.counts["action"][f"{tool}.{action}"] += 1
        return entry

    @property
    def endpoints(self) -> tuple[str, ...]:
        return ("/mcp", f"/{self.token}/mcp") if self.token else ("/mcp",)

    # The service

    async def serve(self, request: Request, entry: dict[str, Any]) -> Response:
        """What the service itself answers."""
        if request.path == "/health":
            return Response.json(health())
        if request.path == "/sse":
            return Response(410)
        if not self.is_authorized(request):
            return Response.json({"error": "Unauthorized"}, 401)
        if request.path not in self.endpoints:
            before = self.store.arrivals
            response = rest.answer(self.store, request)
            entry["applied"] = self.store.arrivals > before
            return response
        session = request.headers.get("mcp-session-id")
        if request.method != "POST":
            if request.method == "DELETE" and session:
                self.forget(session)
            return Response(204)
        if self.upstream:
            return await asyncio.to_thread(self.through_upstream, request)
        return self.refuse_version(request, entry) or self.refuse_session(session, entry) or (
            await self.through_sdk(request, entry))

    def is_authorized(self, request: Request) -> bool:
        if not self.token or request.path == f"/{self.token}/mcp":
            return True
        is_bearer = request.headers.get("authorization") == f"Bearer {self.token}"
        return is_bearer and not self.is_path_only

    def refuse_version(self, request: Request, entry: dict[str, Any]) -> Response | None:
        """What the SDK does not do: to be older than it is, and to refuse where it would offer."""
        newest = self.options.old_protocol or PROTOCOL_VERSIONS[0]
        known = [version for version in PROTOCOL_VERSIONS if version <= newest]
        wanted = request.headers.get("mcp-protocol-version")
        if entry["rpc"] == "initialize":
            message = json.loads(request.body)
            params = message.get("params")
            wanted = params.get("protocolVersion") if isinstance(params, dict) else None
            if wanted is not None and wanted not in known and not self.options.strict_protocol:
                params["protocolVersion"] = known[0]
                request.body = json.dumps(message).encode()
                return None
        if wanted is None or wanted in known:
            return None
        supported = f"(supported versions: {', '.join(known)})"
        text = f"Bad Request: Unsupported protocol version: {wanted} {supported}"
        return Response.json(rpc_error(-32000, text), 400)

    def refuse_session(self, session: str | None, entry: dict[str, Any]) -> Response | None:
        if not self.options.stateful or entry["rpc"] == "initialize":
            return None
        if session is None:
            return Response.json(rpc_error(-32600, "Bad Request: Missing session ID"), 400)
        left = self.sessions.get(session, 0)
        if left == 0:
            self.forget(session)
            return Response.json(rpc_error(-32600, "Session not found"), 404)
        self.sessions[session] = left and left - 1
        return None

    async def through_sdk(self, request: Request, entry: dict[str, Any]) -> Response:
        """One request through the SDK's transport, as an ASGI server hands it over."""
        # The service does not look at Accept, the SDK does.
        headers = request.headers | {"accept": "application/json, text/event-stream"}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
            "scheme": "http", "path": "/mcp", "raw_path": b"/mcp", "query_string": b"",
            "root_path": "", "server": ("127.0.0.1", self.front.port), "client": ("127.0.0.1", 0),
            "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()],
            "vault.entry": entry,
        }
        response, pieces, is_done = Response(500), [request.body], asyncio.Event()

        async def receive() -> dict[str, Any]:
            if pieces:
                return {"type": "http.request", "body": pieces.pop(), "more_body": False}
            await is_done.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                response.status = message["status"]
                response.headers = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in message["headers"] if name.lower() != b"content-length"}
            elif message["type"] == "http.response.body":
                response.body += message.get("body", b"")
                if not message.get("more_body"):
                    is_done.set()

        manager = self.managers[self.options.stateful, self.options.json]
        await manager.handle_request(scope, receive, send)
        if entry["rpc"] == "initialize" and (session := response.headers.get("mcp-session-id")):
            self.sessions[session] = self.options.session_ttl_requests
        if response.is_stream:
            response.body = response.body.replace(b"\r\n", b"\n")
            return response
        if response.status == 400:
            code = json.loads(response.body)["error"]["code"]
            if code in UNREADABLE:
                response = Response.json(rpc_error(PARSE_ERROR, UNREADABLE[code]), 400)
        if not response.body:
            response.headers.pop("content-type", None)
        response.headers["access-control-allow-origin"] = "*"
        return response

    def through_upstream(self, request: Request) -> Response:
        """Another server's answer: then this is a proxy that can misbehave."""
        passed = ("content-type", "accept", "mcp-protocol-version")
        headers = {name: request.headers[name] for name in passed if name in request.headers}
        headers["authorization"] = f"Bearer {self.upstream_token}"
        onward = urllib.request.Request(self.upstream or "", request.body, headers, method="POST")
        try:
            with urllib.request.urlopen(onward, timeout=60) as answer:
                return Response(
                    answer.status, {"content-type": answer.headers.get("content-type", "")},
                    answer.read())
        except urllib.error.HTTPError as error:
            return Response(error.code, {"content-type": "application/json"}, error.read())
        except OSError:
            return Response(502, {"content-type": "text/html"}, b"<h1>Bad gateway</h1>")

    # What faults need

    def forget(self, session: str) -> None:
        self.sessions.pop(session, None)

    def spawn(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    def vanish(self, seconds: float) -> None:
        """Refuses connections for a while."""
        self.front.close()
        self.come_back_at_once()
        self.returning = asyncio.get_running_loop().call_later(
            seconds, lambda: self.spawn(self.front.open()))

    def come_back_at_once(self) -> None:
        if self.returning:
            self.returning.cancel()
            self.returning = None

    async def steal(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        body = request.body.decode("utf-8", "replace")
        self.stolen.append({
            "method": request.method, "path": request.target, "headers": request.headers,
            "body": body})
        id = None
        with contextlib.suppress(ValueError, AttributeError):
            id = json.loads(body).get("id")
        result = {"content": [{"type": "text", "text": "[]"}]}
        writer.write(Response.json({"jsonrpc": "2.0", "id": id, "result": result}).bytes())
        await writer.drain()
        return True

    # The control port

    async def command(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        try:
            given = json.loads(request.body or b"{}")
            response = Response.json(await self.carry_out(request, given))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            response = Response.json({"error": repr(error)}, 400)
        writer.write(response.bytes())
        await writer.drain()
        return True

    async def carry_out(self, request: Request, given: dict[str, Any]) -> Any:
        match request.method, request.path:
            case "POST", "/fault":
                await self.set_fault(Fault(given) if given.get("name") else None)
            case "POST", "/flap":
                await self.set_fault(Flap(given) if given else None)
            case "POST", "/options":
                if given.pop("forget_sessions", False):
                    self.sessions.clear()
                dataclasses.replace(self.options, **given).check()
                for name, value in given.items():
                    setattr(self.options, name, value)
                self.store.kv_lag = self.options.kv_lag
            case "POST", "/state":
                self.store.seed(given)
            case "GET", "/state":
                return self.store.everything()
            case "GET", "/log":
                since = int(request.query.removeprefix("since=") or 0)
                return [entry for entry in self.log if entry["n"] > since]
            case "GET", "/log/count":
                return {"requests": self.requests} | self.counts
            case "POST", "/log/clear":
                self.log.clear()
                self.requests = 0
                for counter in self.counts.values():
                    counter.clear()
            case "GET", "/stolen":
                return self.stolen
            case "POST", "/stop":
                self.stop.set()
            case _:
                raise ValueError(f"no command {request.method} {request.path}")
        return {}

    async def set_fault(self, fault: Fault | Flap | None) -> None:
        self.fault = fault
        self.come_back_at_once()
        if isinstance(fault, Fault) and fault.is_total and fault.name == "refused":
            self.front.close()
        elif isinstance(fault, Fault) and fault.is_total and fault.name == "black_hole_connect":
            self.front.swallow()
        else:
            await self.front.open()

    # The process

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop.set)
        if self.state_file and self.state_file.exists():
            self.store.seed(json.loads(self.state_file.read_text()))
        async with contextlib.AsyncExitStack() as stack:
            for manager in self.managers.values():
                await stack.enter_async_context(manager.run())
            for listener in (self.front, self.other, self.control):
                await listener.open()
            print(json.dumps({
                "port": self.front.port, "control_port": self.control.port,
                "other_port": self.other_port, "url": self.url}), flush=True)
            threading.Thread(target=self.watch_input, args=(loop,), daemon=True).start()
            await self.stop.wait()
            self.front.close()
        if self.state_file:
            draft = self.state_file.with_suffix(".new")
            draft.write_text(json.dumps(self.store.everything()))
            draft.replace(self.state_file)

    def watch_input(self, loop: asyncio.AbstractEventLoop) -> None:
        # Not sys.stdin, whose lock would hold up the end of the process.
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # The loop has ended already.
            loop.call_soon_threadsafe(self.stop.set)


def rpc_error(code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message}, "id": None}


def fork_server(path: str) -> None:
    """Importing the SDK takes longer than most tests: it is done once, and each vault is a fork."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as stack:
        listener.bind(path)
        stack.callback(os.unlink, path)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([listener, 0], [], [])
            if 0 in ready:
                return
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                serve(connection)
            connection.close()


def serve(connection: socket.socket) -> None:
    """In the fork, which ends with it."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        random.seed()
        arguments = b""
        while not arguments.endswith(b"\n"):
            byte = connection.recv(1)
            if not byte:
                return
            arguments += byte
        for descriptor in (0, 1):
            os.dup2(connection.fileno(), descriptor)
        connection.close()
        asyncio.run(main(json.loads(arguments)))
    finally:
        os._exit(0)


async def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="", help="asked for as bearer or in the path")
    parser.add_argument("--path-auth", action="store_true", help="no bearer counts")
    parser.add_argument("--prefix", default="", help="of the tools' names")
    parser.add_argument("--stateful", action="store_true", help="issues Mcp-Session-Id")
    parser.add_argument("--json", action="store_true", help="answers in JSON instead of SSE")
    parser.add_argument("--upstream", metavar="URL", help="who answers instead of the SDK")
    parser.add_argument("--upstream-token", default="")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--kv-lag", type=float, default=0, metavar="SECONDS")
    parser.add_argument(
        "--own-checkpoints", type=int, default=0, metavar="N",
        help="the vault saves one of its own after every N calls of tools")
    parser.add_argument("--state", type=Path, metavar="FILE", help="read first, written last")
    parser.add_argument(
        "--make-certificate", type=Path, metavar="DIR",
        help="writes ca.pem, server.pem and server.key for the loopback address, and ends")
    arguments = parser.parse_args(words)
    if arguments.path_auth and not arguments.token:
        parser.error("--path-auth needs a --token")
    if arguments.make_certificate:
        make_certificate(arguments.make_certificate)
    else:
        await Vault(arguments).run()


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # The SDK warns of every bad request.
    if sys.argv[1:2] == ["--fork-server"]:
        fork_server(sys.argv[2])
    else:
        asyncio.run(main())
