"""OTLP over HTTP: one request, and what its answer means.

OpenTelemetry's own exporter says neither that a part was refused nor why a request failed, so that an outbox can't be
built on it. Its encoder is used.
"""

from __future__ import annotations

import gzip
import json
import ssl
from typing import TYPE_CHECKING, Final

import requests
import urllib3
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from otel_sqlite_exporter._version import __version__
from otel_sqlite_exporter.sending.answers import Answer, Verdict, answer_of_status, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from otel_sqlite_exporter.sending.settings import Destination

_PROTOBUF: Final = "application/x-protobuf"
_LONGEST_ANSWER: Final = 1 << 20
_OK: Final = range(200, 300)


class OtlpReceiver:
    """A receiver of OTLP over HTTP, with one connection that is kept.

    Args:
        destination: Where it is and how it is spoken to.
    """

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._session = requests.Session()
        self._session.headers.update(
            {"User-Agent": f"otel-sqlite-exporter/{__version__}", "Content-Type": _PROTOBUF, **destination.headers}
        )
        if destination.client_certificate is not None:
            key = destination.client_key
            self._session.cert = (
                (destination.client_certificate, key) if key is not None else destination.client_certificate
            )

    @staticmethod
    def encode(spans: Sequence[ReadableSpan]) -> bytes:
        """Return the request for some spans.

        Raises:
            Exception: One of them can't be encoded.
        """
        return bytes(encode_spans(spans).SerializeToString())

    def send(self, spans: Sequence[ReadableSpan], payload: bytes) -> Answer:  # noqa: ARG002 - as other receivers
        """Send a request and return what its answer means.

        Args:
            spans: What is in it.
            payload: The same, encoded.
        """
        headers = {}
        if self._destination.is_compressed:
            payload = gzip.compress(payload, compresslevel=6, mtime=0)
            headers["Content-Encoding"] = "gzip"
        try:
            with self._session.post(
                self._destination.url,
                payload,
                headers=headers,
                timeout=self._destination.timeout_seconds,
                verify=self._destination.certificate,  # of the session, REQUESTS_CA_BUNDLE would go first
                allow_redirects=False,
                stream=True,
            ) as response:
                return _answer(response)
        except requests.exceptions.SSLError as error:
            reason = _reason(error)
            if isinstance(reason, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):  # it went away in the midst
                return Answer(Verdict.WAIT, one_line(str(reason)))
            return Answer(Verdict.STOP, one_line(f"no TLS with {self._destination.place}: {reason}"))
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            return Answer(Verdict.STOP, one_line(str(error)))
        except (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError):
            seconds = f"{self._destination.timeout_seconds:g}"
            return Answer(Verdict.LATE, f"no answer within {seconds} s (OTEL_EXPORTER_OTLP_TIMEOUT)")
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return Answer(Verdict.WAIT, one_line(str(_reason(error))) or type(error).__name__)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()


def _reason(error: BaseException) -> BaseException:
    """Return what an error comes from: those around it repeat it in more words."""
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None:
            return error
        error = inner


def _answer(response: requests.Response) -> Answer:
    body = response.raw.read(_LONGEST_ANSWER, decode_content=True)
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if response.status_code not in _OK:
        return answer_of_status(
            response.status_code,
            response.reason or "",
            retry_after=response.headers.get("Retry-After"),
            location=response.headers.get("Location"),
            body="" if kind == _PROTOBUF or b"\0" in body else body.decode("utf-8", "replace"),
        )
    if not body:
        return Answer(Verdict.TAKEN)
    if "html" in kind:  # a login page and a captive portal say 200 as well
        return Answer(Verdict.STOP, f"{response.status_code} with a web page is no answer of an OTLP receiver")
    try:
        partial = _partial_success(kind, body)
    except (DecodeError, ParseError, ValueError):
        text = f"{response.status_code} with {len(body)} bytes that are no answer of an OTLP receiver"
        return Answer(Verdict.STOP, text)
    return Answer(Verdict.TAKEN, one_line(partial.error_message), rejected=max(partial.rejected_spans, 0))


def _partial_success(kind: str, body: bytes) -> ExportTracePartialSuccess:
    if "json" in kind:
        answer = ParseDict(json.loads(body), ExportTraceServiceResponse(), ignore_unknown_fields=True)
    elif kind in {"", _PROTOBUF}:
        answer = ExportTraceServiceResponse.FromString(body)
    else:  # 2xx is what counts; what is said about it is of another protocol
        answer = ExportTraceServiceResponse()
    partial: ExportTracePartialSuccess = answer.partial_success
    return partial
