"""What is kept of invoices."""

import msgspec

from kassa.contracts.invoicing import Invoice
from kassa.kit.clock import Millis
from kassa.kit.documents import Collection, CollectionSpec, Database, Document, Index

INVOICES = CollectionSpec(
    "invoices", Invoice, (Index("by_place", ("place",), unique=True), Index("by_time", ("issued_at", "id")))
)
ONLY = "register"


class Head(Document, frozen=True, kw_only=True):
    """The end of the register: the year and the number of its last document, when that was issued, and the documents
    that were entered with it; these are stored before others are entered."""

    year: int = 0
    number: int = 0
    issued_at: Millis = 0
    added: tuple[Invoice, ...] = ()


HEADS = CollectionSpec("invoice_register", Head)


class InvoiceStore(msgspec.Struct, frozen=True):
    """The open collections."""

    invoices: Collection[Invoice]
    heads: Collection[Head]

    @classmethod
    async def open(cls, database: Database) -> "InvoiceStore":
        """Open the collections; make them if they are not there."""
        return cls(await database.collection(INVOICES), await database.collection(HEADS))
