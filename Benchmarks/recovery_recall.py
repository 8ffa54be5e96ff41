#!/usr/bin/env python3
"""Added recall of memoryd's recovery document over the host's own summary.

A compaction replaces the conversation by the host's summary; memoryd's
document is put beside it. This benchmark takes real Claude Code transcripts,
looks at the NEXT 40 tool calls after each compact boundary, and lists what
they needed of what had been known before it (the *needed items*):

  files     paths in file tools and Bash      stands as its last two components
                                              (or basename, where unique)
  commands  normalised Bash commands run      the key's words stand together
            before and again
  names     identifiers in edits, patterns    stands near ordinary words or
            and Bash, written before          a path, not in a bare list
  plan      items open at the boundary        70 % of its words stand together
  request   the person's last three requests  share of words that stand together
  rules     the person's sentences with       share of words that stand together
            never, only, instead, ...

"Together" means within one window of the document, so that a long text does
not win by coincidence. Recall is the weighted share over the categories that
a boundary has. Added is recall(summary + document) - recall(summary).

Documents: the host's summary; memoryd's document (after PreCompact,
PostCompact, SessionStart); the same where no summary was in sight
("memoryd-full"); simple lists; the tail of the conversation; the most
frequent paths and names; everything needed, listed tersely ("oracle", a check
of the metric: 1.00 alone). Weights and windows were set so that the summary
and the plain documents come near to the published measurements.

Artificial cuts (--artificial N) are put into sessions without a boundary;
they have no summary, hence only figures alone. Nothing is written but
temporary folders, and what --dump asks for.

Example: Benchmarks/recovery_recall.py --artificial 4 --missing
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

# --- The metric's constants -------------------------------------------------

NEXT_CALLS = 40  # tool calls that count as "next"
MIN_CALLS = 10  # boundaries with fewer following calls are skipped
ARTIFICIAL_BEFORE, ARTIFICIAL_AFTER = 60, 40
SIZES = (9500, 3000)

#: Share of each category; renormalised over those a boundary has.
WEIGHTS = {"files": .38, "commands": .16, "names": .22, "plan": .08, "request": .08, "rules": .08}
REQUEST_WEIGHTS = (3, 2, 1)  # newest first
REQUEST_CHARS = 400  # of a longer request only its beginning is needed
MAX_NAMES = 30
CONTEXT_WORDS, CONTEXT_WIDTH = 2, 10  # a name in a bare list does not count
MAX_RULES = 30
PLAN_THRESHOLD = .7

# --- Words and patterns -----------------------------------------------------

STOPWORDS = frozenset("""a about all also am an and any are as at be been but by can could did do does doing done
for from get got had has have he her here hers him his how i if in into is it its just let like me more my no not
now of ok okay on one or our out please she should so some such than that the their them then there these they
this those to too up us use was we were what when where which who why will with would yes you your""".split())
RULE = re.compile(r"\b(never|don'?t|do not|doesn'?t|shouldn'?t|should not|must|always|instead|only|keep|avoid|prefer"
                  r"|without|make sure|ensure|rather than|no longer|not to|stick to|from now on)\b", re.I)
WORD = re.compile(r"\w+")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CODE_NAME = re.compile(r"(?=.{5,60}$)(?![0-9a-f]+$)(?=.*[a-z][A-Z]|.*[A-Za-z0-9]_[A-Za-z0-9]|.*[A-Za-z]\d)")
FILE_NAME = re.compile(r"(?<![\w.])[\w-]+\.[a-z]{1,4}(?![\w(])")
PATH = re.compile(r"(?<![\w:/.@~-])(?:[A-Za-z]:)?[~.\w@+-]*(?:[/\\][\w.@+\[\]-]+)+")
EXTENSION = re.compile(r"[\w)\]]\.[A-Za-z][A-Za-z0-9]{0,9}$|^\.[a-z]\w+$|^(Makefile|Dockerfile|Package\.swift)$")
NOT_TYPED = re.compile(r"\s*(<(command-|local-command|task-notification|bash-|system-reminder|user-prompt-submit-hook"
                       r"|session-start-hook|teammate-message)|\[Request interrupted|Caveat: The messages below"
                       r"|This session is being continued from|Base directory for this skill|\[image\]\s*$)", re.I)
INSERTED = re.compile(r"<(system-reminder|ide_\w+|local-command-caveat)>.*?</\1>", re.S)
UTILITIES = frozenset("""cd ls cat grep egrep rg sed awk head tail find echo printf pwd wc sort uniq cut tr tee xargs
mkdir rm cp mv ln touch chmod sleep true false which type test [ [[ source . export set unset for done fi read case esac
diff tree file stat jq basename dirname date git bat less more kill wait exit return local function declare""".split())
PREFIXES = frozenset("sudo time env nohup command exec timeout do if then else elif while ! {".split())
INTERPRETERS = frozenset("python python3 node bash sh zsh ruby perl ssh".split())
#: A second word after which the third one still belongs to the key.
TWO_LEVEL = frozenset("run exec compose -m pr issue repo api release workflow service x dlx tool plugin".split())
FILE_TOOLS = {"Read": "file_path", "Edit": "file_path", "MultiEdit": "file_path", "Write": "file_path",
              "NotebookEdit": "notebook_path", "Grep": "path", "Glob": "path"}


def content_words(text: str) -> set[str]:
    return {w for w in (t.lower() for t in WORD.findall(text)) if len(w) > 1 and w not in STOPWORDS}


# --- Transcripts ------------------------------------------------------------

@dataclass
class Call:
    line: int
    name: str
    input: dict


@dataclass
class Text:
    line: int
    kind: str  # person, agent, input, output, summary, other
    text: str


def objects_of(raw: bytes) -> list[dict]:
    """Every JSON object of one physical line; a damaged rest is dropped."""
    text, position, found = raw.decode("utf-8", "replace").strip(), 0, []
    decoder = json.JSONDecoder()
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            break
        found += [value] if isinstance(value, dict) else []
        position += len(text[position:]) - len(text[position:].lstrip())
    return found


def strings_of(value) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [s for v in inner for s in strings_of(v)]


def blocks_of(row: dict) -> list[dict]:
    message = row.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []


class Session:
    """The main chain of one transcript, by physical line (1-based)."""

    def __init__(self, path: Path):
        self.path = path
        self.name = path.stem
        with path.open("rb") as file:
            self.lines = list(file)
        self.calls: list[Call] = []
        self.texts: list[Text] = []
        self.requests: list[Text] = []
        self.plan_events: list[tuple[int, str, dict]] = []
        self.boundaries: list[tuple[int, str]] = []  # line, trigger
        self.summaries: list[tuple[int, str]] = []
        self.cwds: set[str] = set()
        self.ids: list[tuple[int, str]] = []
        self.uuids: dict[str, int] = {}
        self.turns: list[int] = []  # lines where a model turn begins
        self._last = ""
        for number, raw in enumerate(self.lines, 1):
            for row in objects_of(raw):
                if not row.get("isSidechain"):
                    self._take(number, row)

    def _take(self, line: int, row: dict) -> None:
        kind = row.get("type")
        if row.get("sessionId"):
            self.ids.append((line, row["sessionId"]))
        if row.get("cwd"):
            self.cwds.add(row["cwd"].replace("\\", "/").rstrip("/"))
        if row.get("uuid"):
            self.uuids.setdefault(row["uuid"], line)
        if kind == "system" and row.get("subtype") == "compact_boundary":
            self.boundaries.append((line, (row.get("compactMetadata") or {}).get("trigger", "auto")))
        elif kind == "attachment":
            attachment = row.get("attachment") or {}
            self.texts.append(Text(line, "other", "\n".join(strings_of(attachment))))
            if attachment.get("type") == "queued_command" and attachment.get("commandMode", "prompt") == "prompt":
                self._request(line, "\n".join(strings_of(attachment.get("prompt"))))
        elif kind == "assistant":
            self.turns += [line] if self._last == "user" else []
            for block in blocks_of(row):
                self._assistant(line, block)
        elif kind == "user":
            self._user(line, row)
        self._last = kind if kind in ("user", "assistant") else self._last

    def _assistant(self, line: int, block: dict) -> None:
        if block.get("type") == "text":
            self.texts.append(Text(line, "agent", block.get("text") or ""))
        elif block.get("type") == "tool_use":
            given = block.get("input")
            call = Call(line, block.get("name") or "", given if isinstance(given, dict) else {})
            self.calls.append(call)
            self.texts.append(Text(line, "input", "\n".join(strings_of(call.input))))
            if call.name in ("TodoWrite", "TaskUpdate"):
                self.plan_events.append((line, call.name, call.input))

    def _user(self, line: int, row: dict) -> None:
        blocks = blocks_of(row)
        results = [b for b in blocks if b.get("type") == "tool_result"]
        text = "\n".join(b.get("text") or "" for b in blocks if b.get("type") == "text")
        if results:
            self.texts.append(Text(line, "output", "\n".join(strings_of([b.get("content") for b in results]))))
            result = row.get("toolUseResult")
            if isinstance(result, dict):  # TaskCreate, TaskGet: task; TaskList: tasks
                tasks = result["tasks"] if isinstance(result.get("tasks"), list) else [result.get("task")]
                self.plan_events += [(line, "task", t) for t in tasks if isinstance(t, dict) and "subject" in t]
        elif row.get("isCompactSummary"):
            self.summaries.append((line, text))
            self.texts.append(Text(line, "summary", text))
        elif row.get("isMeta") or row.get("isVisibleInTranscriptOnly"):
            self.texts.append(Text(line, "other", text))
        else:
            self._request(line, text)

    def _request(self, line: int, text: str) -> None:
        typed = INSERTED.sub("", text).strip()
        if typed and not NOT_TYPED.match(typed):
            self.requests.append(Text(line, "person", typed))
            self.texts.append(Text(line, "person", typed))
        else:
            self.texts.append(Text(line, "other", text))

    def text_before(self, line: int, kinds: tuple[str, ...] | None = None) -> str:
        return "\n".join(t.text for t in self.texts if t.line < line and (kinds is None or t.kind in kinds))

    def plan_at(self, line: int) -> list[tuple[str, str]]:
        """(status, text) of each item at `line`, in order."""
        todos: list[tuple[str, str]] = []
        tasks: dict[str, tuple[str, str]] = {}
        for at, kind, value in self.plan_events:
            if at >= line:
                break
            if kind == "TodoWrite" and isinstance(value.get("todos"), list):
                todos = [(t.get("status", ""), t.get("content", "")) for t in value["todos"] if isinstance(t, dict)]
                continue
            key = str(value.get("taskId") or value.get("id") or value.get("task_id") or "")
            status, subject = tasks.get(key, ("pending", ""))
            tasks[key] = (value.get("status") or status, value.get("subject") or subject)
        return todos + [(s, t) for s, t in tasks.values() if s != "deleted" and t]


# --- Paths and commands -----------------------------------------------------

def path_key(path: str, cwds: set[str]) -> str | None:
    """The last two components, relative to a working directory where possible; None if no file."""
    path = re.sub(r":\d+(-\d+)?$", "", path.replace("\\", "/")).rstrip("/")
    for cwd in sorted(cwds, key=len, reverse=True):
        if path.startswith(cwd + "/"):
            path = path[len(cwd) + 1:]
            break
    if path.startswith(("/dev/", "/proc/", "//")) or "*" in path or "..." in path:
        return None
    parts = [p for p in path.split("/") if p not in ("", ".", "..", "~")]
    return "/".join(parts[-2:]) if parts and EXTENSION.search(parts[-1]) else None


def files_of(call: Call, cwds: set[str], known_names: frozenset[str] = frozenset()) -> list[str]:
    candidates: list[str] = []
    if call.name in FILE_TOOLS:
        candidates += [v for v in [call.input.get(FILE_TOOLS[call.name])] if isinstance(v, str)]
        if call.name == "Glob":
            candidates.append(str(call.input.get("pattern", "")))
    elif call.name == "Bash":
        command = without_heredocs(str(call.input.get("command", "")))
        if not re.match(r"\s*git\s+(?:add -A && git )?commit", command):
            candidates += PATH.findall(command)
        candidates += [w for w in re.findall(r"(?<![\w./-])[\w-]+\.\w+(?![\w/])", command) if w in known_names]
    keys = (path_key(c, cwds) for c in candidates)
    return list(dict.fromkeys(k for k in keys if k))


def without_heredocs(command: str) -> str:
    return re.sub(r"<<-?\s*(['\"]?)(\w+)\1.*?(\n\s*\2\b|$)", "", command, flags=re.S)


def simple_commands(command: str) -> list[list[str]]:
    """The words of each simple command; of a pipeline only the first stage, without redirections."""
    lexer = shlex.shlex(without_heredocs(command).replace("\\\n", " "), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t\r", "", True
    try:
        tokens = list(lexer)
    except ValueError:  # an open quote
        tokens = command.split()
    commands: list[list[str]] = [[]]
    skipping = comment = target = False  # in a later stage; in a comment; at the target of a redirection
    for token in tokens:
        comment = (comment or token.startswith("#")) and "\n" not in token
        if comment:
            continue
        if token and set(token) <= set("();<>|&\n"):
            target = token[0] in "<>" or token == "&>"
            if target and commands[-1] and commands[-1][-1].isdigit():
                commands[-1].pop()
            elif not target:
                skipping = token == "|"
                commands += [] if skipping else [[]]
        elif target:
            target = False
        elif not skipping:
            commands[-1].append(token)
    return commands


def command_keys(command: str) -> list[tuple[str, ...]]:
    """The significant words of each simple command in a Bash call."""
    keys: dict[tuple[str, ...], None] = {}
    for words in simple_commands(command):
        while words and (words[0] in PREFIXES or re.match(r"\w+=|\d+s?$", words[0])):
            words.pop(0)
        if not words or words[0] in UTILITIES or not re.fullmatch(r"[\w@./:+~-]+", words[0]):
            continue
        key = [words[0].rsplit("/", 1)[-1]]
        wanted = 2
        for word in words[1:]:
            if len(key) == wanted or not re.fullmatch(r"[\w@./:+~-]{1,80}", word):
                break
            if word.startswith("-") and word != "-m":
                continue
            last = word.rstrip("/").rsplit("/", 1)[-1]
            key += [last] if last.strip(".") else []
            wanted = 3 if word in TWO_LEVEL and key[1:] == [word] and key != ["gh", "api"] else wanted
        if len(key) > 1 or key[0] not in INTERPRETERS:
            keys[tuple(key)] = None
    return list(keys)


# --- Documents and matching -------------------------------------------------

class Document:
    def __init__(self, text: str):
        self.text = text

    @cached_property
    def words(self) -> list[str]:
        return [w.lower() for w in WORD.findall(self.text)]

    @cached_property
    def positions(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for index, word in enumerate(self.words):
            found.setdefault(word, []).append(index)
        return found

    @cached_property
    def names(self) -> set[str]:
        """Identifiers with context: CONTEXT_WORDS ordinary words or path parts near by on the line."""
        found: set[str] = set()
        for line in self.text.splitlines():
            tokens = IDENTIFIER.findall(FILE_NAME.sub("a file", line))
            ordinary = [not CODE_NAME.match(t) for t in tokens]
            for index, token in enumerate(tokens):
                near = slice(max(0, index - CONTEXT_WIDTH), index + CONTEXT_WIDTH + 1)
                if not ordinary[index] and sum(ordinary[near]) >= CONTEXT_WORDS:
                    found.add(token)
        return found

    def share_together(self, words: set[str], width: int) -> float:
        """The largest share of `words` within any `width` words of the text."""
        if not words:
            return 0
        hits = sorted((p, w) for w in words for p in self.positions.get(w, ()))
        inside: Counter = Counter()
        best = start = 0
        for position, word in hits:
            inside[word] += 1
            while hits[start][0] <= position - width:
                inside[hits[start][1]] -= 1
                if not inside[hits[start][1]]:
                    del inside[hits[start][1]]
                start += 1
            best = max(best, len(inside))
        return best / len(words)


@dataclass
class Item:
    """One needed thing. `score` gives 0...1 for a document."""
    category: str
    label: str
    weight: float = 1
    patterns: list[re.Pattern] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    threshold: float | None = None
    width: int = 0

    def score(self, document: Document) -> float:
        if self.category == "names":
            return float(self.label in document.names)
        if self.patterns:
            return float(any(p.search(document.text) for p in self.patterns))
        share = document.share_together(self.words, self.width)
        return float(share >= self.threshold) if self.threshold is not None else share


def file_patterns(key: str, basename_counts: Counter) -> list[re.Pattern]:
    parts = key.split("/")
    end = r"(?![\w-]|\.\w)"
    patterns = [re.compile(r"(?<![\w.-])" + r"[/\\]".join(map(re.escape, parts)) + end)]
    if len(parts) == 1:
        patterns = [re.compile(r"(?<![\w./\\-])(?:\./)?" + re.escape(key) + end)]
    if basename_counts[parts[-1]] <= 1:
        patterns.append(re.compile(r"(?<![\w.-])" + re.escape(parts[-1]) + end))
    return patterns


def command_pattern(key: tuple[str, ...]) -> re.Pattern:
    middle = r"(?:[ \t]+-\S+)*[ \t]+(?:[^\s`]*/)?"
    return re.compile(r"(?<![\w-])" + middle.join(map(re.escape, key)) + r"(?![\w-])")


def text_item(category: str, text: str, weight: float = 1, threshold: float | None = None) -> Item:
    words = content_words(text)
    # Twice the text's own length leaves room for a rewording, not for a collage.
    width = max(12, 2 * len(WORD.findall(text)))
    return Item(category, " ".join(text.split()), weight, words=words, threshold=threshold, width=width)


# --- Needed items -----------------------------------------------------------

def needed_items(session: Session, line: int) -> list[Item]:
    before = [c for c in session.calls if c.line < line]
    after = [c for c in session.calls if c.line >= line][:NEXT_CALLS]
    known_text = session.text_before(line)
    return (needed_files(session, before, after, known_text) + needed_commands(before, after)
            + needed_names(session, line, after)
            + [text_item("plan", text, threshold=PLAN_THRESHOLD) for status, text in session.plan_at(line)
               if status != "completed" and content_words(text)]
            + needed_words(session, line))


def needed_files(session: Session, before: list[Call], after: list[Call], known_text: str) -> list[Item]:
    known = {k for k in (path_key(p, session.cwds) for p in set(PATH.findall(known_text))) if k}
    known |= {k for c in before for k in files_of(c, session.cwds)}
    names = frozenset(k.rsplit("/", 1)[-1] for k in known)
    counts = Counter(k.rsplit("/", 1)[-1] for k in known)
    opened = {k for c in before + after if c.name in FILE_TOOLS for k in files_of(c, session.cwds)}

    def resolved(key: str) -> str:
        """A bare name in a Bash call stands for the one known file of that name."""
        longer = [] if "/" in key or key in opened else [k for k in known if k.endswith("/" + key)]
        return longer[0] if len(longer) == 1 else key
    wanted = dict.fromkeys(resolved(k) for c in after for k in files_of(c, session.cwds, names))
    items = [Item("files", k, patterns=file_patterns(k, counts)) for k in wanted]
    return [i for i in items if any(p.search(known_text) for p in i.patterns)]


def needed_commands(before: list[Call], after: list[Call]) -> list[Item]:
    def keys(calls: list[Call]) -> list[tuple[str, ...]]:
        return [k for c in calls if c.name == "Bash" for k in command_keys(str(c.input.get("command", "")))]
    run_before = set(keys(before))
    again = dict.fromkeys(k for k in keys(after) if k in run_before)
    return [Item("commands", " ".join(k), patterns=[command_pattern(k)]) for k in again]


def needed_names(session: Session, line: int, after: list[Call]) -> list[Item]:
    written = Counter(IDENTIFIER.findall(session.text_before(line, ("person", "agent", "input"))))
    path_parts = {p for c in after for k in files_of(c, session.cwds) for p in re.split(r"[/.]", k)}
    used: Counter = Counter()
    for call in after:
        source: list[str] = []
        if call.name in ("Edit", "MultiEdit"):
            source = [s for k, v in call.input.items() if k != "file_path" for s in strings_of(v)]
        elif call.name == "Grep":
            source = [str(call.input.get("pattern", ""))]
        elif call.name == "Bash":
            source = [without_heredocs(str(call.input.get("command", "")))]
        text = re.sub(r"\\[nrtbsdw]", " ", "\n".join(source))
        used.update(list(dict.fromkeys(IDENTIFIER.findall(text))))  # once a call, in order
    names = [n for n in used if written[n] and n not in path_parts and CODE_NAME.match(n)]
    names.sort(key=lambda n: (-used[n], -written[n]))  # stable: of equals, the one needed first
    return [Item("names", n, weight=math.log2(1 + used[n])) for n in names[:MAX_NAMES]]


def rules_of(requests: list[Text]) -> list[str]:
    rules: dict[str, None] = {}
    for request in requests:
        prose = re.sub(r"```.*?(```|$)", "\n", request.text, flags=re.S)
        for sentence in re.split(r"(?<=[.!?])\s+|\n+", prose):
            sentence = sentence.strip(" \t-*>#")
            if RULE.search(sentence) and 3 <= len(content_words(sentence)) <= 40:
                rules[sentence] = None
    return list(rules)[-MAX_RULES:]


def needed_words(session: Session, line: int) -> list[Item]:
    typed = [r for r in session.requests if r.line < line]
    telling = [r for r in typed if len(content_words(r.text)) >= 2]
    newest_first = zip(reversed(telling), REQUEST_WEIGHTS)
    return ([text_item("request", r.text[:REQUEST_CHARS], weight) for r, weight in newest_first]
            + [text_item("rules", rule) for rule in rules_of(typed)])


def recall(items: list[Item], documents: list[Document]) -> dict[str, float]:
    """Recall per category and, as "all", weighted; an item counts as in its best document."""
    result: dict[str, float] = {}
    for category in WEIGHTS:
        own = [i for i in items if i.category == category]
        if own:
            got = sum(i.weight * max((i.score(d) for d in documents), default=0) for i in own)
            result[category] = got / sum(i.weight for i in own)
    total = sum(WEIGHTS[c] for c in result)
    result["all"] = sum(WEIGHTS[c] * r for c, r in result.items()) / total if total else 0
    return result


# --- Baselines --------------------------------------------------------------

def one_line(text: str, limit: int) -> str:
    return " ".join(text.split())[:limit]


def simple_lists(session: Session, line: int) -> str:
    """Ten requests, the to-do list, 30 files, 20 commands: each newest first."""
    calls = [c for c in reversed(session.calls) if c.line < line]
    requests = [one_line(r.text, 200) for r in session.requests if r.line < line][:-11:-1]
    plan = [f"[{'x' if s == 'completed' else ' '}] {t}" for s, t in session.plan_at(line)]
    files = dict.fromkeys(k for c in calls if c.name in FILE_TOOLS for k in files_of(c, session.cwds))
    commands = dict.fromkeys(one_line(str(c.input.get("command", "")), 80) for c in calls if c.name == "Bash")
    sections = {"Requests": requests, "To-do": plan, "Files": list(files)[:30], "Commands": list(commands)[:20]}
    return "\n\n".join(f"## {k}\n" + "\n".join(f"- {v}" for v in vs) for k, vs in sections.items() if vs)


def most_frequent(session: Session, line: int) -> str:
    """The paths and code names that stood most often, nothing else."""
    text = session.text_before(line)
    counts = Counter(k for k in (path_key(p, session.cwds) for p in PATH.findall(text)) if k)
    counts.update(n for n in IDENTIFIER.findall(text) if CODE_NAME.match(n))
    return "\n".join(k for k, _ in counts.most_common(1000))


def tail(session: Session, line: int, size: int) -> str:
    return "\n\n".join(t.text for t in session.texts if t.line < line and t.kind in ("person", "agent"))[-size:]


def oracle(items: list[Item]) -> str:
    order = ["files", "commands", "plan", "names", "request", "rules"]
    return "\n".join(("the name " if i.category == "names" else "") + i.label
                     for i in sorted(items, key=lambda i: order.index(i.category)))


# --- memoryd ----------------------------------------------------------------

def memoryd_document(binary: Path, session: Session, cut: "Cut", size: int, with_summary: bool) -> str:
    """Runs the hooks of a compaction against a fresh store and returns the injected context."""
    with tempfile.TemporaryDirectory(prefix="recovery-recall-") as folder:
        root = Path(folder)
        for name in ("home", "work", "user/.claude"):
            (root / name).mkdir(parents=True)
        session_id = ([i for at, i in session.ids if at < cut.line] or ["unknown"])[-1]
        transcript = root / f"{session_id}.jsonl"
        transcript.write_bytes(b"".join(session.lines[:cut.line - 1]))
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MEMORYD_", "CLAUDE"))}
        env |= {"MEMORYD_HOME": str(root / "home"), "HOME": str(root / "user"),
                "MEMORYD_FALLBACK_DIR": str(root / "user/.claude")}
        if size != SIZES[0]:
            env["MEMORYD_RESUME_BUDGET_CHARS"] = str(size)

        def hook(verb: str, event: str, **fields: str) -> str:
            event_json = {"session_id": session_id, "transcript_path": str(transcript), "cwd": str(root / "work"),
                          "hook_event_name": event, **fields}
            done = subprocess.run([str(binary), verb], input=json.dumps(event_json), text=True, env=env,
                                  cwd=root / "work", capture_output=True, timeout=120)
            if done.returncode != 0:
                raise SystemExit(f"recovery_recall: error: memoryd {verb} ({event}) exited {done.returncode}: "
                                 + done.stderr.strip()[-500:])
            return done.stdout

        hook("checkpoint", "PreCompact", trigger=cut.trigger, custom_instructions="")
        if with_summary:
            with transcript.open("ab") as file:
                file.write(session.lines[cut.line - 1])
                file.write(session.lines[cut.summary_line - 1])
            hook("checkpoint", "PostCompact", trigger=cut.trigger, compact_summary=cut.summary)
        out = hook("canary", "SessionStart", source="resume" if cut.artificial else "compact")
        try:
            return json.loads(out)["hookSpecificOutput"]["additionalContext"]
        except (ValueError, KeyError, TypeError):
            raise SystemExit(f"recovery_recall: error: memoryd canary gave no additionalContext: {out[:300]!r}")


# --- Cuts and measuring -----------------------------------------------------

@dataclass
class Cut:
    line: int
    trigger: str = "auto"
    summary: str = ""
    summary_line: int = 0
    artificial: bool = False


def cuts_of(session: Session, artificial: int, seen: set[str]) -> tuple[list[Cut], list[str]]:
    """Real boundaries, or artificial cuts in a session without one; and notes on what was skipped."""
    cuts, notes = [], []
    for index, (line, trigger) in enumerate(session.boundaries):
        end = session.boundaries[index + 1][0] if index + 1 < len(session.boundaries) else len(session.lines) + 1
        following = sum(c.line > line for c in session.calls)
        summary = next(((at, text) for at, text in session.summaries if line < at < end), None)
        if following < MIN_CALLS:
            notes.append(f"{session.name}:{line} skipped: only {following} tool calls follow")
        elif summary is None:
            notes.append(f"{session.name}:{line} skipped: no summary follows")
        else:
            cuts.append(Cut(line, trigger, summary[1], summary[0]))
    if artificial and not session.boundaries:
        # A fork repeats its parent's lines: cut only where this file is new.
        copied = max((line for uuid, line in session.uuids.items() if uuid in seen), default=0)
        fit = [t for t in session.turns if t > copied and sum(c.line < t for c in session.calls) >= ARTIFICIAL_BEFORE
               and sum(c.line >= t for c in session.calls) >= ARTIFICIAL_AFTER]
        picks = {fit[int((i + .5) * len(fit) / artificial)] for i in range(artificial)} if fit else set()
        cuts += [Cut(t, artificial=True) for t in sorted(picks)]
        if not fit and session.calls:
            notes.append(f"{session.name}: no artificial cut fits")
    return cuts, notes


def missing_items(items: list[Item], summary: list[Document], document: Document) -> list[dict]:
    scored = [(i, max(i.score(d) for d in [*summary, document])) for i in items]
    return [{"category": i.category, "item": i.label, "score": round(score, 2)} for i, score in scored if score < .8]


def measure(session: Session, cut: Cut, binary: Path | None, dump: Path | None) -> dict:
    items = needed_items(session, cut.line)
    summary = [Document(cut.summary)] if cut.summary else []
    result = {"id": f"{session.name}:{cut.line}", "artificial": cut.artificial, "trigger": cut.trigger,
              "needed": dict(Counter(i.category for i in items)), "documents": {}, "missing": {}}
    for size in SIZES:
        texts = {"summary": cut.summary if size == SIZES[0] else cut.summary[:size]} if cut.summary else {}
        if binary and cut.summary:
            texts["memoryd"] = memoryd_document(binary, session, cut, size, with_summary=True)
        if binary:
            texts["memoryd-full"] = memoryd_document(binary, session, cut, size, with_summary=False)
        texts |= {"lists": simple_lists(session, cut.line)[:size], "tail": tail(session, cut.line, size),
                  "frequent": most_frequent(session, cut.line)[:size], "oracle": oracle(items)[:size]}
        for name, text in texts.items():
            document = Document(text)
            row = {"chars": len(text.encode("utf-16-le")) // 2, "alone": recall(items, [document])}
            if summary and name != "summary":
                row["with_summary"] = recall(items, summary + [document])
                row["added"] = row["with_summary"]["all"] - recall(items, summary)["all"]
            result["documents"].setdefault(name, {})[str(size)] = row
            if dump:
                dump.mkdir(parents=True, exist_ok=True)
                (dump / f"{session.name}-{cut.line}-{name}-{size}.md").write_text(text, encoding="utf-8")
            if name == next(n for n in ("memoryd", "memoryd-full", "lists") if n in texts):
                result["missing"][str(size)] = missing_items(items, summary, document)
    return result


def means_of(results: list[dict]) -> dict:
    """Mean of every figure by document and size; of a category over the cuts that have it."""
    def means(rows: list[dict]) -> dict[str, float]:
        return {c: statistics.fmean(r[c] for r in rows if c in r)
                for c in ["all", *WEIGHTS] if any(c in r for r in rows)}
    table: dict = {}
    for name in dict.fromkeys(n for r in results for n in r["documents"]):
        for size in map(str, SIZES):
            rows = [r["documents"][name][size] for r in results if name in r["documents"]]
            both = [row for row in rows if "with_summary" in row]
            mean = {"cuts": len(rows), "chars": statistics.fmean(row["chars"] for row in rows),
                    "alone": means([row["alone"] for row in rows])}
            if both:
                mean |= {"added": statistics.fmean(row["added"] for row in both),
                         "with_summary": means([row["with_summary"] for row in both])}
            table.setdefault(name, {})[size] = mean
    return table


# --- Output -----------------------------------------------------------------

def print_rows(documents: dict) -> None:
    def columns(scores: dict) -> str:
        return "".join(f"{scores[c]:9.2f}" if c in scores else f"{'-':>9}" for c in WEIGHTS)
    print(f"  {'document':<13}{'size':>6}{'chars':>7}{'alone':>7}{'added':>7}  "
          + "".join(f"{c:>9}" for c in WEIGHTS) + "   (alone; with the summary)")
    for name, sizes in documents.items():
        for size, row in sizes.items():
            added = f"{row['added']:+7.2f}" if "added" in row else f"{'':7}"
            print(f"  {name:<13}{size:>6}{row['chars']:7.0f}{row['alone']['all']:7.2f}{added}  {columns(row['alone'])}")
            if "with_summary" in row:
                print(f"  {'':40}  {columns(row['with_summary'])}")


def print_report(report: dict, missing: bool) -> None:
    for result in report["cuts"]:
        counts = ", ".join(f"{n} {c}" for c, n in result["needed"].items())
        print(f"{result['id']} ({'artificial' if result['artificial'] else result['trigger']}): needed {counts}")
        print_rows(result["documents"])
        for size, items in result["missing"].items() if missing else ():
            print(f"  missing at {size}:")
            for item in items:
                print(f"    {item['category']:<9}{item['score']:5.2f}  {item['item'][:150]}")
        print()
    for title, table in report["means"].items():
        print(f"MEAN of {title}")
        print_rows(table)
        print()
    for note in report["notes"]:
        print(f"note: {note}")


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("transcripts", nargs="*", type=Path, help="folders or .jsonl files "
                        "(default: ../shared/data/transcripts beside the repository)")
    parser.add_argument("--memoryd", type=Path, default=root / ".build/release/memoryd", metavar="PATH",
                        help="the binary (default: .build/release/memoryd; baselines only if absent)")
    parser.add_argument("--artificial", type=int, default=0, metavar="N",
                        help="also N artificial cuts in each session without a boundary")
    parser.add_argument("--only", metavar="TEXT", help="only cuts whose id (file:line) contains TEXT")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--missing", action="store_true",
                        help="list needed items of which neither summary nor document holds 80 %%")
    parser.add_argument("--dump", type=Path, metavar="DIR", help="write every document to DIR")
    options = parser.parse_args()

    binary = options.memoryd.resolve() if options.memoryd.is_file() else None
    notes = [] if binary else [f"{options.memoryd} does not exist: baselines only"]
    paths: list[Path] = []
    for given in options.transcripts or [root.parent / "shared/data/transcripts"]:
        paths += sorted(given.glob("*.jsonl")) if given.is_dir() else [given]
    if not paths or not all(p.is_file() for p in paths):
        print("recovery_recall: error: no such transcripts", file=sys.stderr)
        return 66
    results, seen = [], set()
    for path in paths:
        session = Session(path)
        cuts, skipped = cuts_of(session, options.artificial, seen)
        seen |= set(session.uuids)
        notes += skipped
        for cut in cuts:
            if options.only and options.only not in f"{session.name}:{cut.line}":
                continue
            results.append(measure(session, cut, binary, options.dump))
    groups = {"real boundaries": [r for r in results if not r["artificial"]],
              "artificial cuts": [r for r in results if r["artificial"]]}
    report = {"weights": WEIGHTS, "next_calls": NEXT_CALLS, "cuts": results, "notes": notes,
              "means": {f"{len(rs)} {title}": means_of(rs) for title, rs in groups.items() if rs}}
    if options.json:
        json.dump(report, sys.stdout, indent=1, ensure_ascii=False)
        print()
    else:
        print_report(report, options.missing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
