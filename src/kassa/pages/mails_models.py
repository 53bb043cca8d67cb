"""The API's answers about mails, as far as the pages read them."""

from datetime import datetime

from kassa.pages.models import Answer, Pagination


class Mail(Answer, frozen=True):
    """A mail that lies in a file."""

    id: str
    kind: str
    about: str
    to: str
    subject: str
    sent_at: datetime
    text: str = ""

    @property
    def words(self) -> str:
        """Which mail it is, in words."""
        return self.kind.replace("_", " ").capitalize()

    @property
    def order_id(self) -> str:
        """The order that it is about; empty if it is about none."""
        return self.about if self.about.startswith("ord_") else ""


class Mails(Answer, frozen=True):
    mails: tuple[Mail, ...]
    pagination: Pagination


class OneMail(Answer, frozen=True):
    mail: Mail
