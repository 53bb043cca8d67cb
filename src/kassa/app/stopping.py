"""How long stopping may take, step by step. Each who waits for a step waits longer than the step takes, so that the
stores are always closed before anybody loses patience."""

FINISH_SECONDS = 15.0
"""Requests in flight; whoever is not answered by then is told to come again."""
SETTLE_SECONDS = 5.0
"""Effects that are under way: of the worker first, then of those who were answered. The next start does the rest."""
CLOSE_SECONDS = 10.0
"""The stores: writes that they wait for are given up after that."""
STOP_SECONDS = FINISH_SECONDS + 2 * SETTLE_SECONDS + CLOSE_SECONDS
KILL_SECONDS = STOP_SECONDS + 5
"""When a supervisor ends a process that does not end itself."""
GRACE_SECONDS = KILL_SECONDS + 5
"""What containers are given before they are killed (`deploy/`)."""
