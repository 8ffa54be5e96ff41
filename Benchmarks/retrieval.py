#!/usr/bin/env python3
"""memoryd's search beside plain FTS5, on the same data in the same run.

    retrieval.py [--memoryd PATH] FOLDER...    quality and latency on folders of corpus.jsonl,
                                               queries.jsonl and qrels.tsv
    retrieval.py [--memoryd PATH] --million [--entries N]
                                               latency and overlap on a synthetic store

Plain FTS5 is bm25() over all words of the query with OR, porter, stop words dropped. Overlap@10 is
that of the bounded search with the same scoring over everything that matches. Latency is what one
process sees that asks line by line. Nothing is judged here. Standard library only.
"""
import argparse
import json
import math
import os
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

STOP = set("""a an the of to in is are was were be been am do does did has have had can could should
would will how what which who whom whose when where why i me my we us our you your he his she her him
it its they them their and or s t d m ll re ve""".split())


class Search:
    """`memoryd search --batch`, one query at a time."""

    def __init__(self, memoryd, home):
        self.environment = dict(os.environ, MEMORYD_HOME=home, MEMORYD_NO_DAEMON="1",
                                MEMORYD_FALLBACK_DIR=os.path.join(home, "files"))
        self.memoryd, self.home = memoryd, home
        self.process = None

    def run(self, *arguments):
        return subprocess.run([self.memoryd, *arguments], env=self.environment, check=True,
                              cwd=self.home, stdout=subprocess.PIPE).stdout.decode()

    def ask(self, **query):
        if not self.process:
            self.process = subprocess.Popen(
                [self.memoryd, "search", "--batch", "--json"], env=self.environment, cwd=self.home,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write((json.dumps(query) + "\n").encode())
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["results"]

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


def words(text):
    found = re.findall(r"[^\W_]+", text.lower())
    return list(dict.fromkeys(w for w in found if w not in STOP)) or found


def measure(ask, queries, relevant):
    totals, times = [0.0] * 5, []
    for query in queries:
        start = time.perf_counter()
        found = ask(query)
        times.append((time.perf_counter() - start) * 1000)
        wanted = relevant[query["id"]]
        hits = [place for place, item in enumerate(found) if item in wanted]
        for index, depth in enumerate((1, 5, 10)):
            totals[index] += sum(place < depth for place in hits) / len(wanted)
        if hits:
            totals[3] += 1 / (hits[0] + 1)
        best = sum(1 / math.log2(place + 2) for place in range(min(10, len(wanted))))
        totals[4] += sum(1 / math.log2(place + 2) for place in hits) / best
    return [total / len(queries) for total in totals], times


def percentile(times, share):
    times = sorted(times)
    return times[min(len(times) - 1, int(len(times) * share))]


def line(name, result):
    totals, times = result
    print(f"  {name:<34} " + " ".join(f"{total:.3f}" for total in totals)
          + f"   p50 {percentile(times, .5):6.2f}  p95 {percentile(times, .95):6.2f} ms", flush=True)


def folder_benchmark(memoryd, folder, work):
    corpus = os.path.join(folder, "corpus.jsonl")
    with open(os.path.join(folder, "queries.jsonl"), encoding="utf-8") as file:
        queries = [json.loads(text) for text in file]
    relevant = {}
    qrels = next(name for name in ("qrels.tsv", "qrels") if os.path.exists(os.path.join(folder, name)))
    with open(os.path.join(folder, qrels), encoding="utf-8") as file:
        for text in file:
            parts = text.split()
            if len(parts) >= 2:
                # Query and entry, or TREC's form with two columns more.
                relevant.setdefault(parts[0], set()).add(parts[2] if len(parts) == 4 else parts[1])
    queries = [query for query in queries
               if query.get("category") != "adversarial" and query["id"] in relevant]
    home = os.path.join(work, "home-" + os.path.basename(folder.rstrip("/")))
    os.mkdir(home)
    search = Search(memoryd, home)
    start = time.perf_counter()
    search.run("import", corpus)
    spent = time.perf_counter() - start
    plain = sqlite3.connect(":memory:")
    plain.execute("CREATE VIRTUAL TABLE f USING fts5(body, project, id UNINDEXED, tokenize='porter unicode61')")
    projects, count = {}, 0
    with open(corpus, encoding="utf-8") as file:
        for text in file:
            entry = json.loads(text)
            number = projects.setdefault(entry.get("project"), len(projects))
            plain.execute("INSERT INTO f VALUES (?, ?, ?)", (entry["text"], f"p{number}", entry["id"]))
            count += 1
    print(f"\n{os.path.basename(folder.rstrip('/'))}: {count} entries (imported in {spent:.1f} s), "
          f"{len(queries)} queries\n  {'':<34} R@1   R@5   R@10  MRR   nDCG@10")

    def fts(query, scoped):
        expression = "body : (" + " OR ".join(f'"{word}"' for word in words(query["text"])) + ")"
        if scoped and query.get("project") is not None:
            expression += f" AND project : p{projects[query['project']]}"
        return [row[0] for row in plain.execute(
            "SELECT id FROM f WHERE f MATCH ? ORDER BY bm25(f, 1, 0) LIMIT 10", (expression,))]

    def own(query, scoped):
        more = {"project": query["project"]} if scoped and query.get("project") is not None else {}
        return [hit["source_id"] for hit in search.ask(
            id=query["id"], query=query["text"], limit=10, **more)]

    own(queries[0], True)
    ways = [(True, "in the query's project")]
    if len(projects) > 1:
        ways.append((False, "everything in one index"))
    for scoped, name in ways:
        line(f"plain FTS5, {name}"[:34], measure(lambda q: fts(q, scoped), queries, relevant))
        line(f"memoryd, {name}"[:34], measure(lambda q: own(q, scoped), queries, relevant))
    search.close()


# MARK: A million entries


def vocabulary(rng, count):
    """Common words first; one in ten is an identifier."""
    common = "the to a of and is i you it in that for on was with this be have do what".split()
    known, found = set(common), list(common)

    def syllable():
        return rng.choice("bcdfgklmnprtvz") + rng.choice("aeiou")

    while len(found) < count:
        word = "".join(syllable() for _ in range(rng.randint(2, 4))) + rng.choice(("k", "n", "m", "", "x"))
        if len(found) > 300 and rng.random() < .1:
            tail = syllable() + syllable()
            word += tail.capitalize() if rng.random() < .5 else "_" + tail
        if word not in known:
            known.add(word)
            found.append(word)
    return found


def corpus(path, entries, seed=7):
    """Sessions of about 50 turns of about 40 words; words by Zipf's law, a tenth of them the session's."""
    rng = random.Random(seed)
    vocab = vocabulary(rng, 200_000)
    cumulative, total = [], 0.0
    for rank in range(len(vocab)):
        total += 1 / (rank + 1)
        cumulative.append(total)
    written = session = 0
    with open(path, "w", encoding="utf-8") as file:
        while written < entries:
            session += 1
            project = int(40 * rng.random() ** 2)
            topic = rng.choices(vocab[200:], k=30)
            for turn in range(rng.randint(20, 80)):
                length = max(5, int(rng.gammavariate(2, 20)))
                text = rng.choices(vocab, cum_weights=cumulative, k=length)
                for place in range(0, length, 10):
                    text[place] = rng.choice(topic)
                file.write(json.dumps({
                    "id": f"{session}/{turn}", "kind": "turn", "project": f"project-{project}",
                    "session": f"s{session}", "actor": ("user", "assistant")[turn % 2],
                    "position": turn, "text": " ".join(text),
                    "created_at": 1_700_000_000_000 + written * 60_000}) + "\n")
                written += 1
                if written >= entries:
                    break
    return vocab


def mixed_queries(vocab, store, seed=1, per=40):
    rng = random.Random(seed)
    common = [word for word in vocab[:60] if word not in STOP]
    very = [word for word in vocab[:25] if word not in STOP]
    mid, rare = vocab[250:1500], vocab[8_000:60_000]
    last = store.execute("SELECT max(number) FROM entries").fetchone()[0]
    groups = {
        "one rare word": [rng.choice(rare) for _ in range(per)],
        "three rare": [" ".join(rng.sample(rare, 3)) for _ in range(per)],
        "one mid": [rng.choice(mid) for _ in range(per)],
        "three mid": [" ".join(rng.sample(mid, 3)) for _ in range(per)],
        "one common": [word for word in very for _ in range(4)],
        "three common": [" ".join(rng.sample(very, min(3, len(very)))) for _ in range(per)],
        "rare and common": [f"{rng.choice(rare)} {rng.choice(common)}" for _ in range(per)],
        "rare, mid and common": [f"{rng.choice(rare)} {rng.choice(mid)} {rng.choice(common)}"
                                 for _ in range(per)],
    }
    asked = []
    while len(asked) < per:
        body, actor = store.execute("SELECT body, actor FROM entries WHERE number = ?",
                                    (rng.randrange(1, last),)).fetchone()
        own = list(dict.fromkeys(word for word in re.findall(r"\w+", body) if word not in STOP))
        asked.append(f"When did the {actor} {' '.join(rng.sample(own, min(5, len(own))))} in it, "
                     "and what was that?")
    groups["question"] = asked
    return groups


def million_benchmark(memoryd, entries, work):
    home = os.path.join(work, "home")
    os.mkdir(home)
    search = Search(memoryd, home)
    source = os.path.join(work, "corpus.jsonl")
    vocab = corpus(source, entries)
    size = os.path.getsize(source)
    start = time.perf_counter()
    search.run("import", source)
    spent = time.perf_counter() - start
    os.remove(source)
    store = sqlite3.connect(f"file:{home}/memory.db?mode=ro", uri=True)
    print(f"\n{entries} entries, {size / 1e6:.0f} MB, imported in {spent:.0f} s "
          f"({entries / spent:.0f} entries/s), store {os.path.getsize(home + '/memory.db') / 2**20:.0f} MiB")

    empty = os.path.join(work, "empty")
    os.mkdir(empty)
    times = {}
    for name, place in (("empty", Search(memoryd, empty)), ("full", search)):
        place.run("task", "list")
        runs = []
        for _ in range(11):
            start = time.perf_counter()
            place.run("task", "list")
            runs.append((time.perf_counter() - start) * 1000)
        times[name] = statistics.median(runs)
    print(f"  opening it: task list {times['full']:.1f} ms, in an empty store {times['empty']:.1f} ms")

    groups = mixed_queries(vocab, store)
    for query in groups["question"][:10]:
        search.ask(query=query)
    everything = []
    print(f"  {'':<22} memoryd p50, p95 ms    plain FTS5 p50, p95 ms   ratio of p50")
    for name, queries in groups.items():
        own, plain = [], []
        for query in queries:
            start = time.perf_counter()
            search.ask(query=query, limit=10)
            own.append((time.perf_counter() - start) * 1000)
        for query in queries[:15]:
            expression = "{title body} : (" + " OR ".join(f'"{word}"' for word in words(query)) + ")"
            start = time.perf_counter()
            store.execute("SELECT rowid FROM entries_fts WHERE entries_fts MATCH ? "
                          "ORDER BY bm25(entries_fts) LIMIT 10", (expression,)).fetchall()
            plain.append((time.perf_counter() - start) * 1000)
        everything += own
        print(f"  {name:<22} {percentile(own, .5):8.1f} {percentile(own, .95):8.1f}      "
              f"{percentile(plain, .5):8.1f} {percentile(plain, .95):8.1f}        "
              f"{statistics.median(own) / statistics.median(plain):6.3f}", flush=True)
    print(f"  {'all of these':<22} {percentile(everything, .5):8.1f} {percentile(everything, .95):8.1f}")

    def rows(word):
        return store.execute("SELECT count(*) FROM (SELECT rowid FROM entries_fts WHERE entries_fts "
                             "MATCH ? LIMIT 1001)", (f'{{title body}} : "{word}"',)).fetchone()[0]

    print("  overlap@10 with the same scoring over everything, queries with a word in at most 1,000 entries")
    some = mixed_queries(vocab, store, seed=5, per=12)
    for name in ("one rare word", "three rare", "rare and common", "rare, mid and common", "question"):
        shares = []
        for query in some[name]:
            if not any(0 < rows(word) <= 1000 for word in words(query)):
                continue
            full = {hit["id"] for hit in search.ask(query=query, limit=10, exhaustive=True)}
            own = {hit["id"] for hit in search.ask(query=query, limit=10)}
            if full:
                shares.append(len(full & own) / len(full))
        if shares:
            print(f"  {name:<22} {statistics.mean(shares):8.3f}  (least {min(shares):.1f}, {len(shares)} queries)",
                  flush=True)
    search.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memoryd", default=".build/release/memoryd")
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("folders", nargs="*")
    options = parser.parse_args()
    memoryd = os.path.abspath(options.memoryd)
    work = tempfile.mkdtemp(prefix="memoryd-retrieval-")
    try:
        for folder in options.folders:
            folder_benchmark(memoryd, folder, work)
        if options.million:
            million_benchmark(memoryd, options.entries, work)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
