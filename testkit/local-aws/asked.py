"""Writes down what roles asked of the emulator: one line of JSON for each request of a shape that is new. test/calls holds these to AWS's models.

A line: role, session; service (as the request is signed for); method, path, query; target and headers (x-amz-* alone); body, as JSON, as the pairs of a
form, or as text (XML as it is). Values that may be secret are fillers of the same length. Two requests have one shape if they differ in letters and digits of their
texts alone, and in how long a filler is, to a factor of two.
"""

import base64
import contextvars
import json
import re
import threading
from urllib.parse import parse_qsl

import ministack.core.iam_evaluator as evaluator

# These are base64 in JSON. In a form, Message is text.
BLOBS = {"SecretBinary", "Plaintext", "CiphertextBlob", "Message", "Certificate", "CertificateChain", "PrivateKey", "Passphrase"}
TEXTS = {"SecretString", "MessageBody", "Detail"}
# Of each request anew, or its sender's.
UNTOLD = {"x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "x-amz-user-agent", "x-amz-target", "x-amz-trace-id"}

_asking: contextvars.ContextVar = contextvars.ContextVar("asking", default=None)


def write_to(path: str) -> None:
    """Must be called after the patches, like journal.write_to."""
    import ministack.app as app

    evaluate, dispatch, seen, lock = evaluator.evaluate, app._dispatch_service_request, set(), threading.Lock()

    def patched_evaluate(ctx, *args, **kwargs):
        asking = _asking.get()
        if asking is not None and ctx.principal_type == "AssumedRole":
            asking["principal"] = ctx.principal_arn
        return evaluate(ctx, *args, **kwargs)

    async def patched(method, url, headers, body, query_params, request_id):
        asking = {}
        token = _asking.set(asking)
        try:
            return await dispatch(method, url, headers, body, query_params, request_id)
        finally:
            _asking.reset(token)
            if "principal" in asking:
                write(told(asking["principal"], method, url, headers, body, query_params))

    def write(found: dict) -> None:
        if found["service"] == "s3":
            return  # the code of functions, uploaded at the deployment
        key = json.dumps(shape(found), sort_keys=True)
        with lock:
            if key not in seen:
                seen.add(key)
                with open(path, "a", encoding="utf-8") as file:
                    file.write(json.dumps(found, sort_keys=True) + "\n")

    evaluator.evaluate, app._dispatch_service_request = patched_evaluate, patched


def told(principal: str, method: str, url: str, headers: dict, body: bytes, query_params: dict) -> dict:
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", headers.get("authorization", ""))
    _, role, session = principal.split("/", 2)
    return {
        "role": role,
        "session": session,
        "service": scope.group(1) if scope else "",
        "target": headers.get("x-amz-target", ""),
        "method": method,
        "path": url,
        "query": {name: values[0] if isinstance(values, list) else values for name, values in query_params.items()},
        "headers": {name: value for name, value in headers.items() if name.startswith("x-amz-") and name not in UNTOLD},
        "body": body_of(headers, body),
    }


def body_of(headers: dict, body: bytes):
    text = body.decode("utf-8", "replace")
    kind = headers.get("content-type", "")
    if "x-www-form-urlencoded" in kind:
        return {name: hidden(name.split(".")[-1], value, blobs=False) for name, value in parse_qsl(text, keep_blank_values=True)}
    if "x-amz-json" in kind:
        return safe("", json.loads(text or "{}"))
    if kind.endswith("/xml"):
        return hidden("", text, blobs=False)
    return filler(len(text))


def safe(name: str, value):
    if isinstance(value, dict):
        return {key: safe(key, each) for key, each in value.items()}
    if isinstance(value, list):
        return [safe(name, each) for each in value]
    return hidden(name, value, blobs=True) if isinstance(value, str) else value


def hidden(name: str, value: str, blobs: bool) -> str:
    if blobs and name in BLOBS:
        try:
            return base64.b64encode(b"x" * len(base64.b64decode(value, validate=True))).decode()
        except ValueError:
            pass
    # Some tests put a key in the place of a name.
    return filler(len(value)) if name in BLOBS | TEXTS or "PRIVATE KEY" in value else value


def filler(length: int) -> str:
    return "x" * length


def shape(value):
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items() if name != "session"}
    if isinstance(value, list):
        return [shape(each) for each in value]
    if not isinstance(value, str):
        return [type(value).__name__, value]
    if set(value) == {"x"}:
        return ["filler", len(value).bit_length()]
    # A single word is a value of an enumeration, an operation, or a stage.
    if re.fullmatch(r"[A-Za-z][A-Za-z_.-]{0,40}", value):
        return value
    return [len(value), "".join(sorted(set(re.sub(r"[a-zA-Z0-9]", "", value))))]
