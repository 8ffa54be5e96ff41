"""Drives memoryd's MCP server with the official Python SDK's client.

    drive.py MEMORYD < calls.json                over stdio
    drive.py --url URL [--token T] < calls.json  over Streamable HTTP

`calls.json` is a list of [tool, arguments] or [tool, arguments, meta]. Prints one JSON document:
{"version", "capabilities", "tools", "results"}, a result being {"is_error", "text", "meta"}.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client
from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult, ClientRequest


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("memoryd", nargs="?")
    parser.add_argument("--url")
    parser.add_argument("--token")
    options = parser.parse_args()
    calls = json.load(sys.stdin)
    async with contextlib.AsyncExitStack() as stack:
        if options.url:
            headers = {"Authorization": f"Bearer {options.token}"} if options.token else {}
            read, write, _ = await stack.enter_async_context(
                streamablehttp_client(options.url, headers=headers))
        else:
            read, write = await stack.enter_async_context(stdio_client(StdioServerParameters(
                command=options.memoryd, args=["mcp"], env=dict(os.environ))))
        session = await stack.enter_async_context(ClientSession(read, write))
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
            "capabilities": hello.capabilities.model_dump(), "results": results}))


asyncio.run(main())
