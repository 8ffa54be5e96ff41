"""Twenty sessions and three MCP clients at work, while the vault flaps and the daemon dies.

    soak.py --memoryd .build/release/memoryd --minutes 15

Two thirds of the time the daemon is killed every minute; for the last third one daemon lives
under the same load, so that growth can be seen. Then the vault is healed, and what was
acknowledged is looked for. Run by the Python of scripts/vault-env.sh.
"""

import argparse
import contextlib
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from clients import Clients
from ledger import Ledger, percentile
from peers import TOKEN, Daemon, Place, Sample, Vault, Weather
from sessions import Session, make_projects
from verdict import Verdict

SAMPLE_EVERY = 2.5  # seconds; often, as the highest of few samples is chance
MUST_NOT_HAPPEN = (
    "the daemon starts", "the daemon stays", "hooks exit 0", "hooks end in time",
    "hooks say JSON or nothing", "verbs do what they are told", "MCP tools do what they are told",
    "stdio clients see no error", "HTTP refuses nothing", "HTTP calls are answered",
    "the soak itself works")


class Soak:
    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self.seconds: float = arguments.minutes * 60
        self.quiet = max(self.seconds / 3, 180 if arguments.minutes >= 10 else 0)
        self.home, self.ledger = folder / "home", Ledger()
        with (folder / "vault-errors.log").open("wb") as errors:
            self.vault = Vault(errors)
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(folder),
            "MEMORYD_HOME": str(self.home), "MEMORYD_FALLBACK_DIR": str(folder / "fallback"),
            "MEMORYD_VAULT_URL": self.vault.url, "MEMORYD_VAULT_TOKEN": TOKEN,
            "MEMORYD_VAULT_READ_LAG_MS": "300", "MEMORYD_VAULT_TIMEOUT_MS": "700"}
        self.daemon = Daemon(
            arguments.memoryd, environment, folder, folder / "daemon.log", self.ledger,
            with_http=not arguments.no_http)
        self.place = Place(
            arguments.memoryd, folder, environment, self.daemon, self.ledger, threading.Event(),
            arguments.seed)
        self.weather = Weather(self.vault, arguments.seed, min(40, self.seconds / 8))
        self.samples: list[Sample] = []
        self.sessions = [Session(self.place, number) for number in range(arguments.sessions)]
        self.clients: Clients | None = None

    def run(self) -> Verdict:
        make_projects(self.place)
        self.daemon.start()
        self.clients = Clients(self.place)
        workers = [*self.sessions, self.clients]
        for worker in workers:
            worker.start()
        kill_for = self.seconds - self.quiet
        self.work(until=time.monotonic() + kill_for, kill_every=min(60, kill_for / 3))
        begin = time.monotonic()
        self.work(until=begin + self.quiet, kill_every=float("inf"))
        settled = begin + min(60, self.quiet / 2)
        self.place.stop.set()
        for worker in workers:
            worker.join(60)
            if worker.is_alive():
                self.ledger.object_to("the soak itself works", f"{worker.name} does not end")
        self.vault.heal()
        self.tell()
        verdict = Verdict(self.place)
        for name in MUST_NOT_HAPPEN:
            verdict.check_none(name, self.ledger.problems[name])
        for via in ("hook", "cli", "stdio", *(["http"] if self.daemon.url else [])):
            count = sum(n for name, n in self.ledger.operations.items() if name.startswith(via))
            verdict.check(f"{via} was used", count >= self.seconds / 10, f"{count} times")
        verdict.check_growth(self.samples, begin, settled)
        try:
            verdict.drain()
            verdict.check_writes(self.ledger, self.vault)
        except Exception as error:
            verdict.check("the store can be asked", False, repr(error)[:300])
        verdict.check_end(self.home)
        return verdict

    def work(self, until: float, kill_every: float) -> None:
        """Lets the others work, and looks after vault and daemon meanwhile."""
        self.daemon.dies_at = time.monotonic() + kill_every
        sample_at = 0.0
        while (now := time.monotonic()) < until:
            self.weather.tick(now)
            self.daemon.tend()
            if now >= self.daemon.dies_at:
                self.daemon.replace()
                self.daemon.dies_at = now + kill_every
            if now >= sample_at and (sample := Sample.of(self.daemon.pid)):
                self.samples.append(sample)
                sample_at = now + SAMPLE_EVERY
            time.sleep(0.1)
        if kill_every < float("inf"):
            # The next one is to be watched from its beginning.
            self.daemon.replace()

    def tell(self) -> None:
        ledger, http = self.ledger, self.clients.http if self.clients else None
        print(f"operations {ledger.operations.total()}: {counted(ledger.operations)}")
        print(f"acknowledged {len(ledger.writes)}: {counted(ledger.acknowledged)}; "
              f"{counted(ledger.durability)}")
        starts = ", ".join(f"{seconds * 1000:.0f}" for seconds in sorted(self.daemon.start_times))
        print(f"daemon     {self.daemon.kills} times killed; starts took {starts} ms; "
              f"{self.weather.foul_times} faulty times of the vault")
        if http:
            print(f"http       {http.connections} connections, {http.repeated} calls repeated")
        for event, times in sorted(ledger.hook_times.items()):
            p50, p95, p99 = (percentile(times, share) for share in (0.5, 0.95, 0.99))
            print(f"{event:<13}{len(times):5} runs  p50 {p50:7.1f}  p95 {p95:7.1f}  p99 {p99:7.1f}"
                  f"  max {max(times):7.1f} ms")
        if self.samples:
            print(f"all daemons: at most {max(s.resident for s in self.samples):.1f} MB, "
                  f"{max(s.descriptors for s in self.samples)} descriptors, "
                  f"{max(s.threads for s in self.samples)} threads")


def counted(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(numbers.items()))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memoryd", type=os.path.abspath, required=True, metavar="FILE")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--no-http", action="store_true", help="leave MCP over HTTP out")
    parser.add_argument("--keep", action="store_true", help="the run's folder, also if all is well")
    arguments = parser.parse_args()
    if not os.access(arguments.memoryd, os.X_OK):
        parser.error(f"there is no {arguments.memoryd}")
    folder = Path(tempfile.mkdtemp(prefix="memoryd-soak-")).resolve()
    print(f"soak of {arguments.minutes:g} min, {arguments.sessions} sessions, seed "
          f"{arguments.seed}, in {folder}", flush=True)
    soak = Soak(arguments, folder)
    try:
        verdict = soak.run()
    finally:
        with contextlib.suppress(Exception):
            soak.place.stop.set()
            soak.vault.close()
        if soak.daemon.process and soak.daemon.process.poll() is None:
            soak.daemon.process.kill()
    if verdict.failed or arguments.keep:
        print(f"everything is kept in {folder}")
    else:
        shutil.rmtree(folder)
    print(f"{verdict.passed} passed, {verdict.failed} failed")
    return 1 if verdict.failed else 0


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # The SDK's clients tell of every answer that came too late.
    sys.exit(main())
