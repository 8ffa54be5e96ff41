"""What was done in a run, and what came of it. Sessions and clients write, the verdict reads."""

import math
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Write:
    """One write that memoryd has acknowledged."""

    kind: str
    """`task`, `done`, `decision` or `checkpoint`."""
    id: str
    name: str
    """In its text, and in no other's; empty for `done`."""
    via: str
    """`cli`, `stdio` or `http`."""


class Ledger:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names = 0
        self.writes: list[Write] = []
        self.operations: Counter[str] = Counter()
        self.durability: Counter[str] = Counter()
        self.hook_times: defaultdict[str, list[float]] = defaultdict(list)
        """By event, ms."""
        self.problems: defaultdict[str, list[str]] = defaultdict(list)
        """By what must not happen."""

    def name(self, kind: str) -> str:
        with self._lock:
            self._names += 1
            return f"soak {kind} {self._names} end"

    def did(self, operation: str) -> None:
        with self._lock:
            self.operations[operation] += 1

    def acknowledge(self, write: Write, durability: str) -> None:
        with self._lock:
            self.writes.append(write)
            self.durability[durability] += 1

    def time_hook(self, event: str, milliseconds: float) -> None:
        with self._lock:
            self.hook_times[event].append(milliseconds)

    def object_to(self, what: str, detail: str) -> None:
        with self._lock:
            self.problems[what].append(detail)

    @property
    def acknowledged(self) -> Counter[str]:
        return Counter(f"{write.kind} by {write.via}" for write in self.writes)


def percentile(values: list[float], share: float) -> float:
    """The nearest rank: a value that did occur."""
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * share) - 1]
