"""The pages of docs/ that are told from the code; each module makes one of them as Markdown text."""

import sys
from pathlib import Path

import kassa

# The stories are recorded in the tests' shop: the real services on their real stores, with a scripted Stripe.
sys.path.append(str(Path(kassa.__file__).parents[2]))
