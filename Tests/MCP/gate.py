"""A vault without a handshake: passes on what MCP 2026-07-28 sends, and refuses all else as such a server
does.

    gate.py URL

Prints its own URL on a line, then serves until it is ended.
"""

import http.client
import http.server
import json
import sys
import urllib.parse

TARGET = urllib.parse.urlparse(sys.argv[1])
VERSION = "2026-07-28"


class Gate(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        message = json.loads(body)
        meta = (message.get("params") or {}).get("_meta") or {}
        if self.headers.get("MCP-Protocol-Version") != VERSION or \
                meta.get("io.modelcontextprotocol/protocolVersion") != VERSION:
            answer = {"jsonrpc": "2.0", "id": message.get("id"), "error": {
                "code": -32022, "message": "Unsupported protocol version",
                "data": {"supported": [VERSION], "requested": "older"}}}
            self.reply(400, "application/json", json.dumps(answer).encode())
            return
        connection = http.client.HTTPConnection(TARGET.hostname, TARGET.port, timeout=30)
        headers = {key: value for key, value in self.headers.items() if key.lower() != "host"}
        connection.request("POST", TARGET.path, body, headers)
        answer = connection.getresponse()
        self.reply(answer.status, answer.getheader("Content-Type") or "", answer.read())

    def do_DELETE(self) -> None:
        self.reply(405, "text/plain", b"")

    def reply(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
print(f"http://127.0.0.1:{server.server_address[1]}/mcp", flush=True)
server.serve_forever()
