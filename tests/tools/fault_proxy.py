"""A proxy between the operator and the API server, which does them the faults that a test asks for.

It ends TLS with a certificate of the rig's own authority, so it sees requests where a proxy of bytes would see none:
it can answer in the API server's place, hold answers back, fall silent, and strike before or after a certain write.
Every connection has a thread and a connection to the API server of its own; who logs in is passed on as it is.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from api_request import ApiRequest, parse_request
from faults import Delay, Expire, Fault, Freeze, Refuse, Strike

from churnguard_cluster.apiserver import ApiServer
from churnguard_cluster.probe import trusting

PORT: Final = 17443
PIECE: Final = 65_536
HOP_BY_HOP: Final = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A request that the API server has answered."""

    request: ApiRequest
    status: int
    time: float
    """When, by the monotonic clock."""


@dataclass(frozen=True, kw_only=True)
class Weather:
    """The faults of a time, and the end of that time."""

    faults: tuple[Fault, ...] = ()
    met: list[ApiRequest] = field(default_factory=list)
    """Requests that a fault was done to; of a watch, each of its words besides."""
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def faults_of(self, request: ApiRequest) -> list[Fault]:
        """The faults that are to be done to a request."""
        with self.lock:
            found = [fault for fault in self.faults if fault.which(request)]
            self.met.extend(request for _ in found)
        return found

    def hold_back(self, fault: Delay | Freeze) -> None:
        """Returns later; ConnectionAbortedError, when all is over, where nothing is ever answered."""
        self.over.wait(fault.seconds if isinstance(fault, Delay) else None)
        if isinstance(fault, Freeze):
            raise ConnectionAbortedError


class FaultProxy:
    """Listens at a port of the rig's own address, in front of the API server; a context manager."""

    def __init__(self, api_server: ApiServer) -> None:
        self.network = api_server.rig.network
        self.port = self.network.port(PORT)
        self.answered: list[Answered] = []
        """All that went through, in the order of the answers; of a watch, when it began."""
        self.defects: list[BaseException] = []
        self.connections: set[Connection] = set()
        self.weather = Weather()
        self._to = api_server.port
        authority = api_server.identities.authority
        self._trusting = trusting(str(authority.certificate))
        own = authority.server("fault-proxy", hosts=(self.network.address,))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(own.certificate, own.key)
        self._server = _Server((self.network.address, self.port), Connection, bind_and_activate=False)
        self._server.proxy = self
        self._server.socket.close()
        self._server.socket = self.network.listen(self.network.address, self.port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="fault proxy")

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self.mend()
        self.cut()
        self._server.server_close()
        for defect in self.defects:
            raise defect

    @property
    def url(self) -> str:
        """Where the operator is to find the API server."""
        return f"https://{self.network.address}:{self.port}"

    def afflict(self, *faults: Fault) -> None:
        """From now on these faults, and no others."""
        before, self.weather = self.weather, Weather(faults=faults)
        before.over.set()

    def mend(self) -> None:
        """From now on no faults. What was frozen is never answered."""
        self.afflict()

    @contextlib.contextmanager
    def afflicted(self, *faults: Fault) -> Iterator[None]:
        """These faults inside the block."""
        self.afflict(*faults)
        try:
            yield
        finally:
            self.mend()

    def cut(self) -> int:
        """Breaks all connections off; how many there were."""
        return sum(connection.cut() for connection in list(self.connections))

    def cut_watches(self) -> int:
        """Breaks the connections off on which something is watched; how many there were."""
        watching = [each for each in list(self.connections) if each.request_now and each.request_now.is_watch]
        return sum(connection.cut() for connection in watching)

    def note(self, request: ApiRequest, *, status: int) -> None:
        self.answered.append(Answered(request=request, status=status, time=time.monotonic()))

    def count(self, verb: str, resource: str) -> int:
        """How many such requests went well."""
        asked = [each for each in list(self.answered) if each.status < http.client.BAD_REQUEST]
        return sum((each.request.verb, each.request.resource) == (verb, resource) for each in asked)

    def writes(self, *, since: int = 0) -> list[ApiRequest]:
        """Requests that changed something, but for the Lease, from the ``since``-th answer on."""
        return [each.request for each in self.answered[since:] if each.request.is_write]

    def connect(self) -> http.client.HTTPConnection:
        """A connection to the API server."""
        plain = self.network.connect(self.network.address, self._to, seconds=10)
        plain.settimeout(None)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = http.client.HTTPConnection(self.network.address, self._to)
        # Opened by itself it would be in the wrong network.
        connection.auto_open = 0
        connection.sock = self._trusting.wrap_socket(plain, server_hostname=self.network.address)
        return connection

    def accept(self, plain: socket.socket) -> ssl.SSLSocket:
        """A client's connection, once both have agreed on TLS."""
        return self._context.wrap_socket(plain, server_side=True)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    proxy: FaultProxy

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exception()
        if error is not None and not isinstance(error, OSError | http.client.HTTPException):
            self.proxy.defects.append(error)


class Connection(BaseHTTPRequestHandler):
    """One connection of a client, and the one to the API server that belongs to it."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        self.proxy = self.server.proxy
        self.request_now: ApiRequest | None = None
        # Here and not where connections are accepted: a client may take its time, or be killed meanwhile.
        self.request = self.proxy.accept(self.request)
        try:
            self.upstream = self.proxy.connect()
        except BaseException:
            self.request.close()
            raise
        super().setup()
        self.proxy.connections.add(self)

    def finish(self) -> None:
        self.proxy.connections.discard(self)
        with contextlib.suppress(OSError):
            super().finish()
        self.upstream.close()
        self.request.close()

    def cut(self) -> bool:
        """Breaks it off, from another thread."""
        # The API server may have ended its side already: then http.client has none.
        for each in (self.request, self.upstream.sock):
            if each is None:
                continue
            with contextlib.suppress(OSError):
                # Not SSLSocket's own, which would go on in the clear.
                socket.socket.shutdown(each, socket.SHUT_RDWR)
        return True

    def do_GET(self) -> None:
        request = parse_request(self.command, self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.request_now = request
        try:
            self._treat(request, body)
        finally:
            self.request_now = None

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - http.server asks for these names

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def _treat(self, request: ApiRequest, body: bytes) -> None:
        weather, strike = self.proxy.weather, None
        for fault in weather.faults_of(request):
            match fault:
                case Refuse() | Expire():
                    return self._answer_instead(fault)
                case Strike(moment="before"):
                    self._strike(fault)
                case Strike():
                    strike = fault
                case _:
                    weather.hold_back(fault)
        self.upstream.request(self.command, self.path, body or None, self._headers())
        answer = self.upstream.getresponse()
        self.proxy.note(request, status=answer.status)
        if request.is_watch and answer.status == http.client.OK:
            return self._stream(request, answer)
        content = answer.read()
        if strike is not None:
            self._strike(strike)
        self._head(answer, {"Content-Length": str(len(content))})
        self.wfile.write(content)
        return None

    def _strike(self, strike: Strike) -> None:
        strike.act(self.headers.get("Authorization", ""))
        raise ConnectionAbortedError

    def _headers(self) -> dict[str, str]:
        return {key: value for key, value in self.headers.items() if key.lower() not in HOP_BY_HOP}

    def _stream(self, request: ApiRequest, answer: http.client.HTTPResponse) -> None:
        self._head(answer, {"Transfer-Encoding": "chunked"})
        while piece := answer.read1(PIECE):
            weather = self.proxy.weather
            for fault in weather.faults_of(request):
                if isinstance(fault, Delay | Freeze):
                    weather.hold_back(fault)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _head(self, answer: http.client.HTTPResponse, more: dict[str, str]) -> None:
        self.send_response_only(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in HOP_BY_HOP:
                self.send_header(key, value)
        for key, value in more.items():
            self.send_header(key, value)
        self.end_headers()

    def _answer_instead(self, fault: Refuse | Expire) -> None:
        body = fault.body()
        self.send_response_only(fault.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if fault.retry_after is not None:
            self.send_header("Retry-After", str(fault.retry_after))
        self.end_headers()
        self.wfile.write(body)
