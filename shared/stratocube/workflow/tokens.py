"""Tokens of STAC APIs: kept in Secrets Manager, named by requests, sent as a header, written down nowhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from stratocube.errors import InvalidRequest, TransientRead

FIELD: Final = "token_secret"
SENT_PREFIX: Final = "sent-"
"""What names of secrets begin with that hold tokens of requests."""
_LONGEST: Final = 4096

ReadSecret = Callable[[str], str]
"""The text of a secret by its name; raises InvalidRequest or TransientRead, which never hold any of it."""

Headers = tuple[tuple[str, str], ...]

_NO_SUCH: Final = {
    "ResourceNotFoundException": "does not exist",
    "InvalidRequestException": "is being deleted",
    "AccessDeniedException": "may not be read by this stack",
    "DecryptionFailure": "is encrypted with a key this stack may not use",
}


def secret_reader(prefix: str, *, region: str) -> ReadSecret:
    """Reads this stack's secrets: those whose name is ``prefix`` and the name a request gives.

    The request says ``bdc-token``, the secret is ``<stack>/bdc-token``: a request cannot name a secret of anybody else,
    and the function's role can read no other.
    """

    @cache
    def client() -> Any:
        # made by the first search that needs it: few do, and its model takes a while to read
        return get_session().create_client("secretsmanager", region_name=region)

    def read(name: str) -> str:
        try:
            answer = client().get_secret_value(SecretId=f"{prefix}{name}")
        except ClientError as error:
            reason = _NO_SUCH.get(error.response["Error"]["Code"])
            if reason is None:
                raise TransientRead(f"secret {prefix}{name}", error.response["Error"]["Code"]) from error
            raise InvalidRequest(
                f"the secret {prefix}{name} {reason}: create it in AWS Secrets Manager, in this region", field=FIELD
            ) from error
        except BotoCoreError as error:
            raise TransientRead(f"secret {prefix}{name}", str(error)) from error
        text = answer.get("SecretString")
        if not isinstance(text, str):
            raise InvalidRequest(f"the secret {prefix}{name} is binary: store it as text", field=FIELD)
        return text

    return read


KeepToken = Callable[["SentToken"], None]
"""Puts a token that was sent into a secret; raises TransientRead, which never holds any of it."""


@dataclass(frozen=True)
class SentToken:
    """A token that a request sent in the clear, as clients of cube-builder do, and the secret it goes into."""

    name: str
    """The same token has the same name, so that it is kept once."""
    text: str = field(repr=False)


def take_token(payload: Mapping[str, Any]) -> tuple[dict[str, Any], SentToken | None]:
    """A start request with the name of a secret in place of a token, and what is to be in that secret.

    The token itself gets into no table, log or error.

    Raises:
        InvalidRequest: when it is no text that could be a token, or a secret is named beside it.
    """
    form = dict(payload)
    text = form.pop("token", None)
    if text is None or text == "":
        return form, None
    if not isinstance(text, str) or len(text) > _LONGEST or not _is_sendable(text) or text.startswith("{"):
        raise InvalidRequest("must be a token: one line of printable ASCII", field="token")
    if form.get(FIELD) is not None:
        raise InvalidRequest(f"stands for {FIELD}: give one of them", field="token")
    form[FIELD] = f"{SENT_PREFIX}{hashlib.sha256(text.encode()).hexdigest()[:20]}"
    return form, SentToken(form[FIELD], text)


def token_keeper(prefix: str, *, region: str) -> KeepToken:
    """Puts tokens into this stack's secrets: those whose names begin with ``prefix`` and :data:`SENT_PREFIX`."""

    @cache
    def client() -> Any:
        # made by the first request that sends a token
        return get_session().create_client("secretsmanager", region_name=region)

    def keep(token: SentToken) -> None:
        try:
            client().create_secret(Name=f"{prefix}{token.name}", SecretString=token.text)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code != "ResourceExistsException":
                raise TransientRead(f"secret {prefix}{token.name}", code) from None
        except BotoCoreError as error:
            raise TransientRead(f"secret {prefix}{token.name}", type(error).__name__) from None

    return keep


def no_secrets(name: str) -> str:
    """The secrets of a stack that has none: a :data:`ReadSecret`."""
    raise InvalidRequest(f"this stack has no secret {name}", field=FIELD)


def token_headers(name: str, read: ReadSecret) -> Headers:
    """The headers the secret ``name`` stands for.

    The secret is the token itself, sent as ``Authorization: Bearer <token>``, or for an API that wants it elsewhere a
    JSON object of headers such as ``{"x-api-key": "…"}``.

    Raises:
        InvalidRequest: there is no such secret, or it holds nothing that can be sent; names it, and shows none of it.
        TransientRead: Secrets Manager cannot be reached now.
    """
    text = read(name).strip()
    headers = _written_out(name, text) if text.startswith("{") else _bearer(text)
    # A line break in a header would begin another one; `requests` refuses it too, and shows it.
    if not headers or not all(_is_sendable(part) for header in headers for part in header):
        raise InvalidRequest(f"the secret {name} must hold a token, or headers as a JSON object of texts", field=FIELD)
    return headers


def _bearer(text: str) -> Headers:
    return (("Authorization", f"Bearer {text}"),) if text else ()


def _written_out(name: str, text: str) -> tuple[tuple[Any, Any], ...]:
    try:
        found: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError):
        # `from None`: the error would show the text.
        raise InvalidRequest(f"the secret {name} begins like JSON and is none", field=FIELD) from None
    return tuple(found.items())


def _is_sendable(part: Any) -> bool:
    return isinstance(part, str) and part == part.strip() and part.isascii() and part.isprintable() and part != ""
