"""Reads a send request as strictly as Meta does, or refuses it with Meta's code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from batua.testing.simulators.whatsapp.errors import GraphError

__all__ = ["SendRequest", "read_send"]

_RECIPIENT = re.compile(r"\+?[1-9][0-9]{6,14}")
# https://developers.facebook.com/documentation/business-messaging/whatsapp is said to refuse
# these (marked unverified in the fact sheet): being strict here keeps our notifier honest.
_UNWANTED = re.compile(r"[\n\r\t]| {5}")
_CALLBACK_CHARS_MAX = 512


class SendRequest(NamedTuple):
    """What a valid template message asks for."""

    to: str
    template: str
    language: str
    parameters: list[str]
    callback: str | None


def read_send(body: bytes, templates: Mapping[str, int] | None) -> SendRequest:
    """Raises ``GraphError``. ``templates`` maps known names to parameter counts; None is any."""
    message = _decoded(body)
    if message.get("messaging_product") != "whatsapp":
        raise GraphError(100, "The parameter messaging_product is required.")
    if message.get("type") != "template":
        raise GraphError(100, "Only messages of type template are simulated.")
    template = _required(message, "template", dict)
    language = _required(_required(template, "language", dict), "code", str)
    name = _required(template, "name", str)
    parameters = _body_parameters(template)
    _check_template(name, parameters, templates)
    return SendRequest(
        to=_recipient(message),
        template=name,
        language=language,
        parameters=parameters,
        callback=_callback(message),
    )


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        message = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise GraphError(100, "The body is not a JSON object.")
    return message


def _required(holder: Mapping[str, Any], name: str, kind: type) -> Any:
    if name not in holder:
        raise GraphError(131008, f"Parameter '{name}' is missing.")
    value = holder[name]
    if not isinstance(value, kind) or not value:
        raise GraphError(100, f"Parameter '{name}' must be a {kind.__name__} that is not empty.")
    return value


def _recipient(message: Mapping[str, Any]) -> str:
    to: str = _required(message, "to", str)
    if not _RECIPIENT.fullmatch(to):
        raise GraphError(131009, "Parameter 'to' is not a phone number.")
    return to.removeprefix("+")


def _callback(message: Mapping[str, Any]) -> str | None:
    callback = message.get("biz_opaque_callback_data")
    if callback is None:
        return None
    if not isinstance(callback, str) or len(callback) > _CALLBACK_CHARS_MAX:
        raise GraphError(100, "Parameter 'biz_opaque_callback_data' must be a short string.")
    return callback


def _body_parameters(template: Mapping[str, Any]) -> list[str]:
    components = template.get("components", [])
    if not isinstance(components, list) or not all(isinstance(c, dict) for c in components):
        raise GraphError(100, "Parameter 'components' must be a list of objects.")
    bodies = [component for component in components if component.get("type") == "body"]
    parameters = bodies[0].get("parameters", []) if bodies else []
    if not isinstance(parameters, list) or not all(isinstance(p, dict) for p in parameters):
        raise GraphError(100, "Parameter 'parameters' must be a list of objects.")
    return [_text(parameter) for parameter in parameters]


def _text(parameter: Mapping[str, Any]) -> str:
    kind = parameter.get("type")
    if kind == "text":
        text: str = _required(parameter, "text", str)
    elif kind in {"currency", "date_time"}:
        text = _required(_required(parameter, kind, dict), "fallback_value", str)
    else:
        raise GraphError(100, "A body parameter must be of type text, currency or date_time.")
    if _UNWANTED.search(text):
        raise GraphError(
            100, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces."
        )
    return text


def _check_template(
    name: str, parameters: Sequence[str], templates: Mapping[str, int] | None
) -> None:
    if templates is None:
        return
    if name not in templates:
        raise GraphError(132001, f"template name ({name}) does not exist")
    if len(parameters) != templates[name]:
        raise GraphError(
            132000,
            f"body: number of localizable_params ({len(parameters)}) does not match "
            f"the expected number of params ({templates[name]})",
        )
