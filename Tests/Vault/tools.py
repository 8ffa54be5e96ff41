"""The tools of vault-mcp as the real service has them, on the official MCP SDK."""

import os
import time
from bisect import insort
from collections.abc import Iterable
from datetime import datetime, timezone
from itertools import islice
from typing import Any

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import McpError

from schemas import ABSENT, SCHEMAS, TOOLS, Row, complaint
from wire import to_json, to_lines

LIST_LIMIT = 1000  # keys of one KV list
BACKUP_CHECKPOINTS = 10
D1 = ("tasks", "stages", "checkpoints", "decisions", "model_stats", "circuit_breaker")
# What an action must be given, apart from what validation asks for.
REQUIRED = {
    "add": ("title",), "update": ("id",), "done": ("id",), "retro": ("title",),
    "decide": ("decision", "rationale"),
}
WRITES = {
    ("task", "add"), ("task", "update"), ("task", "done"), ("task", "retro"),
    ("checkpoint", "save"), ("checkpoint", "decide"),
}


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def crockford(value: int, length: int) -> str:
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return "".join(digits[value >> 5 * at & 31] for at in reversed(range(length)))


class ToolError(Exception):
    """A failure inside a tool: `isError` with `{"error": …}`."""


def require(given: Row) -> None:
    fields = REQUIRED.get(given["action"], ())
    if not all(given.get(field) for field in fields):
        raise ToolError(f"{given['action']} requires: {', '.join(fields)}")


# Rows are rendered once, when they are written. No string of JSON holds a raw end of line, so that
# what is rendered can be moved in as it is.


def moved_in(text: str) -> str:
    return text.replace("\n", "\n  ")


def array(texts: Iterable[str]) -> str:
    body = ",\n".join(texts)
    return moved_in("[\n" + body) + "\n]" if body else "[]"


def object_of(**fields: str) -> str:
    body = ",\n".join(f'"{name}": {text}' for name, text in fields.items())
    return moved_in("{\n" + body) + "\n}"


def table(texts: list[str]) -> str:
    return object_of(count=str(len(texts)), data=array(texts))


class Task:
    """One key of the KV store, with its earlier values for readers that lag behind."""

    __slots__ = ("n", "writes", "values")

    def __init__(self, n: int, writes: list[Row]) -> None:
        self.n, self.writes = n, writes
        # When it was written, the row, and its JSON.
        self.values: list[tuple[float, Row, str]] = []

    @property
    def row(self) -> Row:
        return self.values[-1][1]

    def put(self, row: Row, at: float) -> None:
        self.values.append((at, row, to_lines(row)))

    def seen_at(self, limit: float) -> tuple[Row, str] | None:
        for at, row, text in reversed(self.values):
            if at <= limit:
                return row, text
        return None


class Table:
    """Rows of D1 in the order of their arrival, each with its JSON beside it."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.texts: list[str] = []

    def add(self, row: Row) -> None:
        self.rows.append(row)
        self.texts.append(to_lines(plain(row)))


class Store:
    """Everything that the vault holds. `n` counts arrivals over all kinds of rows."""

    def __init__(self) -> None:
        self.kv_lag = 0.0  # seconds
        self._last_ulid = 0
        self.clear()

    def clear(self) -> None:
        self.tasks: dict[str, Task] = {}
        self._keys: list[str] = []  # of all tasks, sorted
        self._decisions = Table()
        self._checkpoints = Table()
        self.arrivals = 0
        self._calls = 0  # since `own_checkpoints` is set
        self._fillers = 0

    def ulid(self) -> str:
        value = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big") >> 1
        self._last_ulid = max(value, self._last_ulid + 1)
        return crockford(self._last_ulid, 26)

    def _arrive(self, n: int | None = None) -> int:
        number = n or self.arrivals + 1
        self.arrivals = max(self.arrivals, number)
        return number

    # Tasks

    def _insert(
        self, row: Row, at: float, n: int | None = None, writes: Iterable[Row] = ()
    ) -> Task:
        task = self.tasks.get(row["id"])
        if task is None:
            task = self.tasks[row["id"]] = Task(self._arrive(n), list(writes))
            insort(self._keys, row["id"])
        task.put(row, at)
        return task

    def _write(self, row: Row, arguments: Row) -> Row:
        task = self._insert(row, time.time())
        n = self._arrive() if task.writes or len(task.values) > 1 else task.n
        task.writes.append({"action": arguments["action"], "arguments": arguments, "n": n})
        return row

    def _listed(self) -> list[tuple[Row, str]]:
        """What one KV list gives: the oldest keys only, oldest first, as they were a lag ago."""
        limit = time.time() - self.kv_lag if self.kv_lag else float("inf")
        seen: list[tuple[Row, str]] = []
        for key in self._keys:
            if value := self.tasks[key].seen_at(limit):
                seen.append(value)
                if len(seen) == LIST_LIMIT:
                    break
        return seen

    def task(self, given: Row) -> Any:
        require(given)
        match given["action"]:
            case "list":
                return self._list(given)
            case "add":
                source = given.get("source") or "auto"
                if source == "auto" and not given.get("context"):
                    raise ToolError("task.add failed: context required when source=auto")
                return self._write(self._new_task(given, "open", source), given)
            case "retro":
                row = self._new_task(given, "done", "retroactive")
                return self._write(row | {"completed_at": row["created_at"]}, given)
        task = self.tasks.get(given["id"])
        if task is None:
            return {"error": "Task not found", "id": given["id"]}
        if given["action"] == "done":
            return self._write(task.row | {"status": "done", "completed_at": now()}, given)
        fields = ("title", "project", "context", "occurred_at")
        return self._write(task.row | {k: given[k] for k in fields if given.get(k)}, given)

    def _new_task(self, given: Row, status: str, source: str) -> Row:
        row = {
            "id": self.ulid(), "title": given["title"], "project": given.get("project") or "inbox",
            "status": status, "source": source,
        }
        fields = ("context", "occurred_at") if status == "done" else ("context",)
        row |= {field: given[field] for field in fields if given.get(field)}
        return row | {"created_at": now()}

    def _list(self, given: Row) -> str:
        status, project = given.get("status", "open"), given.get("project")
        values = [
            (row, text) for row, text in reversed(self._listed())
            if (not status or row["status"] == status)
            and (not project or row["project"] == project)
        ]
        if given.get("format") != "md":
            return array(text for _, text in values)
        projects: dict[str, str] = {}
        for row, _ in values:
            context = f" — {row['context']}" if row.get("context") else ""
            box = "x" if row["status"] == "done" else " "
            line = f"- [{box}] {row['title']}{context} `{row['id']}`\n"
            projects[row["project"]] = projects.get(row["project"], "") + line
        return "\n".join(f"## {name}\n{lines}" for name, lines in projects.items())

    # Checkpoints and decisions

    def checkpoint(self, given: Row) -> Any:
        require(given)
        match given["action"]:
            case "load":
                texts = self._checkpoints.texts
                return texts[-1] if texts else {"message": "No checkpoints found"}
            case "save":
                fields = ("objective", "blockers", "recent_actions")
                return self._save({field: given[field] for field in fields if field in given})
            case "decide":
                row = {
                    "id": self.ulid(), "decision": given["decision"],
                    "rationale": given["rationale"], "task_id": given.get("task_id"),
                    "created_at": now(), "n": self._arrive(),
                }
                self._decisions.add(row)
                return {key: row[key] for key in ("id", "decision", "created_at")}
        raise ToolError("checkpoint.ingest failed: not part of the stand-in")

    def _save(self, signals: Row) -> Row:
        created_at = now()
        content = self._document(signals, created_at)
        row = {
            "id": self.ulid(), "content": content, "trigger_signals": to_json(signals),
            "cumulative_weight": 1, "created_at": created_at, "n": self._arrive(),
        }
        self._checkpoints.add(row)
        length = len(content.encode("utf-16-le")) // 2
        return {"id": row["id"], "created_at": created_at, "content_length": length}

    def _document(self, signals: Row, created_at: str) -> str:
        """Sections that would be empty are left out. No recording has open tasks: their lines are
        of the stand-in's making."""
        rows = (row for row, _ in reversed(self._listed()) if row["status"] == "open")
        states = [f"  [*] --> t{at}: {row['title']}" for at, row in enumerate(islice(rows, 20))]
        sections = {
            "Objective": [signals["objective"]] if signals.get("objective") else [],
            "Open Tasks": ["```mermaid", "stateDiagram-v2", *states, "```"] if states else [],
            "Blockers": [f"- ⛔ {text}" for text in signals.get("blockers", [])],
            "Recent Actions": [f"- ✅ {text}" for text in signals.get("recent_actions", [])],
            "Recent Decisions": [
                f"- **{row['decision']}**: {row['rationale']}"
                for row in self._decisions.rows[-5:]],
        }
        parts = ["# Recovery Checkpoint\n", f"Generated: {created_at}\n"]
        parts += [
            "\n".join([f"## {title}", *lines, ""]) for title, lines in sections.items() if lines]
        return "\n".join(parts)

    def count_call(self, own_checkpoints: int) -> None:
        """After each so many calls the service saves a checkpoint that no client has asked for."""
        self._calls = self._calls + 1 if own_checkpoints else 0
        if self._calls and self._calls % own_checkpoints == 0:
            self._save({"objective": "auto", "blockers": [], "recent_actions": []})

    # The other tools

    def session_end(self, given: Row) -> Row:
        saved = self._save({
            "objective": given["objective"], "recent_actions": given["recent_actions"],
            "blockers": given.get("blockers", [])})
        is_captured = given.get("capture_transcript", True)
        failure = {"transcript_error": "Failed to parse URL from undefined/transcript"}
        return {
            "checkpoint_saved": True, "checkpoint_id": saved["id"],
            "checkpoint_created_at": saved["created_at"], "transcript_captured": False,
        } | (failure if is_captured else {}) | {"session_ended_at": now()}

    def backup(self) -> str:
        tables = dict.fromkeys(D1, table([])) | {
            "checkpoints": table(self._checkpoints.texts[: -BACKUP_CHECKPOINTS - 1 : -1]),
            "decisions": table(self._decisions.texts),
        }
        tasks = [text for _, text in self._listed()]
        return object_of(
            exported_at=to_json(now()), kv_tasks=table(tasks), d1=object_of(**tables))

    def call(self, tool: str, given: Row) -> Any:
        match tool:
            case "task":
                return self.task(given)
            case "checkpoint":
                return self.checkpoint(given)
            case "session_end":
                return self.session_end(given)
            case "backup":
                return self.backup()
            case "health":
                return health()
            # Their SQL names columns that the database lacks: a failing tool is not an outage.
            case "session_start":
                raise ToolError("session_start failed: no such column: title")
            case "search":
                raise ToolError("search failed: no such column: session_date")
        return {"tool": tool, "arguments": given}

    # For tests

    def seed(self, state: Row) -> None:
        """Adds rows; what they lack is made up, `n` and `writes` are taken over."""
        if state.get("clear"):
            self.clear()
        for given in state.get("tasks", []):
            row = {
                "id": self.ulid(), "title": "", "project": "inbox", "status": "open",
                "source": "cc", "created_at": now(),
            } | given
            self._insert(plain(row), 0, row.get("n"), row.get("writes", []))
        kinds: list[tuple[str, Table, Row]] = [
            ("decisions", self._decisions, {"decision": "", "rationale": "", "task_id": None}),
            ("checkpoints", self._checkpoints,
             {"content": "", "trigger_signals": "{}", "cumulative_weight": 1}),
        ]
        for kind, rows, fields in kinds:
            for given in state.get(kind, []):
                row = {"id": self.ulid()} | fields | {"created_at": now()} | given
                rows.add(row | {"n": self._arrive(given.get("n"))})
        for _ in range(state.get("fill_tasks", 0)):
            # Done, and older than anything that is made now.
            self._fillers += 1
            self._insert({
                "id": crockford(self._fillers, 26), "title": f"filler {self._fillers}",
                "project": "inbox", "status": "done", "source": "cc",
                "created_at": "2024-01-01T00:00:00.000Z",
                "completed_at": "2024-01-01T00:00:00.000Z",
            }, 0)

    def everything(self) -> dict[str, list[Row]]:
        tasks = [task.row | {"n": task.n, "writes": task.writes} for task in self.tasks.values()]
        return {
            "tasks": tasks, "decisions": self._decisions.rows,
            "checkpoints": self._checkpoints.rows}


def plain(row: Row) -> Row:
    """The row as the service knows it."""
    return {key: value for key, value in row.items() if key not in ("n", "writes")}


def health() -> Row:
    return {
        "status": "ok", "version": "2.0.0", "timestamp": now(), "d1": "connected",
        "kv": "connected", "executor": "unreachable: fetch failed",
    }


# The server


class Service(Server[Any, Any]):
    def get_capabilities(self, *_: Any) -> types.ServerCapabilities:
        return types.ServerCapabilities(tools=types.ToolsCapability(listChanged=True))


def make_server(store: Store, options: Any) -> Service:
    """`options` has the tools' `prefix`, `validation` and `own_checkpoints` (see vault.py)."""
    server = Service("vault-mcp", version="2.0.0")

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        return [
            types.Tool(name=options.prefix + tool, description=tool, inputSchema=schema)
            for tool, schema in SCHEMAS.items()
        ]

    def result(value: Any, is_error: bool | None = None) -> types.ServerResult:
        text = value if isinstance(value, str) else to_lines(value)
        content = [types.TextContent(type="text", text=text)]
        # Not validated: the service leaves isError out where nothing failed, the SDK writes false.
        return types.ServerResult(
            types.CallToolResult.model_construct(content=content, isError=is_error))

    def answer(name: str, arguments: Row | None) -> types.ServerResult:
        tool = name.removeprefix(options.prefix)
        if not name.startswith(options.prefix) or tool not in TOOLS:
            return result(f"MCP error -32602: Tool {name} not found", True)
        if text := complaint(tool, ABSENT if arguments is None else arguments):
            if options.validation == "rpc":
                raise McpError(types.ErrorData(code=types.INVALID_PARAMS, message=text))
            return result(f"MCP error -32602: {text}", True)
        before = store.arrivals
        try:
            return result(store.call(tool, arguments or {}))
        except ToolError as error:
            return result(to_json({"error": str(error)}), True)
        finally:
            http = server.request_context.request
            if store.arrivals > before and http is not None:
                http.scope["vault.entry"]["applied"] = True

    # In place of the decorator, which cannot tell absent arguments from empty ones.
    async def call_tool(request: types.CallToolRequest) -> types.ServerResult:
        try:
            return answer(request.params.name, request.params.arguments)
        finally:
            store.count_call(options.own_checkpoints)

    server.request_handlers[types.CallToolRequest] = call_tool
    return server
