"""What strangers may try on memoryd's HTTP server: attack.py URL TOKEN

Prints one JSON document: by name the HTTP status, or the JSON-RPC error's code, or a word.
"""

import contextlib
import http.client
import json
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

url, token = sys.argv[1], sys.argv[2]
host, port = urlsplit(url).hostname or "", urlsplit(url).port or 0
PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
JSON = {"Content-Type": "application/json"}
OWN = JSON | {"Authorization": f"Bearer {token}"}
results: dict[str, object] = {}


def ask(name: str, method: str = "POST", path: str = "/mcp", body: bytes | None = PING,
        headers: dict[str, str] | None = None) -> None:
    connection = http.client.HTTPConnection(host, port, timeout=20)
    # http.client itself would tidy paths and hosts; what is given here goes out as it is.
    connection.putrequest(method, path, skip_host=True)
    headers = {"Host": f"{host}:{port}"} | (OWN if headers is None else headers)
    for key, value in headers.items():
        if value is not None:
            connection.putheader(key, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read()
    results[name] = answer.status
    if answer.status == 200:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            results[name] = json.loads(text)["error"]["code"]
    connection.close()


def send(name: str, head: bytes, pieces: int = 0) -> None:
    """A request by hand, with so many megabytes after its head; the answer may come before."""
    with socket.create_connection((host, port), timeout=20) as raw:
        raw.sendall(head)
        with contextlib.suppress(OSError):
            for _ in range(pieces):
                raw.sendall(b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")
        answer = b""
        with contextlib.suppress(OSError):
            answer = raw.recv(4096)
        words = answer.split(b" ", 2)
        results[name] = int(words[1]) if len(words) > 1 and words[1].isdigit() else "closed"


def head(*lines: str) -> bytes:
    first = ("POST /mcp HTTP/1.1", f"Host: {host}:{port}", "Content-Type: application/json")
    return "\r\n".join((*first, *lines, "", "")).encode()


ask("right token")
ask("right path", path=f"/{token}/mcp", headers=JSON)
ask("no token", headers=JSON)
ask("wrong token", headers=JSON | {"Authorization": "Bearer stranger-token-0123456789"})
ask("token too long", headers=JSON | {"Authorization": f"Bearer {token}x"})
ask("empty token", headers=JSON | {"Authorization": "Bearer "})
ask("basic", headers=JSON | {"Authorization": f"Basic {token}"})
ask("wrong path", path="/stranger-token-0123456789/mcp", headers=JSON)
ask("rebinding host", headers=OWN | {"Host": f"evil.example:{port}"})
ask("foreign origin", headers=OWN | {"Origin": "https://evil.example"})
ask("null origin", headers=OWN | {"Origin": "null"})
ask("own origin", headers=OWN | {"Origin": f"http://localhost:{port}"})
ask("health", "GET", "/health", None, {})
ask("health by foreign host", "GET", "/health", None, {"Host": "evil.example"})
ask("get", "GET", body=None)
ask("delete", "DELETE", body=None)
ask("put", "PUT")
ask("text/plain", headers=OWN | {"Content-Type": "text/plain"})
ask("old version", headers=OWN | {"MCP-Protocol-Version": "1999-01-01"})
ask("notification", body=b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
ask("not json", body=b'{"jsonrpc":')
ask("bad utf-8", body=b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}')
ask("traversal", "GET", "/../../../../etc/passwd", None)
ask("traversal in path", "GET", "/%2e%2e/mcp", None, {})
ask("sse", "GET", "/sse", None)
send("no host", b"POST /mcp HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
bearer = f"Authorization: Bearer {token}"
send("100 MB announced", head(bearer, "Content-Length: 104857600"))
send("100 MB in chunks", head(bearer, "Transfer-Encoding: chunked"), 100)
send("100 MB without token", head("Transfer-Encoding: chunked"), 100)
send("garbage", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n")
if results["garbage"] == 400:
    results["garbage"] = "closed"  # Refused in words is as good.


def drip(raw: socket.socket) -> None:
    with contextlib.suppress(OSError):
        for byte in head(bearer, "Content-Length: 1000"):
            raw.send(bytes([byte]))
            time.sleep(0.5)


# Slow loris: a hundred callers that never finish, and one that wants an answer meanwhile.
slow = [socket.create_connection((host, port), timeout=20) for _ in range(100)]
for raw in slow:
    threading.Thread(target=drip, args=(raw,), daemon=True).start()
time.sleep(1)
ask("while slow")
results["slow"] = "answered" if results["while slow"] == 200 else results["while slow"]
# They are cut off in the end.
end = time.monotonic() + 25
slow[0].settimeout(25)
with contextlib.suppress(OSError):
    if slow[0].recv(1) == b"" and time.monotonic() < end:
        results["cut off"] = "yes"
print(json.dumps(results))
