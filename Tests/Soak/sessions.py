"""Sessions of an agent as memoryd sees them: a transcript that grows, hooks, and writes by hand."""

import json
import random
import subprocess
import threading
import time
import traceback
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ledger import Write
from peers import Place

# Seconds, as in hooks/hooks.json: what the host waits for before it kills a hook.
TIMEOUTS = {"SessionStart": 5, "PreCompact": 5, "PostCompact": 5, "Stop": 10, "SessionEnd": 2}
VERBS = {"SessionStart": ["canary"], "SessionEnd": ["session", "end"]}
PATIENCE = 30
"""Seconds for a verb that a person would type."""

WORDS = (
    "retry parser upload token schema index cache lexer client server queue budget backoff branch "
    "config fixture release timeout header socket transcript checkpoint report migration").split()
COMMANDS = (
    "go test ./src/{}/...", "npm run build", "git status --short", "rg -n {} src", "make {}",
    "python3 -m pytest tests/test_{}.py")


class Transcript:
    """A file that grows as Claude Code writes it (`Line` in Support.swift)."""

    def __init__(self, path: Path, session: str, cwd: Path, chance: random.Random) -> None:
        self.path, self.session, self.cwd, self.random = path, session, cwd, chance

    def append(self, *lines: dict[str, Any]) -> None:
        stamp = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        common = {
            "sessionId": self.session, "cwd": str(self.cwd), "version": "2.0.14",
            "gitBranch": "main", "timestamp": stamp.replace("+00:00", "Z")}
        text = "".join(
            json.dumps({"uuid": str(uuid.uuid4())} | common | line) + "\n" for line in lines)
        with self.path.open("a") as file:
            file.write(text)

    def words(self, count: int) -> str:
        return " ".join(self.random.choices(WORDS, k=count))

    def work(self) -> None:
        """A request, some calls with their results, and a reply."""
        lines = [self.person(f"Look at the {self.words(4)}; never touch the {self.words(1)}.")]
        for _ in range(self.random.randint(1, 4)):
            word = self.words(1)
            tool, given = self.random.choice([
                ("Bash", {"command": self.random.choice(COMMANDS).format(word)}),
                ("Read", {"file_path": f"{self.cwd}/src/{word}.go"}),
                ("Edit", {"file_path": f"{self.cwd}/src/{word}.go", "old_string": word,
                          "new_string": f"func {word}{self.random.randrange(999)}() {{}}"}),
                ("TodoWrite", {"todos": [{"content": f"{word} the {self.words(2)}",
                                          "status": "pending", "activeForm": word}]}),
            ])
            call = f"toolu_{uuid.uuid4().hex[:24]}"
            lines += [
                self.agent({"type": "tool_use", "id": call, "name": tool, "input": given}),
                self.person([{"type": "tool_result", "tool_use_id": call,
                              "content": self.words(self.random.randint(5, 120))}])]
        lines.append(self.agent({"type": "text", "text": f"The {self.words(8)} is done."}))
        self.append(*lines)

    def compact(self, summary: str) -> None:
        self.append(
            {"type": "system", "subtype": "compact_boundary",
             "compactMetadata": {"trigger": "auto", "preTokens": 150_000}},
            self.person(summary) | {"isCompactSummary": True, "isVisibleInTranscriptOnly": True})

    @staticmethod
    def person(content: Any) -> dict[str, Any]:
        return {"type": "user", "message": {"role": "user", "content": content}}

    @staticmethod
    def agent(block: dict[str, Any]) -> dict[str, Any]:
        message = {"role": "assistant", "model": "claude-sonnet-4-5", "content": [block]}
        return {"type": "assistant", "message": message}


class Session(threading.Thread):
    """One agent after the other, as one person has them."""

    def __init__(self, place: Place, number: int) -> None:
        super().__init__(name=f"session {number}", daemon=True)
        self.place, self.ledger = place, place.ledger
        self.random = random.Random(f"{place.seed} session {number}")
        self.cwd = place.folder / "projects" / f"project-{number % 5}"
        self.open_tasks: list[str] = []
        self.steps = [
            (46, self.stop), (8, self.compact), (4, self.renew), (4, self.resume),
            (4, self.add_task), (3, self.finish_task), (8, self.decide), (5, self.checkpoint),
            (8, self.read), (4, self.reference)]

    def run(self) -> None:
        try:
            self.begin()
            while not self.place.stop.wait(self.random.uniform(0.5, 3)):
                [step] = self.random.choices(
                    [step for _, step in self.steps], [weight for weight, _ in self.steps])
                step()
            self.hook("SessionEnd", reason="other")
        except Exception:
            self.ledger.object_to("the soak itself works", traceback.format_exc()[-600:])

    # Hooks

    def begin(self) -> None:
        self.id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        path = self.place.folder / "transcripts" / f"{self.id}.jsonl"
        self.transcript = Transcript(path, self.id, self.cwd, self.random)
        self.hook("SessionStart", source="startup")
        self.transcript.work()

    def stop(self) -> None:
        self.transcript.work()
        self.hook("Stop", stop_hook_active=False)

    def compact(self) -> None:
        self.transcript.work()
        self.hook("PreCompact", trigger="auto", custom_instructions="")
        summary = f"We worked on the {self.transcript.words(6)}."
        self.transcript.compact(summary)
        self.hook("PostCompact", trigger="auto", compact_summary=summary)
        self.hook("SessionStart", source="compact")

    def renew(self) -> None:
        self.hook("SessionEnd", reason="other")
        self.begin()

    def resume(self) -> None:
        self.hook("SessionStart", source="resume")

    def hook(self, event: str, **fields: Any) -> None:
        """Runs a hook as the host does: it must exit 0 in time, and say nothing but JSON."""
        given = {
            "session_id": self.id, "transcript_path": str(self.transcript.path),
            "cwd": str(self.cwd), "hook_event_name": event} | fields
        verb = VERBS.get(event, ["checkpoint"])
        self.ledger.did(f"hook {event}")
        start = time.perf_counter()
        result = self.memoryd(*verb, given=json.dumps(given), timeout=TIMEOUTS[event])
        self.ledger.time_hook(event, (time.perf_counter() - start) * 1000)
        if result is None:
            self.ledger.object_to("hooks end in time", f"{event} after {TIMEOUTS[event]} s")
        elif result.returncode != 0:
            self.ledger.object_to(
                "hooks exit 0", f"{event}: {result.returncode} {result.stderr[:300]}")
        elif result.stdout and not is_json(result.stdout):
            self.ledger.object_to("hooks say JSON or nothing", f"{event}: {result.stdout[:300]}")

    # By hand

    def add_task(self) -> None:
        name = self.ledger.name("task")
        if id := self.write("task", name, "task", "add", name, "--context", f"context of {name}"):
            self.open_tasks.append(id)

    def finish_task(self) -> None:
        if self.open_tasks:
            id = self.open_tasks.pop(self.random.randrange(len(self.open_tasks)))
            self.write("done", "", "task", "done", id)

    def decide(self) -> None:
        name = self.ledger.name("decision")
        self.write("decision", name, "decide", name, "--rationale", self.transcript.words(5))

    def checkpoint(self) -> None:
        name = self.ledger.name("checkpoint")
        self.write("checkpoint", name, "checkpoint", "--objective", name)

    def write(self, kind: str, name: str, *arguments: str) -> str | None:
        self.ledger.did(f"cli {kind}")
        result = self.memoryd(*arguments, "--json")
        if result and result.returncode == 0 and is_json(result.stdout):
            answer = json.loads(result.stdout)
            self.ledger.acknowledge(
                Write(kind, answer["id"], name, "cli"), answer["durability"])
            return str(answer["id"])
        self.refused(arguments, result)
        return None

    def read(self) -> None:
        arguments = self.random.choice([
            ("task", "list", "--json"), ("search", self.transcript.words(2), "--json"),
            ("decision", "list", "--limit", "5", "--json"), ("status", "--json")])
        self.ledger.did("cli read")
        result = self.memoryd(*arguments)
        if not result or result.returncode != 0:
            self.refused(arguments, result)

    def reference(self) -> None:
        """What the start of any process takes here, to set the hooks' times against."""
        start = time.perf_counter()
        subprocess.run(["/bin/true"], capture_output=True, input="", text=True)
        self.ledger.time_hook("(/bin/true)", (time.perf_counter() - start) * 1000)

    def refused(
        self, arguments: tuple[str, ...], result: subprocess.CompletedProcess[str] | None
    ) -> None:
        detail = f"{result.returncode} {result.stderr[:300]}" if result else f"{PATIENCE} s"
        self.ledger.object_to("verbs do what they are told", f"{' '.join(arguments)}: {detail}")

    def memoryd(
        self, *arguments: str, given: str = "", timeout: float = PATIENCE
    ) -> subprocess.CompletedProcess[str] | None:
        """Nothing if it had to be killed."""
        try:
            return subprocess.run(
                [self.place.memoryd, *arguments], input=given, capture_output=True, text=True,
                timeout=timeout, cwd=self.cwd,
                env=self.place.environment | {"CLAUDE_CODE_SESSION_ID": self.id})
        except subprocess.TimeoutExpired:
            return None


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def make_projects(place: Place) -> None:
    """Repositories in which something is uncommitted."""
    (place.folder / "transcripts").mkdir()
    for number in range(5):
        cwd = place.folder / "projects" / f"project-{number}"
        cwd.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", "-b", "main"], cwd=cwd, check=True)
        (cwd / "parser.go").write_text("package parser\n")
