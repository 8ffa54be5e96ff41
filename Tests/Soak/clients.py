"""MCP clients on the official SDK: two over stdio, one over HTTP, in one thread."""

import asyncio
import json
import random
import threading
import time
import traceback
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import McpError
from mcp.types import CONNECTION_CLOSED, CallToolResult, TextContent

from ledger import Write
from peers import Place

PATIENCE = 30
"""Seconds for one answer, and for one call over HTTP with all its repetitions."""
KEY = "memoryd/idempotency_key"
LATE = 408
"""What the SDK's client says for a server that does not answer in time."""


@dataclass
class Call:
    kind: str
    """A write's, or `read`."""
    tool: str
    arguments: dict[str, Any]
    name: str = ""
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    begun: float = field(default_factory=time.monotonic)


class Client:
    """What the clients do is the same; how they reach memoryd is not."""

    def __init__(self, place: Place, via: str, number: int) -> None:
        self.place, self.ledger, self.via = place, place.ledger, via
        self.random = random.Random(f"{place.seed} client {number}")
        self.open_tasks: list[str] = []
        self.cwd = place.folder / "projects" / f"project-{number}"

    def next_call(self) -> Call:
        # Shortly before the daemon dies only decisions: the vault shows all of those, however many.
        kinds, weights = ["task", "done", "decision", "checkpoint", "read"], [5, 4, 20, 12, 59]
        if self.place.daemon.is_about_to_die:
            kinds, weights = ["decision"], [1]
        [kind] = self.random.choices(kinds, weights)
        if kind == "done" and not self.open_tasks:
            kind = "task"
        name = self.ledger.name(kind)
        match kind:
            case "task":
                given = {"action": "add", "title": name, "source": "cc", "project": "soak"}
                return Call(kind, "task", given, name)
            case "done":
                return Call(kind, "task", {"action": "done", "id": self.open_tasks.pop()})
            case "decision":
                given = {"action": "add", "decision": name, "rationale": "it was said"}
                return Call(kind, "decision", given, name)
            case "checkpoint":
                given = {"action": "save", "objective": name}
                return Call(kind, "checkpoint", given, name)
        tool, given = self.random.choice([
            ("health", {}), ("search", {"query": "retry parser", "limit": 5}),
            ("task", {"action": "list", "project": "soak"}), ("session_start", {}),
            ("resume", {"project": "project-0"})])
        return Call("read", tool, given)

    def take(self, call: Call, answer: CallToolResult) -> None:
        """Notes what was answered; a tool that fails is a finding."""
        text = "".join(part.text for part in answer.content if isinstance(part, TextContent))
        if call.tool == "resume" and "nothing is recorded" in text:
            return  # As it is in the first moments.
        try:
            id = None if call.kind == "read" else json.loads(text)["id"]
            if answer.isError or (call.kind != "read" and "error" in json.loads(text)):
                raise ValueError("an error")
        except (ValueError, KeyError, TypeError) as error:
            self.ledger.object_to(
                "MCP tools do what they are told",
                f"{self.via} {call.tool} {call.arguments}: {error!r} {text[:300]}")
            return
        if id:
            durability = (answer.meta or {}).get("memoryd/durability", "unsaid")
            self.ledger.acknowledge(Write(call.kind, id, call.name, self.via), durability)
            if call.kind == "task":
                self.open_tasks.append(id)

    async def pause(self) -> None:
        # No pause around the daemon's death: that some call meets it is the point.
        soon = self.place.daemon.is_about_to_die
        end = time.monotonic() + (0.01 if soon else self.random.uniform(0.3, 1.5))
        while (left := end - time.monotonic()) > 0 and not self.place.stop.is_set():
            await asyncio.sleep(min(left, 0.25))
            if self.place.daemon.is_about_to_die:
                break

    async def run(self) -> None:
        raise NotImplementedError


class StdioClient(Client):
    """Must not notice the daemon's deaths: nothing is repeated here."""

    async def run(self) -> None:
        server = StdioServerParameters(
            command=self.place.memoryd, args=["mcp"], env=self.place.environment, cwd=self.cwd)
        patience = timedelta(seconds=PATIENCE)
        try:
            with (self.place.folder / "mcp-errors.log").open("a") as errors:
                async with (
                    stdio_client(server, errlog=errors) as (read, write),
                    ClientSession(read, write, read_timeout_seconds=patience) as session,
                ):
                    await session.initialize()
                    while not self.place.stop.is_set():
                        call = self.next_call()
                        self.ledger.did(f"stdio {call.kind}")
                        self.take(call, await session.call_tool(call.tool, call.arguments))
                        await self.pause()
        except Exception:
            self.ledger.object_to("stdio clients see no error", traceback.format_exc()[-600:])


class HTTPClient(Client):
    """Repeats a call, with its key, until it is answered."""

    def __init__(self, place: Place, via: str, number: int) -> None:
        super().__init__(place, via, number)
        self.connections = self.repeated = 0
        self.call: Call | None = None
        """Not answered yet."""
        self.last_error = ""

    async def run(self) -> None:
        while self.call or not self.place.stop.is_set():
            try:
                await self.converse()
            except Exception as error:
                self.last_error = repr(error)
                for refusal in refusals(error):
                    self.ledger.object_to("HTTP refuses nothing", refusal)
                await asyncio.sleep(0.1)
            call = self.call
            if call and time.monotonic() - call.begun > PATIENCE:
                self.ledger.object_to(
                    "HTTP calls are answered", f"{call.arguments}: {self.last_error[:300]}")
                self.call = None

    async def converse(self) -> None:
        """Until the connection fails, an answer does not come, or the run ends."""
        url = self.place.daemon.url or ""
        headers = {"authorization": f"Bearer {self.place.token}"}
        async with (
            httpx.AsyncClient(headers=headers, timeout=10, trust_env=False) as http,
            streamable_http_client(url, http_client=http) as (read, write, _),
            ClientSession(read, write, read_timeout_seconds=timedelta(seconds=10)) as session,
        ):
            await session.initialize()
            # The SDK would ask for it in the middle of a call.
            await session.list_tools()
            self.connections += 1
            while self.call or not self.place.stop.is_set():
                if self.call:
                    self.repeated += 1
                else:
                    self.call = self.next_call()
                    self.ledger.did(f"http {self.call.kind}")
                # Deaths alone would lose too few answers, so now and then this side hangs up.
                hurry = self.random.uniform(0.001, 0.02) if self.random.random() < 0.05 else 10
                answer = await session.call_tool(
                    self.call.tool, self.call.arguments, timedelta(seconds=hurry),
                    meta={KEY: self.call.key})
                self.take(self.call, answer)
                self.call = None
                await self.pause()


def refusals(error: BaseException) -> list[str]:
    """What the server said against a request, other than by being gone or late."""
    if isinstance(error, BaseExceptionGroup):
        return [refusal for inner in error.exceptions for refusal in refusals(inner)]
    if isinstance(error, httpx.HTTPStatusError):
        return [f"{error.response.status_code} {error.request.method}"]
    if isinstance(error, McpError) and error.error.code not in (CONNECTION_CLOSED, LATE):
        return [f"{error.error.code} {error.error.message[:200]}"]
    return []


class Clients(threading.Thread):
    def __init__(self, place: Place) -> None:
        super().__init__(name="clients", daemon=True)
        self.place = place
        self.http = HTTPClient(place, "http", 0) if place.daemon.url else None
        self.clients: list[Client] = [
            StdioClient(place, "stdio", 1), StdioClient(place, "stdio", 2)]
        if self.http:
            self.clients.append(self.http)

    def run(self) -> None:
        async def all_of_them() -> None:
            await asyncio.gather(*(client.run() for client in self.clients))

        try:
            asyncio.run(all_of_them())
        except Exception:
            self.place.ledger.object_to("the soak itself works", traceback.format_exc()[-600:])
