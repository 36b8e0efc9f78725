"""Writes down every call that the emulator answers, in order: one line of JSON each, without any value. testkit/local-aws/every-call.ts reads it.

A line: at (milliseconds); role (empty for what no role asks); service, action; about (the secret, parameter, key or function that it names); members (the
names of what the body holds); status (of the answer).
"""

import contextvars
import json
import threading
import time

import ministack.core.iam_actions as actions
import ministack.core.iam_evaluator as evaluator

ABOUT = ("SecretId", "Name", "KeyId", "FunctionName")

_asking: contextvars.ContextVar = contextvars.ContextVar("every call", default=None)


def write_to(path: str) -> None:
    """Must be called after the patches, like journal.write_to."""
    import ministack.app as app

    evaluate, dispatch, extract, lock = evaluator.evaluate, app._dispatch_service_request, actions.extract_iam_action, threading.Lock()

    def patched_evaluate(ctx, *args, **kwargs):
        asking = _asking.get()
        if asking is not None and ctx.principal_type == "AssumedRole":
            asking.setdefault("role", ctx.principal_arn.split("/")[1])
        return evaluate(ctx, *args, **kwargs)

    def patched_extract(*args, **kwargs):
        action = extract(*args, **kwargs)
        asking = _asking.get()
        if asking is not None and action:
            asking.setdefault("action", action)
        return action

    async def patched(method, url, headers, body, query_params, request_id):
        asking = {}
        at, token = time.time(), _asking.set(asking)
        answer = None
        try:
            answer = await dispatch(method, url, headers, body, query_params, request_id)
            return answer
        finally:
            _asking.reset(token)
            write({"at": round(at * 1000), "status": answer[0] if answer else 0, "path": url, **asking}, fields_of(headers, body))

    def write(found: dict, fields: dict) -> None:
        service, _, action = found.pop("action", ":").partition(":")
        path = found.pop("path")
        about = next((str(fields[name]) for name in ABOUT if name in fields), path)
        line = {"role": "", **found, "service": service, "action": action, "about": about, "members": sorted(fields)}
        with lock, open(path_of_log, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, sort_keys=True) + "\n")

    path_of_log = path
    evaluator.evaluate, app._dispatch_service_request, actions.extract_iam_action = patched_evaluate, patched, patched_extract


def fields_of(headers: dict, body: bytes) -> dict:
    if "json" not in headers.get("content-type", ""):
        return {}
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
