"""What an adapter may raise, and what each error promises about the money.

GatewayError
├── GatewayRejected         the provider said no; nothing moved; the same call is refused again
├── GatewayUnavailable      nothing was sent, or the provider said "later"; safe to retry
├── GatewayOutcomeUnknown   sent, no usable answer; money may have moved: ask, never guess
└── WebhookRejected         the signature is missing or wrong; the body must not be read
NotifierError
├── NotifierRejected        this message will never be sent; do not retry
└── NotifierUnavailable     not sent, or not known to be; retry later
"""

from __future__ import annotations

__all__ = [
    "GatewayError",
    "GatewayOutcomeUnknown",
    "GatewayRejected",
    "GatewayUnavailable",
    "NotifierError",
    "NotifierRejected",
    "NotifierUnavailable",
    "WebhookRejected",
]


class GatewayError(Exception):
    """Base of everything a gateway adapter may raise.

    The text is for staff: no secret, no card number, no whole provider body.
    """


class GatewayRejected(GatewayError):
    """The provider refused. Nothing moved, and the same call will be refused again."""

    def __init__(self, message: str, *, failure_code: str = "") -> None:
        super().__init__(message)
        self.failure_code = failure_code
        """The provider's own code or reason, such as ``input_validation_failed``; may be empty.

        Two have a meaning of ours: ``authentication_failed`` (our credentials were refused) and
        ``not_found`` (the provider knows no such thing under them). Neither says what an earlier
        call has done.
        """


class GatewayUnavailable(GatewayError):
    """Nothing was sent, or the provider asked us to wait. Nothing moved; safe to retry."""


class GatewayOutcomeUnknown(GatewayError):
    """Sent, and no usable answer came. Money may have moved: look it up by our id."""


class WebhookRejected(GatewayError):
    """The signature is missing, wrong or too old. Nothing of the body was believed."""


class NotifierError(Exception):
    """Base of everything a notifier may raise."""


class NotifierRejected(NotifierError):
    """The message can never be sent as it is: wrong template, no such recipient, no permission.

    ``opted_out`` is true when the provider says that the person does not want our messages.
    """

    def __init__(self, message: str, *, opted_out: bool = False) -> None:
        super().__init__(message)
        self.opted_out = opted_out


class NotifierUnavailable(NotifierError):
    """Not sent, or not known to be sent. Sending it again later may deliver it twice.

    ``retry_after_s`` is the least wait in seconds that the provider asked for, or None.
    """

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
