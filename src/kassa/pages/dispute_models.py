"""The API's answers about what a dispute is answered, as far as the pages read them."""

from datetime import datetime

from kassa.pages.models import Answer


class Disputed(Answer, frozen=True):
    """What the dispute is about."""

    id: str
    status: str
    amount_minor: int
    currency: str
    reason: str = ""
    answer_by: datetime | None = None


class Field(Answer, frozen=True):
    """One text that can be sent."""

    field: str
    label: str
    hint: str = ""
    max_length: int = 5_000
    text: str = ""
    is_wanted: bool = False
    is_shortened: bool = False

    @property
    def rows(self) -> int:
        """How high its box is."""
        if self.field == "uncategorized_text":
            return 10
        if self.max_length > 5_000:
            return 4
        return 4 if self.field.endswith("_address") and "email" not in self.field else 1


class Evidence(Answer, frozen=True):
    """What somebody has confirmed, and what became of it."""

    status: str
    failure: str = ""
    by: str = ""
    asked_at: datetime | None = None
    updated_at: datetime | None = None


class Draft(Answer, frozen=True):
    """What can be said to a dispute, and what is missing."""

    dispute: Disputed
    fields: tuple[Field, ...]
    max_together: int = 150_000
    missing: tuple[str, ...] = ()
    can_answer: bool = False
    why_not: str = ""
    answer: Evidence | None = None


class OneEvidence(Answer, frozen=True):
    evidence: Evidence
