"""Secrets that can be found by trying. What is wrong with one is a ValueError that goes on behind the setting's name;
the secret itself is never repeated."""

SHORTEST_SECRET = 32
SHORTEST_WEBHOOK_SECRET = 16
FEWEST_CHARACTERS = 8
"""Different ones of a secret: 32 random hexadecimal digits have fewer once in 20 million times."""


def check_secret(text: str) -> None:
    """ValueError for a secret of the shop's own that can be guessed. Keys are derived from it, and those for users'
    tokens are published: anybody can try at home."""
    if len(text.encode()) < SHORTEST_SECRET or " " in text:
        raise ValueError(
            f"must have at least {SHORTEST_SECRET} characters and no space; `openssl rand -hex 32` makes one"
        )
    if len(set(text)) < FEWEST_CHARACTERS or _repeats_itself(text):
        raise ValueError("repeats itself, and can be found by trying; `openssl rand -hex 32` makes one that cannot")


def check_webhook_secret(text: str) -> None:
    """ValueError for a signing secret of webhooks that can be guessed: whoever has it can say that an order is paid.
    Stripe makes them; so this refuses only what cannot be one of its own."""
    random = text.removeprefix("whsec_")
    if len(random) < SHORTEST_WEBHOOK_SECRET or _repeats_itself(random):
        raise ValueError(
            f"must be secrets with at least {SHORTEST_WEBHOOK_SECRET} characters behind whsec_ that do not repeat "
            "themselves: Stripe's dashboard shows the endpoint's, `stripe listen` prints its own"
        )


def _repeats_itself(text: str) -> bool:
    """Whether it is some characters over and over, the last time perhaps not all of them."""
    return any(text.startswith(text[length:]) for length in range(1, len(text) // 2 + 1))
