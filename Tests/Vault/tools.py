"""The tools of vault-mcp as the real service has them, on the official MCP SDK."""

import json
import os
import time
from bisect import insort
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

import mcp.types as types
from jsonschema import Draft202012Validator
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import McpError

from wire import to_json

Row = dict[str, Any]

LIST_LIMIT = 1000  # keys of one KV list
BACKUP_CHECKPOINTS = 10
CONTEXT_REQUIRED = "context required when source=auto"
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
        self.values.append((at, row, to_json(row)))

    def seen_at(self, limit: float) -> tuple[Row, str] | None:
        for at, row, text in reversed(self.values):
            if at <= limit:
                return row, text
        return None


class Store:
    """Everything that the vault holds. `n` counts arrivals over all kinds of rows."""

    def __init__(self) -> None:
        self.kv_lag = 0.0  # seconds
        self._last_ulid = 0
        self.clear()

    def clear(self) -> None:
        self.tasks: dict[str, Task] = {}
        self._keys: list[str] = []  # of all tasks, sorted
        self._decisions: list[Row] = []
        self._checkpoints: list[Row] = []
        self.arrivals = 0
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
        """What one KV list gives, newest first: the oldest keys only, as they were a lag ago."""
        limit = time.time() - self.kv_lag if self.kv_lag else float("inf")
        seen: list[tuple[Row, str]] = []
        for key in self._keys:
            if value := self.tasks[key].seen_at(limit):
                seen.append(value)
                if len(seen) == LIST_LIMIT:
                    break
        return seen[::-1]

    def task(self, given: Row) -> Any:
        match given["action"]:
            case "list":
                return self._list(given)
            case "add":
                source = given.get("source") or "auto"
                if source == "auto" and not given.get("context"):
                    raise ToolError(CONTEXT_REQUIRED)
                return self._write(self._new_task(given, "open", source), given)
            case "retro":
                row = self._new_task(given, "done", "retroactive") | {"completed_at": now()}
                if given.get("occurred_at"):
                    row["occurred_at"] = given["occurred_at"]
                return self._write(row, given)
        task = self.tasks.get(given.get("id", ""))
        if task is None:
            return {"error": "Task not found", "id": given.get("id")}
        if given["action"] == "done":
            return self._write(task.row | {"status": "done", "completed_at": now()}, given)
        fields = ("title", "project", "context", "occurred_at")
        return self._write(task.row | {k: given[k] for k in fields if given.get(k)}, given)

    def _new_task(self, given: Row, status: str, source: str) -> Row:
        if not given.get("title"):
            raise ToolError("title required")
        row = {
            "id": self.ulid(), "title": given["title"], "project": given.get("project") or "inbox",
            "status": status, "source": source,
        }
        if given.get("context"):
            row["context"] = given["context"]
        return row | {"created_at": now()}

    def _list(self, given: Row) -> str:
        status, project = given.get("status", "open"), given.get("project")
        values = [
            (row, text) for row, text in self._listed()
            if (not status or row["status"] == status)
            and (not project or row["project"] == project)
        ]
        if given.get("format") != "md":
            return "[" + ",".join(text for _, text in values) + "]"
        projects: dict[str, str] = {}
        for row, _ in values:
            context = f" — {row['context']}" if row.get("context") else ""
            box = "x" if row["status"] == "done" else " "
            line = f"- [{box}] {row['title']}{context} `{row['id']}`\n"
            projects[row["project"]] = projects.get(row["project"], "") + line
        return "\n".join(f"## {name}\n{lines}" for name, lines in projects.items())

    # Checkpoints and decisions

    def checkpoint(self, given: Row) -> Any:
        match given["action"]:
            case "load":
                if not self._checkpoints:
                    return {"message": "No checkpoints found"}
                return plain(self._checkpoints[-1])
            case "save":
                return self._save(given)
            case "decide":
                if not given.get("decision") or not given.get("rationale"):
                    raise ToolError("decision and rationale required")
                row = {
                    "id": self.ulid(), "decision": given["decision"],
                    "rationale": given["rationale"], "task_id": given.get("task_id"),
                    "created_at": now(), "n": self._arrive(),
                }
                self._decisions.append(row)
                return {key: row[key] for key in ("id", "decision", "created_at")}
        raise ToolError("ingest is not part of the stand-in")

    def _save(self, given: Row) -> Row:
        content = self._document(given)
        row = {
            "id": self.ulid(), "content": content, "trigger_signals": to_json(given),
            "cumulative_weight": 1.0, "created_at": now(), "n": self._arrive(),
        }
        self._checkpoints.append(row)
        length = len(content.encode("utf-16-le")) // 2
        return {"id": row["id"], "created_at": row["created_at"], "content_length": length}

    def _document(self, given: Row) -> str:
        def section(title: str, lines: list[str]) -> str:
            return "\n".join([f"## {title}", *(lines or ["(none)"]), ""])

        open_rows = [row for row, _ in self._listed()[:20] if row["status"] == "open"]
        states = [f"  [*] --> t{at}: {row['title']}" for at, row in enumerate(open_rows)]
        decisions = [f"- **{row['decision']}**: {row['rationale']}" for row in self._decisions[-5:]]
        return "\n".join([
            "# Recovery Checkpoint", f"Generated: {now()}", "",
            section("Objective", [given.get("objective", "")]),
            section("Open Tasks", ["```mermaid", "stateDiagram-v2", *states, "```"]),
            section("Blockers", [f"- ⛔ {text}" for text in given.get("blockers", [])]),
            section(
                "Recent Actions", [f"- ✅ {text}" for text in given.get("recent_actions", [])]),
            section("Recent Decisions", decisions),
        ])

    # The other tools

    def session_end(self, given: Row) -> Row:
        saved = self._save(given)
        return {
            "checkpoint_saved": True, "checkpoint_id": saved["id"],
            "session_ended_at": saved["created_at"],
        }

    def search(self, given: Row) -> Row:
        word = given["query"].lower()
        results: list[Row] = []
        rows = [("decision", row) for row in self._decisions]
        rows += [("checkpoint", row) for row in self._checkpoints]
        rows += [("task", task.row) for task in self.tasks.values()]
        for kind, row in sorted(rows, key=lambda found: found[1]["created_at"], reverse=True):
            if word in to_json(row).lower() and len(results) < given.get("limit", 20):
                results.append({"kind": kind} | plain(row))
        return {"query": given["query"], "count": len(results), "results": results}

    def backup(self) -> str:
        listed = self._listed()
        newest = self._checkpoints[: -BACKUP_CHECKPOINTS - 1 : -1]
        d1 = {
            "tasks": [], "stages": [], "checkpoints": [plain(row) for row in newest],
            "decisions": [plain(row) for row in self._decisions], "model_stats": [],
            "circuit_breaker": {"daily_cost_usd": 0, "monthly_cost_usd": 0, "halted": False},
        }
        rows = ",".join(text for _, text in listed)
        kv_tasks = f'{{"count":{len(listed)},"data":[{rows}]}}'
        return f'{{"exported_at":"{now()}","kv_tasks":{kv_tasks},"d1":{to_json(d1)}}}'

    def call(self, tool: str, given: Row) -> Any:
        match tool:
            case "task":
                return self.task(given)
            case "checkpoint":
                return self.checkpoint(given)
            case "session_end":
                return self.session_end(given)
            case "search":
                return self.search(given)
            case "backup":
                return self.backup()
            case "health":
                return health()
            case "session_start":
                # As on the deployed database: one failing tool is not an outage.
                raise ToolError("D1_ERROR: no such column: stage")
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
        kinds: list[tuple[str, list[Row], Row]] = [
            ("decisions", self._decisions, {"decision": "", "rationale": "", "task_id": None}),
            ("checkpoints", self._checkpoints,
             {"content": "", "trigger_signals": "{}", "cumulative_weight": 1.0}),
        ]
        for kind, rows, fields in kinds:
            for given in state.get(kind, []):
                row = {"id": self.ulid()} | fields | {"created_at": now()} | given
                rows.append(row | {"n": self._arrive(given.get("n"))})
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
        return {"tasks": tasks, "decisions": self._decisions, "checkpoints": self._checkpoints}


def plain(row: Row) -> Row:
    """The row as the service knows it."""
    return {key: value for key, value in row.items() if key not in ("n", "writes")}


def health() -> Row:
    return {
        "status": "ok", "version": "2.0.0", "timestamp": now(), "d1": "connected",
        "kv": "connected", "executor": "reachable",
    }


# The server

TEXT: Row = {"type": "string"}
TEXTS: Row = {"type": "array", "items": TEXT}


def one_of(*values: str) -> Row:
    return {"type": "string", "enum": list(values)}


# By tool, its arguments; a star stands before those that are required.
TOOLS: dict[str, Row] = {
    "task": {
        "*action": one_of("add", "update", "done", "retro", "list"), "id": TEXT, "title": TEXT,
        "project": TEXT, "context": TEXT, "occurred_at": TEXT, "status": one_of("open", "done", ""),
        "format": one_of("json", "md"), "source": one_of("claude.ai", "cc", "iphone", "auto"),
    },
    "checkpoint": {
        "*action": one_of("load", "save", "decide", "ingest"), "objective": TEXT, "blockers": TEXTS,
        "recent_actions": TEXTS, "decision": TEXT, "rationale": TEXT, "task_id": TEXT,
    },
    "session_start": {"project": TEXT},
    "session_end": {
        "*objective": TEXT, "*recent_actions": TEXTS, "blockers": TEXTS,
        "capture_transcript": {"type": "boolean"},
    },
    "search": {
        "*query": TEXT, "session": TEXT, "limit": {"type": "integer", "minimum": 1, "maximum": 100},
    },
    # The rest tell what they were given.
    "health": {}, "backup": {}, "workflow": {}, "workflow_query": {}, "execute": {}, "github": {},
    "pricing": {},
}
SCHEMAS = {
    tool: {
        "type": "object",
        "properties": {name.lstrip("*"): kind for name, kind in arguments.items()},
        "required": [name[1:] for name in arguments if name.startswith("*")],
    } for tool, arguments in TOOLS.items()
}
VALIDATORS = {tool: Draft202012Validator(schema) for tool, schema in SCHEMAS.items()}


def complaint(tool: str, arguments: Any) -> str | None:
    """What validation has against the arguments, in the words of the service's SDK."""
    issues = [
        {"code": "invalid_type", "path": list(error.absolute_path), "message": error.message}
        for error in VALIDATORS[tool].iter_errors(arguments)
    ]
    return validation_text(tool, issues) if issues else None


def validation_text(tool: str, issues: list[Row]) -> str:
    details = json.dumps(issues, indent=2, ensure_ascii=False)
    return f"Input validation error: Invalid arguments for tool {tool}: {details}"


def make_server(store: Store, options: Any) -> Server[Any, Any]:
    """`options` has the tools' `prefix`, and `validation` (see vault.py)."""
    server: Server[Any, Any] = Server("vault-mcp", version="2.0.0")

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        return [
            types.Tool(name=options.prefix + tool, description=tool, inputSchema=schema)
            for tool, schema in SCHEMAS.items()
        ]

    def result(value: Any, is_error: bool | None = None) -> types.ServerResult:
        text = value if isinstance(value, str) else to_json(value)
        content = [types.TextContent(type="text", text=text)]
        # Not validated: the service leaves isError out where nothing failed, the SDK writes false.
        return types.ServerResult(
            types.CallToolResult.model_construct(content=content, isError=is_error))

    # In place of the decorator, which cannot tell absent arguments from empty ones.
    async def call_tool(request: types.CallToolRequest) -> types.ServerResult:
        name, arguments = request.params.name, request.params.arguments
        tool = name.removeprefix(options.prefix)
        if not name.startswith(options.prefix) or tool not in TOOLS:
            return result(f"MCP error -32602: Tool {name} not found", True)
        if text := complaint(tool, arguments):
            if options.validation == "rpc":
                raise McpError(types.ErrorData(code=types.INVALID_PARAMS, message=text))
            return result(f"MCP error -32602: {text}", True)
        before = store.arrivals
        try:
            return result(store.call(tool, arguments or {}))
        except ToolError as error:
            return result({"error": str(error)}, True)
        finally:
            http = server.request_context.request
            if store.arrivals > before and http is not None:
                http.scope["vault.entry"]["applied"] = True

    server.request_handlers[types.CallToolRequest] = call_tool
    return server
