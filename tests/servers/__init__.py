"""Real servers for the tests, from the PATH or from a package."""
