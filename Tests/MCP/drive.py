"""Drives `memoryd mcp` with the official Python SDK's client over stdio.

    drive.py MEMORYD < calls.json

`calls.json` is a list of [tool, arguments] or [tool, arguments, meta]. Prints one JSON document:
{"version", "tools", "results"}, a result being {"is_error", "text", "meta"}.
"""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult, ClientRequest


async def main() -> None:
    calls = json.load(sys.stdin)
    server = StdioServerParameters(command=sys.argv[1], args=["mcp"], env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        hello = await session.initialize()
        await session.send_ping()
        tools = (await session.list_tools()).tools
        results = []
        for tool, arguments, *meta in calls:
            fields = {"name": tool, "arguments": arguments}
            if meta:
                fields["_meta"] = meta[0]
            request = CallToolRequest(
                method="tools/call", params=CallToolRequestParams.model_validate(fields))
            answer = await session.send_request(ClientRequest(request), CallToolResult)
            results.append({
                "is_error": bool(answer.isError), "meta": answer.meta,
                "text": "".join(part.text for part in answer.content)})
        print(json.dumps({
            "version": hello.protocolVersion, "tools": [tool.name for tool in tools],
            "results": results}))


asyncio.run(main())
