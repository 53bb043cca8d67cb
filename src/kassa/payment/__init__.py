"""Payment: Checkout Sessions, signed webhooks, refunds, and reconciliation with Stripe."""
