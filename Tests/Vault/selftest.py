"""Does the stand-in behave as the tests of memoryd believe? Drives a vault of its own with the
official SDK's client and over raw sockets. Run it after any change in this folder; VAULT_ANSWERS in
the environment is a file of the real service's answers, which it is then compared with."""

import asyncio
import contextlib
import email.utils
import gzip
import json
import os
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
CONTRACT = str(Path(__file__).with_name("contract.py"))
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
    def events(self) -> list[bytes]:
        """The data of an event stream as the service writes it: each message on one line."""
        blocks = self.body.split(b"\n\n")
        assert blocks.pop() == b"", self.body
        start = b"event: message\ndata: "
        assert all(block.startswith(start) for block in blocks), self.body
        return [block[len(start):] for block in blocks]

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
                       strict_protocol=False, session_ttl_requests=None, validation="tool",
                       own_checkpoints=0)
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
    given = {"recent_actions": ["a\u2028"], "blockers": ["b"], "objective": "o"}
    saved = await call("checkpoint", action="save", **given)
    assert set(saved) == {"id", "created_at", "content_length"}
    loaded = await call("checkpoint", action="load")
    assert loaded["trigger_signals"] == (
        '{"objective":"o","blockers":["b"],"recent_actions":["a\u2028"]}')
    assert loaded["id"] == saved["id"]
    assert loaded["content"] == (
        f"# Recovery Checkpoint\n\nGenerated: {loaded['created_at']}\n\n## Objective\no\n\n"
        "## Blockers\n- ⛔ b\n\n## Recent Actions\n- ✅ a\u2028\n\n"
        "## Recent Decisions\n- **d**: because\n")
    assert saved["content_length"] == len(loaded["content"])
    assert loaded["cumulative_weight"] == 1 and isinstance(loaded["cumulative_weight"], int)
    ended = await call("session_end", objective="", recent_actions=["x"])
    assert list(ended) == [
        "checkpoint_saved", "checkpoint_id", "checkpoint_created_at", "transcript_captured",
        "transcript_error", "session_ended_at"]
    assert ended["checkpoint_saved"] is True and ended["transcript_captured"] is False
    last = await call("checkpoint", action="load")
    assert last["trigger_signals"] == '{"objective":"","recent_actions":["x"],"blockers":[]}'
    assert "## Objective" not in last["content"] and "## Blockers" not in last["content"]
    backup = await call("backup")
    tables = {"kv_tasks": backup["kv_tasks"]} | backup["d1"]
    assert {name: table["count"] for name, table in tables.items()} == {
        "kv_tasks": 2, "tasks": 0, "stages": 0, "checkpoints": 2, "decisions": 1, "model_stats": 0,
        "circuit_breaker": 0}
    assert all(len(table["data"]) == table["count"] for table in tables.values())
    assert tables["kv_tasks"]["data"] == [
        done, second], "the oldest first, unlike in a list"
    assert tables["checkpoints"]["data"] == [last, loaded]
    [row] = tables["decisions"]["data"]
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
        ("task", {"action": "add", "title": "t"},
         "task.add failed: context required when source=auto"),
        ("task", {"action": "add", "source": "cc"}, "add requires: title"),
        ("task", {"action": "done"}, "done requires: id"),
        ("checkpoint", {"action": "decide", "decision": "d"},
         "decide requires: decision, rationale"),
        ("session_start", {}, "session_start failed: no such column: title"),
        ("search", {"query": "d"}, "search failed: no such column: session_date"),
    ]:
        answer = await vault.call(tool, arguments)
        assert answer.result["isError"] is True and answer.text == f'{{"error":"{text}"}}'
    bad: list[tuple[str, Any]] = [
        ("task", {}), ("task", {"action": "burn"}), ("task", {"action": "add", "title": 5}),
        ("health", None), ("backup", None), ("search", {"query": "", "limit": 101}),
        ("search", {"query": "", "limit": 1.5}), ("task", None), ("task", {"action": None}),
        ("checkpoint", {"action": "save", "blockers": ["b", None]}), ("nothing", {}),
        ("session_end", {"objective": "o", "recent_actions": [], "capture_transcript": "no"}),
    ]
    for tool, given in bad:
        answer = await vault.call(tool, given)
        assert answer.result["isError"] is True and answer.text.startswith("MCP error -32602: ")
    options = " | ".join(f"'{name}'" for name in ("add", "update", "done", "retro", "list"))
    for tool, given, issue in [
        ("task", {}, {"expected": options, "received": "undefined", "code": "invalid_type",
                      "path": ["action"], "message": "Required"}),
        ("search", {"query": 5}, {
            "code": "invalid_type", "expected": "string", "received": "number", "path": ["query"],
            "message": "Expected string, received number"}),
        ("backup", None, {
            "expected": "object", "code": "invalid_type", "path": [],
            "message": "Invalid input: expected object, received undefined"}),
    ]:
        assert (await vault.call(tool, given)).text == (
            f"MCP error -32602: Input validation error: Invalid arguments for tool {tool}: "
            + json.dumps([issue], indent=2))
    await vault.set(validation="rpc")
    [message] = (await vault.call("task", {})).messages
    assert message["error"]["code"] == -32602
    assert (await vault.state())["tasks"] == []


@check
async def shape_of_success(vault: Peer) -> None:
    answer = await vault.call("task", ADD, {"accept": "application/json"})
    assert answer.kind == "text/event-stream" and "isError" not in answer.result
    [line] = answer.events
    assert "\u2028".encode() in line
    answer = await vault.call("task", ADD, {"accept": "text/html"})
    assert answer.value["title"] == "a\u2028b"
    await vault.call("checkpoint", {"action": "save", "objective": "o"})
    await vault.call("checkpoint", {"action": "decide", "decision": "d", "rationale": "r"})
    for tool, arguments in [
        ("task", ADD), ("task", {"action": "list"}), ("task", {"action": "list", "project": "-"}),
        ("task", {"action": "done", "id": "-"}), ("checkpoint", {"action": "load"}),
        ("backup", {}), ("health", {}),
    ]:
        answer = await vault.call(tool, arguments)
        assert answer.text == json.dumps(answer.value, indent=2, ensure_ascii=False), answer.text
    content = (await vault.call("checkpoint", {"action": "load"})).value["content"]
    assert "## Open Tasks\n```mermaid\nstateDiagram-v2\n  [*] --> t0: a\u2028b\n" in content
    result = (await vault.initialize()).result
    assert result["capabilities"] == {"tools": {"listChanged": True}}
    assert result["serverInfo"] == {"name": "vault-mcp", "version": "2.0.0"}
    notification = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    answer = await vault.post(notification)
    assert (answer.status, answer.body, answer.kind) == (202, b"", "")


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
    checkpoints = backup["d1"]["checkpoints"]["data"]
    signals = [json.loads(row["trigger_signals"]) for row in checkpoints]
    assert [row["objective"] for row in signals] == [str(number) for number in range(11, 1, -1)]
    assert backup["d1"]["decisions"]["count"] == 12
    assert backup["kv_tasks"]["data"] == rows[::-1]


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


@check
async def checkpoints_of_its_own(vault: Peer) -> None:
    async def objectives() -> list[str]:
        rows = (await vault.state())["checkpoints"]
        return [json.loads(row["trigger_signals"])["objective"] for row in rows]

    await vault.call("health", {})
    await vault.set(own_checkpoints=3)
    for _ in range(2):
        await vault.task("list")
        await vault.initialize()
    assert await objectives() == []
    await vault.call("health")
    assert await objectives() == ["auto"], "after a call that fails, as after any"
    await vault.call("checkpoint", {"action": "save", "objective": "o"})
    await vault.call("health", {})
    loaded = await vault.call("checkpoint", {"action": "load"})
    assert json.loads(loaded.value["trigger_signals"])["objective"] == "o"
    assert await objectives() == ["auto", "o", "auto"]
    assert [entry["n"] for entry in await vault.log() if entry["applied"]] == [7]
    await vault.set(own_checkpoints=0)
    for _ in range(4):
        await vault.task("list")
    assert len(await objectives()) == 3
    async with Peer.running("--own-checkpoints", "1") as peer:
        await peer.task("list")
        assert len((await peer.state())["checkpoints"]) == 1


@check
async def tasks_by_rest(vault: Peer) -> None:
    async def ask(method: str, path: str, body: Any = None) -> Answer:
        data = b"" if body is None else json.dumps(body).encode()
        answer = await exchange(vault.facts["port"], method, path, data, BEARER)
        assert answer.headers["access-control-allow-origin"] == "*"
        return answer

    added = await ask("POST", "/tasks", {"title": "t", "source": "cc"})
    [task] = added.messages
    assert added.status == 201 and b", " not in added.body
    assert list(task) == ["id", "title", "project", "status", "source", "created_at"]
    assert (await ask("GET", "/tasks?status=open")).messages == [[task]]
    assert await vault.task("list") == [task]
    changed = await ask("PUT", f"/tasks/{task['id']}", {"project": "p", "title": ""})
    assert changed.messages == [task | {"project": "p"}]
    retro = await ask("POST", "/tasks/retroactive", {"title": "r"})
    assert (retro.status, retro.messages[0]["status"]) == (201, "done")
    done = await ask("POST", f"/tasks/{task['id']}/done")
    assert (done.status, done.messages[0]["status"]) == (200, "done")
    assert (await ask("GET", "/tasks")).messages == [[]]
    assert len((await ask("GET", "/tasks?status=&project=p")).messages[0]) == 1
    answer = await exchange(
        vault.facts["port"], "GET", "/tasks?status=done&format=md", b"", BEARER)
    assert answer.body.startswith(b"## inbox\n- [x] r `")
    for method, path, body, status in [
        ("POST", "/tasks", {"title": "t"}, 400), ("POST", "/tasks", [], 400),
        ("PUT", "/tasks/nowhere", {"title": "x"}, 404), ("POST", "/tasks/nowhere/done", {}, 404),
        ("DELETE", "/tasks", None, 404),
    ]:
        answer = await ask(method, path, body)
        assert answer.status == status and "error" in answer.messages[0], path
    assert (await exchange(vault.facts["port"], "POST", "/tasks", b"{}")).status == 401
    assert [entry["applied"] for entry in await vault.log()].count(True) == 4


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
    for message, text in [
        (b"{broken", "Parse error: Invalid JSON"), ([1], "Parse error: Invalid JSON-RPC message"),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": "no object"},
         "Parse error: Invalid JSON-RPC message"),
    ]:
        answer = await vault.post(message)
        assert (answer.status, answer.kind) == (400, "application/json")
        assert answer.messages == [
            {"jsonrpc": "2.0", "error": {"code": -32700, "message": text}, "id": None}]


@check
async def protocol_versions(vault: Peer) -> None:
    async def chosen(version: str) -> str:
        return str((await vault.initialize(version)).result["protocolVersion"])

    async def status(version: str) -> int:
        return (await vault.call("health", {}, {"mcp-protocol-version": version})).status

    assert await chosen("2025-06-18") == "2025-06-18" and await chosen("2099-01-01") == "2025-11-25"
    assert await chosen("2024-10-07") == "2024-10-07" and await status("2024-10-07") == 200
    assert await status("2025-11-25") == 200
    answer = await vault.call("health", {}, {"mcp-protocol-version": "2099-01-01"})
    assert answer.status == 400 and answer.messages == [{
        "jsonrpc": "2.0", "error": {"code": -32000, "message": (
            "Bad Request: Unsupported protocol version: 2099-01-01 (supported versions: "
            "2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05, 2024-10-07)")}, "id": None}]
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
                     and a.value == {"error": "task.add failed: D1_ERROR: no such column"}),
    "rpc_error": Case(0, status=200, test=lambda a: a.messages[0]["error"]["code"] == -32603),
    "validation": Case(0, status=200, test=lambda a: a.result["isError"] and a.text.startswith(
        "MCP error -32602: Input validation error: Invalid arguments for tool task: ")),
    "rpc_validation": Case(0, status=200, test=lambda a: a.messages[0]["error"]["code"] == -32602),
    "not_found_task": Case(1, status=200, test=is_answer),
    "session_forgotten": Case(1, status=200, test=is_answer),
    "odd_backup": Case(1, status=200, test=is_answer),
    "apply_then_drop": Case(1, "cut"),
    "apply_then_reset": Case(1, "reset"),
    "apply_then_502": Case(1, status=502, kind="text/html"),
    "apply_then_broken": Case(1, status=200, kind=PLAIN,
                              test=lambda a: is_broken(a) and has_title(a)),
    "apply_then_is_error": Case(1, status=200, test=lambda a: a.result["isError"]),
    "apply_then_silence": Case(1, "silent", wait=0.4),
    "apply_then_gzip": Case(1, status=200, kind=STREAM, test=lambda a: (
        a.headers["content-encoding"] == "gzip" and b"\xe2\x80\xa8" in gzip.decompress(a.body))),
    "lose_every": Case(1, "cut", options={"every": 1}),
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
                  {"name": "drop", "match": {"method": "x"}},
                  {"name": "lose_every", "every": 0}):
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
async def odd_backups(vault: Peer) -> None:
    await vault.call("checkpoint", {"action": "decide", "decision": "d", "rationale": "r"})
    right = (await vault.call("backup", {})).value
    await vault.fault("odd_backup")
    odd = (await vault.call("backup", {})).value
    assert odd["d1"].pop("decisions") == "none" and right["d1"].pop("decisions")["count"] == 1
    assert odd | {"exported_at": ""} == right | {"exported_at": ""}
    assert (await vault.call("backup")).result["isError"] and await vault.task("list") == []


@check
async def answers_that_are_lost_in_a_rhythm(vault: Peer) -> None:
    async def ends(*calls: str) -> list[str]:
        found = []
        for call in calls:
            arguments = ADD | {"title": call} if call == "add" else {"action": call}
            asked = vault.initialize() if call == "hello" else vault.call("task", arguments)
            found.append((await asked).end)
        return found

    await vault.fault("lose_every")
    assert await ends("hello", "add", "list", "add", "list", "add") == ["whole"] * 3 + ["cut"] + [
        "whole"] * 2
    assert await ends("list", "hello") == ["whole", "cut"]
    assert len((await vault.state())["tasks"]) == 3
    losses = [entry["n"] for entry in await vault.log() if entry["fault"] == "lose_every"]
    assert losses == [4, 8]
    await vault.fault("lose_every", every=2, match=WRITE, count=2)
    assert await ends("list", "add", "list", "list", "add", "add", "add", "add", "add") == [
        "whole"] * 4 + ["cut", "whole", "cut", "whole", "whole"]
    assert len((await vault.state())["tasks"]) == 9
    await vault.control("POST", "/flap", {
        "seed": 1, "weights": {"lose_every": 1}, "mean_requests": 2})
    assert await ends(*["add"] * 8) == (["whole"] * 3 + ["cut"]) * 2
    assert len((await vault.state())["tasks"]) == 17


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


# The comparison with the real service


async def compare(vault: Peer, answers: str, *arguments: str) -> list[str]:
    """What contract.py says of a vault that holds nothing."""
    await vault.control("POST", "/state", {"clear": True})
    process = await asyncio.create_subprocess_exec(
        sys.executable, CONTRACT, "--answers", answers, "--url", vault.facts["url"], "--token",
        TOKEN, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    output, errors = await process.communicate()
    lines = output.decode().split("\n")[:-1]
    assert process.returncode == (not lines[-1].endswith(" 0 differences")), errors.decode()
    return lines


async def record(vault: Peer) -> list[dict[str, Any]]:
    """Exchanges with the vault itself, as the real service's are recorded."""
    exchanges: list[dict[str, Any]] = []

    async def ask(note: str, path: str, body: Any) -> Any:
        answer = await vault.post(body, path=path)
        exchanges.append({
            "note": note, "request": {"method": "POST", "path": path, "body": body},
            "status": answer.status, "content_type": answer.kind, "answer": answer.body.decode()})
        return answer

    async def call(note: str, tool: str, **arguments: Any) -> Any:
        params = {"name": tool, "arguments": arguments}
        return await ask(note, "/mcp", {
            "jsonrpc": "2.0", "id": len(exchanges), "method": "tools/call", "params": params})

    task = (await call("add", "task", action="add", title="t", source="cc")).value
    await call("update", "task", action="update", id=task["id"], project="p")
    await call("unknown", "task", action="done", id="01NOSUCHTASK00000000000000")
    await call("list", "task", action="list", format="md")
    await call("save", "checkpoint", action="save", objective="o")
    await call("backup", "backup")
    await call("refused", "task", action="burn")
    await ask("rest", "/tasks", {"title": "r", "source": "cc"})
    return exchanges


@check
async def contract_sees_differences(vault: Peer) -> None:
    exchanges = await record(vault)
    with tempfile.TemporaryDirectory() as name:
        file, exceptions = Path(name, "answers.jsonl"), Path(name, "exceptions.json")

        async def said(*arguments: str, **changes: tuple[str, str]) -> list[str]:
            changed = [dict(one) for one in exchanges]
            for one in changed:
                if one["note"] in changes:
                    old, new = changes[one["note"]]
                    assert old in one["answer"], one["answer"]
                    one["answer"] = one["answer"].replace(old, new)
            file.write_text("".join(json.dumps(one) + "\n" for one in changed))
            return await compare(vault, str(file), *arguments)

        async def excepted(given: Any, **changes: tuple[str, str]) -> list[str]:
            exceptions.write_text(json.dumps(given))
            return await said("--exceptions", str(exceptions), **changes)

        assert await said() == await said("--exact") == ["8 exchanges, 0 differences"]
        assert await said("--no-rest") == ["7 exchanges, 0 differences"]
        text = "/answer/result/content/0/text"
        for note, old, new, line in [
            ("add", r'\"source\": \"cc\"', r'\"source\": \"auto\"',
             f'{text}/source: recorded "auto", here "cc"'),
            ("add", r'\"title\": ', r'\"name\": \"\", \"title\": ',
             f'{text}/name: recorded "", here nothing'),
            ("update", r'\"project\": \"p\",\n ', "",
             f'{text}/project: recorded nothing, here "p"'),
            ("unknown", '}]}', '}],"isError":true}',
             "/answer/result/isError: recorded true, here nothing"),
            ("list", "- [ ] t", "- [x] t",
             f"{text}: recorded lines ['## ', '- [x] ', ''], here ['## ', '- [ ] ', '']"),
            ("list", "## p", "{}\\n## p", "recorded lines ['', '## '"),
            ("save", r'\"content_length\": ', r'\"content_length\": \"?\", \"x\": ',
             f'{text}/content_length: recorded a string, "?", here a number, '),
            ("backup", r'\"circuit_breaker\": {', r'\"circuit_breaker\": [], \"x\": {',
             f"{text}/d1/circuit_breaker: recorded an array, [], here an object, "),
            ("backup", r'{\\\"objective\\\":', r'{\\\"action\\\":',
             f'{text}/d1/checkpoints/data/0/trigger_signals/action: recorded "o", here nothing'),
            ("refused", "-32602", "-32603", f'{text}: recorded "MCP error -32603: '),
            ("rest", '"status":"open"', '"status":null',
             '/answer/status: recorded null, null, here a string, "open"'),
        ]:
            lines = await said(**{note: (old, new)})
            assert any(one.startswith(f"{note}: ") and line in one for one in lines), lines
        id = json.loads(exchanges[-1]["answer"])["id"]
        [line, _] = await said(update=(
            exchanges[1]["request"]["body"]["params"]["arguments"]["id"], id))
        assert line.startswith(f"rest: /answer/id: recorded {id}, which is "), line
        change = {"rest": ('"title":"r"', '"title":"R"')}
        assert await said(**change) == ["8 exchanges, 0 differences"], "a text is a text"
        assert await said("--exact", **change) == [
            'rest: /answer/title: recorded "R", here "r"', "8 exchanges, 1 differences"]
        change = {"rest": ('"source":"cc"', '"source":"auto"')}
        for given in ({"rest": {"*": "why"}}, {"rest": {"/answer/source": "why"}},
                      {"rest": {"/*/source": "why"}}, {"rest": {"/answer": "why"}}):
            assert await excepted(given, **change) == ["8 exchanges, 0 differences"], given
        assert await excepted({"rest": {"/answer/id": "why"}}, **change) == [
            'rest: /answer/source: recorded "auto", here "cc"',
            "rest: /answer/id: the exception is not needed", "8 exchanges, 2 differences"]


@check
async def recorded_answers(vault: Peer) -> None:
    if answers := os.environ.get("VAULT_ANSWERS"):
        [line] = await compare(vault, answers, "--exact")
        print(line)


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
