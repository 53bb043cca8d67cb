"""`python -m kassa` is the command `kassa`."""

from kassa.cli.main import main

main()
