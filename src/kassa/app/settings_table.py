"""The settings as the documentation shows them; settings.py reads them."""

from typing import NamedTuple

SERVICES = ("auth", "product", "inventory", "order", "payment")
RATE = "100/second"
"""The default of RATE_LIMIT."""


class Setting(NamedTuple):
    """One setting as the documentation shows it."""

    name: str
    default: str
    help: str


SETTINGS = (
    Setting(
        "STRIPE_SECRET_KEY",
        "unset: sandbox",
        "key for Stripe; `sandbox` asks for the built-in sandbox where it would not be taken for granted",
    ),
    Setting(
        "STRIPE_WEBHOOK_SECRET",
        "with the sandbox: random, per shop",
        "one or more signing secrets, comma-separated (rolling); required as soon as a key is set",
    ),
    Setting("STRIPE_API_BASE", "Stripe's own", "where the Stripe SDK sends its calls"),
    Setting("HTTPS_PROXY", "none", "proxy for calls to Stripe; in upper or lower case"),
    Setting("HTTP_PROXY", "none", "the same, if `STRIPE_API_BASE` begins with http:"),
    Setting("NO_PROXY", "none", "hosts that no proxy is used for, comma-separated; never for this machine itself"),
    Setting(
        "JWT_SECRET",
        "generated into the data directory in one-process form; required in services form",
        "master secret for signing keys, of the auth service alone; several, comma-separated, while one is changed",
    ),
    Setting("MONGO_URI", "unset: SQLite", "documents"),
    Setting("REDIS_URL", "unset: SQLite", "stock"),
    *(
        Setting(f"{service.upper()}_SERVICE_URL", "unset: in process", f"where the {service} service is")
        for service in SERVICES
    ),
    Setting(
        "INTERNAL_SECRET",
        "generated in one-process form; required in services form",
        "master secret for calls between services, unless each has a key of its own",
    ),
    Setting("SERVICE_KEYS", "none", "private keys of the services that run here; `kassa keys services` makes them"),
    Setting("SERVICE_PUBLIC_KEYS", "none", "public keys of all services"),
    Setting("TLS_CERTIFICATE", "none: plain HTTP", "file with the certificate that `kassa serve` answers with, in PEM"),
    Setting("TLS_KEY", "none", "file with its private key; required as soon as `TLS_CERTIFICATE` is set"),
    Setting("TLS_CA", "the system's", "file with who alone may have signed the certificates of other services, in PEM"),
    Setting("FRONTEND_URL", "the gateway's own address", "where Stripe sends the buyer back"),
    Setting(
        "SECURITY_CONTACT",
        "none",
        "whom `/.well-known/security.txt` names for who finds a security hole: `mailto:` or `https:`, comma-separated",
    ),
    Setting("CURRENCY", "usd", "the shop's currency; it stays as soon as there is a product"),
    Setting(
        "PAYMENT_DECLINE_POLICY",
        "cancel",
        "`cancel`: a decline ends the order; `retry`: the buyer may try again until the session expires",
    ),
    Setting(
        "TAX",
        "none",
        "`none`: prices are what is paid; `rates`: by the shop's tax rates; `stripe`: Stripe Tax reckons it when the "
        "buyer pays",
    ),
    Setting("ORDER_TTL_MINUTES", "30", "how long an unpaid order holds its stock; 1 to 1430"),
    Setting(
        "ORDER_NUMBER_START",
        "1001",
        "the first order's number; raised later, the next orders go on from there; 1 to 1000000000",
    ),
    Setting("ORDER_MAX_PIECES", "20", "pieces of one product that an order may have; 1 to 1000000"),
    Setting("BUYER_MAX_OPEN_ORDERS", "10", "unpaid orders that a buyer may have at once; 1 to 1000, or `off`"),
    Setting("ADDRESS_MAX_OPEN_ORDERS", "50", "the same of all buyers of one network address; 1 to 1000, or `off`"),
    Setting(
        "ORDER_MAX_PIECES_IN_ALL",
        "50",
        "pieces that all unpaid orders of a buyer may have together, and those of an address; 1 to 1000, or `off`",
    ),
    Setting("LOGIN_DAYS", "90", "days that a log-in lasts at most, however often it is used; 1 to 365"),
    Setting(
        "SECOND_FACTOR_REQUIRED",
        "off",
        "`staff`: who has no second factor may do nothing for the shop until it is set up; recommended for live shops",
    ),
    Setting("SUPPORT_REFUND_LIMIT", "100", "most that support refunds at once, in major units of the shop's currency"),
    Setting("SUPPORT_REFUND_DAY_LIMIT", "500", "most that each of support refunds on one UTC day"),
    Setting(
        "RETAIN_UNUSED_ACCOUNTS_DAYS",
        "0: for ever",
        "days after which an account without orders, to which nobody has logged in since, is erased; 0 to 3650",
    ),
    Setting("RETAIN_ACTS_DAYS", "400", "days that the list of acts reaches back; 0 to 3650, where 0 is for ever"),
    Setting("RETAIN_EVENTS_DAYS", "30", "days that outgoing events can be fetched and are sent; 4 to 3650"),
    Setting(
        "EVENTS_TO_PRIVATE_ADDRESSES",
        "refused",
        "`allowed`: events may be sent into the shop's own network, and to this machine without TLS",
    ),
    Setting("TRUSTED_PROXIES", "none", "addresses or networks whose `X-Forwarded-For` counts, comma-separated"),
    Setting("CORS_ORIGINS", "none", "origins that browsers may call from, comma-separated; `*` for any"),
    Setting("SHOP_NAME", "Kassa", "the shop's name, on its pages and in its mails, until its profile says another"),
    Setting(
        "WITHDRAWAL_DAYS",
        "14",
        "days that a buyer has to withdraw after the last parcel was delivered; 0 to 365, where 0 means that the shop "
        "offers none, as one that does not sell to consumers",
    ),
    Setting(
        "MAIL_URL",
        "files",
        "by what mails are sent: `smtp://user:password@host:587` (with STARTTLS), `smtps://user:password@host:465`; "
        "`files`: they are put into the data directory; `off`: there are none",
    ),
    Setting("MAIL_FROM", "noreply@ the host of `FRONTEND_URL`", "the address that mails are from; required for SMTP"),
    Setting("MAIL_TEMPLATES", "Kassa's own", "directory with the shop's own templates of mails, file by file"),
    Setting("LOW_STOCK_THRESHOLD", "10", "stock at which a product is reported as low"),
    Setting(
        "RATE_LIMIT",
        RATE,
        "requests a user (or address) may make, of which a search or a page far down a list counts as ten; `off` (for "
        "load tests) lifts those of connections and open orders too",
    ),
    Setting("PORT", "gateway 3000, auth 4000, product 5000, inventory 6000, order 7000, payment 8000", "port"),
    Setting(
        "METRICS_PORT",
        "none",
        "port on which `kassa up` and the gateway tell Prometheus their figures; not for the public",
    ),
    Setting("KASSA_DATA", ".kassa", "data directory"),
    Setting("LOG_LEVEL", "info", "`debug`, `info`, `warning` or `error`"),
    Setting("LOG_FORMAT", "json unless on a terminal", "`json` or `text`"),
)
