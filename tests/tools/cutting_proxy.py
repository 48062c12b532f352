"""A proxy before a server of the rig that cuts all connections when a test says so. It sees bytes, and no requests."""

from __future__ import annotations

import contextlib
import socket
import threading

from churnguard_cluster.namespace import Network


class CuttingProxy:
    """Listens at a port of the rig's own address, and leads to another; a context manager."""

    def __init__(self, *, network: Network, port: int, to: int) -> None:
        self._network = network
        self._to = to
        self._listening = network.listen(network.address, port)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, name="proxy: accept")]
        self.port = port

    def __enter__(self) -> CuttingProxy:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        # A blocked accept does not notice that its socket is closed, but that it is shut down.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self.cut()
        self._listening.close()
        for thread in self._threads:
            thread.join()

    def cut(self) -> int:
        """Breaks all connections off; how many there were."""
        with self._lock:
            found = list(self._open)
        for each in found:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        return len(found) // 2

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = self._network.connect(self._network.address, self._to, seconds=10)
            server.settimeout(None)
            with self._lock:
                self._open |= {client, server}
            pair = threading.Barrier(2)
            for source, target in ((client, server), (server, client)):
                thread = threading.Thread(target=self._pump, args=(source, target, pair), name="proxy: pump")
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, target: socket.socket, pair: threading.Barrier) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65_536):
                target.sendall(content)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        # Both directions have ended before either socket is closed: its number may be another's at once.
        pair.wait()
        with self._lock:
            self._open.discard(source)
        source.close()
