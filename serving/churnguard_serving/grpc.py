"""gRPC: KServe's servicer on an address of our choice (its own server listens on every interface)."""

from __future__ import annotations

from typing import Final

from grpc import aio
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import add_GRPCInferenceServiceServicer_to_server
from kserve.protocol.grpc.interceptors import ExceptionToStatusInterceptor
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.model_repository_extension import ModelRepositoryExtension

ENVELOPE_BYTES: Final = 64 * 1024
"""What a message may have besides its tensors."""


class CannotListen(Exception):  # noqa: N818 - names what it is
    """The address is taken, or is not ours."""


def grpc_server(
    dataplane: DataPlane, repository: ModelRepositoryExtension, *, host: str, port: int, most_bytes: int
) -> aio.Server:
    """A server that is bound and not started.

    Raises:
        CannotListen: The address is taken, or is not ours.
    """
    server = aio.server(
        interceptors=(ExceptionToStatusInterceptor(),),
        options=[
            ("grpc.max_receive_message_length", most_bytes + ENVELOPE_BYTES),
            ("grpc.max_send_message_length", -1),
            # Else two servers share a port without a word.
            ("grpc.so_reuseport", 0),
        ],
    )
    add_GRPCInferenceServiceServicer_to_server(InferenceServicer(dataplane, repository), server)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        server.add_insecure_port(address)
    except RuntimeError:
        raise CannotListen(f"cannot listen on {address} for gRPC") from None
    return server
