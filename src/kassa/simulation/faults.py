"""What goes wrong, how often, and what was hit by it. Each kind has chances of its own, so that one can be left out
without changing the others."""

import math
from collections import Counter
from collections.abc import Callable
from random import Random

LOSS = "stock store lost writes"
KINDS = (
    "crash",
    "call never came",
    "call came twice",
    "answer lost",
    "store did not answer",
    "store answer lost",
    LOSS,
    "Stripe did not answer",
    "Stripe answer lost",
    "Stripe 429",
    "Stripe saved 500",
    "webhook lost",
    "webhook late",
    "webhook again",
    "webhook with another id",
    "clock jumped",
    "relay slow",
    "money late",
    "call came late",
    "store write came late",
    "Stripe has no funds",
    "mail server is down",
    "mail refused",
    "mail server's answer lost",
    "endpoint is down",
    "endpoint's answer lost",
)
_RARE, _OFTEN = 0.002, 0.1
_TIMES = {
    "crash": 0.1,
    "clock jumped": 0.02,
    LOSS: 0.05,
    "money late": 4.0,
    "Stripe did not answer": 3.0,
    "Stripe answer lost": 3.0,
    "relay slow": 9.0,
    "Stripe has no funds": 6.0,
    "mail server is down": 5.0,
    "mail server's answer lost": 3.0,
    "endpoint is down": 5.0,
    "endpoint's answer lost": 3.0,
}
"""How much more often than others: some could happen at every step, some only once to few buyers, or at a start."""
_MOST_LATE = 40.0
NONE = "none"


class Faults:
    """The trouble of one run: of the `kinds` that may happen some do, those in `often` for sure; `calm()` ends it."""

    def __init__(
        self, seed: str, kinds: frozenset[str], often: frozenset[str], note: Callable[[str, str], None]
    ) -> None:
        self._note = note
        chance = Random(f"{seed}:which")  # noqa: S311 - repeatable is what it must be
        self._chances: dict[str, Random] = {}
        self._rates: dict[str, float] = {}
        for kind in KINDS:
            rate = math.exp(chance.uniform(math.log(_RARE), math.log(_OFTEN))) if chance.random() < 0.6 else 0.0
            rate = (_OFTEN if kind in often else rate) * _TIMES.get(kind, 1.0)
            self._chances[kind] = Random(f"{seed}:{kind}")  # noqa: S311
            self._rates[kind] = rate if kind in kinds else 0.0
        self._is_calm = False
        self.counts: Counter[str] = Counter()
        self.hit: dict[str, str] = {}
        """What hit each order last, by the body of its id."""

    @property
    def rates(self) -> dict[str, float]:
        """How likely each kind is, each time that it could happen."""
        return {kind: rate for kind, rate in self._rates.items() if rate}

    def strikes(self, kind: str, about: str = "") -> bool:
        """Whether it happens now; `about` is the order, payment or reservation that it happens to."""
        rate = self._rates[kind]
        if not rate or self._is_calm or self._chances[kind].random() >= rate:
            return False
        self.counts[kind] += 1
        self._note(f"trouble: {kind}", about)
        if about:
            self.hit[body_of(about)] = kind
        return True

    def within(self, kind: str, least: float, most: float) -> float:
        """How much of it: a number between these."""
        return self._chances[kind].uniform(least, most)

    def lateness(self, kind: str) -> float:
        """How late something comes, in seconds: half of them within ten."""
        return _MOST_LATE * self.within(kind, 0, 1) ** 2

    def calm(self) -> None:
        """From now on nothing goes wrong."""
        self._is_calm = True


def body_of(id: str) -> str:
    """What the ids of an order, its payment and its reservations have in common."""
    return id.partition("_")[2][:26]
