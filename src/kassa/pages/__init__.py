"""The storefront and the operator's console: a client of the public HTTP API, in the same process."""
