"""A TCP forwarder: it listens outside the rig's network, where its starter opened the socket, and connects inside.

A program of its own, because a process is in one network only, and lives as long as the rig, not as long as its
starter. It imports nothing that starts slowly.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket

CHUNK_BYTES = 1 << 16


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Moves bytes until one side ends, then tells the other."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def serve(*, descriptor: int, address: str, port: int) -> None:
    """Forwards every connection to ``address:port``, for ever."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            try:
                far_reader, far_writer = await asyncio.open_connection(address, port)
            except OSError:
                writer.transport.abort()  # the caller sees a reset, as if nobody listened
                return
            try:
                await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
            finally:
                far_writer.close()
                writer.close()

    listener = socket.socket(fileno=descriptor)
    listener.setblocking(False)
    server = await asyncio.start_server(forward, sock=listener)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m churnguard_cluster.forward", description=__doc__)
    parser.add_argument("--descriptor", type=int, required=True, help="the listening socket")
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    asyncio.run(
        serve(descriptor=arguments.descriptor, address=arguments.address, port=arguments.port),
    )


if __name__ == "__main__":
    main()
