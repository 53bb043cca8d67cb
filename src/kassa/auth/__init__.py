"""Auth: accounts, log-ins and the tokens that prove them."""
