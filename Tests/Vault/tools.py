"""vault-mcp's tools as the real service has them, on the official MCP SDK."""

import json
import os
import time
from datetime import datetime, timezone
from typing import Any

import mcp.types as types
from mcp.server.lowlevel import Server

LIST_LIMIT = 1000
BACKUP_CHECKPOINTS = 10
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
WRITES = {
    ("task", "add"), ("task", "update"), ("task", "done"), ("task", "retro"),
    ("checkpoint", "save"), ("checkpoint", "decide"),
}


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class ToolError(Exception):
    """A failure inside a tool: `isError` with `{"error": …}`."""


class Store:
    """Everything the vault holds. Rows are plain dicts, `n` counts arrivals over all kinds."""

    def __init__(self) -> None:
        self.kv_lag = 0.0
        self.clear()

    def clear(self) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        # By id, (time, row) of each state that a lagging list may still show.
        self.history: dict[str, list[tuple[float, dict[str, Any]]]] = {}
        self.writes: dict[str, list[dict[str, Any]]] = {}
        self.decisions: list[dict[str, Any]] = []
        self.checkpoints: list[dict[str, Any]] = []
        self.arrivals = 0
        self.last = (0, 0)

    def ulid(self) -> str:
        stamp, low = int(time.time() * 1000), int.from_bytes(os.urandom(10), "big") >> 1
        if stamp <= self.last[0]:
            stamp, low = self.last[0], self.last[1] + 1
        self.last = (stamp, low)
        value, text = (stamp << 80) | low, ""
        for _ in range(26):
            text = ALPHABET[value & 31] + text
            value >>= 5
        return text

    def arrive(self) -> int:
        self.arrivals += 1
        return self.arrivals

    # Tasks

    def put(self, row: dict[str, Any], action: str, arguments: dict[str, Any]) -> dict[str, Any]:
        id = row["id"]
        self.tasks[id] = row
        self.history.setdefault(id, []).append((time.time(), row))
        self.writes.setdefault(id, []).append(
            {"action": action, "arguments": arguments, "n": self.arrive()})
        return row

    def visible(self) -> list[dict[str, Any]]:
        """What a list shows: the oldest keys only, and as they were a lag ago; newest first."""
        if not self.kv_lag:
            rows = self.tasks
        else:
            limit, rows = time.time() - self.kv_lag, {}
            for id, states in self.history.items():
                seen = [row for at, row in states if at <= limit]
                if seen:
                    rows[id] = seen[-1]
        return [rows[id] for id in reversed(sorted(rows)[:LIST_LIMIT])]

    def task(self, a: dict[str, Any]) -> Any:
        action = a.get("action")
        if action == "list":
            status, project = a.get("status", "open"), a.get("project")
            rows = [
                row for row in self.visible()
                if (not status or row["status"] == status)
                and (not project or row["project"] == project)
            ]
            return markdown(rows) if a.get("format") == "md" else rows
        if action in ("add", "retro"):
            if not a.get("title"):
                raise ToolError("title required")
            row = {
                "id": self.ulid(), "title": a["title"], "project": a.get("project") or "inbox",
                "status": "open", "source": a.get("source") or "auto", "created_at": now(),
            }
            if a.get("context"):
                row["context"] = a["context"]
            if action == "retro":
                row |= {"status": "done", "source": "retroactive", "completed_at": now()}
                if a.get("occurred_at"):
                    row["occurred_at"] = a["occurred_at"]
            elif row["source"] == "auto" and not a.get("context"):
                raise ToolError("context required when source=auto")
            return self.put(row, action, a)
        old = self.tasks.get(a.get("id", ""))
        if old is None:
            return {"error": "Task not found", "id": a.get("id")}
        row = dict(old)
        if action == "done":
            row |= {"status": "done", "completed_at": now()}
        else:
            for name in ("title", "project", "context", "occurred_at"):
                if a.get(name):
                    row[name] = a[name]
        return self.put(row, str(action), a)

    # Checkpoints and decisions

    def checkpoint(self, a: dict[str, Any]) -> Any:
        action = a.get("action")
        if action == "load":
            if not self.checkpoints:
                return {"message": "No checkpoints found"}
            return {k: v for k, v in self.checkpoints[-1].items() if k != "n"}
        if action == "save":
            given = {k: v for k, v in a.items() if k != "action"}
            actions = "\n".join(f"- ✅ {text}" for text in a.get("recent_actions", []))
            row = {
                "id": self.ulid(),
                "content": f"# Recovery Checkpoint\nGenerated: {now()}\n## Objective\n"
                f"{a.get('objective', '')}\n## Recent Actions\n{actions}\n",
                "trigger_signals": json.dumps(given, ensure_ascii=False),
                "cumulative_weight": 1.0, "created_at": now(),
            }
            self.checkpoints.append(row | {"n": self.arrive()})
            return {
                "id": row["id"], "created_at": row["created_at"],
                "content_length": len(row["content"]),
            }
        if action == "decide":
            if not a.get("decision") or not a.get("rationale"):
                raise ToolError("decision and rationale required")
            row = {
                "id": self.ulid(), "decision": a["decision"], "rationale": a["rationale"],
                "task_id": a.get("task_id"), "created_at": now(),
            }
            self.decisions.append(row | {"n": self.arrive()})
            return {k: row[k] for k in ("id", "decision", "created_at")}
        raise ToolError(f"unknown action {action}")

    def backup(self) -> Any:
        tasks = self.visible()

        def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [{k: v for k, v in row.items() if k != "n"} for row in rows]

        return {
            "exported_at": now(), "kv_tasks": {"count": len(tasks), "data": tasks},
            "d1": {
                "tasks": [], "stages": [],
                "checkpoints": plain(self.checkpoints[-BACKUP_CHECKPOINTS:][::-1]),
                "decisions": plain(self.decisions), "model_stats": [],
                "circuit_breaker": {"daily_cost_usd": 0, "monthly_cost_usd": 0, "halted": False},
            },
        }

    def search(self, a: dict[str, Any]) -> Any:
        word = str(a.get("query", "")).lower()
        hits = [row for row in self.visible() if word in json.dumps(row, ensure_ascii=False).lower()]
        hits = hits[: min(100, int(a.get("limit", 20)))]
        return {"query": a.get("query"), "count": len(hits), "results": hits}

    def call(self, tool: str, a: dict[str, Any]) -> Any:
        if tool == "task":
            return self.task(a)
        if tool == "checkpoint":
            return self.checkpoint(a)
        if tool == "backup":
            return self.backup()
        if tool == "search":
            return self.search(a)
        if tool == "health":
            return {"status": "ok", "version": "2.0.0", "timestamp": now()}
        if tool == "workflow":
            return {"echo": a}
        # As on the deployed database: one failing tool is not an outage.
        raise ToolError("D1_ERROR: no such column: stage")

    # For tests

    def seed(self, state: dict[str, Any]) -> None:
        if state.get("clear"):
            self.clear()
        for row in state.get("tasks", []):
            self.tasks[row["id"]] = row
            self.history[row["id"]] = [(0.0, row)]
        self.decisions += [row | {"n": self.arrive()} for row in state.get("decisions", [])]
        self.checkpoints += [row | {"n": self.arrive()} for row in state.get("checkpoints", [])]
        for number in range(state.get("fill_tasks", 0)):
            # Older than anything that is made now.
            id = "00000000000000000000" + f"{number:06d}"
            row = {
                "id": id, "title": f"filler {number}", "project": "inbox", "status": "done",
                "source": "cc", "created_at": "2024-01-01T00:00:00.000Z",
            }
            self.tasks[id] = row
            self.history[id] = [(0.0, row)]

    def everything(self) -> dict[str, Any]:
        tasks = [row | {"writes": self.writes.get(id, [])} for id, row in self.tasks.items()]
        return {
            "tasks": tasks, "decisions": self.decisions, "checkpoints": self.checkpoints}


def markdown(rows: list[dict[str, Any]]) -> str:
    text = ""
    for project in sorted({row["project"] for row in rows}):
        text += f"## {project}\n"
        for row in rows:
            if row["project"] == project:
                context = f" — {row['context']}" if row.get("context") else ""
                text += f"- [ ] {row['title']}{context} `{row['id']}`\n"
    return text


def schema(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
TOOLS = {
    "task": schema(
        ["action"], action={"enum": ["add", "update", "done", "retro", "list"]}, id=TEXT,
        title=TEXT, project=TEXT, context=TEXT, occurred_at=TEXT, status=TEXT, format=TEXT,
        source={"enum": ["claude.ai", "cc", "iphone", "auto"]}),
    "checkpoint": schema(
        ["action"], action={"enum": ["load", "save", "decide", "ingest"]}, objective=TEXT,
        blockers=TEXTS, recent_actions=TEXTS, decision=TEXT, rationale=TEXT, task_id=TEXT),
    "search": schema(["query"], query=TEXT, session=TEXT, limit={"type": "integer"}),
    "health": schema([]),
    "backup": schema([]),
    "session_start": schema([], project=TEXT),
    "workflow": schema([], action=TEXT),
}


def make_server(store: Store) -> Server:
    server: Server = Server("vault-mcp", version="2.0.0")
    server.prefix = ""  # type: ignore[attr-defined]

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        return [
            types.Tool(name=server.prefix + name, description=name, inputSchema=schema)
            for name, schema in TOOLS.items()
        ]

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        def result(value: Any, is_error: bool | None = None) -> types.CallToolResult:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            content = [types.TextContent(type="text", text=text)]
            return types.CallToolResult(content=content, isError=bool(is_error))

        tool = name.removeprefix(server.prefix)
        if not name.startswith(server.prefix) or tool not in TOOLS:
            return result(f"MCP error -32602: Tool {name} not found", True)
        try:
            return result(store.call(tool, arguments))
        except ToolError as error:
            return result({"error": str(error)}, True)

    return server
