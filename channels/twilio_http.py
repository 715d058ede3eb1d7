"""The HTTP client under Twilio's SDK: it posts once, keeps its time limit, and logs no number."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientConnectorError, ClientError, ClientSession, ConnectionTimeoutError, encode_basic_auth
from twilio.http import AsyncHttpClient
from twilio.http.response import Response

API = "https://api.twilio.com"
_NOT_CONNECTED = (ClientConnectorError, ConnectionTimeoutError)


class NotSentError(Exception):
    """No connection came about: Twilio has seen nothing."""


class NoAnswerError(Exception):
    """The request went out, no answer came back: nobody knows."""


class OneShotClient(AsyncHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Never retries: the SDK's own client can re-post on 5xx, which messages twice, and ignores its time limit."""

    def __init__(self, base_url: str, timeout: float) -> None:
        super().__init__(logging.getLogger(__name__), True, timeout)
        self._base_url = base_url.rstrip("/")
        self._session: ClientSession | None = None

    async def request(  # the SDK calls it so
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """One request, one answer. Raises NotSentError or NoAnswerError, without the address in them."""
        session = self._session = self._session or ClientSession()
        credentials = {"Authorization": encode_basic_auth(*auth)} if auth else {}
        try:
            async with (
                asyncio.timeout(timeout or self.timeout),
                session.request(
                    method.upper(),
                    url.replace(API, self._base_url, 1),
                    params=params,
                    data=data,
                    headers={**(headers or {}), **credentials},
                    allow_redirects=allow_redirects,
                ) as answer,
            ):
                return Response(answer.status, await answer.text(), answer.headers)
        except _NOT_CONNECTED as error:
            raise NotSentError(type(error).__name__) from None
        except (ClientError, TimeoutError, OSError, UnicodeDecodeError) as error:
            raise NoAnswerError(type(error).__name__) from None

    async def close(self) -> None:
        """Let connections go."""
        if self._session is not None:
            await self._session.close()
            self._session = None
