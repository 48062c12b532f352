"""The peer of the collector: events as idiomatic FastAPI takes them, with pydantic and aiokafka, to the same Kafka.

It promises the same: 200 is said when all replicas in sync have every event, an idempotent producer writes it once,
a person's id becomes a keyed hash, and addresses are truncated. Arguments: the port, the topic.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

PORT, TOPIC = int(sys.argv[1]), sys.argv[2]
KEYS = {hashlib.sha256(key.encode()).hexdigest(): "demo" for key in ("sk_plain", "sk_private")}
SECRET = b"0123456789abcdef" * 2


class Camel(BaseModel):
    """JSON has camel case."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Event(Camel):
    """An event of Segment's protocol."""

    type: Literal["track", "identify", "page", "screen", "group", "alias"] = "track"
    user_id: str | None = Field(default=None, max_length=200)
    anonymous_id: str | None = Field(default=None, max_length=200)
    event: str | None = Field(default=None, max_length=200)
    message_id: str = Field(default_factory=lambda: uuid4().hex, max_length=100)
    timestamp: datetime = Field(default_factory=lambda: datetime.now(UTC))
    properties: dict[str, Any] = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)


class Batch(Camel):
    """Events at once."""

    batch: list[Event] = Field(max_length=500)
    sent_at: datetime | None = None


class Envelope(Camel):
    """What is written."""

    workspace: str
    subject: str
    received_at: datetime
    event: Event


class Result(Camel):
    """What became of an event."""

    message_id: str
    result: Literal["ok", "drop", "retry"]


class Answer(Camel):
    """What became of all."""

    success: bool
    results: list[Result]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """A producer for life."""
    app.state.producer = AIOKafkaProducer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP"],
        acks="all",
        enable_idempotence=True,
        linger_ms=10,
        # Not compressed, which costs it less: it can lz4 only with one more library.
    )
    await app.state.producer.start()
    yield
    await app.state.producer.stop()


app = FastAPI(lifespan=lifespan)
basic = HTTPBasic()


async def workspace_of(credentials: Annotated[HTTPBasicCredentials, Depends(basic)]) -> str:
    """Whose key it is."""
    found = KEYS.get(hashlib.sha256(credentials.username.encode()).hexdigest())
    if found is None:
        raise HTTPException(401)
    return found


Workspace = Annotated[str, Depends(workspace_of)]


def private(event: Event, *, workspace: str) -> Envelope:
    """The event without what says who it is about."""
    subject = hmac.new(
        SECRET, (event.user_id or event.anonymous_id or "").encode(), hashlib.sha256
    ).hexdigest()
    context = dict(event.context)
    if address := context.get("ip"):
        context["ip"] = str(ipaddress.ip_network(f"{address}/24", strict=False).network_address)
    kept = event.model_copy(update={"user_id": None, "anonymous_id": None, "context": context})
    return Envelope(workspace=workspace, subject=subject, received_at=datetime.now(UTC), event=kept)


async def keep(events: list[Event], *, workspace: str) -> Answer:
    """Write all, and wait until all are acknowledged."""
    producer = app.state.producer
    futures = []
    for event in events:
        envelope = private(event, workspace=workspace)
        value = envelope.model_dump_json(by_alias=True, exclude_none=True).encode()
        key = f"{workspace}:{envelope.subject}".encode()
        futures.append(await producer.send(TOPIC, value, key=key, headers=[("type", event.type.encode())]))
    for future in futures:
        await future
    return Answer(success=True, results=[Result(message_id=each.message_id, result="ok") for each in events])


@app.post("/v1/track")
async def track(event: Event, workspace: Workspace) -> Answer:
    """One event."""
    return await keep([event], workspace=workspace)


@app.post("/v1/batch")
async def batch(events: Batch, workspace: Workspace) -> Answer:
    """Events at once."""
    return await keep(events.batch, workspace=workspace)


@app.get("/readyz")
async def readyz() -> dict[str, str]:
    """The producer has started, or nobody would be answered."""
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, access_log=False, log_level="warning")
