"""How the time for hostile text grows: the worst patterns of those that cmark's pathological tests, YAML,
the redactor and memoryd's own readers know, each as 64 KB, 256 KB and 1 MB, through the verb that suffers
most from it. Where the time is in proportion, the last ratio is at most 4, less what a process costs.
"""
import os
import shutil

SIZES = [64 << 10, 256 << 10, 1 << 20]


def repeated(unit, size, head="", tail=""):
    return head + unit * ((size - len(head) - len(tail)) // len(unit)) + tail


# Name, verb, text of at most so many bytes.
PATTERNS = [
    ("ledger, items of one name", "ledger",
     lambda n: repeated("- [ ] a\n", n, "# Ledger\n\n## One\n\n")),
    ("ledger, phases", "ledger",
     lambda n: "# Ledger\n\n" + "".join(f"## P{i:06}\n\n- a\n\n" for i in range(n // 18))),
    ("ledger, table", "ledger",
     lambda n: repeated("| a | done |\n", n,
                        "# Ledger\n\n## One\n\n| Item | Status |\n|---|---|\n")),
    ("note, underlined headings", "note", lambda n: repeated("a\n=\n\n", n)),
    ("note, headings", "note", lambda n: repeated("# a\n", n)),
    ("note, HTML without an end", "note", lambda n: repeated("<a b='", n)),
    ("handoff, boxes", "read", lambda n: repeated("- [ ] a\n", n, "# Handoff: x\n\n## Next\n\n")),
    ("handoff, emphasis without an end", "read", lambda n: repeated("a*a _a ", n)),
    ("message, images among links", "take", lambda n: repeated("![[]()", n)),
    ("fallback file, underlined headings", "fallback", lambda n: repeated("a\n-\n", n)),
]


def once(bench, verb, text):
    """Milliseconds for one run in a home of its own."""
    home, files = bench.path("growth-home"), bench.path("growth-files")
    messages = os.path.join(bench.repository, ".handoff")
    for folder in (home, files, messages):
        shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(files)
    bench.environment.update(MEMORYD_HOME=home, MEMORYD_FALLBACK_DIR=files)
    path = bench.path("growth.md")
    if verb == "take":
        os.mkdir(messages)
        path = os.path.join(messages, "a-to-b-c.md")
    if verb == "fallback":
        path = os.path.join(files, "tasks-fallback.md")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    memoryd = bench.memoryd
    bench.timed([memoryd, "task", "add", "x"])
    try:
        return {
            "ledger": lambda: bench.timed([memoryd, "ledger", "import", path]),
            "note": lambda: bench.timed([memoryd, "handoff", "--note", "-"], text.encode()),
            "read": lambda: bench.timed([memoryd, "handoff", "read", path]),
            "take": lambda: bench.timed([memoryd, "handoff", "take", "--as", "b"]),
            "fallback": lambda: bench.timed([memoryd, "fallback", "status"]),
        }[verb]()
    finally:
        shutil.rmtree(messages, ignore_errors=True)
        bench.environment["MEMORYD_HOME"] = bench.home
        bench.environment.pop("MEMORYD_FALLBACK_DIR")


def growth_benchmarks(bench, runs):
    print("\nHostile text, ms at 64 KB, 256 KB and 1 MB, and the last ratio")
    for name, verb, make in PATTERNS:
        times = [min(once(bench, verb, make(size)) for _ in range(runs)) for size in SIZES]
        columns = " ".join(f"{spent:9.1f}" for spent in times)
        print(f"  {name:<40} {columns}  {times[2] / times[1]:5.2f}x")
