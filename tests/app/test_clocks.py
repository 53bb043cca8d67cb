"""A clock that is not Stripe's: what the doctor says of it is what becomes of sessions and webhooks."""

import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from kassa.app.settings import read_settings
from kassa.app.shop import Place, Shop, present
from kassa.app.wiring import Parts, all_here, open_shop
from kassa.cli.doctor import clock_compared
from kassa.contracts.inventory import Line
from kassa.contracts.payment import StripeRefused
from kassa.kit.clock import MOST_SKEW, SECOND, Millis, SystemClock
from kassa.kit.identity import Principal
from kassa.kit.ids import ORDER, PRODUCT
from kassa.payment.processor import BadSignature
from kassa.payment.processor_stripe import OLDEST_SIGNATURE_SECONDS, StripeProcessor
from kassa.sandbox import Sandbox, SandboxConfig
from tests.support import WEBHOOK_SECRET

BUYER = Principal("usr_buyer", "buyer@shop.example", "user", 2**40)
CALL: Millis = 20 * SECOND  # What the session's margin has for the call's own time, which is nothing here.


class WrongClock(SystemClock):
    """The machine's clock, wrong by so much."""

    def __init__(self, ahead: Millis) -> None:
        self.ahead = ahead

    def now(self) -> Millis:
        return super().now() + self.ahead


@pytest.fixture
async def stripe_url(tmp_path: Path) -> AsyncIterator[str]:
    """Where a sandbox is that has the right time."""
    sandbox = Sandbox(SandboxConfig(database=tmp_path / "sandbox.db"))
    await sandbox.start(port=0)
    yield sandbox.url
    await sandbox.stop()


@pytest.mark.parametrize(
    ("ahead", "is_well"),
    [
        (0, True),
        (-(MOST_SKEW - 2 * SECOND), True),
        (MOST_SKEW - 2 * SECOND, True),
        (-(MOST_SKEW + CALL + 5 * SECOND), False),
    ],
)
async def test_the_doctor_finds_a_clock_well_with_which_sessions_can_be_made_and_no_other(
    tmp_path: Path, stripe_url: str, ahead: Millis, is_well: bool
) -> None:
    given = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET, "STRIPE_API_BASE": stripe_url}
    settings = read_settings({**given, "KASSA_DATA": str(tmp_path / "data")})
    async with open_shop(settings, Place(all_here(settings)), Parts(clock=WrongClock(ahead))) as shop:
        assert (await clock_compared(shop, settings)).is_well == is_well
        assert await _can_be_paid(shop) == is_well


async def test_the_doctor_complains_before_it_does_harm(tmp_path: Path, stripe_url: str) -> None:
    given = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET, "STRIPE_API_BASE": stripe_url}
    settings = read_settings({**given, "KASSA_DATA": str(tmp_path / "data")})
    for ahead in (-(MOST_SKEW + 2 * SECOND), MOST_SKEW + 2 * SECOND):
        async with open_shop(settings, Place(all_here(settings)), Parts(clock=WrongClock(ahead))) as shop:
            found = await clock_compared(shop, settings)
            assert not found.is_well
            assert ("ahead of" in found.text) == (ahead > 0)
            assert "NTP" in found.advice
            assert await _can_be_paid(shop)


async def test_a_signature_by_a_clock_that_the_doctor_finds_well_is_good_for_minutes() -> None:
    processor = StripeProcessor("sk_test_1", (WEBHOOK_SECRET,))
    for ahead in (-MOST_SKEW, MOST_SKEW):
        processor.verify(b"{}", _signed(ahead - 60 * SECOND))
    with pytest.raises(BadSignature):
        processor.verify(b"{}", _signed(-OLDEST_SIGNATURE_SECONDS * SECOND - 2 * SECOND))


def _signed(ahead: Millis) -> str:
    at = int(time.time()) + ahead // SECOND
    return f"t={at},v1={hmac.new(WEBHOOK_SECRET.encode(), f'{at}.{{}}'.encode(), hashlib.sha256).hexdigest()}"


async def _can_be_paid(shop: Shop) -> bool:
    """Whether an order gets a session at Stripe."""
    fields = {"name": "Mug", "description": "", "category": "x", "images": [], "price": Decimal("19.99"), "stock": 1}
    product = await present(shop.product, "product").create(shop.ids.new(PRODUCT), fields, "usr_admin")
    await shop.settle()
    order = await present(shop.order, "order").place(shop.ids.new(ORDER), BUYER.id, [Line(product.id, 1)])
    try:
        payment = await present(shop.payment, "payment").checkout.open_session(order.id, BUYER)
    except StripeRefused:
        return False
    return payment.session_id is not None
