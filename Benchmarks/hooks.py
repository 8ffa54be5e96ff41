"""Hooks that only say what happened, beside a durable insert: on a disk, and where a sync is cheap."""
import os
import statistics
import time


def sync_cost(folder):
    """Median microseconds of appending 4 KB to a file and making that durable."""
    path = os.path.join(folder, "sync")
    times = []
    with open(path, "wb", buffering=0) as file:
        for _ in range(41):
            start = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - start)
    os.remove(path)
    return statistics.median(times) * 1e6


def hook_benchmarks(bench, sqlite, place, session, daemon):
    """`session` lets its transcript (`path`) grow when it is called and gives the hook's input for an
    event, `daemon` is a function that starts a daemon."""
    memoryd = bench.memoryd
    words = " ".join(["the words that an agent says last"] * 125)[:4096]

    def hook(title, arguments, event, **more):
        return (title, lambda: bench.timed([memoryd, *arguments],
                                           before=lambda: session(event, **more)))

    hooks = [
        hook("PreCompact", ["checkpoint"], "PreCompact", trigger="auto", custom_instructions=""),
        hook("Stop, 4 KB of last words", ["checkpoint"], "Stop", stop_hook_active=False,
             last_assistant_message=words),
        hook("SessionEnd", ["session", "end"], "SessionEnd", reason="other"),
    ]
    print(f"\n== Home {place}: appending 4 KB durably takes {sync_cost(bench.folder):.0f} µs ==")
    bench.timed([memoryd, "doctor"], allowed=(0, 74))
    bench.compare("Hooks without a daemon", sqlite, hooks)
    bench.timed([memoryd, "doctor"], allowed=(0, 74))

    listing = [memoryd, "task", "list"]

    def behind_a_hook():
        bench.timed([memoryd, "checkpoint"], session("PreCompact", trigger="auto"))
        return b""

    bench.compare("The record taken in by the next command",
                  ("memoryd task list", lambda: bench.timed(listing)),
                  [("memoryd task list, behind a PreCompact",
                    lambda: bench.timed(listing, before=behind_a_hook))])
    start = bench.hook("SessionStart", session.path, session.name, source="compact")
    greeting = ("SessionStart", lambda: bench.timed([memoryd, "canary"], start))
    bench.timed(listing)
    bench.compare("A session start after a compaction, without a daemon", sqlite, [greeting])
    running = daemon()
    try:
        bench.compare("Hooks with a daemon", sqlite, hooks)
        time.sleep(1)
        bench.timed([memoryd, "checkpoint"], session("PreCompact", trigger="auto"))
        time.sleep(1)
        bench.compare("A session start after a compaction, with a daemon", sqlite, [greeting])
        bench.compare("The next command with a daemon",
                      ("memoryd task list", lambda: bench.timed(listing)),
                      [("memoryd task list, 0.3 s behind a PreCompact",
                        lambda: bench.timed(listing, before=lambda: [
                            behind_a_hook(), time.sleep(0.3)] and b""))])
    finally:
        running.close()
