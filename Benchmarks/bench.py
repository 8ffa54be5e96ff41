#!/usr/bin/env python3
"""memoryd's speed, as ratios to what a person would otherwise use, side by side in one run.

Whole processes, from start to exit, in turn: A B C A B C ... so that a noisy machine hits all of
them alike. Printed are medians in milliseconds and each row's ratio to its yardstick. Where valgrind
is there, the hooks' instructions are counted too, which no load on the machine changes. Nothing is
judged here. Standard library only.
"""
import argparse
import concurrent.futures
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from growth import growth_benchmarks
from hooks import hook_benchmarks

WORDS = ("parser lexer token buffer stream upload retry backoff jitter client server socket queue "
         "drain store index query commit branch merge rebase test fixture clock deadline budget").split()


def transcript_lines(size, seed):
    """A session of about `size` bytes: a person, an agent, tools with long results.

    As dense as real ones: 4 KB a line, a sentence of the agent before every other call.
    """
    rng = random.Random(seed)
    written, number = 0, 0

    def prose(count):
        return " ".join(rng.choice(WORDS) for _ in range(count))

    def line(fields):
        nonlocal number
        number += 1
        return json.dumps({
            "parentUuid": None, "isSidechain": False, "cwd": "/repo", "sessionId": "bench",
            "gitBranch": "main", "version": "2.1.217", "uuid": f"{seed:08d}-{number:08d}",
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(1.77e9 + number)),
            **fields}) + "\n"

    while written < size:
        turn = []
        if number % 40 == 0:
            turn.append(line({"type": "user", "message": {
                "role": "user", "content": f"Please fix {prose(20)}; never change {prose(3)}."}}))
        name = f"{rng.choice(WORDS)}{rng.choice(WORDS).title()}"
        path = f"/repo/src/{rng.choice(WORDS)}/{rng.choice(WORDS)}.go"
        tool = rng.choice([
            ("Read", {"file_path": path}), ("Grep", {"pattern": name, "path": "src"}),
            ("Edit", {"file_path": path, "old_string": prose(40),
                      "new_string": f"func {name}() {{\n{prose(60)}\n}}\n"}),
            ("Bash", {"command": f"go test ./src/{rng.choice(WORDS)}/..."})])
        usage = {"input_tokens": 3, "output_tokens": 90, "cache_creation_input_tokens": 700,
                 "cache_read_input_tokens": 40000}
        # One response is several lines that repeat its usage.
        response = f"{seed}-{number}"
        if rng.random() < 0.5:
            turn.append(line({"type": "assistant", "requestId": f"r{response}", "message": {
                "id": f"m{response}", "model": "claude-sonnet-5", "role": "assistant",
                "usage": usage, "content": [{"type": "text", "text": f"Now {name} in {path}: {prose(30)}."}]}}))
        turn.append(line({"type": "assistant", "requestId": f"r{response}", "message": {
            "id": f"m{response}", "model": "claude-sonnet-5", "role": "assistant",
            "usage": usage, "content": [
                {"type": "tool_use", "id": f"t{number}", "name": tool[0], "input": tool[1]}]}}))
        turn.append(line({"type": "user", "message": {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": f"t{number - 1}",
             "content": "\n".join(prose(12) for _ in range(rng.randint(5, 200)))}]}}))
        for text in turn:
            written += len(text)
            yield text


# The newest line of each file.
NEWEST = {}


def linked(lines, path):
    """The lines as they go on in a file: each says on which it hangs, as Claude Code's do."""
    for text in lines:
        line = json.loads(text)
        line["parentUuid"], NEWEST[path] = NEWEST.get(path), line["uuid"]
        yield json.dumps(line) + "\n"


def small_increment(seed):
    """What a session adds between two hooks: whole lines, 8 KB at most, as the yardstick writes."""
    room = 8_000
    for text in transcript_lines(room, seed):
        if len(text) <= room:
            room -= len(text)
            yield text


class Bench:
    def __init__(self, memoryd, runs, root=None):
        self.memoryd = os.path.abspath(memoryd)
        self.runs = runs
        self.folder = tempfile.mkdtemp(prefix="memoryd-bench-", dir=root)
        self.home = os.path.join(self.folder, "home")
        self.environment = dict(os.environ, MEMORYD_HOME=self.home)
        self.repository = os.path.join(self.folder, "repo")
        os.mkdir(self.repository)
        subprocess.run(["git", "init", "-q", self.repository], check=True)

    def close(self):
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def hook(self, event, transcript, session, **more):
        return json.dumps({"session_id": session, "transcript_path": transcript,
                           "cwd": self.repository, "hook_event_name": event, **more}).encode()

    def timed(self, command, data=b"", before=None, allowed=(0,)):
        if before:
            data = before() or data
        start = time.perf_counter()
        done = subprocess.run(command, input=data, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, env=self.environment, cwd=self.repository)
        spent = time.perf_counter() - start
        if done.returncode not in allowed:
            sys.exit(f"{command} ended with {done.returncode}: {done.stderr.decode()[:500]}")
        return spent * 1000

    def compare(self, title, yardstick, others, runs=None):
        """Each entry: (name, function that runs it once and gives its milliseconds)."""
        entries = [yardstick] + others
        times = {name: [] for name, _ in entries}
        for run in range((runs or self.runs) + 1):
            for name, once in entries:
                spent = once()
                if run > 0:  # the first round warms up
                    times[name].append(spent)
        base = statistics.median(times[yardstick[0]])
        print(f"\n{title}")
        for name, _ in entries:
            values = times[name]
            median = statistics.median(values)
            print(f"  {name:<52} {median:8.2f} ms  (min {min(values):.2f}, max {max(values):.2f})"
                  f"  {median / base:5.2f}x")


class Instructions:
    """Counts what a hook's own processes do, without the kernel and without git."""

    def __init__(self, bench):
        self.bench = bench
        self.front = self.engine = self.alone = None
        self.tool = shutil.which("valgrind")
        if not self.tool:
            print("instructions are not counted: that needs valgrind (apt-get install valgrind)")
            return
        # As `make install` leaves them: without debug information, which takes valgrind long to read.
        folder = bench.path("stripped")
        os.mkdir(folder)
        for name in (bench.memoryd, bench.memoryd + "-engine"):
            shutil.copy(name, folder)
            subprocess.run(["strip", os.path.join(folder, os.path.basename(name))], check=True)
        self.front = os.path.join(folder, os.path.basename(bench.memoryd))
        self.engine = self.front + "-engine"
        # Has no engine beside it, so that it ends where it would become the engine.
        self.alone = os.path.join(bench.path("alone"), "memoryd")
        os.mkdir(bench.path("alone"))
        shutil.copy(self.front, self.alone)

    def count(self, command, data):
        # Under valgrind everything takes some fifty times as long, and a hook has a deadline.
        # Hashes without a random seed give sets the same order in each run.
        environment = dict(self.bench.environment, MEMORYD_HOOKS_DEADLINE_MS="60000",
                           SWIFT_DETERMINISTIC_HASHING="1")
        done = subprocess.run(
            [self.tool, "--tool=callgrind", "--callgrind-out-file=/dev/null", *command], input=data,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment,
            cwd=self.bench.repository)
        counted = re.findall(rb"Collected : (\d+)", done.stderr)
        if done.returncode != 0 or len(counted) != 1:
            sys.exit(f"{command} under valgrind ended with {done.returncode}: "
                     f"{done.stderr.decode()[-500:]}")
        return int(counted[0])

    def show(self, *rows):
        """Each row: (name, executable, argument, function that gives the hook's input)."""
        if not self.tool:
            return
        for name, executable, argument, hook in rows:
            counts = [self.count([executable, argument], hook()) for _ in range(3)]
            print(f"  {name:<52} {statistics.median(counts) / 1e6:8.2f} M instructions")


class Daemon:
    """`memoryd serve` on the bench's own folder."""

    def __init__(self, bench):
        self.process = subprocess.Popen([bench.memoryd, "serve"], env=bench.environment,
                                        stdout=subprocess.PIPE, cwd=bench.folder)
        self.process.stdout.readline()

    def resident(self):
        """Bytes; Linux only."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("VmRSS"))
        return int(line.split()[1]) << 10

    def seconds(self):
        """CPU time so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def close(self):
        self.process.terminate()
        self.process.wait()


def daemon_benchmarks(bench, instructions, sqlite, entries, idle_seconds):
    memoryd = bench.memoryd
    bench.environment["MEMORYD_HOME"] = bench.path("daemon-home")
    path = bench.path("daemon.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(linked(transcript_lines(400_000, 3), path))
    seeds = iter(range(200_000, 300_000))

    def grow():
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(linked(small_increment(next(seeds)), path))
        return bench.hook("PreCompact", path, "daemon")

    checkpoint = ("memoryd checkpoint (PreCompact)",
                  lambda: bench.timed([memoryd, "checkpoint"], before=grow))
    start = bench.hook("SessionStart", path, "daemon", source="compact")
    canary = ("memoryd canary (SessionStart), fresh verdict",
              lambda: bench.timed([memoryd, "canary"], start))
    others = [("python3 -c pass", lambda: bench.timed([sys.executable, "-c", "pass"]))]
    if shutil.which("node"):
        others.append(("node -e 0", lambda: bench.timed(["node", "-e", "0"])))

    daemon = Daemon(bench)
    try:
        checkpoint[1]()
        bench.compare("With the daemon up", sqlite, [
            checkpoint,
            ("memoryd task add", lambda: bench.timed([memoryd, "task", "add", "x"])),
            *others])
        instructions.show(
            ("the front of memoryd checkpoint (PreCompact)", instructions.front, "checkpoint", grow))
    finally:
        daemon.close()
    vault = Vault() if os.path.exists(Vault.python) else None
    if vault:
        bench.environment.update(MEMORYD_VAULT_URL=vault.url,
                                 MEMORYD_FALLBACK_DIR=bench.path("daemon-files"))
        bench.timed([memoryd, "sync"])
        daemon = Daemon(bench)
        try:
            bench.compare("And with a vault that answered a moment ago", sqlite, [canary])
            instructions.show(
                ("the front of memoryd canary (SessionStart)", instructions.front, "canary",
                 lambda: start))
            bench.compare("While each write is sent to a vault on the same machine", sqlite,
                          [checkpoint, canary])
        finally:
            daemon.close()
            vault.close()
        for name in ("MEMORYD_VAULT_URL", "MEMORYD_FALLBACK_DIR"):
            bench.environment.pop(name)
    if not os.path.isdir("/proc/self/fd"):
        return
    large = bench.path("entries.jsonl")
    rng = random.Random(4)
    with open(large, "w", encoding="utf-8") as file:
        for number in range(entries):
            file.write(json.dumps({
                "type": "assistant", "uuid": f"e{number}", "sessionId": "entries",
                "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(1.77e9 + number)),
                "message": {"content": [{"type": "text", "text": " ".join(
                    rng.choice(WORDS) for _ in range(20)) + f" number {number}"}]}}) + "\n")
    bench.timed([memoryd, "ingest", large])
    daemon = Daemon(bench)
    try:
        bench.timed([memoryd, "search", "backoff jitter"])
        bench.timed([memoryd, "checkpoint"], bench.hook("PreCompact", path, "daemon"))
        time.sleep(5)
        before, descriptors = daemon.seconds(), daemon.descriptors()
        time.sleep(idle_seconds)
        print(f"\nDaemon at rest, {entries} entries, after a search and a checkpoint")
        print(f"  resident                                 {daemon.resident() / 2**20:8.1f} MiB")
        print(f"  CPU                                      "
              f"{(daemon.seconds() - before) / idle_seconds * 100:8.2f} %")
        print(f"  descriptors                              {descriptors} before, "
              f"{daemon.descriptors()} after {idle_seconds} s")
    finally:
        daemon.close()


class Vault:
    """The tests' stand-in for vault-mcp, on the official Python SDK."""

    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    python = os.path.join(root, ".build", "vault-env", "bin", "python")

    def __init__(self):
        script = os.path.join(self.root, "Tests", "Vault", "vault.py")
        self.process = subprocess.Popen([self.python, script], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        facts = json.loads(self.process.stdout.readline())
        self.url, self.control = facts["url"], f"http://127.0.0.1:{facts['control_port']}"

    def get(self, path):
        with urllib.request.urlopen(self.control + path) as answer:
            return json.load(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def handoff_document(size):
    """A handoff of about `size` bytes, as memoryd writes one, with prose, tables and code in it."""
    rng = random.Random(5)

    def prose(count):
        return " ".join(rng.choice(WORDS) for _ in range(count))

    parts = ["---\nmemoryd: handoff/1\nproject: bench\n---\n\n# Handoff: " + prose(8) + "\n"]
    sections = [
        ("Done", lambda: f"  - {prose(12)}\n"), ("Next", lambda: f"  - [ ] {prose(9)}\n"),
        ("Decisions", lambda: f"  - **{prose(6)}**: {prose(14)}\n"),
        ("Files", lambda: f"  - `src/{rng.choice(WORDS)}/{rng.choice(WORDS)}.go`: edited 3 times\n"),
        ("Commits", lambda: f"  - `{rng.getrandbits(40):010x}` {prose(7)}\n"),
        ("State of things", lambda: f"| {prose(2)} | {prose(5)} |\n"),
        ("Notes", lambda: f"{prose(40)} *{prose(2)}* and `{prose(1)}`.\n\n- {prose(10)}\n\n"
                          f"```\n{prose(12)}\n```\n\n")]
    for name, line in sections:
        parts.append(f"\n## {name}\n\n")
        room = size // len(sections)
        while room > 0:
            parts.append(line())
            room -= len(parts[-1])
    return "".join(parts)


def handoff_benchmarks(bench):
    if not shutil.which("cmark"):
        print("\nthe handoff's part needs the cmark command (apt-get install cmark)")
        return
    document = bench.path("handoff.md")
    with open(document, "w", encoding="utf-8") as file:
        file.write(handoff_document(50_000))
    cmark = ("cmark, parse and render",
             lambda: bench.timed(["cmark", "--to", "commonmark", document]))
    bench.compare(f"Handoff of {os.path.getsize(document)} bytes, no daemon", cmark, [
        ("memoryd handoff read, parse and render",
         lambda: bench.timed([bench.memoryd, "handoff", "read", document])),
        ("memoryd --version",
         lambda: bench.timed([bench.memoryd, "--version"]))])


# What a person would write instead: each line parsed, its texts into a table with full text, one
# transaction.
PYTHON_INGEST = """
import json, sqlite3, sys
store = sqlite3.connect(sys.argv[1])
store.execute("CREATE VIRTUAL TABLE texts USING fts5(text)")
for path in sys.argv[2:]:
    for line in open(path, encoding="utf-8"):
        content = json.loads(line)["message"]["content"]
        if isinstance(content, str):
            content = [{"text": content}]
        for block in content:
            text = block.get("text") or block.get("content") or json.dumps(block.get("input"))
            store.execute("INSERT INTO texts VALUES (?)", (text,))
store.commit()
"""


def ingest_benchmarks(bench, megabytes, runs):
    """Many transcripts never seen, one of them a half of all."""
    memoryd = bench.memoryd
    bench.environment["MEMORYD_HOME"] = home = bench.path("ingest-home")
    sizes = [megabytes * 500_000] + [5_000_000] * (megabytes // 10)
    paths = [bench.path(f"ingest-{number}.jsonl") for number in range(len(sizes))]
    for number, (path, size) in enumerate(zip(paths, sizes)):
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(linked(transcript_lines(size, 300_000 + number), path))
    store = bench.path("ingest.db")

    def python():
        if os.path.exists(store):
            os.remove(store)
        return bench.timed([sys.executable, "-c", PYTHON_INGEST, store, *paths])

    def ingest():
        shutil.rmtree(home, ignore_errors=True)
        return bench.timed([memoryd, "ingest", *paths])

    total = sum(os.path.getsize(path) for path in paths)
    bench.compare(f"Ingest of {total / 1e6:.0f} MB in {len(paths)} transcripts", (
        "python3, json.loads and FTS5, one transaction", python), [("memoryd ingest", ingest)],
        runs=runs)
    peak = subprocess.run(
        [sys.executable, "-c",
         "import resource, shutil, subprocess, sys\n"
         "shutil.rmtree(sys.argv[1], ignore_errors=True)\n"
         "subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL)\n"
         "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
         home, memoryd, "ingest", *paths],
        stdout=subprocess.PIPE, text=True, check=True, env=bench.environment)
    unit = 1 if sys.platform == "darwin" else 1024
    print(f"  peak resident                            {int(peak.stdout) * unit / 2**20:8.1f} MiB")
    print(f"  again, nothing new                       "
          f"{bench.timed([memoryd, 'ingest', *paths]):8.1f} ms")
    bench.environment["MEMORYD_HOME"] = bench.home


def vault_benchmarks(bench, items):
    vault = Vault()
    memoryd = bench.memoryd
    try:
        bench.environment.update(MEMORYD_VAULT_URL=vault.url, MEMORYD_HOME=bench.path("vault-home"),
                                 MEMORYD_FALLBACK_DIR=bench.path("vault-files"))

        def post(method, identifier, parameters):
            return ["-d", json.dumps({"jsonrpc": "2.0", "id": identifier, "method": method,
                                      "params": parameters})]

        headers = ["-sS", "-o", "/dev/null", "-H", "Content-Type: application/json",
                   "-H", "Accept: application/json, text/event-stream", vault.url]
        two_posts = ["curl"] + headers + post("initialize", 1, {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "curl", "version": "1"}}) + ["--next"] + headers + post(
                "tools/call", 2, {"name": "task", "arguments": {"action": "list"}})
        bench.compare("Canary, healthy vault on the loopback, no daemon", (
            "curl, initialize and task list", lambda: bench.timed(two_posts)), [
            ("memoryd canary", lambda: bench.timed([memoryd, "canary"]))])

        print(f"\nSync of {items} queued items")
        start = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda n: bench.timed([memoryd, "task", "add", f"item {n}"]),
                          range(items)))
        queued = time.perf_counter() - start
        before = len(vault.get("/log"))
        spent = bench.timed([memoryd, "sync"]) / 1000
        requests = len(vault.get("/log")) - before
        titles = [task["title"] for task in vault.get("/state")["tasks"]]
        print(f"  queued one process each, two at a time   {queued:8.1f} s")
        print(f"  memoryd sync                             {spent:8.1f} s"
              f"  {items / spent:.0f} items/s")
        print(f"  requests an item                         {requests / items:8.3f}")
        print(f"  lost {items - len(set(titles))}, doubled {len(titles) - len(set(titles))}")
    finally:
        vault.close()


def durable_insert(bench):
    """One durable insert of 8 KB into a table with full text: what a hook would cost at least."""
    store = bench.path("yardstick.db")
    subprocess.run(["sqlite3", store, "PRAGMA journal_mode=WAL; CREATE TABLE t(b TEXT);"
                    "CREATE VIRTUAL TABLE f USING fts5(b);"], check=True,
                   stdout=subprocess.DEVNULL)
    text = " ".join(random.Random(1).choice(WORDS) for _ in range(1300))[:8192]
    insert = (f"PRAGMA synchronous=FULL; BEGIN IMMEDIATE; INSERT INTO t VALUES('{text}');"
              f"INSERT INTO f VALUES('{text}'); COMMIT;").encode()
    return ("sqlite3, one durable 8 KB insert with FTS5",
            lambda: bench.timed(["sqlite3", store], insert))


def hooks_in(bench, place):
    try:
        path = bench.path("hooks.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(linked(transcript_lines(400_000, 1), path))
        seeds = iter(range(300_000, 400_000))

        def session(event, **more):
            with open(path, "a", encoding="utf-8") as file:
                file.writelines(linked(small_increment(next(seeds)), path))
            return bench.hook(event, path, session.name, **more)

        session.path, session.name = path, "hooks"
        bench.timed([bench.memoryd, "ingest", path])
        hook_benchmarks(bench, durable_insert(bench), place, session, lambda: Daemon(bench))
    finally:
        bench.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memoryd", default=".build/release/memoryd")
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--sync-items", type=int, default=10_000)
    parser.add_argument("--entries", type=int, default=100_000, help="for the daemon at rest")
    parser.add_argument("--idle-seconds", type=int, default=30)
    parser.add_argument("--only", choices=["daemon", "growth", "handoff", "hooks", "ingest"],
                        help="this part alone")
    parser.add_argument("--ingest-megabytes", type=int, default=100)
    options = parser.parse_args()
    if options.only in (None, "hooks"):
        for place, root in (("on the disk", None), ("on tmpfs", "/dev/shm")):
            if root is None or os.path.isdir(root):
                hooks_in(Bench(options.memoryd, options.runs, root), place)
        if options.only:
            return
    bench = Bench(options.memoryd, options.runs)
    memoryd = bench.memoryd
    try:
        instructions = Instructions(bench)
        sqlite = durable_insert(bench)
        if options.only == "ingest":
            ingest_benchmarks(bench, options.ingest_megabytes, max(3, options.runs // 7))
            return
        if options.only == "growth":
            growth_benchmarks(bench, 3)
            return
        if options.only == "handoff":
            handoff_benchmarks(bench)
            return
        if options.only == "daemon":
            daemon_benchmarks(bench, instructions, sqlite, options.entries, options.idle_seconds)
            return

        # A session of 400 KB that grows by a few lines between hooks.
        small = bench.path("small.jsonl")
        with open(small, "w", encoding="utf-8") as file:
            file.writelines(linked(transcript_lines(400_000, 1), small))
        bench.timed([memoryd, "checkpoint"], bench.hook("PreCompact", small, "small"))
        seeds = iter(range(100, 100_000))

        def grow():
            with open(small, "a", encoding="utf-8") as file:
                file.writelines(linked(small_increment(next(seeds)), small))
            return bench.hook("PreCompact", small, "small")

        bench.compare("Hook checkpoint, small increment, no daemon", sqlite, [
            ("memoryd checkpoint (PreCompact)",
             lambda: bench.timed([memoryd, "checkpoint"], before=grow)),
            ("memoryd canary (SessionStart)",
             lambda: bench.timed([memoryd, "canary"],
                                 bench.hook("SessionStart", small, "small", source="compact"))),
            ("memoryd task add", lambda: bench.timed([memoryd, "task", "add", "x"])),
        ])
        instructions.show(
            ("the front, until it becomes the engine", instructions.alone, "checkpoint", grow),
            ("the engine of memoryd checkpoint (PreCompact)", instructions.engine, "checkpoint", grow))

        large = bench.path("large.jsonl")
        with open(large, "w", encoding="utf-8") as file:
            file.writelines(linked(transcript_lines(5_000_000, 2), large))
        python = ("python3, json.loads of every line", lambda: bench.timed(
            [sys.executable, "-c",
             f"import json\nfor line in open({large!r}, encoding='utf-8'): json.loads(line)"]))

        def fresh():
            shutil.rmtree(bench.home, ignore_errors=True)
            return bench.hook("PreCompact", large, "large")

        bench.compare("Hook checkpoint, 5 MB of transcript never seen", python, [
            ("memoryd checkpoint (PreCompact)",
             lambda: bench.timed([memoryd, "checkpoint"], before=fresh))],
            runs=max(5, options.runs // 3))

        database = os.path.join(bench.home, "memory.db")
        query = "SELECT rowid FROM entries_fts WHERE entries_fts MATCH '{}' ORDER BY rank LIMIT 10"
        bench.compare("Search in that store", (
            "sqlite3, FTS5 MATCH ordered by rank",
            lambda: bench.timed(["sqlite3", database, query.format("backoff AND jitter")])), [
            ("memoryd search", lambda: bench.timed([memoryd, "search", "backoff jitter"]))])
        handoff_benchmarks(bench)
        growth_benchmarks(bench, 3)
        ingest_benchmarks(bench, options.ingest_megabytes, max(3, options.runs // 7))
        daemon_benchmarks(bench, instructions, sqlite, options.entries, options.idle_seconds)
        if os.path.exists(Vault.python):
            vault_benchmarks(bench, options.sync_items)
        else:
            print("\nthe vault's part needs `make test-vault`")
    finally:
        bench.close()
    recall = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recovery_recall.py")
    data = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                        "..", "shared", "data", "transcripts")
    if os.path.isdir(data):
        print("\nRecovery document, added recall on real transcripts")
        done = subprocess.run([sys.executable, recall, "--memoryd", memoryd],
                              stdout=subprocess.PIPE, text=True)
        mean = done.stdout[done.stdout.find("MEAN of"):]
        print("  " + mean.replace("\n", "\n  ").rstrip())


if __name__ == "__main__":
    main()
