"""The API's answers about how the shop is doing, and what that means to whoever has to do something about it."""

from datetime import datetime

from kassa.kit.inputs import order_paid_by
from kassa.pages.models import Answer

_NEEDS = {"database": "Database", "stock": "Stock", "stripe": "Stripe"}
_ADVICE = {
    "database": "Check that the database is running and can be reached, and that its disk is not full.",
    "stock": "Check that the stock's store is running and can be reached. Nobody can order until it answers.",
    "stripe": "Check the key's rights in Stripe's dashboard; kassa doctor says what is missing.",
}
_ELSEWHERE = "Check that it is running; its log says why if it is not. kassa doctor looks at everything it needs."


class Check(Answer, frozen=True):
    """Something that a service needs."""

    name: str
    is_ok: bool
    trouble: str = ""

    @property
    def words(self) -> str:
        """What it is called."""
        return _NEEDS.get(self.name, f"The {self.name} service")

    @property
    def advice(self) -> str:
        """What to do if it fails."""
        return _ADVICE.get(self.name, _ELSEWHERE)


class Service(Answer, frozen=True):
    """A service, or the one process of all."""

    name: str
    is_ready: bool
    version: str
    checks: tuple[Check, ...]

    @property
    def words(self) -> str:
        """What it is called."""
        return "The shop" if self.name == "kassa" else f"{self.name.capitalize()} service"


class SystemHealth(Answer, frozen=True):
    """All of them."""

    version: str
    services: tuple[Service, ...]


class Finding(Answer, frozen=True):
    """Something that did not go together."""

    what: str
    subject: str
    text: str
    is_mended: bool

    @property
    def order_id(self) -> str:
        """The order that it is about; empty if it is about something else."""
        is_payment = self.subject.startswith("pay_")
        return order_paid_by(self.subject) if is_payment else self.subject if self.subject.startswith("ord_") else ""


class CheckRun(Answer, frozen=True):
    """One run of the nightly check."""

    at: datetime
    compared: int
    mended: int
    left: int
    findings: tuple[Finding, ...]


class CheckRuns(Answer, frozen=True):
    checks: tuple[CheckRun, ...]
