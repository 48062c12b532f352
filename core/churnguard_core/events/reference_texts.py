"""What the parts of an event mean, for the reference page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from churnguard_core.events import topics

INTRODUCTION: Final = """\
<!-- Generated from core/churnguard_core/events by `make generate`; do not edit. -->
# Events

What applications send, what is answered, and what is kept. It is Segment's protocol, so SDKs that speak it work against
[the collector](../collector.md), which has the routes. Times are texts with a zone as in RFC 3339, such as
`2026-03-01T12:00:00.000Z`. The same contract as JSON Schema is `core/tests/events/golden/schema_v1.json`.
"""

TYPES: Final[Mapping[str, str]] = {
    "track": "somebody did something",
    "identify": "what somebody is like",
    "page": "somebody saw a page",
    "screen": "somebody saw a screen of an app",
    "group": "somebody belongs to a group",
    "alias": "two ids are one person",
}

SOMEBODY: Final = """\
Every type but `alias` needs a `userId` or an `anonymousId` as well. Null means absent, and fields that are not named
here are ignored.
"""

MESSAGE: Final[Mapping[str, str]] = {
    "type": "What it is; needed in a batch, elsewhere the route says it.",
    "messageId": "Names the event: with the same id and the same timestamp it is kept once. Without one it gets one.",
    "userId": "Who it was, by your own id.",
    "anonymousId": "Which visitor it was, while you do not know who.",
    "previousId": "Who the `userId` of an alias was before.",
    "groupId": "The group of a `group`.",
    "event": "What was done, in a `track`.",
    "name": "Of a page or a screen.",
    "category": "Of a page or a screen.",
    "timestamp": "When it happened, by the sender's clock; a retry repeats it. Without one, when it came.",
    "originalTimestamp": "The same, where another server has changed `timestamp`.",
    "sentAt": "When it was sent, by the sender's clock; corrects what is wrong with that clock.",
    "properties": "What there is to say of the event.",
    "traits": "What there is to say of the person or the group, in `identify` and `group`.",
    "context": "Where it happened; of it, what tells people apart is not kept.",
}

VOCABULARY_INTRODUCTION: Final = """\
Events of the type `track` that features understand, by the names of Segment's specs. Any other event is kept as well,
and more properties may be there. A property of another type is kept, but no feature reads it.
"""

RESULTS_INTRODUCTION: Final = """\
A result for every event, in the order they came: `messageId`, `result`, and unless it is `ok` a `reason`, with
`problems` where there are some. Each problem has a `path` and a `message`, and repeats no value.
"""

VERDICTS: Final[Mapping[str, str]] = {
    "ok": "It is kept, and survives whatever happens to the collector.",
    "drop": "It never will be: to send it again is of no use.",
    "retry": "It may or may not be kept. Send it again, with the same message id and timestamp.",
}

REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "malformed": (
        "No JSON that can be kept: no Unicode, a number beyond all bounds, the character NUL.",
        "Send other bytes.",
    ),
    "too_large": ("Beyond a limit of size.", "Send less; the limits are above."),
    "schema": ("Fields are wrong or missing; `problems` names each.", "Send what the tables above say."),
    "duplicate": (
        "In this batch, another event has the same id and time, and says something else.",
        "Give every event an id of its own.",
    ),
    "clock_skew": (
        "It happened outside of the days that are kept.",
        "Set the sender's clock, or send old events with a server key.",
    ),
    "unstorable": ("The store refused it.", "Report it: what can be checked is checked before."),
    "no_consent": ("The person has not consented to the workspace's category.", "Nothing: so it is meant."),
    "do_not_track": ("The person's browser asks not to be followed.", "Nothing: so it is meant."),
    "unavailable": ("The store did not answer in time.", "Send it again after `Retry-After`."),
    "overloaded": ("Too many events wait; it was not tried.", "Send it again after `Retry-After`."),
}

KEPT: Final = """\
The envelope, version {version}: a record of `{topic}`, and but for its version a row of the table `churnguard.events`,
whose columns have the same names in snake case.
"""

ENVELOPE: Final[Mapping[str, str]] = {
    "workspace": "Whose event it is; the write key says it.",
    "messageId": "As sent, or given by the collector.",
    "type": "As sent, or by the route.",
    "subject": "Stands for the user, or for the visitor where no user is known.",
    "originalTimestamp": "When it happened, by the sender's clock. Decides about the day's partition and duplicates.",
    "timestamp": "The same moment by our clock, corrected by `sentAt`.",
    "receivedAt": "When it came.",
    "source": "The id of the write key.",
    "version": "Of the envelope.",
    "properties": "Properties, or the traits of an identify or a group; without what names the person.",
    "context": "What is left of the context.",
    "anonymousSubject": "Stands for the visitor, where the user is known too.",
    "previousSubject": "Stands for who an alias was before.",
    "groupSubject": "Stands for the group.",
    "name": "The event of a track, or the name of a page or screen.",
    "category": "Of a page or a screen.",
}

KEPT_OF_BAD: Final = """\
A bad event: a record of `{topic}`, or a row of `churnguard.bad_events`. Nothing else of it is kept.
"""

BAD_EVENT: Final[Mapping[str, str]] = {
    "version": "Of this shape.",
    "workspace": "Whose event it was.",
    "source": "The id of the write key.",
    "reason": "The gravest one.",
    "problems": "All that was wrong, without a value.",
    "receivedAt": "When it came.",
    "messageId": "Where it had one in good shape.",
    "subject": "Where it had one in good shape.",
}

TOPICS: Final[Mapping[str, tuple[str, str]]] = {
    topics.EVENTS: ("envelopes", "workspace and subject"),
    topics.BAD_EVENTS: ("bad events", "workspace and subject, where there is one"),
    topics.ERASURES: ("subjects to erase; nothing writes or reads it yet", "workspace and subject"),
}

RECORDS: Final = """\
A key of workspace and subject is such as `{key}`; its partition is the one that Java's clients choose. A record of
an event has the headers `content-type`, `envelope-version`, `type` and `source`.
"""
