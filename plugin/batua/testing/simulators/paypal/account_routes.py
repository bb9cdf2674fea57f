"""Access tokens, disputes, reports, vault and certificates: the rest of PayPal's API."""

from __future__ import annotations

from litestar import MediaType, Response, delete, get, post
from litestar.params import FromPath

from batua.testing.simulators.paypal.errors import Document, invalid, not_found
from batua.testing.simulators.paypal.provider import AnyRequest, Provider, authorized

__all__ = ["ACCOUNT_ROUTES", "CERTS", "TOKEN"]

TOKEN = "/v1/oauth2/token"  # noqa: S105 - a path
CERTS = "/v1/notifications/certs/"


@post(TOKEN, status_code=200)
async def create_token(request: AnyRequest) -> Response[Document]:
    """Errors of this route alone have OAuth's form (unverified beyond ``error``)."""
    provider: Provider = request.app.state.provider
    if not provider.credentials.are_of(request.headers.get("authorization", "")):
        return _oauth_error(401, "invalid_client", "Client Authentication failed")
    form = await request.form()
    if form.get("grant_type") != "client_credentials":
        return _oauth_error(400, "unsupported_grant_type", "Grant Type is not supported")
    return Response(provider.credentials.new_token(), status_code=200)


@get("/v1/customer/disputes")
async def list_disputes(request: AnyRequest) -> Document:
    return authorized(request).reports.disputes(dict(request.query_params))


@get("/v1/customer/disputes/{dispute_id:str}")
async def fetch_dispute(request: AnyRequest, dispute_id: FromPath[str]) -> Document:
    provider = authorized(request)
    return provider.books.views.dispute(provider.disputes.dispute(dispute_id))


@get("/v1/reporting/transactions")
async def list_transactions(request: AnyRequest) -> Document:
    provider = authorized(request)
    return provider.reports.transactions(dict(request.query_params), provider.clock())


@get("/v3/vault/payment-tokens")
async def list_payment_tokens(request: AnyRequest) -> Document:
    provider = authorized(request)
    customer_id = request.query_params.get("customer_id", "")
    if not customer_id:
        raise invalid(
            "MISSING_REQUIRED_PARAMETER", "A required parameter is missing.", "customer_id"
        )
    tokens = provider.vault.tokens_of(customer_id)
    return {
        "customer": {"id": customer_id},
        "payment_tokens": [provider.books.views.token(token) for token in tokens],
        "links": [],
    }


@get("/v3/vault/payment-tokens/{token_id:str}")
async def fetch_payment_token(request: AnyRequest, token_id: FromPath[str]) -> Document:
    provider = authorized(request)
    return provider.books.views.token(provider.vault.token(token_id))


@delete("/v3/vault/payment-tokens/{token_id:str}")
async def delete_payment_token(request: AnyRequest, token_id: FromPath[str]) -> None:
    authorized(request).vault.delete(token_id)


@get(CERTS + "{cert_id:str}")
async def fetch_certificate(request: AnyRequest, cert_id: FromPath[str]) -> Response[str]:
    """PEM, for everybody."""
    provider: Provider = request.app.state.provider
    pem = provider.signer.served(cert_id)
    if pem is None:
        raise not_found()
    return Response(pem, media_type=MediaType.TEXT)


ACCOUNT_ROUTES = (
    create_token,
    list_disputes,
    fetch_dispute,
    list_transactions,
    list_payment_tokens,
    fetch_payment_token,
    delete_payment_token,
    fetch_certificate,
)


def _oauth_error(status: int, error: str, description: str) -> Response[Document]:
    return Response({"error": error, "error_description": description}, status_code=status)
