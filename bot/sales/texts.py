"""What members and owners read about offers, orders and payments, whatever the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.config.section import Language
from bot.faces.platforms import PLATFORMS
from bot.imagine.refusals import day
from storage.records.sales import Refused

if TYPE_CHECKING:
    from bot.config.money import Offer
    from bot.messages import Translator
    from storage.records.sales import Receipt

REFUSED = {
    Refused.UNKNOWN: "error-order-unknown",
    Refused.FORGOTTEN: "error-order-unknown",
    Refused.BANNED: "error-banned",
    Refused.NO_TIER: "error-order-changed",
    Refused.PAID: "error-order-paid",
    Refused.PRICE: "error-order-changed",
}


def platform_label(name: str) -> str:
    """What people call a platform that takes money."""
    return PLATFORMS[name].label if name in PLATFORMS else name


def label(offer: Offer, t: Translator) -> str:
    """What an offer is called."""
    if (own := offer.label.get(Language(t.language))) is not None:
        return own
    if offer.images is not None:
        return t("offer-images", images=offer.images)
    return t("offer-tier", tier=str(offer.tier), days=offer.days or 0)


def about(offer: Offer, t: Translator) -> str:
    """What an offer brings, in a sentence."""
    if offer.images is not None:
        return t("offer-images-about", images=offer.images)
    id_ = "offer-tier-renews" if offer.renews else "offer-tier-about"
    return t(id_, tier=str(offer.tier), days=offer.days or 0)


def told(receipt: Receipt, t: Translator) -> str:
    """What became of a payment, as the member reads it."""
    order_id = receipt.order.order_id if receipt.order else ""
    brought = receipt.brought
    if brought is None:
        return t("receipt-refused", order=order_id)
    if brought.goods.images is not None:
        return t("receipt-images", images=brought.goods.images, topup=brought.topup, order=order_id)
    assert brought.until is not None
    return t(
        "receipt-tier", tier=str(brought.goods.tier), until=day(brought.until, t.language), order=order_id
    )
