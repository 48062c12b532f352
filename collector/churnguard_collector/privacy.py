"""What is left of an event when nothing in it names its person. Pure.

An id, an e-mail address or an IP address that a sender put where none belongs is taken out as well, so that erasing a
subject erases the person.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from churnguard_core.events.messages import Message, MessageType

REMOVED: Final = "[removed]"
PERSONAL_TRAITS: Final = frozenset(
    {
        "address",
        "avatar",
        "birthday",
        "email",
        "firstname",
        "id",
        "ip",
        "lastname",
        "name",
        "phone",
        "title",
        "username",
        "website",
    }
)
"""Traits that Segment reserves for what a person is known by, in lower case and without underscores."""
KEPT_CONTEXT: Final[Mapping[str, frozenset[str]]] = {
    "app": frozenset({"name", "version", "build"}),
    "campaign": frozenset({"name", "source", "medium", "term", "content"}),
    "consent": frozenset({"categoryPreferences"}),
    "device": frozenset({"type", "manufacturer", "model"}),
    "library": frozenset({"name", "version"}),
    "os": frozenset({"name", "version"}),
    "page": frozenset({"path", "referrer", "title", "url"}),
    "screen": frozenset({"width", "height", "density"}),
}
"""What is kept of the context, by part; all else could tell people apart."""
KEPT_PLAIN: Final = frozenset({"locale", "timezone"})
ADDRESSES: Final = frozenset({"referrer", "url", "path"})
"""Of ``page``: they are kept without their query."""
_EMAIL: Final = re.compile(r"[^\s@<>\"'=&?/:;,()]{1,64}(?:@|%40)[^\s@<>\"'=&?/:;,()]{1,255}")
_BYTE: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"({_BYTE}\.{_BYTE}\.{_BYTE})\.{_BYTE}")
_SHORT: Final = 4


class Marks:
    """Texts by which one person would be known again.

    Args:
        texts: Ids and the like. One of fewer than four characters is found only where it is a whole value.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = frozenset(text for text in texts if text)
        self._encoded = [text.encode() for text in self.texts]
        self._long: re.Pattern[str] | None = None

    def may_be_in(self, encoded: bytes) -> bool:
        """Whether encoded JSON could hold a mark or an e-mail address; to look into every text costs far more."""
        if b"@" in encoded or b"%40" in encoded or b"\\" in encoded:
            return True
        return any(text in encoded for text in self._encoded)

    def taken_out(self, value: Any) -> Any:
        """A copy without marks and e-mail addresses, in keys too."""
        if isinstance(value, str):
            return self._out_of_text(value)
        if isinstance(value, dict):
            return {self._out_of_text(key): self.taken_out(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.taken_out(each) for each in value]
        return REMOVED if isinstance(value, (int, float)) and str(value) in self.texts else value

    def _out_of_text(self, text: str) -> str:
        if text in self.texts:
            return REMOVED
        if "@" in text or "%40" in text:
            text = _EMAIL.sub(REMOVED, text)
        return self._pattern().sub(REMOVED, text)

    def _pattern(self) -> re.Pattern[str]:
        if self._long is None:
            longest_first = sorted(
                (text for text in self.texts if len(text) >= _SHORT), key=len, reverse=True
            )
            # Without any text, what nothing matches.
            choices = "|".join(map(re.escape, longest_first)) or r"(?!)"
            self._long = re.compile(rf"(?<!\w)(?:{choices})(?!\w)")
        return self._long


def marks_of(message: Message, *, context: Mapping[str, Any]) -> Marks:
    """The marks of a message's person."""
    ids = (message.user_id, message.anonymous_id, message.previous_id)
    ip = context.get("ip")
    return Marks([*(each for each in ids if each), *([ip] if isinstance(ip, str) else [])])


def kept_properties(properties: Mapping[str, Any], *, type_: MessageType) -> dict[str, Any]:
    """Properties, or traits without those that name a person or a group."""
    if type_ not in ("identify", "group"):
        return dict(properties)
    return {name: value for name, value in properties.items() if _folded(name) not in PERSONAL_TRAITS}


def kept_context(context: Mapping[str, Any], *, with_network: bool) -> dict[str, Any]:
    """The parts of a context that say how somebody used the product, but not who; addresses without their query.

    Args:
        context: As it was sent.
        with_network: Whether the network of ``ip`` is kept.
    """
    kept: dict[str, Any] = {
        part: {name: _kept(name, value) for name, value in context[part].items() if name in names}
        for part, names in KEPT_CONTEXT.items()
        if isinstance(context.get(part), dict)
    }
    kept |= {name: context[name] for name in KEPT_PLAIN if isinstance(context.get(name), str)}
    if with_network and (network := network_of(context.get("ip"))) is not None:
        kept["network"] = network
    return kept


def network_of(address: object) -> str | None:
    """The /24 or /48 of an address, such as ``203.0.113.0/24``; None when it is no address."""
    # Nearly all are plain IPv4: to parse one takes twenty times as long.
    if isinstance(address, str) and (network := _IPV4.fullmatch(address)) is not None:
        return f"{network[1]}.0/24"
    try:
        ip = ipaddress.ip_address(str(address))
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False))


def allows(context: Mapping[str, Any], *, category: str | None) -> bool:
    """Whether the person has consented to this category; where none is asked for, always."""
    if category is None:
        return True
    consent = context.get("consent")
    preferences = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    return isinstance(preferences, dict) and preferences.get(category) is True


def _kept(name: str, value: Any) -> Any:
    return without_query(value) if name in ADDRESSES and isinstance(value, str) else value


def without_query(address: str) -> str:
    """The address up to its query and fragment, where people's ids and mail addresses travel."""
    return address.partition("?")[0].partition("#")[0]


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
