"""Does the stand-in behave as the tests of memoryd believe? Drives a vault of its own with the
official SDK's client and over raw sockets. Run it after any change in this folder."""

import asyncio
import contextlib
import email.utils
import json
import ssl
import sys
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

SCRIPT = str(Path(__file__).with_name("vault.py"))
TOKEN = "tok-selftest"
BEARER = {"authorization": f"Bearer {TOKEN}"}
WRITE = {"kind": "write"}
ADD = {"action": "add", "title": "a\u2028b", "source": "cc"}


@dataclass
class Answer:
    """What came back. `end`: whole, cut, reset, silent, refused, unconnected."""

    end: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]

    @property
    def messages(self) -> list[Any]:
        """JSON-RPC messages, of an event stream as its specification reads it."""
        if self.kind != "text/event-stream":
            return [json.loads(self.body)]
        text = self.body.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        found = []
        for block in text.split("\n\n"):
            lines = [line[5:].removeprefix(" ") for line in block.split("\n")
                     if line.startswith("data:")]
            if data := "\n".join(lines):
                found.append(json.loads(data))
        return found

    @property
    def result(self) -> Any:
        return self.messages[-1]["result"]

    @property
    def text(self) -> str:
        return str(self.result["content"][0]["text"])

    @property
    def value(self) -> Any:
        return json.loads(self.text)


class Peer:
    """A vault as a process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process, self.id = process, 0
        self.facts: dict[str, Any] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, *arguments: str) -> AsyncIterator["Peer"]:
        pipe = asyncio.subprocess.PIPE
        self = cls(await asyncio.create_subprocess_exec(
            sys.executable, SCRIPT, *arguments, stdin=pipe, stdout=pipe, stderr=pipe))
        assert self.process.stdin and self.process.stdout and self.process.stderr
        try:
            self.facts = json.loads(await self.process.stdout.readline())
            yield self
        finally:
            self.process.stdin.close()
            try:
                output, errors = await asyncio.wait_for(self.process.communicate(), 5)
            except asyncio.TimeoutError:
                self.process.kill()
                raise AssertionError("the vault does not end with its standard input") from None
        assert (self.process.returncode, output, errors) == (0, b"", b""), errors.decode()

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else b""
        answer = await exchange(self.facts["control_port"], method, path, data)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    async def fault(self, name: str | None, **options: Any) -> None:
        await self.control("POST", "/fault", {"name": name} | options)

    async def set(self, **options: Any) -> None:
        await self.control("POST", "/options", options)

    async def state(self) -> Any:
        return await self.control("GET", "/state")

    async def log(self) -> Any:
        return await self.control("GET", "/log")

    async def reset(self) -> None:
        await self.fault(None)
        await self.set(kv_lag=0, prefix="", stateful=False, json=False, old_protocol=None,
                       strict_protocol=False, session_ttl_requests=None, validation="tool")
        await self.control("POST", "/state", {"clear": True})
        await self.control("POST", "/log/clear")

    async def post(self, message: Any, headers: dict[str, str] = {}, path: str = "/mcp",
                   wait: float = 5, tls: ssl.SSLContext | None = None) -> Answer:
        headers = {"content-type": "application/json"} | BEARER | headers
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        return await exchange(self.facts["port"], "POST", path, data, headers, wait, tls)

    async def rpc(self, method: str, params: Any, headers: dict[str, str] = {},
                  wait: float = 5) -> Answer:
        self.id += 1
        message = {"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}
        return await self.post(message, headers, wait=wait)

    async def call(self, tool: str, arguments: Any = None, headers: dict[str, str] = {},
                   wait: float = 5) -> Answer:
        params = {"name": tool} | ({} if arguments is None else {"arguments": arguments})
        return await self.rpc("tools/call", params, headers, wait)

    async def task(self, action: str, **arguments: Any) -> Any:
        return (await self.call("task", {"action": action} | arguments)).value

    async def initialize(self, version: str = "2025-11-25", wait: float = 5) -> Answer:
        return await self.rpc("initialize", {
            "protocolVersion": version, "capabilities": {},
            "clientInfo": {"name": "selftest", "version": "1"}}, wait=wait)

    @contextlib.asynccontextmanager
    async def sdk(self, url: str | None = None, **http: Any) -> AsyncIterator[ClientSession]:
        async with httpx.AsyncClient(headers=BEARER, **http) as client:
            url = url or self.facts["url"]
            async with streamable_http_client(url, http_client=client) as streams:
                async with ClientSession(streams[0], streams[1]) as session:
                    result = await session.initialize()
                    assert result.serverInfo.name == "vault-mcp"
                    yield session


async def exchange(port: int, method: str, path: str, body: bytes = b"",
                   headers: dict[str, str] = {}, wait: float = 5,
                   tls: ssl.SSLContext | None = None) -> Answer:
    """One request on a connection of its own."""
    answer, start = Answer("unconnected"), time.monotonic()

    async def run() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        answer.end = "silent"
        with contextlib.closing(writer):
            lines = [f"{method} {path} HTTP/1.1", "host: vault", f"content-length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
            await read_answer(reader, answer)
            answer.end = "whole"

    try:
        await asyncio.wait_for(run(), wait)
    except asyncio.TimeoutError:
        pass
    except ConnectionRefusedError:
        answer.end = "refused"
    except ConnectionResetError:
        answer.end = "reset"
    except asyncio.IncompleteReadError as error:
        answer.end, answer.body = "cut", answer.body + error.partial
    answer.seconds = time.monotonic() - start
    return answer


async def read_answer(reader: asyncio.StreamReader, answer: Answer) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    answer.status = int(head[0].split()[1])
    answer.headers = {name.lower(): value for name, value in
                      (line.split(": ", 1) for line in head[1:] if line)}
    if "transfer-encoding" in answer.headers:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            answer.body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        answer.body = await reader.readexactly(int(answer.headers.get("content-length", "0")))


Check = Callable[[Peer], Awaitable[None]]
CHECKS: list[tuple[str, Check]] = []


def check(run: Check) -> Check:
    CHECKS.append((run.__name__, run))
    return run


# Tools


async def use_all_tools(session: ClientSession) -> None:
    async def call(tool: str, **arguments: Any) -> Any:
        result = await session.call_tool(tool, arguments)
        assert not result.isError, result
        return json.loads(result.content[0].text)  # type: ignore[union-attr]

    names = [tool.name for tool in (await session.list_tools()).tools]
    assert {"task", "checkpoint", "search", "backup", "health", "execute"} <= set(names)
    assert await call("checkpoint", action="load") == {"message": "No checkpoints found"}
    first = await call("task", action="add", title="first\u2028line", context="why")
    assert first.pop("created_at") and len(first["id"]) == 26
    assert first == {"id": first["id"], "title": "first\u2028line", "project": "inbox",
                     "status": "open", "source": "auto", "context": "why"}
    second = await call(
        "task", action="retro", title="second", project="p", occurred_at="2025-01-02")
    assert (second["status"], second["source"], second["occurred_at"]) == (
        "done", "retroactive", "2025-01-02") and second["completed_at"]
    changed = await call(
        "task", action="update", id=first["id"], title="new", context="", project="p")
    assert (changed["title"], changed["context"], changed["project"]) == ("new", "why", "p")
    listed = await call("task", action="list", status="")
    assert [row["id"] for row in listed] == [second["id"], first["id"]]
    assert [row["id"] for row in await call("task", action="list")] == [first["id"]]
    assert await call("task", action="list", project="inbox") == []
    done = await call("task", action="done", id=first["id"])
    assert done["status"] == "done" and done["completed_at"]
    assert len(await call("task", action="list", status="done")) == 2
    markdown = await session.call_tool("task", {"action": "list", "status": "", "format": "md"})
    text = markdown.content[0].text  # type: ignore[union-attr]
    assert f"## p\n- [x] second `{second['id']}`" in text
    for action in ("update", "done"):
        unknown = await call("task", action=action, id="nowhere", title="x")
        assert unknown == {"error": "Task not found", "id": "nowhere"}
    decision = await call("checkpoint", action="decide", decision="d", rationale="because")
    assert set(decision) == {"id", "decision", "created_at"}
    given = {"action": "save", "objective": "o", "blockers": ["b"], "recent_actions": ["a\u2028"]}
    saved = await call("checkpoint", **given)
    assert set(saved) == {"id", "created_at", "content_length"}
    loaded = await call("checkpoint", action="load")
    assert json.loads(loaded["trigger_signals"]) == given and loaded["id"] == saved["id"]
    for line in ("# Recovery Checkpoint", "## Objective", "stateDiagram-v2", "- ⛔ b", "- ✅ a",
                 "- **d**: because"):
        assert line in loaded["content"], line
    assert (await call("search", query="because"))["count"] == 2
    ended = await call("session_end", objective="o", recent_actions=[])
    assert ended["checkpoint_saved"] and ended["checkpoint_id"]
    backup = await call("backup")
    assert backup["kv_tasks"]["count"] == len(backup["kv_tasks"]["data"]) == 2
    ids = [row["id"] for row in backup["d1"]["checkpoints"]]
    assert ids == [ended["checkpoint_id"], saved["id"]]
    [row] = backup["d1"]["decisions"]
    assert set(row) == {"id", "decision", "rationale", "task_id", "created_at"}
    assert (await call("health"))["status"] == "ok"
    assert await call("execute", a=1) == {"tool": "execute", "arguments": {"a": 1}}


@check
async def official_client_over_event_streams(vault: Peer) -> None:
    async with vault.sdk() as session:
        await use_all_tools(session)


@check
async def official_client_over_json(vault: Peer) -> None:
    await vault.set(json=True)
    async with vault.sdk() as session:
        await use_all_tools(session)
    assert (await vault.call("health", {})).kind == "application/json"


@check
async def official_client_with_sessions(vault: Peer) -> None:
    await vault.set(stateful=True)
    async with vault.sdk() as session:
        await use_all_tools(session)
    assert all("mcp-session-id" in entry["headers"] for entry in (await vault.log())[1:])


@check
async def failures_of_tools(vault: Peer) -> None:
    for tool, arguments, text in [
        ("task", {"action": "add", "title": "t"}, "context required when source=auto"),
        ("task", {"action": "add", "source": "cc"}, "title required"),
        ("checkpoint", {"action": "decide", "decision": "d"}, "decision and rationale required"),
        ("session_start", {}, "D1_ERROR: no such column: stage"),
    ]:
        answer = await vault.call(tool, arguments)
        assert answer.result["isError"] is True and answer.value == {"error": text}
    bad: list[tuple[str, Any]] = [
        ("task", {}), ("task", {"action": "burn"}), ("task", {"action": "add", "title": 5}),
        ("health", None), ("backup", None), ("search", {"query": "", "limit": 101}),
        ("nothing", {}),
    ]
    for tool, given in bad:
        answer = await vault.call(tool, given)
        assert answer.result["isError"] is True and answer.text.startswith("MCP error -32602: ")
    await vault.set(validation="rpc")
    [message] = (await vault.call("task", {})).messages
    assert message["error"]["code"] == -32602
    assert (await vault.state())["tasks"] == []


@check
async def shape_of_success(vault: Peer) -> None:
    answer = await vault.call("task", ADD, {"accept": "application/json"})
    assert answer.kind == "text/event-stream" and "isError" not in answer.result
    [line] = [line for line in answer.body.split(b"\r\n") if line.startswith(b"data: ")]
    assert "\u2028".encode() in line
    answer = await vault.call("task", ADD, {"accept": "text/html"})
    assert answer.value["title"] == "a\u2028b"


@check
async def blind_spots_of_reads(vault: Peer) -> None:
    old = await vault.task("add", title="old", source="cc")
    await vault.control("POST", "/state", {"fill_tasks": 999})
    rows = await vault.task("list", status="")
    assert len(rows) == 1000 and rows[0]["id"] == old["id"]
    await vault.task("add", title="new", source="cc")
    assert await vault.task("list", status="") == rows
    for number in range(12):
        await vault.call("checkpoint", {"action": "save", "objective": str(number)})
        await vault.call("checkpoint", {"action": "decide", "decision": "d", "rationale": "r"})
    backup = (await vault.call("backup", {})).value
    signals = [json.loads(row["trigger_signals"]) for row in backup["d1"]["checkpoints"]]
    assert [row["objective"] for row in signals] == [str(number) for number in range(11, 1, -1)]
    assert len(backup["d1"]["decisions"]) == 12 and backup["kv_tasks"]["data"] == rows


@check
async def lag_of_lists(vault: Peer) -> None:
    await vault.control("POST", "/state", {"tasks": [{"id": "0" * 26, "title": "seed"}]})
    await vault.set(kv_lag=0.6)
    task = await vault.task("add", title="new", source="cc")
    await vault.task("update", id="0" * 26, title="changed")
    for rows in (await vault.task("list"),
                 (await vault.call("backup", {})).value["kv_tasks"]["data"]):
        assert [row["title"] for row in rows] == ["seed"]
    assert (await vault.task("done", id=task["id"]))["status"] == "done"
    await asyncio.sleep(0.7)
    rows = await vault.task("list", status="")
    assert [row["title"] for row in rows] == ["new", "changed"]


# Transport


@check
async def paths_and_tokens(vault: Peer) -> None:
    port, initialize = vault.facts["port"], {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    for method, path, headers, status in [
        ("GET", "/mcp", BEARER, 204), ("DELETE", "/mcp", BEARER, 204), ("GET", "/sse", {}, 410),
        ("GET", "/health", {}, 200), ("GET", "/other", BEARER, 404), ("GET", "/mcp", {}, 401),
    ]:
        assert (await exchange(port, method, path, b"", headers)).status == status, path
    wrong = {"authorization": "Bearer x"}
    for path, headers, status in [
        ("/mcp", BEARER, 200), ("/mcp", wrong, 401), ("/x/mcp", wrong, 401),
        (f"/{TOKEN}/mcp", wrong, 200),
    ]:
        answer = await vault.post(initialize, headers, path)
        assert answer.status == status
        if status == 401:
            assert answer.messages == [{"error": "Unauthorized"}]
            assert answer.headers["access-control-allow-origin"] == "*"
    assert (await vault.post(b"no json")).status == 400
    assert (await vault.post([1])).status == 400
    assert (await vault.rpc("tools/call", "no object")).status == 400


@check
async def protocol_versions(vault: Peer) -> None:
    async def chosen(version: str) -> str:
        return str((await vault.initialize(version)).result["protocolVersion"])

    async def status(version: str) -> int:
        return (await vault.call("health", {}, {"mcp-protocol-version": version})).status

    assert await chosen("2025-06-18") == "2025-06-18" and await chosen("2099-01-01") == "2025-11-25"
    assert await status("2025-11-25") == 200 and await status("2099-01-01") == 400
    await vault.set(strict_protocol=True)
    assert (await vault.initialize("2099-01-01")).status == 400
    assert await chosen("2025-11-25") == "2025-11-25"
    await vault.set(old_protocol="2024-11-05")
    assert (await vault.initialize()).status == 400 and await chosen("2024-11-05") == "2024-11-05"
    await vault.set(strict_protocol=False)
    assert await chosen("2025-11-25") == "2024-11-05"
    assert await status("2025-06-18") == 400 and await status("2024-11-05") == 200


@check
async def sessions(vault: Peer) -> None:
    async def session() -> dict[str, str]:
        return {"mcp-session-id": (await vault.initialize()).headers["mcp-session-id"]}

    async def status(headers: dict[str, str]) -> int:
        return (await vault.call("health", {}, headers)).status

    await vault.set(stateful=True)
    one, two = await session(), await session()
    assert one != two and await status(one) == 200 and await status({}) == 400
    assert await status({"mcp-session-id": "unknown"}) == 404
    answer = await exchange(vault.facts["port"], "DELETE", "/mcp", b"", BEARER | one)
    assert answer.status == 204 and await status(one) == 404 and await status(two) == 200
    await vault.set(forget_sessions=True)
    assert await status(two) == 404
    await vault.set(session_ttl_requests=2)
    three = await session()
    assert [await status(three) for _ in range(3)] == [200, 200, 404]
    await vault.set(session_ttl_requests=None)
    four = await session()
    await vault.fault("session_forgotten", count=1)
    assert [await status(four) for _ in range(2)] == [404, 404]
    assert await status(await session()) == 200


@check
async def names_with_a_prefix(vault: Peer) -> None:
    await vault.set(prefix="portal_")
    async with vault.sdk() as session:
        assert {tool.name[:7] for tool in (await session.list_tools()).tools} == {"portal_"}
        assert not (await session.call_tool("portal_task", {"action": "list"})).isError
        assert (await session.call_tool("task", {"action": "list"})).isError
    assert (await vault.log())[-1]["tool"] == "task"


# Faults: each meets a write. How often it is applied, and what comes back.


@dataclass
class Case:
    applied: int
    end: str = "whole"
    status: int = 0
    kind: str = ""
    test: Callable[[Answer], Any] = lambda answer: True
    options: dict[str, Any] = field(default_factory=dict)
    wait: float = 5


def is_broken(answer: Answer) -> bool:
    try:
        return not json.loads(answer.body)
    except ValueError:
        return True


def is_answer(answer: Answer) -> bool:
    return bool(answer.value["title"] == "a\u2028b" and answer.messages[-1]["id"])


def has_title(answer: Answer) -> bool:
    return b"a\\u2028b" in answer.body or "a\u2028b".encode() in answer.body


STREAM, PLAIN = "text/event-stream", "application/json"
CASES = {
    "refused": Case(0, "cut"),
    "black_hole": Case(0, "silent", wait=0.4),
    "black_hole_connect": Case(0, "silent", wait=0.4),
    "drop": Case(0, "cut"),
    "slow": Case(1, status=200, options={"seconds": 0.4},
                 test=lambda a: a.seconds >= 0.4 and is_answer(a)),
    "slow_body": Case(1, "silent", 200, STREAM, wait=0.9, test=lambda a: 3 <= len(a.body) <= 6),
    "401": Case(0, status=401), "403": Case(0, status=403), "404": Case(0, status=404),
    "500": Case(0, status=500),
    "429": Case(0, status=429, options={"retry_after": 7},
                test=lambda a: a.headers["retry-after"] == "7"),
    "503": Case(0, status=503, test=lambda a: "retry-after" not in a.headers),
    "html_502": Case(0, status=502, kind="text/html"),
    "login_page": Case(0, status=200, kind="text/html"),
    "redirect": Case(0, status=307, test=lambda a: a.headers["location"].startswith("http://127")),
    "malformed_json": Case(0, status=200, kind=PLAIN, test=is_broken),
    "cut_json": Case(0, status=200, kind=PLAIN, test=is_broken),
    "truncated_json": Case(0, "cut", 200, PLAIN,
                           test=lambda a: 0 < len(a.body) < int(a.headers["content-length"])),
    "truncated_sse": Case(0, "cut", 200, STREAM, test=lambda a: b"data: {" in a.body),
    "empty": Case(0, status=200, test=lambda a: a.body == b""),
    "empty_202": Case(0, status=202, test=lambda a: a.body == b""),
    "wrong_type": Case(1, status=200, kind="text/plain", test=is_answer),
    "not_jsonrpc": Case(0, status=200, kind=PLAIN, test=lambda a: "jsonrpc" not in a.messages[0]),
    "wrong_id": Case(0, status=200, kind=PLAIN, test=lambda a: a.messages[0]["id"] == 987654321),
    "is_error": Case(0, status=200, test=lambda a: a.result["isError"]
                     and a.value == {"error": "D1_ERROR: no such column"}),
    "rpc_error": Case(0, status=200, test=lambda a: a.messages[0]["error"]["code"] == -32603),
    "validation": Case(0, status=200, test=lambda a: a.result["isError"] and a.text.startswith(
        "MCP error -32602: Input validation error: Invalid arguments for tool task: ")),
    "rpc_validation": Case(0, status=200, test=lambda a: a.messages[0]["error"]["code"] == -32602),
    "not_found_task": Case(1, status=200, test=is_answer),
    "session_forgotten": Case(1, status=200, test=is_answer),
    "apply_then_drop": Case(1, "cut"),
    "apply_then_reset": Case(1, "reset"),
    "apply_then_502": Case(1, status=502, kind="text/html"),
    "apply_then_broken": Case(1, status=200, kind=PLAIN,
                              test=lambda a: is_broken(a) and has_title(a)),
    "apply_then_is_error": Case(1, status=200, test=lambda a: a.result["isError"]),
    "apply_then_silence": Case(1, "silent", wait=0.4),
    "apply_late": Case(0, "cut", options={"seconds": 0.5}),
    "huge": Case(0, status=200, kind=PLAIN, wait=20,
                 test=lambda a: len(a.body) > 50 << 20 and a.text.strip("x") == ""),
    "huge_sse": Case(0, status=200, kind=STREAM, wait=20,
                     test=lambda a: len(a.body) > 50 << 20 and a.text.strip("x") == ""),
    "endless_sse": Case(0, "silent", 200, STREAM, wait=0.5, test=lambda a: not a.messages),
    "ping_first": Case(1, status=200, kind=STREAM, test=lambda a: is_answer(a)
                       and len(a.messages) == 3 and a.body.startswith(b":")),
    "crlf_sse": Case(1, status=200, kind=STREAM, test=lambda a: is_answer(a)
                     and a.body.count(b"\r\ndata: ") > 5
                     and b"\n" not in a.body.replace(b"\r\n", b"")),
    "cr_sse": Case(1, status=200, kind=STREAM, test=lambda a: is_answer(a) and b"\n" not in a.body
                   and a.body.count(b"\rdata: ") > 5),
    "bom_sse": Case(1, status=200, kind=STREAM, test=lambda a: is_answer(a)
                    and a.body.startswith(b"\xef\xbb\xbf")),
}


def check_fault(name: str, case: Case) -> None:
    async def run(vault: Peer) -> None:
        await vault.fault(name, count=1, match=WRITE, **case.options)
        assert await vault.task("list") == []
        answer = await vault.call("task", ADD, wait=case.wait)
        assert (answer.end, answer.status) == (case.end, case.status), answer
        assert not case.kind or answer.kind == case.kind, answer.headers
        assert case.test(answer), answer.body[:500]
        assert [len(row["writes"]) for row in (await vault.state())["tasks"]] == [1] * case.applied
        entry = (await vault.log())[-1]
        assert (entry["fault"], entry["status"]) == (name, case.status or None), entry
        assert entry["applied"] == bool(case.applied) and entry["action"] == "add"
        if name == "refused":
            assert (await vault.call("task", ADD)).end == "refused"
            await asyncio.sleep(0.3)
        if name == "apply_late":
            await asyncio.sleep(0.6)
            assert len((await vault.state())["tasks"]) == 1 and (await vault.log())[-1]["applied"]
        assert is_answer(await vault.call("task", ADD)), "one request was to be met"
        # And the same on the handshake, however often; where nothing else is asked for.
        await vault.fault(name, match={"rpc": "initialize"}, **case.options)
        for _ in range(0 if name.startswith("huge") else 2):
            answer = await vault.initialize(wait=case.wait)
            assert answer.end in (case.end, "refused") and answer.status == case.status, answer

    CHECKS.append((f"fault {name}", run))


for fault_name, fault_case in CASES.items():
    check_fault(fault_name, fault_case)


@check
async def faults_are_all_checked(vault: Peer) -> None:
    sys.path.insert(0, str(Path(SCRIPT).parent))
    from faults import FAULTS
    assert set(FAULTS) == set(CASES)


@check
async def options_of_faults(vault: Peer) -> None:
    await vault.fault("429", retry_after=90, date=True)
    until = email.utils.parsedate_to_datetime((await vault.initialize()).headers["retry-after"])
    assert 80 < until.timestamp() - time.time() < 91
    await vault.fault("503", retry_after=3)
    assert (await vault.initialize()).headers["retry-after"] == "3"
    for wrong in ({"name": "flood"}, {"name": "slow", "second": 1},
                  {"name": "drop", "match": {"method": "x"}}):
        data = json.dumps(wrong).encode()
        assert (await exchange(vault.facts["control_port"], "POST", "/fault", data)).status == 400
    assert (await vault.initialize()).status == 503, "a wrong command changes nothing"


@check
async def not_found_on_changes(vault: Peer) -> None:
    task = await vault.task("add", title="t", source="cc")
    await vault.fault("not_found_task")
    for action in ("update", "done"):
        unknown = await vault.task(action, id=task["id"], title="x")
        assert unknown == {"error": "Task not found", "id": task["id"]}
    await vault.fault(None)
    assert await vault.task("list") == [task]


@check
async def vault_that_refuses_all(vault: Peer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", vault.facts["port"])
    for _ in range(3):
        await vault.fault("refused")
        assert [(await vault.initialize()).end for _ in range(3)] == ["refused"] * 3
        await vault.fault(None)
        assert (await vault.initialize()).status == 200
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b"", "connections that are open are cut"
    writer.close()


@check
async def vault_that_takes_no_connections(vault: Peer) -> None:
    await vault.fault("black_hole_connect")
    answers = await asyncio.gather(*(
        vault.initialize(wait=0.5) for _ in range(3)))
    assert {answer.end for answer in answers} <= {"unconnected", "silent"}
    await vault.fault("refused")
    assert (await vault.initialize()).end == "refused"
    await vault.fault(None)
    assert (await vault.initialize()).status == 200


@check
async def matches_and_counts(vault: Peer) -> None:
    async def statuses(*calls: tuple[str, dict[str, Any]]) -> list[int]:
        return [(await vault.call(tool, arguments)).status for tool, arguments in calls]

    listing, save = ("task", {"action": "list"}), ("checkpoint", {"action": "save"})
    add, load = ("task", ADD), ("checkpoint", {"action": "load"})
    for match, expected in [
        ({"kind": "write"}, [200, 500, 500, 200]), ({"kind": "read"}, [500, 200, 200, 500]),
        ({"tool": "task"}, [500, 200, 500, 200]), ({"action": "save"}, [200, 500, 200, 200]),
        ({"tool": "task", "action": "add"}, [200, 200, 500, 200]),
        ({"rpc": "initialize"}, [200] * 4),
        (None, [500] * 4),
    ]:
        await vault.fault("500", match=match)
        assert await statuses(listing, save, add, load) == expected, match
        assert (await vault.initialize()).status == (
            500 if match in (None, {"kind": "read"}, {"rpc": "initialize"}) else 200), match
    await vault.fault("500", match={"tool": "task"}, count=2)
    assert await statuses(add, save, add, add) == [500, 200, 500, 200]
    await vault.fault("500", count=1)
    assert (await exchange(vault.facts["port"], "GET", "/health")).status == 200
    assert (await vault.post(b"{}", path="/x/mcp", headers={"authorization": ""})).status == 401
    assert await statuses(add, add) == [500, 200]


@check
async def flapping_repeats_by_seed(vault: Peer) -> None:
    async def run(seed: int) -> list[int]:
        await vault.control("POST", "/flap", {
            "seed": seed, "weights": {"500": 1, "401": 1, "ok": 2}, "mean_requests": 3})
        return [(await vault.initialize()).status for _ in range(60)]

    first = await run(1)
    assert set(first) == {500, 401, 200} and first == await run(1) and first != await run(2)
    changes = sum(a != b for a, b in zip(first, first[1:]))
    assert 5 < changes < 40, "runs of about three requests"
    await vault.control("POST", "/flap", {})
    assert {(await vault.initialize()).status for _ in range(9)} == {200}
    await vault.control("POST", "/flap", {"seed": 3, "weights": {"refused": 1}, "mean_requests": 1})
    assert (await vault.initialize()).end == "cut" and (await vault.initialize()).end == "refused"
    await vault.control("POST", "/flap", {})
    assert (await vault.initialize()).status == 200


@check
async def stolen_requests(vault: Peer) -> None:
    for status in (301, 302, 303, 307, 308):
        await vault.fault("redirect", status=status)
        answer = await vault.initialize()
        assert answer.status == status
        assert answer.headers["location"] == f"http://127.0.0.1:{vault.facts['other_port']}/mcp"
    before = len(await vault.control("GET", "/stolen"))
    async with httpx.AsyncClient(follow_redirects=True) as client:
        url = vault.facts["url"]
        reply = await client.post(url, json={"id": 5}, headers=BEARER | {"x-secret": "s"})
    assert reply.status_code == 200 and reply.json()["id"] == 5
    stolen = (await vault.control("GET", "/stolen"))[before:]
    assert [(one["path"], one["headers"]["x-secret"]) for one in stolen] == [("/mcp", "s")]


# The control port and the process


@check
async def log_and_state(vault: Peer) -> None:
    task = await vault.task("add", title="t", source="cc")
    decision = (await vault.call("checkpoint", {
        "action": "decide", "decision": "d", "rationale": "r", "task_id": task["id"]})).value
    await vault.task("done", id=task["id"])
    await vault.call("checkpoint", {"action": "save", "objective": "o"}, {"X-Odd": "Value"})
    await vault.task("list")
    log = await vault.log()
    assert [entry["n"] for entry in log] == [1, 2, 3, 4, 5]
    assert [entry["applied"] for entry in log] == [True] * 4 + [False]
    last = log[3]
    assert last["headers"]["x-odd"] == "Value" and last["bytes"] > 100 and last["status"] == 200
    assert (last["rpc"], last["tool"], last["action"], last["method"], last["path"]) == (
        "tools/call", "checkpoint", "save", "POST", "/mcp")
    assert last["arguments"] == {"action": "save", "objective": "o"} and last["fault"] is None
    assert abs(last["t"] - time.time()) < 30
    assert (await vault.control("GET", "/log?since=3")) == log[3:]
    count = await vault.control("GET", "/log/count")
    assert count == {"requests": 5, "rpc": {"tools/call": 5}, "tool": {"task": 3, "checkpoint": 2},
                     "action": {"task.add": 1, "checkpoint.decide": 1, "task.done": 1,
                                "checkpoint.save": 1, "task.list": 1}}
    state = await vault.state()
    assert [write["action"] for write in state["tasks"][0]["writes"]] == ["add", "done"]
    numbers = [state["tasks"][0]["n"], state["decisions"][0]["n"],
               state["tasks"][0]["writes"][1]["n"], state["checkpoints"][0]["n"]]
    assert numbers == [1, 2, 3, 4]
    assert state["decisions"][0]["id"] == decision["id"]
    assert state["decisions"][0]["task_id"] == task["id"]
    await vault.control("POST", "/state", {"checkpoints": [{"content": "ours"}], "decisions": [{}]})
    assert (await vault.call("checkpoint", {"action": "load"})).value["content"] == "ours"
    await vault.control("POST", "/state", {"clear": True})
    await vault.control("POST", "/log/clear")
    assert await vault.state() == {"tasks": [], "decisions": [], "checkpoints": []}
    assert await vault.log() == []


@check
async def many_clients_at_once(vault: Peer) -> None:
    await vault.fault("apply_then_drop", count=20, match=WRITE)
    answers = await asyncio.gather(*(vault.call("task", ADD) for _ in range(60)))
    assert sorted(answer.end for answer in answers) == ["cut"] * 20 + ["whole"] * 40
    assert sum(entry["applied"] for entry in await vault.log()) == 60
    assert len((await vault.state())["tasks"]) == 60


@check
async def clients_that_go_away(vault: Peer) -> None:
    port = vault.facts["port"]
    whole = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
    head = f"POST /{TOKEN}/mcp HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: "
    for name in (None, "slow_body", "endless_sse", "huge", "huge_sse", "black_hole", "ping_first"):
        await vault.fault(name)
        for data in (b"", b"POST /mcp", b"nonsense\r\n\r\n",
                     f"{head}99\r\n\r\n".encode() + whole[:9],
                     f"{head}{len(whole)}\r\n\r\n".encode() + whole):
            for is_abrupt in (True, False):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(data)
                await asyncio.sleep(0.01)
                writer.transport.abort() if is_abrupt else writer.close()
    await vault.fault(None)
    chunked = f"{head[:-17]}\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(chunked)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"5\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (whole[:5], len(whole) - 5, whole[5:]))
    answer = Answer("")
    await read_answer(reader, answer)
    assert answer.result["tools"]
    writer.close()


@check
async def process_and_its_options(vault: Peer) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = await asyncio.create_subprocess_exec(
            sys.executable, SCRIPT, "--make-certificate", name)
        assert await script.wait() == 0
        key, state = str(folder / "server.key"), str(folder / "state.json")
        arguments = ("--token", TOKEN, "--path-auth", "--stateful", "--json", "--prefix", "p_",
                     "--kv-lag", "0.2", "--state", state, "--tls", str(folder / "server.pem"), key)
        trusting = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        async with Peer.running(*arguments) as peer:
            assert peer.facts["url"] == f"https://127.0.0.1:{peer.facts['port']}/{TOKEN}/mcp"
            async with peer.sdk(verify=trusting) as session:
                added = await session.call_tool("p_task", ADD)
                assert "a\u2028b" in added.content[0].text  # type: ignore[union-attr]
            assert (await peer.post({}, tls=trusting)).status == 401, "the path is asked for"
            with contextlib.suppress(ssl.SSLError):
                await peer.post({}, tls=ssl.create_default_context())
                raise AssertionError("a strange authority is believed")
            await peer.fault("apply_then_reset")
            answer = await peer.post({}, path=f"/{TOKEN}/mcp", tls=trusting)
            assert answer.end == "reset", answer
            before = await peer.state()
            peer.process.terminate()
            await peer.process.wait()
        port = peer.facts["port"]
        async with Peer.running("--port", str(port), "--state", state) as peer:
            assert peer.facts["port"] == port and await peer.state() == before
            await peer.task("list")
            assert (await peer.post({"jsonrpc": "2.0", "id": 1, "method": "ping"}, {
                "authorization": ""})).result == {}
            await peer.control("POST", "/stop")
            await asyncio.wait_for(peer.process.wait(), 5)


@check
async def speed(vault: Peer) -> None:
    """Said, not judged: it is the machine's."""
    reader, writer = await asyncio.open_connection("127.0.0.1", vault.facts["port"])
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "task", "arguments": ADD}}
    body = json.dumps(call).encode()
    head = (f"POST /{TOKEN}/mcp HTTP/1.1\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n").encode()
    start, count = time.monotonic(), 1000
    for _ in range(count):
        writer.write(head + body)
        await read_answer(reader, Answer(""))
    print(f"task add: {count / (time.monotonic() - start):.0f} requests/s on one connection")
    writer.close()
    assert len((await vault.state())["tasks"]) == count


async def main() -> int:
    wanted, failed = sys.argv[1:], 0
    checks = [(name, run) for name, run in CHECKS if not wanted or any(w in name for w in wanted)]
    async with Peer.running("--token", TOKEN) as vault:
        for name, run in checks:
            try:
                await vault.reset()
                await asyncio.wait_for(run(vault), 30)
            except Exception:
                failed += 1
                print(f"FAILED {name}\n{traceback.format_exc()}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
