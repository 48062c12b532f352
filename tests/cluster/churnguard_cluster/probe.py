"""Asks a piece of the rig, inside the rig's network, whether it answers."""

from __future__ import annotations

import contextlib
import http.client
import ssl

from churnguard_cluster.certificates import KeyPair
from churnguard_cluster.namespace import Network

REQUEST_SECONDS = 5.0


def answers(
    network: Network, port: int, path: str, *, context: ssl.SSLContext | None = None, address: str = ""
) -> bool:
    """Whether a GET gives 200; every failure to connect means: not yet."""
    host = address or network.address
    connection = http.client.HTTPConnection(host, port)
    with contextlib.closing(connection):
        try:
            plain = network.connect(host, port, seconds=REQUEST_SECONDS)
            connection.sock = context.wrap_socket(plain, server_hostname=host) if context else plain
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def trusting(authority: str, *, login: KeyPair | None = None) -> ssl.SSLContext:
    """TLS that trusts the authority in this file and, when given one, shows a client certificate."""
    context = ssl.create_default_context(cafile=authority)
    if login is not None:
        context.load_cert_chain(login.certificate, login.key)
    return context
