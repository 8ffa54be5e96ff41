"""A stand-in for vault-mcp: its tools on the official MCP SDK, behind a front that can misbehave.

Prints one line of JSON, {"url", "port", "control_port", "other_port"}, and ends with its standard
input. The control port takes and gives JSON: /fault /flap /state /options /log /stolen.
"""

import argparse
import asyncio
import contextlib
import json
import random
import ssl
import sys
import time
from pathlib import Path
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from faults import Call, answer_fault
from tools import WRITES, Store, make_server
from wire import Listener, Request, Response


class Vault:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.options: dict[str, Any] = {
            "stateful": arguments.stateful, "json": arguments.json, "kv_lag": 0, "prefix": "",
            "old_protocol": None, "strict_protocol": False, "session_ttl_requests": None,
        }
        self.store = Store()
        self.server = make_server(self.store)
        self.managers = {
            (stateful, is_json): StreamableHTTPSessionManager(
                self.server, json_response=is_json, stateless=not stateful)
            for stateful in (False, True) for is_json in (False, True)
        }
        self.fault: dict[str, Any] | None = None
        self.flap: dict[str, Any] | None = None
        self.sessions: dict[str, int] = {}
        self.log: list[dict[str, Any]] = []
        self.stolen: list[dict[str, Any]] = []
        self.background: set[asyncio.Task[Any]] = set()
        tls = None
        if arguments.tls:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(*arguments.tls)
        self.front = Listener(self.answer, tls)
        self.other = Listener(self.steal)
        self.control = Listener(self.command)

    # The front

    async def answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        message: Any = None
        with contextlib.suppress(ValueError):
            message = json.loads(request.body or b"null")
        fields = message if isinstance(message, dict) else {}
        params = fields.get("params") or {}
        is_call = fields.get("method") == "tools/call"
        tool = str(params.get("name", "")).removeprefix(self.options["prefix"]) if is_call else None
        a = params.get("arguments") if is_call else None
        entry = {
            "n": len(self.log) + 1, "t": time.time(), "method": request.method,
            "path": request.path, "headers": request.headers, "rpc": fields.get("method"),
            "tool": tool, "action": (a or {}).get("action"), "arguments": a,
            "bytes": len(request.body), "fault": None, "applied": False, "status": None,
        }
        self.log.append(entry)
        name = self.next_fault(entry)
        call = Call(self, request, message, self.fault or {}, reader, writer, entry)
        if name and request.method == "POST":
            entry["fault"] = name
            if name == "refused":
                self.spawn(self.be_away(float((self.fault or {}).get("seconds", 0.2))))
                return False
            return await answer_fault(name, call)
        return await call.give(await call.apply())

    def next_fault(self, entry: dict[str, Any]) -> str | None:
        if self.flap:
            flap = self.flap
            if flap["left"] <= 0:
                names = sorted(flap["weights"])
                flap["name"] = flap["random"].choices(names, [flap["weights"][n] for n in names])[0]
                flap["left"] = flap["random"].randint(1, 2 * flap["mean_requests"] - 1)
            flap["left"] -= 1
            return None if flap["name"] == "ok" else str(flap["name"])
        if not self.fault or self.fault.get("count") == 0:
            return None
        match = self.fault.get("match") or {}
        is_write = (entry["tool"], entry["action"]) in WRITES
        if "kind" in match and (match["kind"] == "write") != is_write:
            return None
        if any(entry[key] != match[key] for key in ("tool", "action", "rpc") if key in match):
            return None
        if self.fault.get("count"):
            self.fault["count"] -= 1
        return str(self.fault["name"])

    async def be_away(self, seconds: float) -> None:
        await self.front.close()
        await asyncio.sleep(seconds)
        await self.front.open()

    def spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    def later(self, seconds: float, call: Call) -> None:
        async def run() -> None:
            await asyncio.sleep(seconds)
            await call.apply()

        self.spawn(run())

    async def forward(self, request: Request, entry: dict[str, Any]) -> Response:
        """What the service itself answers."""
        path, token = request.path.split("?")[0], self.arguments.token
        if path == "/health":
            return Response.json({"status": "ok", "version": "2.0.0", "d1": "connected"})
        if path == "/sse":
            return Response(410)
        is_secret_path = token and path == f"/{token}/mcp"
        if path != "/mcp" and not is_secret_path:
            return Response.json({"error": "Unauthorized" if token else "Not found"},
                                 401 if token else 404)
        if token and not is_secret_path:
            if request.headers.get("authorization") != f"Bearer {token}":
                return Response.json({"error": "Unauthorized"}, 401)
        if request.method != "POST":
            session = request.headers.get("mcp-session-id")
            if request.method == "DELETE" and session:
                self.sessions.pop(session, None)
            return Response(204)
        return await self.ask(request, entry)

    async def ask(self, request: Request, entry: dict[str, Any]) -> Response:
        options, body = self.options, request.body
        if entry["rpc"] == "initialize":
            message = json.loads(body)
            wanted = message["params"]["protocolVersion"]
            known = options["old_protocol"]
            if known and wanted != known:
                if options["strict_protocol"]:
                    return Response.json({"error": "Unsupported protocol version"}, 400)
                message["params"]["protocolVersion"] = known
                body = json.dumps(message).encode()
        session = request.headers.get("mcp-session-id")
        if options["stateful"] and entry["rpc"] != "initialize":
            left = self.sessions.get(session or "", 0)
            if left <= 0:
                return Response.json(
                    {"jsonrpc": "2.0", "id": None,
                     "error": {"code": -32600, "message": "Session not found"}}, 404)
            self.sessions[str(session)] = left - 1
        if entry["tool"] in ("health", "backup") and entry["arguments"] is None:
            text = "MCP error -32602: Input validation error: expected object"
            message = {"jsonrpc": "2.0", "id": json.loads(body)["id"], "result": {
                "content": [{"type": "text", "text": text}], "isError": True}}
            return Response.json(message)
        before = self.store.arrivals
        response = await self.through_sdk(request, body)
        entry["applied"] = self.store.arrivals > before
        if options["stateful"] and (new := response.headers.get("mcp-session-id")):
            if entry["rpc"] == "initialize":
                self.sessions[new] = options["session_ttl_requests"] or 1 << 30
        return response

    async def through_sdk(self, request: Request, body: bytes) -> Response:
        """One request through the SDK's own transport, as an ASGI server would hand it over."""
        scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "path": "/mcp",
            "raw_path": b"/mcp", "query_string": b"", "scheme": "http",
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in request.headers.items()],
            "server": ("127.0.0.1", self.front.port), "client": ("127.0.0.1", 1), "root_path": "",
        }
        response, is_read = Response(500), False
        done = asyncio.Event()

        async def receive() -> dict[str, Any]:
            nonlocal is_read
            if not is_read:
                is_read = True
                return {"type": "http.request", "body": body, "more_body": False}
            await done.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                response.status = message["status"]
                response.headers = {
                    k.decode(): v.decode() for k, v in message["headers"]
                    if k not in (b"content-length", b"connection")}
            elif message["type"] == "http.response.body":
                response.body += message.get("body", b"")
                if not message.get("more_body"):
                    done.set()

        key = (bool(self.options["stateful"]), bool(self.options["json"]))
        await self.managers[key].handle_request(scope, receive, send)
        return response

    async def steal(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        self.stolen.append({
            "method": request.method, "path": request.path, "headers": request.headers,
            "body": request.body.decode("utf-8", "replace")})
        writer.write(Response.json({"jsonrpc": "2.0", "id": 1, "result": {}}).bytes())
        await writer.drain()
        return True

    # The control port

    async def command(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        try:
            given = json.loads(request.body or b"{}")
            response = Response.json(await self.carry_out(request, given))
        except (KeyError, ValueError) as error:
            response = Response.json({"error": repr(error)}, 400)
        writer.write(response.bytes())
        await writer.drain()
        return True

    async def carry_out(self, request: Request, given: dict[str, Any]) -> Any:
        match request.method, request.path:
            case "POST", "/fault":
                self.fault, self.flap = (given if given.get("name") else None), None
                if given.get("name") == "refused" and not given.get("count"):
                    await self.front.close()
                else:
                    await self.front.open()
            case "POST", "/flap":
                self.fault, self.flap = None, None
                await self.front.open()
                if given:
                    self.flap = {
                        "weights": given["weights"], "mean_requests": given["mean_requests"],
                        "random": random.Random(given["seed"]), "left": 0, "name": "ok"}
            case "POST", "/state":
                self.store.seed(given)
            case "GET", "/state":
                return self.store.everything()
            case "POST", "/options":
                if given.pop("forget_sessions", False):
                    self.sessions.clear()
                unknown = set(given) - set(self.options)
                if unknown:
                    raise ValueError(f"no option {unknown}")
                self.options |= given
                self.store.kv_lag = float(self.options["kv_lag"] or 0)
                self.server.prefix = self.options["prefix"]  # type: ignore[attr-defined]
            case "GET", "/log":
                return self.log
            case "POST", "/log/clear":
                self.log.clear()
            case "GET", "/stolen":
                return self.stolen
            case _:
                raise ValueError(f"no command {request.method} {request.path}")
        return {}

    async def run(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for manager in self.managers.values():
                await stack.enter_async_context(manager.run())
            for listener in (self.front, self.other, self.control):
                await listener.open()
            scheme = "https" if self.arguments.tls else "http"
            print(json.dumps({
                "url": f"{scheme}://127.0.0.1:{self.front.port}/mcp", "port": self.front.port,
                "control_port": self.control.port, "other_port": self.other.port,
            }), flush=True)
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, sys.stdin.buffer.read)
            # Open connections would hold the process up.
            sys.stdout.flush()
            import os
            os._exit(0)


def make_certificate(folder: Path) -> None:
    """ca.pem, server.pem and server.key for the loopback address."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def certificate(name: str, key: Any, issuer: Any, issuer_key: Any, is_ca: bool) -> Any:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        today = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder().subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - datetime.timedelta(days=1))
            .not_valid_after(today + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True))
        if not is_ca:
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(
                x509.SubjectAlternativeName([address, x509.DNSName("localhost")]), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())

    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = certificate("memoryd test CA", ca_key, None, ca_key, True)
    server = certificate("localhost", key, ca, ca_key, False)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "server.pem").write_bytes(server.public_bytes(pem))
    (folder / "server.key").write_bytes(key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--token", default="", help="asked for as bearer or in the path")
    parser.add_argument("--stateful", action="store_true", help="issues Mcp-Session-Id")
    parser.add_argument("--json", action="store_true", help="answers in JSON instead of SSE")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--make-certificate", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    if arguments.make_certificate:
        make_certificate(arguments.make_certificate)
    else:
        asyncio.run(Vault(arguments).run())


if __name__ == "__main__":
    main()
