"""What went wrong, in one line, and the exit status that says of what kind it was."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

WRONG_SETTING = 2


class Refusal(Exception):
    """The command cannot do what it was asked; the text is one line that says why and what to do."""


@contextmanager
def told() -> Iterator[None]:
    """Turns what is the user's to mend into one line on stderr; a bug keeps its traceback."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        status = _status(error)
        if status is None:
            raise
        print(f"KASSA: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(status)


def _status(error: Exception) -> int | None:
    # Known only if they could be raised at all: nothing is imported for them.
    from kassa.app.files import DataInUse, DataUnusable
    from kassa.app.settings import SettingError
    from kassa.kit.problem import Problem

    if isinstance(error, SettingError):
        return WRONG_SETTING
    server, shop = sys.modules.get("kassa.app.server"), sys.modules.get("kassa.app.shop")
    kinds = [Refusal, DataInUse, DataUnusable, Problem, PermissionError]
    kinds += [server.StartRefused] if server else []
    kinds += [shop.Elsewhere, shop.NoShop] if shop else []
    return 1 if isinstance(error, tuple(kinds)) else None
