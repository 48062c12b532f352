"""The vocabulary: events of shops and subscriptions that features understand, by the names of Segment's specs.

Any other event is kept as well. An event of the vocabulary whose properties are of other types is kept too, but a
feature sees it only as far as it can be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from msgspec import Struct


class Properties(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Properties of an event; more than these may be there. Amounts are in units of ``currency``."""


class Session(Properties, frozen=True, kw_only=True):
    """A visit begins or ends."""

    session_id: str | None = None
    channel: str | None = None


class Product(Properties, frozen=True, kw_only=True):
    """A product is looked at, or put into a cart or taken out of it; ``price`` is that of one."""

    product_id: str | None = None
    cart_id: str | None = None
    category: str | None = None
    price: float | None = None
    quantity: float | None = None
    value: float | None = None
    currency: str | None = None


class Item(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product in a cart or an order."""

    product_id: str | None = None
    price: float | None = None
    quantity: float | None = None


class Cart(Properties, frozen=True, kw_only=True):
    """A cart is looked at."""

    cart_id: str | None = None
    value: float | None = None
    currency: str | None = None
    products: tuple[Item, ...] = ()


class Checkout(Properties, frozen=True, kw_only=True):
    """A customer is about to pay."""

    checkout_id: str | None = None
    cart_id: str | None = None
    order_id: str | None = None
    step: int | None = None
    value: float | None = None
    currency: str | None = None
    products: tuple[Item, ...] = ()


class Order(Properties, frozen=True, kw_only=True):
    """An order is made, changed or cancelled; ``total`` is what the customer pays."""

    order_id: str
    cart_id: str | None = None
    checkout_id: str | None = None
    total: float | None = None
    revenue: float | None = None
    discount: float | None = None
    coupon: str | None = None
    currency: str | None = None
    products: tuple[Item, ...] = ()


class Refund(Properties, frozen=True, kw_only=True):
    """Money goes back."""

    order_id: str
    total: float | None = None
    reason: str | None = None
    currency: str | None = None


class Subscription(Properties, frozen=True, kw_only=True):
    """A subscription begins, goes on, changes or ends; ``value`` is what one ``interval`` costs."""

    subscription_id: str | None = None
    plan: str | None = None
    interval: Literal["day", "week", "month", "year"] | None = None
    value: float | None = None
    reason: str | None = None
    currency: str | None = None


class Support(Properties, frozen=True, kw_only=True):
    """A customer asks for help; ``rating`` is theirs."""

    ticket_id: str | None = None
    channel: str | None = None
    topic: str | None = None
    rating: float | None = None


EventName = Literal[
    "Session Started",
    "Session Ended",
    "Product Viewed",
    "Product Added",
    "Product Removed",
    "Cart Viewed",
    "Checkout Started",
    "Checkout Step Completed",
    "Order Completed",
    "Order Updated",
    "Order Cancelled",
    "Order Refunded",
    "Subscription Started",
    "Subscription Renewed",
    "Subscription Changed",
    "Subscription Payment Failed",
    "Subscription Cancelled",
    "Support Ticket Opened",
    "Support Ticket Closed",
]

_BY_FIRST_WORD: Final[Mapping[str, type[Properties]]] = {
    "Session": Session,
    "Product": Product,
    "Cart": Cart,
    "Checkout": Checkout,
    "Order": Order,
    "Subscription": Subscription,
    "Support": Support,
}

VOCABULARY: Final[Mapping[str, type[Properties]]] = {
    name: Refund if name == "Order Refunded" else _BY_FIRST_WORD[name.partition(" ")[0]]
    for name in get_args(EventName)
}
"""What the properties of an event are, by its name."""
