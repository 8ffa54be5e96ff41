"""The tasks by REST, as the service has them beside MCP.

Answers that fail were not recorded; their texts are those of the tool.
"""

import json
from typing import Any
from urllib.parse import parse_qsl

from tools import Store, ToolError
from wire import Request, Response


def answer(store: Store, request: Request) -> Response:
    try:
        given: dict[str, Any] = json.loads(request.body or b"{}")
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        match request.method, request.path.split("/")[1:]:
            case "GET", ["tasks"]:
                return listed(store, query)
            case "POST", ["tasks"]:
                return Response.json(store.task(given | {"action": "add"}), 201)
            case "POST", ["tasks", "retroactive"]:
                return Response.json(store.task(given | {"action": "retro"}), 201)
            case "PUT", ["tasks", id]:
                row = store.task(given | {"action": "update", "id": id})
            case "POST", ["tasks", id, "done"]:
                row = store.task({"action": "done", "id": id})
            case _:
                return Response.json({"error": "Not found"}, 404)
    except (ToolError, ValueError, TypeError) as error:
        return Response.json({"error": str(error)}, 400)
    return Response.json(row, 404 if "error" in row else 200)


def listed(store: Store, query: dict[str, str]) -> Response:
    text = store.task(query | {"action": "list"})
    if query.get("format") == "md":
        return Response(200, {"content-type": "text/markdown; charset=utf-8"}, text.encode())
    return Response.json(json.loads(text))
