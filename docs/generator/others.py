"""What was measured of other systems, and what was seen of them."""

from typing import NamedTuple

COMPARISON = """\
The others were measured on one machine with 2 cores, each at the number of clients from 1 to 64 that suited it best,
and with all of their processes and databases counted: Saleor 3.20 and 3.24 on PostgreSQL and Redis, Medusa 2.21 on
PostgreSQL and Redis, Vendure 3.7 on PostgreSQL, and the Express original of this design, six Node processes on MongoDB
and Redis whose writes wait for no journal. The journeys of the first three end at a dummy payment, without Stripe and
webhooks: Kassa does more in each. Of Kassa, too, everything is counted but the sandbox, which is Stripe's part. It was
not the same run, so take the powers of ten and not the last digits."""

WRONG = """\
They were also tried with 200 buyers who want 50 pieces at the same moment, and with `kill -9` under load:

- Vendure settled the payments of all 200 for 50 pieces.
- Saleor 3.24 made 122 orders for 50 pieces, and captured a payment twice when it was asked again after a crash.
- Medusa refused buyers while there was stock (14 of 50 pieces were sold in the first wave), and after a crash gave 13
  buyers a second order.
- The Express original loses stock with every crash, keeps what expired sessions held, and cancels orders that are paid
  when an old event comes late.

What Kassa does there is proved by [tests](correctness.md), and by `flash-sale` above."""

_EXPRESS = "Express original, six processes"


class Other(NamedTuple):
    """What was measured of another system: as text, and the CPU of a journey, from and to."""

    name: str
    orders: str
    journeys: str
    cpu: tuple[float, float]
    memory: str


OTHERS = (
    Other("Saleor 3.20, 3.24", "", "1.8 to 2.8", (600, 940), "780 to 840"),
    Other("Medusa 2.21", "", "1.9 to 2.4", (640, 850), "830"),
    Other("Vendure 3.7", "", "9.8", (155, 194), "500"),
    Other(_EXPRESS, "185", "71", (24.5, 24.5), "810"),
)


def middle(other: Other) -> float:
    """The CPU of a journey, as one number."""
    return sum(other.cpu) / 2


def ranging(other: Other) -> str:
    """The same, as text."""
    least, most = other.cpu
    return f"{least:g} ms" if least == most else f"{least:g} to {most:g} ms"
