"""Bugs that are put into the code, and by which runs they are found."""

import importlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from kassa.simulation import run
from kassa.simulation.faults import LOSS
from kassa.simulation.run import Plan
from tests.simulation.bugs import BUGS

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("bugs*.py"))
for _each in MODULES:
    importlib.import_module(f"tests.simulation.{_each}")

MOST_SEEDS, MOST_ALIKE = 120, 40
ALIKE = 384
"""Seeds so far apart have shops alike (kassa.simulation.world): with discounts or without, with parcels, with somebody
who listens. After a change of the code another one of them finds what the first has found."""
NEEDS = {
    "unwanted_money_is_kept": ("money late",),
    "money_for_what_is_sold_out_is_kept": ("money late",),
    "late_money_is_not_given_back": ("money late",),
    "late_money_revives_without_holding_stock": ("money late",),
    "money_that_comes_while_the_order_closes_is_ignored": ("Stripe answer lost", "webhook lost"),
    "unknown_is_taken_as_expired": ("Stripe did not answer",),
    "every_try_of_a_refund_has_a_key_of_its_own": ("Stripe answer lost",),
    "orphans_are_left_alone": ("crash",),
    "what_is_begun_is_noted_as_done": ("crash",),
    "what_is_remembered_is_taken_for_what_is_stored": ("money late",),
    "lost_webhooks_stay_lost": ("webhook lost",),
    "a_refund_that_a_dispute_delayed_is_never_made": ("money late",),
    "a_refund_that_a_dispute_prevents_is_given_up": ("money late",),
    "an_owed_refund_that_is_refused_is_given_up": ("money late", "Stripe has no funds"),
    "money_that_a_bank_sent_back_is_on_nobodys_list": ("money late",),
    "stock_that_redis_lost_is_not_made_up_for": (LOSS,),
    "a_restarted_redis_is_trusted": (LOSS,),
    "after_a_loss_only_the_ledger_is_asked": (LOSS,),
    "after_a_loss_operations_are_not_repeated": (LOSS,),
    "what_redis_has_forgotten_never_was": (LOSS,),
    "what_redis_has_forgotten_is_sold_again_by_mending": (LOSS,),
    "older_news_of_refunds_is_believed": ("call came late",),
    "the_audit_passes_over_money_that_a_bank_sent_back": ("money late",),
    "a_revived_order_does_not_take_its_buyers_use_again": ("money late",),
    "a_limit_is_raised_with_every_try": ("crash",),
    "what_a_killed_process_was_adding_is_left_out": ("crash",),
    "what_a_killed_process_has_numbered_is_left_out": ("crash", "store did not answer"),
    "an_answer_has_a_new_key_with_every_try_and_nobody_looks_before": ("Stripe answer lost",),
    "an_answer_of_which_nothing_is_heard_is_taken_for_refused": ("Stripe answer lost",),
    "a_failure_counts_as_delivered": ("endpoint is down",),
    "the_next_event_of_an_order_does_not_wait_for_the_one_that_failed": ("endpoint is down",),
    "what_is_held_is_forgotten": ("endpoint is down",),
    "how_far_it_was_told_is_noted_before_it_is_sent": ("crash",),
    "an_event_that_cannot_be_acted_on_is_dropped": ("Stripe did not answer", "store did not answer"),
}
"""The trouble that brings a bug to light soon."""
FIRST = {
    "unwanted_money_is_kept": 4,
    "it_is_not_looked_whether_an_order_has_its_invoice_already": 4,
    "an_owed_refund_that_is_refused_is_given_up": 4,
    "after_a_loss_only_the_ledger_is_asked": 772,
    "an_event_that_cannot_be_acted_on_is_dropped": 792,
    "inputs_that_were_seen_are_taken_again": 12,
    "a_refund_of_what_was_withdrawn_keeps_other_pieces_from_being_sent": 7710,
    "a_revived_order_does_not_take_its_buyers_use_again": 8,
    "what_a_killed_process_has_numbered_is_left_out": 4,
    "a_cancelled_order_keeps_its_stock": 4,
    "money_that_comes_while_the_order_closes_is_ignored": 1156,
    "a_declined_card_ends_the_payment": 4,
    "completed_is_taken_as_paid": 4,
    "unknown_is_taken_as_expired": 4,
    "every_try_of_a_refund_has_a_key_of_its_own": 2368,
    "every_try_of_a_session_has_a_key_of_its_own": 4,
    "orphans_are_left_alone": 416,
    "a_conflict_ends_the_change": 4,
    "what_is_remembered_is_taken_for_what_is_stored": 11,
    "lost_webhooks_stay_lost": 4,
    "a_refund_that_a_dispute_delayed_is_never_made": 4,
    "a_refund_that_a_dispute_prevents_is_given_up": 4,
    "pieces_come_back_as_often_as_they_are_named": 5,
    "stock_that_redis_lost_is_not_made_up_for": 395,
    "a_restarted_redis_is_trusted": 64,
    "after_a_loss_operations_are_not_repeated": 1160,
    "older_news_of_refunds_is_believed": 112,
    "what_was_written_before_a_process_knew_is_not_told": 8,
    "a_change_of_what_is_marked_already_marks_it_anew": 8,
    "what_is_told_again_is_added_again": 8,
    "who_does_not_know_yet_is_not_waited_for": 8,
    "what_a_killed_process_was_adding_is_left_out": 8,
    "another_body_is_signed_than_is_sent": 17,
    "a_failure_counts_as_delivered": 17,
    "the_next_event_of_an_order_does_not_wait_for_the_one_that_failed": 17,
    "what_is_held_is_forgotten": 17,
    "how_far_it_was_told_is_noted_before_it_is_sent": 17,
    "what_was_withdrawn_is_sent_all_the_same": 6,
    "a_withdrawal_is_not_acknowledged": 6,
    "any_refund_is_taken_for_that_of_the_withdrawal": 14,
    "what_was_withdrawn_once_is_withdrawn_again": 6,
    "an_order_is_not_told_of_money_that_went_back_for_no_goods": 6,
    "goods_are_refunded_without_being_set_aside": 6,
    "what_a_refund_that_failed_has_set_aside_stays_so": 14,
    "what_refunds_have_put_on_the_shelf_returns_put_there_again": 1584,
    "the_shipping_goes_back_as_often_as_it_is_asked_for": 1168,
    "the_shipping_goes_back_as_it_was_before_its_discount": 48,
    "a_buyers_use_is_given_to_the_next_order": 4,
    "a_limit_is_raised_with_every_try": 3476,
    "a_split_loses_its_remainder": 4,
    "the_tax_is_forgotten_in_the_total": 4,
    "shipping_is_sent_to_stripe_without_its_discount": 4,
    "the_order_does_not_hear_of_its_tax": 20,
    "a_total_with_its_tax_is_taken_for_another_amount": 20,
    "a_wrong_total_is_taken_for_right_where_the_tax_is_open": 4,
    "a_guest_sees_the_orders_of_others": 4,
    "the_payment_of_a_claimed_order_stays_a_guests": 412,
    "an_answer_has_a_new_key_with_every_try_and_nobody_looks_before": 1,
    "an_answer_of_which_nothing_is_heard_is_taken_for_refused": 1,
    "what_is_sent_is_not_what_was_confirmed": 1,
    "money_for_what_is_sold_out_is_kept": 768,
    "an_order_for_nothing_does_not_sell_its_stock": 384,
    "an_order_for_nothing_waits_to_be_paid": 384,
}
"""A seed that brought a bug to light when this was written, where 0 did not. Looking begins there."""


def bugs_of(*modules: str) -> Iterator[str]:
    """The bugs that these modules have."""
    return (name for name, put in BUGS.items() if put.__module__.rpartition(".")[2] in modules)


def is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether one of the runs finds the bug."""
    BUGS[name](monkeypatch)
    often = frozenset(NEEDS.get(name, ()))
    return any(run.run(Plan(seed, 60, often=often)).violations for seed in seeds_for(name))


def seeds_for(name: str) -> Iterator[int]:
    """Those that brought the bug to light once, and those whose shops are alike; then all."""
    first = FIRST.get(name, 0)
    return chain(range(first, first + MOST_ALIKE * ALIKE, ALIKE), range(MOST_SEEDS))
