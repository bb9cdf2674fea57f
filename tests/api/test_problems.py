"""Errors as problems: every one has a status, a code and a sentence, and tells no secret."""

import pytest

from batua import errors
from batua_api import problems
from batua_api.problems import STATUSES, problem_of, write_problem


def below(kind):
    return {kind, *(each for child in kind.__subclasses__() for each in below(child))}


REFUSALS = sorted(
    (kind for kind in below(errors.Refusal) if kind.__module__ == "batua.errors"),
    key=lambda kind: kind.__name__,
)
MADE = {
    errors.InvalidRequest: errors.InvalidRequest("bad", pointer="/amount"),
    errors.NotFound: errors.NotFound("order", "ord_1"),
    errors.InsufficientFunds: errors.InsufficientFunds(
        owner="asha", amount=2, available=1, currency="INR"
    ),
    errors.IdempotencyConflict: errors.IdempotencyConflict("k"),
    errors.InProgress: errors.InProgress("k", subject="s", lease_expired=False),
    errors.HoldNotDue: errors.HoldNotDue("hld_1", when="never"),
    errors.LinkedRefused: errors.LinkedRefused(0, errors.Conflict("a_code", "Because.")),
    errors.RateLimited: errors.RateLimited("Too many.", retry_after_s=9),
    errors.GatewayFailed: errors.GatewayFailed("razorpay", "no"),
}


@pytest.mark.parametrize("kind", [kind for kind in REFUSALS if kind is not errors.Refusal])
def test_every_refusal_has_its_status(kind):
    assert kind in STATUSES
    problem = problem_of(MADE.get(kind) or kind("a_code", "A sentence."))

    assert problem.status == STATUSES[kind]
    assert problem.code
    assert problem.detail
    assert problem.type == f"urn:batua:problem:{problem.code}"
    assert problem.title != "Error"
    assert bool(problem.errors) == (kind is errors.InvalidRequest)


def test_no_status_is_given_twice_and_none_is_left_over():
    assert set(STATUSES) == set(REFUSALS) - {errors.Refusal}
    assert set(STATUSES.values()) <= set(problems.TITLES)


def test_a_stored_problem_is_what_would_have_been_answered():
    status, body = write_problem(MADE[errors.InsufficientFunds])

    assert status == 402
    assert '"code":"insufficient_funds"' in body
    assert '"errors"' not in body
