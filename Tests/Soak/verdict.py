"""What must be true when all is over: nothing lost, nothing doubled, nothing grown, nobody left."""

import json
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from ledger import Ledger, Write
from peers import Place, Sample, Vault, processes_of

Row = dict[str, Any]

MARKER = re.compile(r"\[memoryd:([A-Za-z0-9-]+)\]")
DRAIN_LIMIT = 180
"""Seconds in which everything must have reached a vault that is well."""
# How much a daemon may grow after its first minute under load: of noise, not of leaks.
MEMORY_SHARE, MEMORY_MB, DESCRIPTORS = 0.25, 8, 8
HIGHEST_MB = 256  # well below what the systemd unit allows
WARM_UP = 15  # seconds


class Verdict:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.passed = self.failed = 0

    def check(self, name: str, is_so: bool, detail: str = "") -> None:
        if is_so:
            self.passed += 1
        else:
            self.failed += 1
        print(f"{'ok  ' if is_so else 'FAIL'} {name}{': ' + detail if detail else ''}", flush=True)

    def check_none(self, name: str, findings: Iterable[str]) -> None:
        found = list(findings)
        more = f" … and {len(found) - 5} more" if len(found) > 5 else ""
        detail = f"{len(found)}: " + "; ".join(found[:5]) + more if found else ""
        self.check(name, not found, detail)

    # memoryd, asked as people ask it

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.place.memoryd, *arguments, "--json"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, cwd=self.place.folder,
            env=self.place.environment)

    def ask(self, *arguments: str) -> Any:
        result = self.run(*arguments)
        if result.returncode != 0:
            raise RuntimeError(f"{arguments}: {result.returncode} {result.stderr[:300]}")
        return json.loads(result.stdout)

    def items(self, *arguments: str) -> list[Row]:
        items: list[Row] = self.ask(*arguments)["items"]
        return items

    # The end of the run

    def drain(self) -> None:
        """Waits for the daemon to send what is left; helps with `sync` where it takes its time."""
        begin, helped, retried, most = time.monotonic(), 0, 0, 0
        while True:
            status = self.ask("status")
            waiting = status["outbox"]["queued"] + status["spool"]["pending"]
            most = max(most, waiting)
            seconds = time.monotonic() - begin
            if waiting == 0 and status["outbox"]["quarantined"] and not retried:
                # Refused too often by a vault that was ill; the reason is gone now.
                rows = self.items("outbox", "list", "--state", "quarantined")
                retried = len(rows)
                self.ask("outbox", "retry", *(str(row["number"]) for row in rows))
                continue
            if waiting == 0 or seconds > DRAIN_LIMIT:
                break
            if seconds > DRAIN_LIMIT / 2:
                helped += 1
                self.run("sync")
            time.sleep(0.5)
        print(f"drain      {most} waited, for {seconds:.1f} s, {helped} syncs by hand, "
              f"{retried} were quarantined")
        self.check(
            "the outbox is empty", waiting + status["outbox"]["quarantined"] == 0,
            f"{status['outbox']}, spool {status['spool']}" if waiting else "")

    def check_writes(self, ledger: Ledger, vault: Vault) -> None:
        """Every acknowledged write is in the store once, and in the vault once."""
        in_doubt = {
            ("done" if row["action"] == "done" else row["kind"], row["id"])
            for row in self.items("outbox", "list", "--state", "uncertain")}
        tasks = {row["id"]: row for row in self.items("task", "list", "--status", "all")}
        store = {
            "task": Counter(row["title"] for row in tasks.values()),
            "decision": Counter(row["decision"] for row in self.items("decision", "list")),
            "checkpoint": Counter(row["objective"] for row in self.items("checkpoint", "list")),
        }
        remote = Remote(vault.control("/state"))
        lost, doubled = [], []
        for write in ledger.writes:
            if write.kind == "done":
                here = int(tasks.get(write.id, {}).get("status") == "done")
            else:
                here = store[write.kind][write.name]
            there = remote.count(write)
            least = 0 if (write.kind, write.id) in in_doubt else 1
            if here < 1 or there < least:
                lost.append(f"{write} is {here} times here, {there} times in the vault")
            elif here > 1 or there > 1:
                doubled.append(f"{write} is {here} times here, {there} times in the vault")
        doubled += [f"{marker} is {count} times in the vault"
                    for marker, count in remote.markers.items() if count > 1]
        print(f"writes     {len(lost)} lost, {len(doubled)} doubled, {len(in_doubt)} uncertain "
              f"{dict(Counter(kind for kind, _ in in_doubt))}; the vault has {remote.sizes}")
        self.check_none("nothing is lost", lost)
        self.check_none("nothing is doubled", doubled)
        self.check_none("the vault's rows have markers", remote.unmarked)

    def check_growth(self, samples: list[Sample], begin: float, settled: float) -> None:
        """Of the daemon that nobody killed, against its first minute."""
        first = [sample for sample in samples if begin <= sample.at < settled]
        later = [sample for sample in samples if sample.at >= settled]
        if not first or not later:
            self.check("the daemon was watched", False, f"{len(first)} and {len(later)} samples")
            return
        # What it holds, not what its busiest moment needs: a reading of all that the vault has comes
        # and goes, a leak stays. A daemon that has just begun holds less than ever again.
        begun = [sample for sample in first if sample.at > begin + WARM_UP] or first
        last = [sample for sample in later if sample.at > later[-1].at - 60]
        memory = [min(sample.resident for sample in part) for part in (begun, last)]
        highest = max(sample.resident for sample in first + later)
        descriptors = (max(sample.descriptors for sample in first),
                       int(median(sample.descriptors for sample in last)))
        for name in ("resident", "anonymous", "descriptors", "threads", "children"):
            values = [[getattr(sample, name) for sample in part] for part in (first, later)]
            series = values[0] + values[1]
            course = " ".join(f"{value:.4g}" for value in series[:: max(1, len(series) // 16)])
            print(f"{name:<12}{max(values[0]):.4g} at most at first, {max(values[1]):.4g} later: "
                  f"{course}")
        allowed = memory[0] + max(memory[0] * MEMORY_SHARE, MEMORY_MB)
        self.check("memory does not grow", memory[1] <= allowed,
                   f"{memory[0]:.1f} MB at least in its first minute, {memory[1]:.1f} MB in its last")
        self.check("memory is bounded", highest <= HIGHEST_MB, f"{highest:.1f} MB at most")
        self.check("descriptors do not grow", descriptors[1] <= descriptors[0] + DESCRIPTORS,
                   f"{descriptors[0]} at most, {descriptors[1]} mostly in the last minute")

    def check_end(self, home: Path) -> None:
        """The daemon goes when it is asked to, and takes everybody with it."""
        seconds, code = self.place.daemon.stop()
        self.check("SIGTERM ends the daemon", code == 0 and seconds <= 2,
                   f"after {seconds:.2f} s with {code}")
        end = time.monotonic() + 2
        while (orphans := processes_of(home)) and time.monotonic() < end:
            time.sleep(0.1)
        self.check_none("no process is left", orphans)
        answer = subprocess.run(
            ["sqlite3", str(home / "memory.db"), "PRAGMA integrity_check"], capture_output=True,
            text=True)
        text = (answer.stdout + answer.stderr).strip()
        self.check("the store is whole", text == "ok", "" if text == "ok" else text[:300])


class Remote:
    """What the vault holds, counted as writes are looked for."""

    def __init__(self, state: dict[str, list[Row]]) -> None:
        self.sizes = {kind: len(rows) for kind, rows in state.items()}
        self.markers: Counter[str] = Counter()
        self.unmarked: list[str] = []
        self.done: Counter[str] = Counter()
        self.decisions = Counter(row["decision"] for row in state["decisions"])
        for row in state["tasks"]:
            for marker in self.mark(row, row.get("context", "")):
                self.done[marker] += [write["action"] for write in row["writes"]].count("done")
        for row in state["decisions"]:
            self.mark(row, row["rationale"])
        self.objectives: Counter[str] = Counter()
        for row in state["checkpoints"]:
            self.objectives[json.loads(row["trigger_signals"]).get("objective", "")] += 1
            self.mark(row, row["trigger_signals"])

    def mark(self, row: Row, text: str) -> list[str]:
        found = MARKER.findall(text)
        self.markers.update(found)
        if not found:
            self.unmarked.append(str(row)[:200])
        return found

    def count(self, write: Write) -> int:
        match write.kind:
            case "done":
                return self.done[write.id]
            case "decision":
                return self.decisions[write.name]
            case "checkpoint":
                return self.objectives[write.name]
        return self.markers[write.id]
