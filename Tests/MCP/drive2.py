"""As drive.py, with version 2 of the official Python SDK, whose client speaks without a handshake.

Prints the same document; what the client raises for a call stands as an error with its text.
"""

import argparse
import asyncio
import json
import os
import sys

import httpx2
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("memoryd", nargs="?")
    parser.add_argument("--url")
    parser.add_argument("--token")
    parser.add_argument("--mode", default="auto")
    options = parser.parse_args()
    calls = json.load(sys.stdin)
    if options.url:
        headers = {"Authorization": f"Bearer {options.token}"} if options.token else {}
        transport = streamable_http_client(
            options.url, http_client=httpx2.AsyncClient(headers=headers))
    else:
        transport = stdio_client(StdioServerParameters(
            command=options.memoryd, args=["mcp"], env=dict(os.environ)))
    async with Client(transport, mode=options.mode) as client:
        tools = (await client.list_tools()).tools
        results = []
        for tool, arguments, *meta in calls:
            try:
                answer = await client.call_tool(
                    tool, arguments, **({"meta": meta[0]} if meta else {}))
                results.append({
                    "is_error": bool(answer.is_error), "meta": answer.meta,
                    "text": "".join(part.text for part in answer.content)})
            except Exception as error:
                results.append({"is_error": True, "meta": None, "text": str(error)})
        print(json.dumps({
            "version": client.protocol_version, "tools": [tool.name for tool in tools],
            "capabilities": client.server_capabilities.model_dump(), "results": results}))


asyncio.run(main())
