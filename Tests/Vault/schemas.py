"""What the tools take, and what the service says of arguments that do not fit.

It says so in the words of zod: of version 3 for tools with arguments, of version 4 for the others.
"""

import json
from typing import Any

Row = dict[str, Any]

TEXT: Row = {"type": "string"}
TEXTS: Row = {"type": "array", "items": TEXT}
ABSENT: Any = object()
KINDS = {
    dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number",
    type(None): "null", object: "undefined",
}


def one_of(*values: str) -> Row:
    return {"type": "string", "enum": list(values)}


# By tool, its arguments; a star stands before those that are required.
TOOLS: dict[str, Row] = {
    "task": {
        "*action": one_of("add", "update", "done", "retro", "list"), "id": TEXT, "title": TEXT,
        "project": TEXT, "context": TEXT, "occurred_at": TEXT, "status": one_of("open", "done", ""),
        "format": one_of("json", "md"), "source": one_of("claude.ai", "cc", "iphone", "auto"),
    },
    "checkpoint": {
        "*action": one_of("load", "save", "decide", "ingest"), "objective": TEXT, "blockers": TEXTS,
        "recent_actions": TEXTS, "decision": TEXT, "rationale": TEXT, "task_id": TEXT,
    },
    "session_start": {"project": TEXT},
    "session_end": {
        "*objective": TEXT, "*recent_actions": TEXTS, "blockers": TEXTS,
        "capture_transcript": {"type": "boolean"},
    },
    "search": {
        "*query": TEXT, "session": TEXT, "limit": {"type": "integer", "minimum": 1, "maximum": 100},
    },
    # Of the rest, `health` and `backup` take none, and the others tell what they were given.
    "health": {}, "backup": {}, "workflow": {}, "workflow_query": {}, "execute": {}, "github": {},
    "pricing": {},
}
SCHEMAS: dict[str, Row] = {
    tool: {
        "type": "object",
        "properties": {name.lstrip("*"): kind for name, kind in arguments.items()},
        "required": [name[1:] for name in arguments if name.startswith("*")],
    } for tool, arguments in TOOLS.items()
}


def complaint(tool: str, arguments: Any) -> str | None:
    """What validation has against the arguments; none at all are ABSENT."""
    schema = SCHEMAS[tool]
    if arguments is ABSENT and not schema["properties"]:
        message = "Invalid input: expected object, received undefined"
        return validation_text(tool, [
            {"expected": "object", "code": "invalid_type", "path": [], "message": message}])
    found = issues(schema, arguments, [])
    return validation_text(tool, found) if found else None


def issues(schema: Row, value: Any, path: list[Any]) -> list[Row]:
    wanted, given = schema["type"], KINDS[type(value)]
    if "enum" in schema:
        options = " | ".join(f"'{option}'" for option in schema["enum"])
        if given != "string":
            return [{"expected": options, "received": given, "code": "invalid_type", "path": path,
                     "message": wrong_type(options, given)}]
        if value not in schema["enum"]:
            return [{"received": value, "code": "invalid_enum_value", "options": schema["enum"],
                     "path": path,
                     "message": f"Invalid enum value. Expected {options}, received '{value}'"}]
    kind = "number" if wanted == "integer" else wanted
    if kind == given == "number" and value % 1:
        kind, given = "integer", "float"
    if kind != given:
        return [{"code": "invalid_type", "expected": kind, "received": given, "path": path,
                 "message": wrong_type(kind, given)}]
    found: list[Row] = []
    if "minimum" in schema and not schema["minimum"] <= value <= schema["maximum"]:
        is_small = value < schema["minimum"]
        code, bound, words = (
            ("too_small", "minimum", "greater") if is_small else ("too_big", "maximum", "less"))
        message = f"Number must be {words} than or equal to {schema[bound]}"
        found.append({
            "code": code, bound: schema[bound], "type": "number", "inclusive": True,
            "exact": False, "path": path, "message": message})
    for at, item in enumerate(value if kind == "array" else []):
        found += issues(schema["items"], item, [*path, at])
    for name, part in schema.get("properties", {}).items():
        if name in value or name in schema["required"]:
            found += issues(part, value.get(name, ABSENT), [*path, name])
    return found


def wrong_type(wanted: str, given: str) -> str:
    return "Required" if given == "undefined" else f"Expected {wanted}, received {given}"


def validation_text(tool: str, found: list[Row]) -> str:
    details = json.dumps(found, indent=2, ensure_ascii=False)
    return f"Input validation error: Invalid arguments for tool {tool}: {details}"
