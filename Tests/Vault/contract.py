"""Does a server answer as vault-mcp does? Sends the requests of a recording once more, in their
order, to a server that holds nothing yet, and compares the shapes of the answers.

Ids, times and texts that people write may differ. What may not: statuses, keys, types, lengths of
lists, numbers, and strings that are one of a few (see FIXED). An id must be the same wherever the
recording has the same. With --exact, all else is compared too, down to the last space.

The exceptions are a JSON object: {note: {path: reason}}. A path covers all below it, and stands for
the whole exchange if it is "*", as it stands for any one step inside a path. An exception that is
not needed is an error, lest it hide what comes later.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

VERSION = "2025-11-25"
NO_AUTH = ("no token", "health, no auth")
FIXED = {"jsonrpc", "protocolVersion", "source", "status", "type"}
FREE_NUMBERS = {"content_length"}
ID = re.compile(r"\b01[0-9A-Z]{24}\b")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
LINE_START = re.compile(r"#+ |- \[[ x]\] |- |")
UNKNOWN_VERSION = re.compile(r"Unsupported protocol version: (\S+)")
ERROR_CODE = re.compile(r"(?:MCP error (-?\d+): )?")
KINDS = {
    dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "a number",
    float: "a number", type(None): "null",
}

Exceptions = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Difference:
    path: str
    text: str


@dataclass
class Answer:
    status: int
    content_type: str | None
    body: str

    @property
    def kind(self) -> str | None:
        """What the client must be able to read; JSON may come as an event stream."""
        kind = (self.content_type or "").partition(";")[0].strip()
        return "JSON" if kind in ("application/json", "text/event-stream") else kind or None

    @property
    def message(self) -> Any:
        """The JSON in it, or its text as it is."""
        text = self.body
        if (self.content_type or "").startswith("text/event-stream"):
            blocks = re.split(r"\r?\n\r?\n", text)
            events = ["\n".join(re.findall(r"^data: ?(.*)", block, re.M)) for block in blocks]
            text = next((event for event in reversed(events) if event), "")
        value = parsed(text)
        return text if value is None else value


def parsed(text: str) -> Any:
    """The object or array that the text is, or None."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


class Server:
    """The server that is asked."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self.host, self.token = parts.netloc, token
        self.base = parts.path.removesuffix("/mcp")
        self.is_greeted = False

    def ask(self, exchange: dict[str, Any], request: dict[str, Any]) -> Answer:
        note, body = exchange["note"], request.get("raw_body")
        headers = {"accept": "application/json, text/event-stream"}
        if note not in NO_AUTH:
            headers["authorization"] = f"Bearer {self.token}"
        if "body" in request:
            body = json.dumps(request["body"])
        if body is not None:
            headers["content-type"] = "application/json"
        if self.is_greeted:
            unknown = UNKNOWN_VERSION.search(exchange["answer"])
            headers["mcp-protocol-version"] = unknown[1] if unknown else VERSION
        self.is_greeted = True
        connection = HTTPConnection(self.host, timeout=30)
        try:
            data = None if body is None else body.encode()
            connection.request(request["method"], self.base + request["path"], data, headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
            return Answer(answer.status, answer.headers.get("content-type"), text)
        finally:
            connection.close()


@dataclass
class Comparison:
    is_exact: bool
    ids: dict[str, str] = field(default_factory=dict)
    """By recorded id, the one that this server has given in its place."""

    def request(self, recorded: dict[str, Any]) -> dict[str, Any]:
        """The request with this server's ids; those that no answer gave are the client's own."""
        text = json.dumps(recorded)
        for id in ID.findall(text):
            self.ids.setdefault(id, id)
        return json.loads(ID.sub(lambda found: self.ids[found[0]], text))  # type: ignore[no-any-return]

    def answers(self, recorded: Answer, here: Answer) -> Iterator[Difference]:
        yield from self.scalars("/status", recorded.status, here.status)
        yield from self.scalars("/content_type", recorded.kind, here.kind)
        yield from self.values("/answer", recorded.message, here.message)

    def values(self, path: str, recorded: Any, here: Any) -> Iterator[Difference]:
        kind, kind_here = KINDS[type(recorded)], KINDS[type(here)]
        if kind != kind_here:
            yield unlike(path, f"{kind}, {short(recorded)}", f"{kind_here}, {short(here)}")
        elif isinstance(recorded, dict):
            yield from self.objects(path, recorded, here)
        elif isinstance(recorded, list):
            if len(recorded) != len(here):
                yield unlike(path, f"{len(recorded)} elements", str(len(here)))
            for at, (one, other) in enumerate(zip(recorded, here)):
                yield from self.values(f"{path}/{at}", one, other)
        elif isinstance(recorded, str):
            yield from self.strings(path, recorded, here)
        elif self.is_exact or path.rpartition("/")[2] not in FREE_NUMBERS:
            yield from self.scalars(path, recorded, here)

    def objects(
        self, path: str, recorded: dict[str, Any], here: dict[str, Any]
    ) -> Iterator[Difference]:
        for key, value in recorded.items():
            at = f"{path}/{key}"
            if key in here:
                yield from self.values(at, value, here[key])
            else:
                yield unlike(at, short(value), "nothing")
        for key, value in here.items():
            if key not in recorded and (path, key) != ("/answer/result", "_meta"):
                yield unlike(f"{path}/{key}", "nothing", short(value))
        # A JSON-RPC message's own keys come as the SDK writes them.
        if self.is_exact and "jsonrpc" not in recorded:
            order = [key for key in recorded if key in here]
            order_here = [key for key in here if key in recorded]
            if order != order_here:
                yield unlike(path, f"keys {', '.join(order)}", ", ".join(order_here))

    def strings(self, path: str, recorded: str, here: str) -> Iterator[Difference]:
        if ID.fullmatch(recorded):
            yield from self.identities(path, recorded, here)
        elif TIME.fullmatch(recorded):
            if not TIME.fullmatch(here):
                yield unlike(path, "a time", short(here))
        elif (value := parsed(recorded)) is not None:
            value_here = parsed(here)
            if value_here is None:
                yield unlike(path, f"JSON, {short(recorded)}", f"a text, {short(here)}")
                return
            inside = list(self.values(path, value, value_here))
            yield from inside or self.layouts(path, recorded, here)
        elif path.rpartition("/")[2] in FIXED:
            yield from self.scalars(path, recorded, here)
        elif path.endswith("/text"):
            yield from self.texts(path, recorded, here)
        else:
            yield from self.layouts(path, recorded, here)

    def texts(self, path: str, recorded: str, here: str) -> Iterator[Difference]:
        """Of results that are no JSON: Markdown lists and refusals."""
        if parsed(here) is not None:
            yield unlike(path, f"a text, {short(recorded)}", f"JSON, {short(here)}")
        elif ERROR_CODE.match(recorded)[1] != ERROR_CODE.match(here)[1]:  # type: ignore[index]
            yield unlike(path, short(recorded), short(here))
        elif starts(recorded) != starts(here) and any(starts(recorded)):
            yield unlike(path, f"lines {starts(recorded)}", str(starts(here)))
        else:
            yield from self.layouts(path, recorded, here)

    def layouts(self, path: str, recorded: str, here: str) -> Iterator[Difference]:
        """Whether the texts are the same, ids and times aside; if that is asked for."""
        if not self.is_exact:
            return
        expected = ID.sub(lambda found: self.ids.get(found[0], found[0]), recorded)
        expected, given = (TIME.sub("(time)", text) for text in (expected, here))
        if expected != given:
            at = next((at for at, (a, b) in enumerate(zip(expected, given)) if a != b),
                      min(len(expected), len(given)))
            begin = max(0, at - 20)
            yield unlike(path, short(expected[begin:]), short(given[begin:]))

    def identities(self, path: str, recorded: str, here: str) -> Iterator[Difference]:
        known = self.ids.setdefault(recorded, here)
        if not ID.fullmatch(here) and known == here:
            yield unlike(path, "an id", short(here))
        elif known != here:
            yield unlike(path, f"{recorded}, which is {known} here", short(here))

    def scalars(self, path: str, recorded: Any, here: Any) -> Iterator[Difference]:
        if recorded != here:
            yield unlike(path, short(recorded), short(here))


def unlike(path: str, recorded: str, here: str) -> Difference:
    return Difference(path, f"recorded {recorded}, here {here}")


def short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:80] + "…"


def starts(text: str) -> list[str]:
    """How each line begins, up to the title in it."""
    return [LINE_START.match(line)[0] for line in text.split("\n")]  # type: ignore[index]


def covers(exception: str, path: str) -> bool:
    if exception == "*":
        return True
    steps, given = exception.split("/"), path.split("/")
    return len(steps) <= len(given) and all(a in ("*", b) for a, b in zip(steps, given))


def read_exceptions(file: Path, notes: set[str]) -> Exceptions:
    exceptions: Exceptions = json.loads(file.read_text())
    for note, paths in exceptions.items():
        if note not in notes:
            raise ValueError(f"no exchange has the note {note!r}")
        for path, reason in paths.items():
            if path != "*" and not path.startswith("/"):
                raise ValueError(f"{note}: {path} is no path")
            if not isinstance(reason, str) or not reason:
                raise ValueError(f"{note}: {path} has no reason")
    return exceptions


def replay(
    exchange: dict[str, Any], server: Server, comparison: Comparison
) -> Iterator[Difference]:
    recorded = Answer(exchange["status"], exchange["content_type"], exchange["answer"])
    try:
        here = server.ask(exchange, comparison.request(exchange["request"]))
    except (OSError, HTTPException) as error:
        yield unlike("/status", str(recorded.status), repr(error))
        return
    yield from comparison.answers(recorded, here)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=Path, required=True, metavar="FILE", help="the recording")
    parser.add_argument("--url", required=True, help="of the server's MCP endpoint, …/mcp")
    parser.add_argument("--token", required=True)
    parser.add_argument("--exceptions", type=Path, metavar="FILE")
    parser.add_argument("--no-rest", action="store_true", help="only what goes to the endpoint")
    parser.add_argument("--exact", action="store_true", help="texts and their layout, too")
    arguments = parser.parse_args()
    # Not splitlines, which takes U+2028 for the end of a line.
    lines = arguments.answers.read_text().split("\n")
    exchanges = [json.loads(line) for line in lines if line]
    exceptions: Exceptions = {}
    if arguments.exceptions:
        try:
            exceptions = read_exceptions(
                arguments.exceptions, {exchange["note"] for exchange in exchanges})
        except (OSError, ValueError, AttributeError) as error:
            parser.error(f"{arguments.exceptions}: {error}")
    server, comparison = Server(arguments.url, arguments.token), Comparison(arguments.exact)
    asked = count = 0
    for exchange in exchanges:
        if arguments.no_rest and exchange["request"]["path"] != "/mcp":
            continue
        asked += 1
        note = exchange["note"]
        unused = set(exceptions.get(note, {}))
        found = []
        for difference in replay(exchange, server, comparison):
            covering = {path for path in exceptions.get(note, {}) if covers(path, difference.path)}
            unused -= covering
            if not covering:
                found.append(f"{note}: {difference.path}: {difference.text}")
        found += [f"{note}: {path}: the exception is not needed" for path in sorted(unused)]
        count += len(found)
        for line in found:
            print(line)
    print(f"{asked} exchanges, {count} differences")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
