#!/usr/bin/env python3
"""Makes schema-6.db: a store as memoryd of schema 6 wrote it, with a row of every kind.

    git archive d262f09 | tar -x -C /tmp/schema-6            # sources of that time; build them
    make-schema-6.py --memoryd /tmp/schema-6/.build/release/memoryd \\
        --vault /tmp/schema-6/Tests/Vault/vault.py --python .build/vault-env/bin/python \\
        --out Tests/Fixtures/stores/schema-6.db

Everything goes through the command line: no SQL writes into the store. Vault stand-in and memoryd
are those of one commit. Times, ids and random parts differ from run to run; rows and states do not,
but for one request more where git is slow. What is missing in the result is told, and nothing is
written then.

It works in /srv/harbor and the folders named below, so that no path of the machine is in the store;
none of them may exist, and all are gone afterwards.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

Row = dict[str, Any]

SCHEMA = 6
LIMIT = 600_000  # bytes
HARBOR = Path("/srv/harbor")  # a repository with a remote
TOOLS = Path("/srv/harbor-tools")  # a repository without one
NOTES = Path("/srv/harbor-notes")  # no repository
FALLBACK = Path("/srv/harbor-fallback")
FOLDERS = [HARBOR, TOOLS, NOTES, FALLBACK]
TRANSCRIPTS = HARBOR / ".transcripts"
TOKEN = "tok-5f0c9d1e7a3b42d68c1f-fixture"

FIRST, SECOND, THIRD, FOURTH, CODEX = (
    f"5f0c6a1e-3b52-4c1e-9d1b-7a64c1f0a2d{digit}" for digit in "12345")

# Ms. With the long one a lost answer stays unknown, with the short one it is looked up at once.
SHORT_LAG, LONG_LAG = 150, 3_600_000


# What agents write


class Transcript:
    """A session's file, in the format of Claude Code."""

    def __init__(self, session: str, path: Path | None = None, is_sidechain: bool = False) -> None:
        self.session, self.is_sidechain = session, is_sidechain
        self.path = path or TRANSCRIPTS / f"{session}.jsonl"
        self.at = datetime(2026, 1, 14, 15, 0, tzinfo=timezone.utc)
        self.count = 0

    def line(self, type: str, minutes: float = 0.5, **fields: Any) -> None:
        self.count += 1
        self.at += timedelta(minutes=minutes)
        tail = f"{int(self.is_sidechain)}{self.session[-1]}{self.count:06}"
        row = {
            "type": type, **fields, "uuid": f"5a3e0000-0000-4000-8000-0000{tail}",
            "timestamp": self.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "sessionId": self.session,
            "cwd": str(HARBOR), "gitBranch": "retry-backoff", "version": "2.1.217",
            "isSidechain": self.is_sidechain,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def request(self, text: str, minutes: float = 0.5) -> None:
        self.line("user", minutes, message={"role": "user", "content": text})

    def _assistant(self, block: Row) -> None:
        usage = {
            "input_tokens": 4, "output_tokens": 17 + self.count,
            "cache_creation_input_tokens": 900, "cache_read_input_tokens": 12_800,
            "cache_creation": {"ephemeral_1h_input_tokens": 300},
        }
        self.line(
            "assistant", requestId=f"req_{self.session[-1]}{self.count:04}",
            message={
                "id": f"msg_{self.session[-1]}{self.count:04}", "model": "claude-sonnet-5-5",
                "role": "assistant", "content": [block], "usage": usage,
            })

    def reply(self, text: str) -> None:
        self._assistant({"type": "text", "text": text})

    def call(self, tool: str, input: Row, result: str = "ok", is_error: bool = False) -> None:
        id = f"toolu_{self.session[-1]}{self.count:04}"
        self._assistant({"type": "tool_use", "id": id, "name": tool, "input": input})
        block = {
            "type": "tool_result", "tool_use_id": id, "content": result, "is_error": is_error}
        self.line("user", message={"role": "user", "content": [block]})

    def boundary(self, summary: str) -> None:
        self.line(
            "system", subtype="compact_boundary", content="Conversation compacted",
            compactMetadata={"trigger": "auto", "preTokens": 154_000})
        self.line(
            "user", isCompactSummary=True, isVisibleInTranscriptOnly=True,
            message={"role": "user", "content": summary})


def begin_work(transcript: Transcript) -> None:
    transcript.request(
        "The uploader gives up on the first 503. Make it retry with exponential backoff. "
        "Never retry a 4xx, and keep the public API of UploadClient as it is.")
    transcript.reply("I will look at how UploadClient sends a part before changing anything.")
    transcript.call("Grep", {"pattern": "func sendPart"}, "src/upload/client.go")
    transcript.call("Read", {"file_path": str(HARBOR / "src/upload/client.go")}, "package upload")
    todos = [
        {"content": "Add RetryPolicy with full jitter", "status": "in_progress"},
        {"content": "Test that a 4xx is never retried", "status": "pending"},
    ]
    transcript.call("TodoWrite", {"todos": todos})
    transcript.call("ExitPlanMode", {"plan": "1. Add RetryPolicy\n2. Use it in sendPart — Größe?"})
    transcript.call("Edit", {
        "file_path": str(HARBOR / "src/upload/retry.go"), "old_string": "",
        "new_string": "type RetryPolicy struct {\n\tBaseDelay time.Duration\n}\n"})
    transcript.call(
        "Bash", {"command": "go test ./src/upload/...", "description": "Run the tests"},
        "--- FAIL: TestSendPart (0.01s)\n    client_test.go:41: want 3 attempts, got 1", True)
    transcript.call(
        "Task", {"description": "Find callers", "prompt": "Who calls sendPart?"},
        "src/upload/client.go and src/upload/resume.go call sendPart.")
    transcript.call("TaskCreate", {"subject": "Document upload.max_attempts"})
    transcript.reply("RetryPolicy is in; nextDelay gives full jitter, capped at 20 s.")


ROLLOUT: list[tuple[str, Row]] = [
    ("session_meta", {
        "id": CODEX, "cwd": str(TOOLS), "cli_version": "0.141.0", "source": "cli",
        "git": {"branch": "main"}}),
    ("turn_context", {"cwd": str(TOOLS), "model": "gpt-5.2-codex"}),
    ("response_item", {"type": "message", "role": "user", "content": [
        {"type": "input_text", "text": "Give the linter a switch for the retry rule."}]}),
    ("response_item", {"type": "function_call", "name": "update_plan", "call_id": "plan-1",
        "arguments": json.dumps({"plan": [{"step": "Add the switch", "status": "in_progress"}]})}),
    ("response_item", {"type": "function_call", "name": "exec_command", "call_id": "exec-1",
        "arguments": json.dumps({"cmd": "make lint"})}),
    ("response_item", {"type": "function_call_output", "call_id": "exec-1",
        "output": "Process exited with code 2\nOutput:\nlint.py:7: no such rule"}),
    ("response_item", {"type": "custom_tool_call", "name": "apply_patch", "call_id": "patch-1",
        "input": "*** Begin Patch\n*** Update File: lint.py\n@@\n-RULES = []\n"
                 "+RULES = [\"retry\"]\n*** End Patch\n"}),
    ("response_item", {"type": "message", "role": "assistant", "content": [
        {"type": "output_text", "text": "The rule `retry` can be switched off now."}]}),
    ("event_msg", {"type": "token_count", "info": {
        "total_token_usage": {
            "input_tokens": 5200, "cached_input_tokens": 4100, "output_tokens": 640,
            "reasoning_output_tokens": 512},
        "last_token_usage": {
            "input_tokens": 5200, "cached_input_tokens": 4100, "output_tokens": 640,
            "reasoning_output_tokens": 512}}}),
]

LEDGER = """# Harbor: what is done

## Phase 1: Foundations ✅

| Item | Status | Commit | Date |
| --- | --- | --- | --- |
| Uploads go in parts | ✅ | {commit} | 2026-01-10 |
| Resumable uploads | ✅ then removed | | 2026-01-11 |

### Key decisions

- One table for parts
- No queue

### Acknowledged

| Item | Status | Reason |
| --- | --- | --- |
| Quota for each tenant | ⏸️ Deferred | nobody has asked for it |
| Virus scan | ❌ not done | needs a service |

## Phase 2: Retries

| Item | Status | Commit | Date |
| --- | --- | --- | --- |
| Retry budget | pending | | |
"""

IMPORTED: list[Row] = [
    {"id": "wiki-17", "kind": "wiki", "title": "Draining", "project": "harbor",
     "text": "A region that is drained answers 503 — 退避 for 30 s.",
     "created_at": "2025-12-24T18:00:00+01:00"},
    {"id": "chat-3", "kind": "chat", "session": "standup", "actor": "ops", "position": 3,
     "text": "parseRetryAfter rounds down", "created_at": 1_767_225_600},
    {"id": "note-1", "text": "no kind, no project, no time"},
    {"id": "old-1", "project": "almanac", "text": "older than any calendar of SQLite",
     "created_at": -70_000_000_000_000},
]


# Processes


class Vault:
    """The stand-in for vault-mcp (Tests/Vault); it ends with its standard input."""

    def __init__(self, python: str, script: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [python, script, "--token", TOKEN, *arguments], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout
        facts = json.loads(self.process.stdout.readline())
        self.url: str = facts["url"]
        self._control = f"http://127.0.0.1:{facts['control_port']}"

    def control(self, path: str, body: Row | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        # No proxy, whatever the environment says.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self._control + path, data, timeout=60) as answer:
            return json.load(answer)

    def state(self) -> dict[str, list[Row]]:
        return self.control("/state")

    @contextlib.contextmanager
    def fault(self, name: str, count: int | None = None, **match: str) -> Iterator[None]:
        """What goes wrong meanwhile, for requests that match."""
        given: Row = {"name": name}
        if count is not None:
            given["count"] = count
        if match:
            given["match"] = match
        self.control("/fault", given)
        yield
        self.control("/fault", {})

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Server:
    """Another memoryd, to be a vault that honours keys."""

    def __init__(self, memoryd: str, folder: Path, environment: dict[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.url = f"http://{address}/mcp"
        home = folder / "upstream"
        self.process = subprocess.Popen(
            [memoryd, "serve", "--http", address], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder,
            env=environment | {
                "MEMORYD_HOME": str(home), "MEMORYD_FALLBACK_DIR": str(folder / "upstream-md")})
        assert self.process.stdout
        for _ in range(2):
            self.process.stdout.readline()
        self.token = (home / "http-token").read_text().strip()

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Memoryd:
    """The command line of the memoryd whose store this is."""

    def __init__(self, executable: str, folder: Path) -> None:
        self.executable, self.folder = executable, folder
        self.home = folder / "store"
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(folder / "home"),
            "MEMORYD_HOME": str(self.home), "MEMORYD_FALLBACK_DIR": str(FALLBACK),
            "MEMORYD_NO_DAEMON": "1", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8",
        }

    def use(self, vault: Vault, lag: int = SHORT_LAG) -> None:
        self.environment |= {
            "MEMORYD_VAULT_URL": vault.url, "MEMORYD_VAULT_TOKEN": TOKEN,
            "MEMORYD_VAULT_TIMEOUT_MS": "3000", "MEMORYD_VAULT_READ_LAG_MS": str(lag)}

    def run(
        self, *arguments: str, input: str = "", cwd: Path = HARBOR, codes: tuple[int, ...] = (0,),
        **environment: str,
    ) -> str:
        result = subprocess.run(
            [self.executable, *arguments], input=input, capture_output=True, text=True, cwd=cwd,
            env=self.environment | environment, timeout=120)
        if result.returncode not in codes:
            raise RuntimeError(
                f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout

    def ask(self, *arguments: str, **more: Any) -> Row:
        return json.loads(self.run(*arguments, "--json", **more))

    def make(self, *arguments: str, **more: Any) -> str:
        """The new item's id."""
        return self.ask(*arguments, **more)["id"]

    def hook(self, verb: str, event: str, session: str = FIRST, **fields: Any) -> None:
        given = {
            "session_id": session, "transcript_path": str(TRANSCRIPTS / f"{session}.jsonl"),
            "cwd": str(HARBOR), "hook_event_name": event} | fields
        self.run(*verb.split(), input=json.dumps(given))

    def sync(self, codes: tuple[int, ...] = (0, 75)) -> Row:
        return self.ask("sync", codes=codes)

    def number(self, id: str, action: str) -> str:
        """Of the item's newest write in the outbox."""
        rows: list[Row] = self.ask("outbox", "list", "--state", "all")["items"]
        own = [row["number"] for row in rows if row["id"] == id and row["action"] == action]
        return str(own[-1])

    def drop(self, *rows: tuple[str, str]) -> None:
        for row in rows:
            self.run("outbox", "drop", self.number(*row))

    def retry(self, *rows: tuple[str, str]) -> None:
        for row in rows:
            self.run("outbox", "retry", self.number(*row))


def git(folder: Path, *arguments: str) -> str:
    stamp = "2026-01-14T15:18:07Z"
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null"}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {
            f"GIT_{role}_NAME": "Harbor", f"GIT_{role}_EMAIL": "team@example.org",
            f"GIT_{role}_DATE": stamp}
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True,
        env=environment).stdout.strip()


def make_repositories() -> str:
    """Returns a commit."""
    for folder in (HARBOR, TOOLS):
        (folder / "src/upload").mkdir(parents=True)
        (folder / "src/upload/client.go").write_text("package upload\n")
        git(folder, "init", "--quiet", "--initial-branch", "main")
        (folder / ".gitignore").write_text(".transcripts/\n.handoff/\n")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message", "upload: send files in parts")
    git(HARBOR, "remote", "add", "origin", "https://git.example.org/team/harbor.git")
    git(HARBOR, "checkout", "--quiet", "-b", "retry-backoff")
    NOTES.mkdir()
    FALLBACK.mkdir()
    return git(HARBOR, "rev-parse", "HEAD")


# The store, step by step


class Fixture:
    def __init__(self, memoryd: Memoryd, arguments: argparse.Namespace, commit: str) -> None:
        self.memoryd, self.arguments, self.commit = memoryd, arguments, commit
        self.own = {"CLAUDE_CODE_SESSION_ID": FIRST}
        self.bases: list[str] = []  # tasks that the vault will have

    def make(self) -> None:
        self.sessions()
        self.ingested()
        self.items()
        self.handoffs()
        self.ledger()
        self.odd_ways()
        with contextlib.closing(self.vault()) as vault:
            self.memoryd.use(vault)
            self.synced(vault)
            self.degraded(vault)
            self.uncertain(vault)
            self.quarantined(vault)
            self.early_rows(vault)
            self.sent(vault)
            self.with_keys()
        self.queued()

    def vault(self, *more: str) -> Vault:
        return Vault(self.arguments.python, self.arguments.vault, *more)

    # Sessions

    def sessions(self) -> None:
        """Every event of a hook, and a checkpoint of every trigger that hooks can give one."""
        hook, transcript = self.memoryd.hook, Transcript(FIRST)
        hook("canary", "SessionStart", source="startup")
        begin_work(transcript)
        hook("checkpoint", "Stop")  # nothing to keep yet
        (HARBOR / "src/upload/retry.go").write_text("package upload\n\ntype RetryPolicy struct{}\n")
        hook("checkpoint", "PreCompact", trigger="auto")
        transcript.boundary("The uploader is to retry. RetryPolicy is written; tests come next.")
        transcript.call("Bash", {"command": "go build ./..."})
        hook("checkpoint", "PostCompact", compact_summary="The uploader is to retry.")
        transcript.call("Bash", {"command": "go vet ./..."})
        transcript.boundary("Retries are in; a test with the fake clock is missing.")
        hook("canary", "SessionStart", source="compact")  # a compaction that nobody announced
        transcript.request("Good. Use the fake clock for the test, please; no sleeping.", 12)
        for number in range(16):
            transcript.call("Edit", {
                "file_path": str(HARBOR / "src/upload/client_test.go"),
                "old_string": f"case{number}", "new_string": f"testCase{number}"})
        hook("checkpoint", "Stop")
        transcript.call("Bash", {"command": "go test ./src/upload/..."})
        hook("checkpoint", "SubagentStop")
        transcript.reply("The tests pass.\nRetry-After is not honoured yet: parseRetryAfter next.")
        transcript.call("Bash", {"command": "git status --short"})
        hook("checkpoint", "SessionEnd", reason="logout")
        hook("session end", "SessionEnd", reason="logout")

    def ingested(self) -> None:
        """Transcripts that no hook has told of: one with a sub-agent's, and Codex's."""
        transcript = Transcript(THIRD)
        transcript.request("What does the quota of a tenant count?")
        transcript.reply("Bytes that are stored, see src/quota/count.go.")
        agent = Transcript(THIRD, TRANSCRIPTS / THIRD / "subagents/agent-1.jsonl", True)
        agent.request("List all callers of countBytes.")
        agent.call("Grep", {"pattern": "countBytes"}, "src/quota/count.go")
        agent.call("Bash", {"command": "wc -l src/quota/count.go"}, "41")
        agent.reply("Only src/quota/count.go calls it.")
        rollout = TRANSCRIPTS / f"rollout-2026-01-14T16-00-00-{CODEX}.jsonl"
        at = datetime(2026, 1, 14, 16, 0, tzinfo=timezone.utc)
        with rollout.open("w", encoding="utf-8") as file:
            for seconds, (type, payload) in enumerate(ROLLOUT):
                time = (at + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
                line = {"timestamp": time, "type": type, "payload": payload}
                file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        self.memoryd.run("ingest", str(TRANSCRIPTS))
        notes = NOTES / "notes.jsonl"
        for text in (None, "A region that is drained answers 503, at most 30 s."):
            if text:
                IMPORTED[0]["text"] = text  # a known id with another text
            notes.write_text("".join(json.dumps(row) + "\n" for row in IMPORTED))
            self.memoryd.run("import", str(notes))
        hits = self.memoryd.ask("search", "fake clock", "--kind", "request")["items"]
        for _ in range(2):
            self.memoryd.run("session", "show", FIRST, "--around", hits[0]["id"])

    # Items

    def items(self) -> None:
        run, make, own = self.memoryd.run, self.memoryd.make, self.own
        self.bases = [make("task", "add", f"Base {number}", **own) for number in range(1, 13)]
        for source in ("claude.ai", "iphone"):
            make("task", "add", f"From {source}", "--source", source)
        make(
            "task", "add", "By itself", "--source", "auto", "--context", "parseRetryAfter — «why»",
            "--occurred-at", "2026-01-13T09:30:00+01:00", **own)
        make("task", "add", "Elsewhere", "--project", "almanac")
        make("task", "add", "Beside the repository", cwd=NOTES)
        make("task", "add", "In the tools", cwd=TOOLS)
        make(
            "task", "retro", "Rotated the signing keys", "--context", "all regions",
            "--occurred-at", "2026-01-12T08:00:00Z", **own)
        done = make("task", "add", "Done before the vault knew")
        run("task", "update", done, "--title", "Done before any vault knew", "--context", "late")
        run("task", "done", done)
        run("decide", "Full jitter, capped at 20 s", "--rationale", "no thundering herd", **own)
        run(
            "decide", "Document it in the README", "--rationale", "one place\nfor all", "--task",
            self.bases[0])
        run("decide", "Lint in CI", "--rationale", "nobody runs it by hand", cwd=TOOLS)
        run(
            "checkpoint", "--objective", "Honour Retry-After", "--blocker", "CI is red on main",
            "--action", "read RFC 9110", "--next", "write parseRetryAfter", **own)
        run("checkpoint", "--objective", "Sort the notes", cwd=NOTES)
        run("checkpoint", "--objective", "A session that nobody announced", "--session", FOURTH)
        run("session", "end", "--session", FOURTH)

    def handoffs(self) -> None:
        run, own = self.memoryd.run, self.own
        run("handoff", "--note", "a timer of the fake clock fires only after Advance", **own)
        run("handoff", "--amend", "--note", "and **never** before", **own)
        run("handoff", "--out", "-", "--note", "in the store only")
        run("handoff", "--format", "html", cwd=TOOLS)
        run("handoff", "--to", "reviewer", "--topic", "retries", "--note", "is nextDelay right?")
        run("handoff", "--to", "deploy", "--topic", "quota", "--from", "ops", "--note", "40 GB")
        run("handoff", "take", "--as", "deploy")
        (HARBOR / ".handoff/ops-to-night-keys.md").write_text(
            "# Keys\n\nThe signing keys were rotated; the old ones end on Friday.\n")
        run("handoff", "take", "--as", "night")
        transcript = Transcript(SECOND)
        transcript.request("Honour Retry-After, also as a date.")
        transcript.call("Bash", {"command": "go test ./src/upload/ -run RetryAfter"})
        self.memoryd.environment["MEMORYD_HANDOFF_ON_COMPACT"] = "file"
        self.memoryd.hook("checkpoint", "PreCompact", SECOND, trigger="manual")
        del self.memoryd.environment["MEMORYD_HANDOFF_ON_COMPACT"]

    def ledger(self) -> None:
        run, commit = self.memoryd.run, self.commit[:7]
        file = HARBOR / "LEDGER.md"
        file.write_text(LEDGER.format(commit=commit))
        run("ledger", "import", str(file))
        run("ledger", "add", "Retries with full jitter", "--commit", commit, **self.own)
        run("ledger", "add", "Retry budget", "--status", "deferred", "--reason", "no demand")
        run(
            "ledger", "add", "No sleeping in tests", "--phase", "Phase 3", "--section", "Tests",
            "--status", "not-done", "--remark", "half", "--date", "2026-01-14")
        file.write_text(LEDGER.format(commit=commit).replace("needs a service", "has a service"))
        run("ledger", "import", str(file))  # changes what nobody has changed here
        run("ledger", "render", "--out", str(file), "--force")
        run("task", "done", self.bases[11], "--ledger", "--commit", commit)
        run("handoff", "--ledger", "--note", "with the ledger", **self.own)
        run("ledger", "add", "Linter in CI", "--status", "pending", cwd=TOOLS)

    def odd_ways(self) -> None:
        """A write with an id of its caller's, and those that the store could not take at once."""
        run = self.memoryd.run
        for _ in range(2):
            run("task", "add", "Asked for twice", MEMORYD_REQUEST_ID="nightly-2026-01-14")
        with contextlib.closing(sqlite3.connect(self.memoryd.home / "memory.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            spooled = self.memoryd.ask("task", "add", "By way of the spool")
            other.rollback()
        file = self.memoryd.folder / "file"
        file.touch()
        nowhere = self.memoryd.ask(
            "decide", "By way of a fallback file", "--rationale", "no folder can be made there",
            MEMORYD_HOME=str(file / "home"))
        assert (spooled["durability"], nowhere["durability"]) == ("spooled", "fallback")
        run("sync")  # takes both in, without a vault

    # With a vault

    def synced(self, vault: Vault) -> None:
        run, make, sync = self.memoryd.run, self.memoryd.make, self.memoryd.sync
        theirs = {
            "project": "inbox", "status": "open", "source": "iphone",
            "created_at": "2026-01-01T00:00:00Z"}
        vault.control("/state", {"tasks": [
            theirs | {"id": "01KDWTN000AAAAAAAAAAAAAAA1", "title": "Theirs",
                      "context": "wörtlich", "occurred_at": "2025-12-31"},
            theirs | {"id": "01KDWTN000AAAAAAAAAAAAAAA2", "title": "Theirs, of harbor",
                      "project": "harbor", "source": "claude.ai"},
            theirs | {"id": "01KDWTN000AAAAAAAAAAAAAAA3", "title": "Theirs, and done",
                      "status": "done", "completed_at": "2026-01-02T00:00:00Z"},
        ]})
        sync((0,))
        # The vault changes three tasks; one of them is changed here too, and another was theirs.
        rows = {row["title"]: row for row in vault.state()["tasks"]}
        vault.control("/state", {"tasks": [
            rows["Base 1"] | {"title": "Base 1, as the vault has it"},
            rows["Base 2"] | {"title": "Base 2 over there", "context": "Both sides changed it."},
            rows["Base 3"] | {"status": "done", "completed_at": "2026-01-15T00:00:00Z"},
        ], "checkpoints": [{
            "content": "# Recovery Checkpoint", "created_at": "2026-01-15T10:00:00Z",
            "trigger_signals": json.dumps({
                "objective": "Theirs: draining of a region", "blockers": ["no second region"],
                "recent_actions": ["drained eu-1"]})}]})
        run("task", "update", self.bases[1], "--title", "Base 2 here")
        run("task", "update", self.bases[0], "--context", "changed on this side")
        run("task", "done", "01KDWTN000AAAAAAAAAAAAAAA1")
        run("decide", "About theirs", "--rationale", "r", "--task", "01KDWTN000AAAAAAAAAAAAAAA2")
        # The newest checkpoint of the vault is taken over unless it is one of ours.
        sync((0,))
        make("task", "retro", "Retro with a vault", "--occurred-at", "2026-01-15T11:00:00Z")
        run("checkpoint", "--objective", "Synced at once")
        sync((0,))
        # The vault's own tools are listed, and that is remembered.
        calls: list[Row] = [
            {"id": 1, "method": "initialize", "params": {
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": {"name": "fixture", "version": "1"}}},
            {"method": "notifications/initialized"}, {"id": 2, "method": "tools/list"}]
        run("mcp", input="".join(json.dumps({"jsonrpc": "2.0"} | call) + "\n" for call in calls))

    def degraded(self, vault: Vault) -> None:
        """Writes go into the fallback files too, people write there, and all arrives later."""
        run, make = self.memoryd.run, self.memoryd.make
        self.memoryd.hook("canary", "SessionStart", SECOND, source="startup")
        with vault.fault("refused"):
            self.memoryd.hook("canary", "SessionStart", SECOND, source="resume")
            make("task", "add", "While the vault was away", "--context", "line one\nline two")
            make("task", "retro", "Done while it was away")
            run("task", "update", self.bases[3], "--title", "Base 4, renamed while it was away")
            run("task", "done", self.bases[4])
            run("decide", "Wait for the vault", "--rationale", "it comes back")
            run("checkpoint", "--objective", "Away", "--blocker", "the vault is away")
            with (FALLBACK / "tasks-fallback.md").open("a") as file:
                file.write("- [ ] Written by hand — with a context\n- [x] Done by hand\n")
            with (FALLBACK / "checkpoints-fallback.md").open("a") as file:
                file.write("\n## Checkpoint by hand\n\nnotes\n\n### Blockers\n\n- none\n")
            self.memoryd.sync((75,))
        self.memoryd.hook("canary", "SessionStart", SECOND, source="resume")
        self.memoryd.sync((0,))
        # Ticked by hand after it was taken in.
        file = FALLBACK / "tasks-fallback.md"
        file.write_text(file.read_text().replace("[ ] Written by hand", "[x] Written by hand"))
        self.memoryd.sync((0,))
        self.memoryd.hook("checkpoint", "Stop", SECOND)

    def uncertain(self, vault: Vault) -> None:
        run, make = self.memoryd.run, self.memoryd.make
        state = vault.state()
        # A list shows the oldest thousand: these hide all others. Nobody takes over what has no
        # title.
        vault.control("/state", {"tasks": [
            {"id": f"{number:026}", "title": "", "status": "done"} for number in range(1000)]})
        make("task", "add", "Rotate the keys of the mirror")
        make("task", "retro", "Renewed the certificate")
        run("task", "update", self.bases[5], "--title", "Base 6, perhaps renamed")
        run("task", "done", self.bases[6])
        with vault.fault("apply_then_drop", kind="write"):
            self.memoryd.sync()
        vault.control("/state", {"clear": True} | state)
        run("decide", "Perhaps decided", "--rationale", "its answer was lost")
        run("checkpoint", "--objective", "Perhaps saved")
        self.memoryd.use(vault, LONG_LAG)
        with vault.fault("drop", kind="write"):
            self.memoryd.sync()
        self.memoryd.use(vault)
        with vault.fault("validation", tool="backup"):  # the vault gives none to look them up in
            for _ in range(2):  # The first one brings the time of the look in line with the lag.
                self.memoryd.sync()
        vault.control("/state", {"clear": True} | state)

    def quarantined(self, vault: Vault) -> None:
        run, make = self.memoryd.run, self.memoryd.make
        refused = make("task", "add", "Refused by the vault")
        make("task", "retro", "Refused too")
        run("task", "update", self.bases[7], "--title", "Base 8, refused")
        run("task", "done", self.bases[8])
        run("decide", "Refused", "--rationale", "as it is")
        # Later these two are sent again, or dropped.
        self.again = make("decide", "Refused, but queued again", "--rationale", "after a look")
        self.given_up = make("decide", "Refused and dropped", "--rationale", "for good")
        run("checkpoint", "--objective", "Refused")
        with vault.fault("validation", kind="write"):
            self.memoryd.sync((0,))
        run("task", "done", refused)  # of a task that the vault never got
        make("task", "add", "Failed five times")
        with vault.fault("is_error", kind="write"):
            self.memoryd.sync((0,))
        self.memoryd.drop((self.given_up, "decide"))

    def early_rows(self, vault: Vault) -> None:
        """Rows that are dropped for now. A kind waits behind its first row without an answer: what
        is to be sent after that must have been made before."""
        run, make = self.memoryd.run, self.memoryd.make
        self.keyed = [
            (make("task", "add", "With a key"), "add"),
            (make("decide", "With a key", "--rationale", "sent to another memoryd"), "decide")]
        names = ["hand-written, and sent", "hand-written, and queued"]
        with (FALLBACK / "tasks-fallback.md").open("a") as file:
            file.writelines(f"- [ ] {name.capitalize()}\n" for name in names)
        self.memoryd.drop(*self.keyed)
        with vault.fault("refused"):
            self.memoryd.sync((75,))
            # Mirrored, as the vault is away.
            self.lost = [
                (make("task", "add", "Sent, and no answer"), "add"),
                (make("task", "retro", "Sent too"), "retro")]
        listed = {row["title"]: row["id"] for row in self.memoryd.ask("task", "list")["items"]}
        self.by_hand = [(listed[name.capitalize()], "add") for name in names]
        self.memoryd.drop(*self.by_hand, *self.lost)
        self.memoryd.sync((0,))
        run("task", "update", self.bases[9], "--title", "Base 10, unknown to the vault")
        run("task", "update", self.bases[10], "--title", "Base 11, sent")
        self.unknown = (self.bases[9], "update")
        self.lost.append((self.bases[10], "update"))
        self.memoryd.drop(self.unknown, self.lost[-1])
        # And those that stay so.
        base = self.bases[2]
        run("task", "update", base, "--context", "dropped")
        run("task", "done", base)
        self.memoryd.drop(
            (make("task", "add", "Dropped"), "add"), (make("task", "retro", "Dropped"), "retro"),
            (base, "update"), (base, "done"),
            (make("decide", "Dropped", "--rationale", "r"), "decide"),
            (make("checkpoint", "--objective", "Dropped"), "save"))
        self.memoryd.sync((0,))

    def sent(self, vault: Vault) -> None:
        """One row after the other, the newest first, so that none waits behind another."""
        run, make, sync = self.memoryd.run, self.memoryd.make, self.memoryd.sync
        self.memoryd.use(vault, LONG_LAG)
        run("task", "done", self.bases[10])
        make("decide", "Sent", "--rationale", "its answer was lost")
        make("checkpoint", "--objective", "Sent", "--next", "look it up")
        with vault.fault("drop", kind="write"):
            sync((75,))
        # An answer that is an error, of which nobody knows what it means for the write.
        self.memoryd.retry(self.lost[2])
        with vault.fault("is_error", kind="write"):
            sync((75,))
        self.memoryd.retry(self.unknown)
        with vault.fault("not_found_task"):
            sync((75,))
        for row in (self.lost[1], self.lost[0], self.by_hand[0]):
            self.memoryd.retry(row)
            with vault.fault("drop", kind="write"):
                sync((75,))

    def with_keys(self) -> None:
        """Another memoryd as the vault: it promises to carry out each key once."""
        server = Server(self.memoryd.executable, self.memoryd.folder, self.memoryd.environment)
        try:
            vault = self.vault("--upstream", server.url, "--upstream-token", server.token)
            with contextlib.closing(vault):
                self.memoryd.use(vault, LONG_LAG)
                self.memoryd.retry(*self.keyed)
                # Two in a row: degraded, and at once normal again.
                with vault.fault("apply_then_drop", count=2, kind="write"):
                    self.memoryd.sync((75,))
        finally:
            server.close()

    def queued(self) -> None:
        """After the last sync, so that they stay."""
        run, make = self.memoryd.run, self.memoryd.make
        make("task", "add", "Queued", "--context", "👋 \"quoted\"\ttab", **self.own)
        make("task", "retro", "Queued too", "--occurred-at", "2026-01-16")
        run("task", "update", self.bases[0], "--title", "Base 1, queued")
        run("task", "done", self.bases[0])
        run("decide", "Queued", "--rationale", "r", "--task", self.bases[0], **self.own)
        run("checkpoint", "--objective", "Queued", "--blocker", "a", "--action", "b", "--next", "c")
        self.memoryd.retry(self.by_hand[1], (self.again, "decide"))


# What came of it


def check(path: Path, forbidden: list[str]) -> None:
    """Ends the process where the store is not what it is to be; else prints what it holds."""
    problems: list[str] = []
    data = path.read_bytes()
    if len(data) > LIMIT:
        problems.append(f"{len(data)} bytes")
    for suffix in ("-wal", "-shm", "-journal"):
        if Path(f"{path}{suffix}").exists():
            problems.append(f"{path}{suffix} is there")
    problems += [f"it holds {text}" for text in forbidden if text.encode() in data]
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        def rows(sql: str) -> list[tuple[Any, ...]]:
            return db.execute(sql).fetchall()

        if rows("PRAGMA user_version") != [(SCHEMA,)]:
            problems.append(f"user_version {rows('PRAGMA user_version')}")
        if rows("PRAGMA integrity_check") != [("ok",)]:
            problems.append(f"integrity_check {rows('PRAGMA integrity_check')}")
        if broken := rows("PRAGMA foreign_key_check"):
            problems.append(f"foreign_key_check {broken}")
        names = [name for (name,) in rows(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
            "AND name NOT LIKE 'entries_fts%' ORDER BY name")]
        host = re.compile(rf"\b{re.escape(socket.gethostname())}\b")
        root = re.compile(r"(?<![\w./:<-])/(?:tmp|root|home|work|usr|var|Users|private|proc)\b")
        counts = {}
        for name in names:
            found = rows(f"SELECT * FROM {name}")
            counts[name] = len(found)
            for text in (str(value) for row in found for value in row):
                problems += [f"{name} holds {hit!r}: {text[:200]}"
                             for pattern in (host, root) for hit in pattern.findall(text)]
        problems += [f"{name} is empty" for name, count in counts.items() if count == 0]
        print("| table | rows |\n| --- | --: |")
        for name, count in counts.items():
            print(f"| `{name}` | {count} |")
        states = ["queued", "sent", "synced", "uncertain", "quarantined", "dropped"]
        found = {(kind, action, state): count for kind, action, state, count in rows(
            "SELECT kind, action, state, count(*) FROM outbox GROUP BY 1, 2, 3")}
        print(f"\n| outbox | {' | '.join(states)} |\n| --- |{' --: |' * len(states)}")
        for kind, action in [
            ("task", "add"), ("task", "retro"), ("task", "update"), ("task", "done"),
            ("decision", "decide"), ("checkpoint", "save"),
        ]:
            line = [found.get((kind, action, state), 0) for state in states]
            if 0 in line:
                problems.append(f"{kind} {action} is not in every state: {line}")
            print(f"| {kind} {action} | {' | '.join(str(count) for count in line)} |")
        for wanted in [
            "outbox WHERE must_look = 1 AND state = 'queued'",
            "outbox WHERE must_look = 1 AND state = 'sent'",
            "outbox WHERE must_look = 1 AND state = 'synced'",
            *(f"outbox WHERE mirrored = {level}" for level in (0, 1, 2)),
            "outbox WHERE state = 'sent' AND mirrored = 0",
            "outbox WHERE fence <> ''", "outbox WHERE refusals > 0",
            "outbox WHERE not_before IS NOT NULL", "outbox WHERE look_after IS NOT NULL",
            "entries WHERE uses > 0", "entries WHERE parts <> ''", "usage WHERE reasoning > 0",
            "usage WHERE cache_write_1h > 0", "tasks WHERE vault_base IS NOT NULL",
            "tasks WHERE occurred_at IS NOT NULL", "tasks WHERE vault_id = id",
            "tasks WHERE title LIKE 'Base 2 %/ %'",
            "tasks WHERE title = 'Base 1, as the vault has it' OR title = 'Base 1, queued'",
            "meta WHERE key = 'vault_health' AND value LIKE '%\"transitions\":2%'",
            "decisions WHERE vault_id IS NOT NULL", "decisions WHERE task_id IS NOT NULL",
            "checkpoints WHERE trigger = 'vault'", "sessions WHERE told_transition > 0",
            "sessions WHERE agent = 'codex'", "handoffs WHERE taken_at IS NULL AND recipient <> ''",
            "handoffs WHERE source_key IS NOT NULL", "handoffs WHERE checkpoint_id IS NOT NULL",
            "ledger_items WHERE imported IS NOT NULL", "ledger_groups WHERE is_list = 1",
            "ledger_groups WHERE name IS NULL", "ledger_phases WHERE is_done = 1",
            *(f"meta WHERE key = '{key}' AND value <> ''" for key in [
                "vault_health", "vault_checkpoint", "fallback_seen", "store_id", "pulled_at",
                "vault_keys", "vault_tools", "sync_lease", "last_id"]),
            *(f"checkpoints WHERE trigger = '{name}'" for name in [
                "manual", "handoff", "pre-compact", "post-compact", "stop", "session-end", "hook",
                "boundary", "fallback"]),
            *(f"handoffs WHERE trigger = '{name}'" for name in [
                "manual", "message", "pre-compact", "received"]),
            *(f"entries WHERE kind = '{name}'" for name in [
                "request", "reply", "tool", "failure", "plan", "summary", "prompt", "checkpoint",
                "task", "decision", "handoff", "ledger", "wiki", "note"]),
            *(f"ledger_items WHERE source = '{name}'" for name in [
                "manual", "task", "handoff", "import"]),
            *(f"ledger_items WHERE status = '{name}'" for name in [
                "done", "not_done", "deferred", "pending"]),
            *(f"requests WHERE kind = '{name}'" for name in [
                "checkpoint", "task", "decision", "handoff", "ledger", "session"]),
            "requests WHERE id LIKE 'adopt:%'", "hook_runs WHERE outcome = 'skipped'",
        ]:
            if not rows(f"SELECT 1 FROM {wanted} LIMIT 1"):
                problems.append(f"nothing in {wanted}")
    if problems:
        raise SystemExit("\n".join(problems))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--memoryd", required=True, help="of schema 6, its engine beside it")
    parser.add_argument("--vault", required=True, help="Tests/Vault/vault.py of the same commit")
    parser.add_argument("--python", default=sys.executable, help="with Tests/Vault's packages")
    parser.add_argument("--out", required=True, type=Path, help="the store; it is replaced")
    parser.add_argument("--keep", type=Path, help="where the store goes if something fails")
    arguments = parser.parse_args()
    executable = str(Path(arguments.memoryd).resolve())
    # A link stays one: it is what makes the interpreter that of its environment.
    arguments.python = os.path.abspath(arguments.python)
    arguments.vault = os.path.abspath(arguments.vault)
    arguments.out = arguments.out.absolute()
    if there := [str(folder) for folder in FOLDERS if folder.exists()]:
        raise SystemExit(f"{', '.join(there)}: must not exist, as it is deleted afterwards")
    with tempfile.TemporaryDirectory() as folder:
        memoryd = Memoryd(executable, Path(folder))
        Path(memoryd.environment["HOME"]).mkdir()
        try:
            commit = make_repositories()
            Fixture(memoryd, arguments, commit).make()
            copy = Path(folder, "copy.db")
            memoryd.run("backup", str(copy))
            names = [folder, socket.getfqdn(), str(Path.home()), os.getcwd()]
            check(copy, [name for name in names if len(name) > 3])
            shutil.copyfile(copy, arguments.out)
        except BaseException:
            if arguments.keep:
                shutil.copytree(memoryd.home, arguments.keep, dirs_exist_ok=True)
            raise
        finally:
            for place in FOLDERS:
                shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
