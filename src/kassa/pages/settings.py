"""What the pages need to know about the shop they show."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from kassa.kit.clock import SECOND, Clock, SystemClock
from kassa.pages.brand import Brand


@dataclass(frozen=True)
class PageSettings:
    """`public_url` is where browsers find the shop (FRONTEND_URL); empty when it is the address they called.
    `set_name` is what the shop is called where its profile does not say."""

    set_name: str
    currency: str
    sandbox: bool
    public_url: str = ""
    page_size: int = 24
    withdrawal_days: int = 14
    sends_mail: bool = True
    clock: Clock = field(default_factory=SystemClock)
    brand: Brand = field(default_factory=Brand)

    @property
    def shop_name(self) -> str:
        return self.brand.profile.name or self.set_name

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that the shop is shown in, the first one to whoever speaks none of them."""
        return self.brand.profile.languages

    @property
    def offers_withdrawing(self) -> bool:
        return self.withdrawal_days > 0

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now() / SECOND, UTC)
