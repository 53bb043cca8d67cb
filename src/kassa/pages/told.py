"""What the API's refusals are called in front of visitors, in their language.

The API tells programs, in English, what was wrong. People are told by a problem's `code`, and beside a field by what
the field's message says. Whatever has no words here is told in general ones: nobody reads the API's own.
"""

import re

from kassa.pages.client import ApiProblem
from kassa.pages.language import _, _n, later

_WRONG = later("That did not work. Please check what you entered, and try again.")
_CODE = later("This code is wrong, or has been used already. Wait for the next one.")

PROBLEMS = {
    "account_disabled": later("This account is disabled. Please contact the shop."),
    "already_verified": later("Your email address is confirmed already."),
    "body_too_large": later("That is too much text for the shop. Please shorten it and try again."),
    "challenge_expired": later("That took too long. Please log in again."),
    "destination_fixed": later("The address of this order can no longer be changed. Please contact the shop."),
    "discount_not_valid": later("This code does not apply."),
    "discount_used_up": later("This discount has been used up. The total is without it now."),
    "email_taken": later("There is already an account with this address. Log in instead?"),
    "forbidden": later("Your account may not do this."),
    "idempotency_key_in_use": later("This is being done already. Please try again in a moment."),
    "idempotency_key_reused": later("This was sent before, with other content. Please reload the page and try again."),
    "in_stock": later("Good news: it is back already."),
    "insufficient_stock": later("There is not enough in stock. Nothing was changed."),
    "invalid_link": later("This link has expired, has been used, or is incomplete. Only the latest one we sent works."),
    "mail_off": later("This shop does not send email. Please contact the shop if you cannot log in."),
    "malformed_request": _WRONG,
    "not_returnable": later("These items can no longer be returned. Please ask the shop."),
    "not_withdrawable": later(
        "There is nothing in this order to withdraw from: it is not paid, or all of it was withdrawn from or refunded."
    ),
    "order_not_cancellable": later("This order can no longer be cancelled."),
    "order_not_found": later("We found no order with this number and email address."),
    "order_not_payable": later("This order can no longer be paid for."),
    "over_quantity_limit": later("That is more of one product than the shop sells at once. Please take fewer."),
    "price_changed": later("The total has changed. Nothing was ordered; please check it and order again."),
    "role_not_allowed": _WRONG,
    "second_factor_missing": later("Please set up two-step login in your account first."),
    "second_factor_off": later("Two-step login is not set up for your account."),
    "second_factor_on": later("Two-step login is on already for your account."),
    "second_factor_required": later("Please enter the code from your app, too."),
    "staff_account": later(
        "This account belongs to the shop's staff. An administrator has to take it out of the staff first."
    ),
    "too_many_open_orders": later("Too many orders are waiting for payment. Please pay for one or cancel it first."),
    "too_many_open_pieces": later(
        "Too many items are waiting for payment. Please pay for an order or cancel it first."
    ),
    "too_many_parcels": later("Too much has happened with this order already. Please contact the shop."),
    "too_many_to_return": later("That is more than can be returned. Please lower the quantity."),
    "too_many_to_withdraw": later("There are not that many left. We have put in what is."),
    "unknown_product": later("Something in it is no longer sold. Please remove it and try again."),
    "validation_failed": _WRONG,
    "withdrawal_excluded": later("There is no right of withdrawal for these items."),
    "withdrawal_period_over": later("The withdrawal period for this order is over."),
    "withdrawals_off": later(
        "This shop does not sell to consumers, so there is no withdrawal here. Please contact it."
    ),
    "wrong_code": _CODE,
    "wrong_credentials": later("This email address and password do not match."),
}
"""What a refusal is called by its `code`."""

_FIELDS = [
    (re.compile(pattern), text)
    for pattern, text in {
        r"is missing|must not be empty": later("Please fill in this field."),
        r"must have at least (?P<num>\d+) characters; blanks": later(
            "Please use at least %(num)s characters. Several spaces in a row count as one."
        ),
        r"must have at least (?P<num>\d+) characters": later("Please use at least %(num)s characters."),
        r"must have at most (?P<num>\d+) characters": later("Please use at most %(num)s characters."),
        r"must be at most (?P<num>\d+)$": later("Please use at most %(num)s lines."),
        r"must be one line|must be text": later("Please leave out special characters that cannot be printed."),
        r"is one of the most used passwords": later(
            "This password, or one like it, is used by many and would be guessed first. Please choose another one, "
            "such as a few random words."
        ),
        r"must not be the same few characters": later(
            "This is too easy to guess. Please use more than repeated characters or keys in a row."
        ),
        r"must not be made of your address": later(
            "Please choose something other than your email address, your name or the name of the shop."
        ),
        r"must be an email address": later("Please enter an email address such as ada@example.com."),
        r"must be the address that the order": later("Please enter the email address that you ordered with."),
        r"cannot be one of .+; one is (?P<one>.+) or (?P<other>.+)": later(
            "This postal code does not match the country. There one looks like %(one)s or %(other)s."
        ),
        r"cannot be one of .+; one is (?P<one>.+)": later(
            "This postal code does not match the country. There one looks like %(one)s."
        ),
        r"cannot be one of": later("This postal code does not match the country."),
        r"must be in the letters A to Z": later("Please use only the letters A to Z and the digits 0 to 9."),
        r"must be the ISO 3166-1 code": later("Please choose a country."),
        r"must be one of the country's": later("Please choose a region of this country."),
        r"the shop does not send there|is one that Stripe Tax": later(
            "The shop does not deliver there. Please choose another country or address."
        ),
        r"no method takes these goods": later("The shop cannot deliver these items there."),
        r"the shop sends to parts of the country: say the region": later(
            "The shop delivers to some regions of this country only. Please fill in the region, too."
        ),
        r"the shop sends to parts of the country": later(
            "The shop delivers to some parts of this country only. Please fill in the postal code, too."
        ),
    }.items()
]
"""What is said of a field by how the API's message of it begins."""
ANY_FIELD = later("Please check this: the shop cannot use it as it is.")


def refusal(problem: ApiProblem) -> str:
    """A refusal that has no field to stand beside."""
    if problem.status == 429:
        seconds = problem.retry_after or ""
        if not seconds.isdigit():
            return _("Too many attempts. Please try again in a moment.")
        return _n(
            "Too many attempts. Please try again in %(num)s second.",
            "Too many attempts. Please try again in %(num)s seconds.",
            int(seconds),
        )
    if problem.code == "insufficient_stock" and "available" in problem.members:
        return _n(
            "Only %(num)s is in stock. Nothing was changed.",
            "Only %(num)s are in stock. Nothing was changed.",
            int(problem.members["available"]),
        )
    return _(PROBLEMS.get(problem.code, _WRONG))


def wrong_fields(problem: ApiProblem) -> dict[str, str]:
    """What is wrong with each field."""
    return {name: wrong(message) for name, message in problem.errors.items()}


def wrong(message: str) -> str:
    """What is wrong with a field of which the API says this."""
    for pattern, text in _FIELDS:
        if found := pattern.match(message):
            return _(text, **found.groupdict())
    return _(ANY_FIELD)
