"""A proxy that tunnels every host to one loopback port, and tells what it was asked for.

Prints one line of JSON, {"port"}, then one for each CONNECT, {"target", "authorization"}, and ends
with its standard input.
"""

import argparse
import asyncio
import contextlib
import json
import os
import threading


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=int, required=True, metavar="PORT")
    parser.add_argument("--refuse", type=int, metavar="STATUS", help="tunnels nothing")
    arguments = parser.parse_args()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        authorization = fields.get("proxy-authorization")
        print(json.dumps({"target": target, "authorization": authorization}), flush=True)
        if method != "CONNECT" or arguments.refuse:
            writer.write(f"HTTP/1.1 {arguments.refuse or 405} No\r\n\r\n".encode())
            writer.close()
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", arguments.to)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pipe(reader, there_writer), pipe(there_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def watch() -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, daemon=True).start()
    await stop.wait()


asyncio.run(main())
