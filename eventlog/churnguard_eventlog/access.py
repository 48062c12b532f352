"""Whether the topics that a program needs are there, and open to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Final, Literal

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient, TopicDescription

Access = Literal["read", "write"]

_OPERATIONS: Final = {"read": AclOperation.READ, "write": AclOperation.WRITE}
_FORBIDDEN: Final = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
)


Answers = Mapping[str, Future[TopicDescription]]


def ask_for_topics(admin: AdminClient, topics: Sequence[str], *, seconds: float) -> Answers:
    """Ask the brokers what these topics are and what we may do with them; the answers come in ``seconds`` or fail.

    Args:
        admin: A client with the rights of the one who will use them; they need Describe.
        topics: Names.
        seconds: How long the answer may take.
    """
    answers: Answers = admin.describe_topics(
        TopicCollection(list(topics)), include_authorized_operations=True, request_timeout=seconds
    )
    return answers


def problem_of_access(answers: Answers, *, access: Access) -> str | None:
    """What is wrong with the first of these topics that cannot be used like that; None when all can.

    Waits for answers that are not there yet.

    Raises:
        KafkaException: No broker has answered.
    """
    for name, answer in answers.items():
        if (problem := _problem_of(name, answer, access=access)) is not None:
            return problem
    return None


def refusal_of(error: KafkaError, *, topic: str, access: Access) -> str | None:
    """What an error of a broker says of our rights, or of a topic that is missing; None when it is about neither."""
    if error.code() in _FORBIDDEN:
        return f"this user may not {access} the topic {topic}"
    if error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
        return f"there is no topic {topic}"
    return None


def _problem_of(name: str, answer: Future[TopicDescription], *, access: Access) -> str | None:
    try:
        description = answer.result()
    except KafkaException as failed:
        problem = refusal_of(failed.args[0], topic=name, access=access)
        if problem is None:
            raise
        return problem
    # Without an authorizer, a broker names no operations at all.
    allowed = description.authorized_operations
    if allowed is not None and _OPERATIONS[access] not in allowed:
        return f"this user may not {access} the topic {name}"
    return None
