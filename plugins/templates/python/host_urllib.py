"""Lets `urllib.request` send through the host. It reaches what the workflow grants, and nothing else.

A component has no sockets, so urllib's own handlers have nothing to connect to. The one below asks the host instead; redirects,
cookies and authentication are urllib's as always, each of their requests checked like any other.
"""

import email.message
import io
import urllib.error
import urllib.request
import urllib.response

from componentize_py_types import Err
from wit_world.imports import http, types

# What the host sets by itself.
_RESERVED = {"host", "connection", "content-length", "transfer-encoding"}


class _Handler(urllib.request.HTTPHandler):
    def http_open(self, request):
        headers = [(name.lower(), value) for name, value in request.header_items() if name.lower() not in _RESERVED]
        asked = http.Request(request.get_method(), request.full_url, headers, request.data, None)
        try:
            answer = http.send(asked)
        except Err as error:
            raise urllib.error.URLError(_reason(error.value)) from None
        message = email.message.Message()
        for name, value in answer.headers:
            message[name] = value
        response = urllib.response.addinfourl(io.BytesIO(answer.body), message, request.full_url, answer.status)
        response.msg = ""
        return response

    https_open = http_open
    https_request = urllib.request.HTTPHandler.http_request


def _reason(error) -> str:
    match error:
        case http.SendError_Denied(text):
            return f"denied: {text}"
        case http.SendError_Transport(text):
            return text
        case http.SendError_TooLarge(limit):
            return f"an answer of more than {limit} bytes"
        case _:
            return "no answer in time"


def request(method: str, url: str) -> tuple[int, bytes]:
    """Status and body of an answer, whatever its status."""
    asked = urllib.request.Request(url, method=method, headers={"accept": "application/json"})
    try:
        with urllib.request.urlopen(asked) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except urllib.error.URLError as error:
        raise Err(types.Error_Unavailable(f"{method} {url}: {error.reason}")) from None


def refusal(status: int) -> Err:
    """What an answer that is not the one that was hoped for means to the host: whether it asks again."""
    match status:
        case 401 | 403:
            return Err(types.Error_Unauthorized(f"refused with status {status}"))
        case 404:
            return Err(types.Error_NotFound("not found"))
        case 429:
            return Err(types.Error_RateLimited(None))
        case _ if status >= 500:
            return Err(types.Error_Unavailable(f"status {status}"))
        case _:
            return Err(types.Error_Fatal(f"status {status}"))


urllib.request.install_opener(urllib.request.build_opener(_Handler()))
