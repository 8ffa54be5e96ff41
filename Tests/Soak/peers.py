"""The processes around the sessions: the vault with its weather, and the daemon with its deaths."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ledger import Ledger

VAULT = str(Path(__file__).parents[1] / "Vault" / "vault.py")
TOKEN = "tok-5f0c9d1e7a3b42d68c1f-soak"

# As in RandomisedRunTests.swift. Not `apply_late`: it comes later than the read lag says, so that
# nobody could tell a write that is on its way from one that is lost.
FAULTS = {
    "ok": 40, "refused": 3, "drop": 3, "apply_then_drop": 5, "apply_then_reset": 3,
    "apply_then_502": 3, "apply_then_broken": 3, "apply_then_is_error": 2, "apply_then_silence": 3,
    "black_hole": 3, "slow": 2, "slow_body": 1, "endless_sse": 1, "429": 3, "503": 3, "500": 4,
    "html_502": 2, "401": 1, "403": 1, "404": 1, "login_page": 1, "malformed_json": 1,
    "truncated_json": 1, "truncated_sse": 2, "empty": 1, "wrong_id": 1, "is_error": 1,
    "rpc_error": 1, "redirect": 1, "ping_first": 3, "crlf_sse": 2,
}


class Vault:
    """The stand-in for vault-mcp (Tests/Vault) as a process; it ends with its standard input."""

    def __init__(self, errors: IO[bytes]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, VAULT, "--token", TOKEN], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=errors)
        assert self.process.stdout
        facts = json.loads(self.process.stdout.readline())
        self.url: str = facts["url"]
        self._control = f"http://127.0.0.1:{facts['control_port']}"

    def control(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        # No proxy, whatever the environment says.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self._control + path, data, timeout=60) as answer:
            return json.load(answer)

    def heal(self) -> None:
        self.control("/flap", {})

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Weather:
    """Faulty and healthy times of the vault take turns."""

    def __init__(self, vault: Vault, seed: int, longest: float) -> None:
        self.vault, self.random, self.longest = vault, random.Random(f"{seed} weather"), longest
        self.is_foul = False
        self.turns_at = 0.0
        self.foul_times = 0

    def tick(self, now: float) -> None:
        if now < self.turns_at:
            return
        self.is_foul = not self.is_foul
        self.turns_at = now + self.random.uniform(self.longest / 3, self.longest)
        if self.is_foul:
            self.foul_times += 1
            seed = self.random.randrange(1 << 30)
            self.vault.control("/flap", {"seed": seed, "weights": FAULTS, "mean_requests": 5})
        else:
            self.vault.heal()


@dataclass(frozen=True, slots=True)
class Sample:
    at: float
    resident: float
    """MB."""
    anonymous: float
    """MB of `resident` that are no file's."""
    descriptors: int
    threads: int
    children: int

    @staticmethod
    def of(pid: int) -> "Sample | None":
        """Nil if the process has just ended."""
        folder = Path(f"/proc/{pid}")
        with contextlib.suppress(OSError, KeyError):
            lines = (folder / "status").read_text().splitlines()
            fields = {name: value.split() for name, _, value in (ln.partition(":") for ln in lines)}
            tasks = [task / "children" for task in (folder / "task").iterdir()]
            children = [child for task in tasks for child in task.read_text().split()]
            return Sample(
                time.monotonic(), int(fields["VmRSS"][0]) / 1024,
                int(fields["RssAnon"][0]) / 1024, len(os.listdir(folder / "fd")),
                int(fields["Threads"][0]), len(children))
        return None


class Daemon:
    """`memoryd serve`, killed and started anew on one port."""

    def __init__(
        self, memoryd: str, environment: dict[str, str], cwd: Path, output: Path, ledger: Ledger,
        with_http: bool,
    ) -> None:
        self._arguments = [memoryd, "serve"]
        self.url: str | None = None
        if with_http:
            address = f"127.0.0.1:{free_port()}"
            self._arguments += ["--http", address]
            self.url = f"http://{address}/mcp"
        self.environment, self.cwd, self.output, self.ledger = environment, cwd, output, ledger
        self.process: subprocess.Popen[bytes] | None = None
        self.dies_at = float("inf")
        self.kills = 0
        self.start_times: list[float] = []

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    @property
    def is_about_to_die(self) -> bool:
        return time.monotonic() >= self.dies_at - 0.3

    def start(self) -> None:
        """Returns once it says that it serves."""
        begin = time.monotonic()
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self._arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=self.cwd, env=self.environment)
        ready = f"(pid {self.process.pid})".encode()
        while ready not in self.output.read_bytes():
            if self.process.poll() is not None or time.monotonic() > begin + 10:
                self.ledger.object_to(
                    "the daemon starts",
                    f"code {self.process.poll()}: {self.output.read_text()[-300:]}")
                return
            time.sleep(0.01)
        self.start_times.append(time.monotonic() - begin)

    def tend(self) -> None:
        """It must not have ended by itself; if it has, the run goes on with another."""
        if self.process and (code := self.process.poll()) is not None:
            self.ledger.object_to(
                "the daemon stays", f"ended with {code}: {self.output.read_text()[-300:]}")
            time.sleep(0.5)
            self.start()

    def replace(self) -> None:
        """As a power cut would end it; clients find nobody for a moment."""
        assert self.process
        self.process.kill()
        self.process.wait()
        self.kills += 1
        time.sleep(0.3)
        self.start()

    def stop(self) -> tuple[float, int | None]:
        """SIGTERM.

        Returns how many seconds it took and the exit code, none if it had to be killed.
        """
        assert self.process
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            code: int | None = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = None
        return time.monotonic() - begin, code


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes_of(home: Path) -> list[str]:
    """Those with the folder in their environment or command line."""
    found, wanted = [], str(home).encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes()
            if wanted in line or wanted in (folder / "environ").read_bytes():
                found.append(f"{folder.name} {line.replace(bytes(1), b' ').decode()[:120]}")
    return found


@dataclass
class Place:
    """What sessions and clients share."""

    memoryd: str
    folder: Path
    environment: dict[str, str]
    daemon: Daemon
    ledger: Ledger
    stop: threading.Event
    seed: int

    @property
    def token(self) -> str:
        return Path(self.environment["MEMORYD_HOME"], "http-token").read_text().strip()
