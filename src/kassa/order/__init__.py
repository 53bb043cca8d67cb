"""Order: price snapshot, all-or-nothing reservation, the order's state, cancellation and expiry."""
