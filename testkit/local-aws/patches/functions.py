"""Lambda: what a handler's error looks like, what it costs, what its log holds, and where a handler's connections go."""

import queue
import time

import ministack.core.lambda_runtime as runtime
import ministack.services.lambda_svc as functions

from patches import patch


def _rewrite_worker(old: str, new: str) -> None:
    """Changes one place in the program that runs a Node handler. Fails if ministack's text at this place has changed."""
    script = runtime._NODEJS_WORKER_SCRIPT
    if script.count(old) != 1:
        raise SystemExit(f"ministack's Node worker no longer holds this once: {old!r}")
    runtime._NODEJS_WORKER_SCRIPT = script.replace(old, new)


class _Thrown(str):
    """An error's message with its name and stack, because ministack passes only a string from worker to answer."""

    name: str
    stack: list[str]


@patch("error-type")
def error_type() -> None:
    """errorType of a failed call is the name of the error thrown, with its stack in `trace` (ministack: always Runtime.HandlerError);
    and a handler that throws keeps its worker, warm, as Lambda does (ministack ends the process)."""
    # The worker reports a thrown error as a special result, because ministack ends the process after a failure.
    thrown = 'status: "ok", result: { __thrown__: { name: (%s && %s.name) || "Error", message: %s, stack: (%s && %s.stack) || "" } }'
    _rewrite_worker(
        'status: "error", error: String(err.message || err), trace: err.stack || ""',
        thrown % ("err", "err", "String(err.message || err)", "err", "err"),
    )
    _rewrite_worker('status: "error", error: e.message, trace: e.stack\n', thrown % ("e", "e", "String(e.message || e)", "e", "e") + "\n")
    invoke, execute = runtime.Worker.invoke, functions._execute_function_warm

    def patched_invoke(self, *args, **kwargs):
        answer = invoke(self, *args, **kwargs)
        result = answer.get("result")
        report = result.get("__thrown__") if isinstance(result, dict) else None
        if report is None:
            return answer
        message = _Thrown(report["message"])
        message.name, message.stack = report["name"], report["stack"].split("\n")
        return {"status": "error", "error": message, "trace": report["stack"], "cold_start": answer["cold_start"], "log": answer["log"]}

    def patched_execute(*args, **kwargs):
        answer = execute(*args, **kwargs)
        body = answer.get("body")
        message = body.get("errorMessage") if isinstance(body, dict) else None
        if isinstance(message, _Thrown):
            answer["body"] = {"errorType": message.name, "errorMessage": str(message), "trace": message.stack}
        return answer

    runtime.Worker.invoke, functions._execute_function_warm = patched_invoke, patched_execute


_END_OF_LOG = "--- ministack: the invocation has ended ---"


@patch("whole-log")
def whole_log() -> None:
    """The log of an invocation holds all that it wrote, and one that wrote nothing is not waited for (ministack: what comes within 5 ms of the
    line before, so that on a busy machine lines are missing until the next invocation; and 50 ms for the first)."""
    _rewrite_worker(
        "const _realStdoutWrite = process.stdout.write.bind(process.stdout);",
        "const _answerWrite = process.stdout.write.bind(process.stdout);\n"
        "const _realStdoutWrite = (line) => {\n"
        f'  if (!line.startsWith(\'{{"status":"ready"\')) process.stderr.write("{_END_OF_LOG}\\n");\n'
        "  return _answerWrite(line);\n"
        "};",
    )
    drain = runtime.Worker._drain_stderr_bounded

    def patched(self, *args, **kwargs):
        if not self.config.get("Runtime", "").startswith("nodejs") or self._proc is None:
            return drain(self, *args, **kwargs)  # another runtime, or a dead worker
        lines, deadline = [], time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                line = self._stderr_queue.get(timeout=1)
            except queue.Empty:
                continue
            if line.endswith(_END_OF_LOG):
                lines.extend([line.removesuffix(_END_OF_LOG)] if line != _END_OF_LOG else [])
                break
            lines.append(line)
        return "\n".join(lines)

    runtime.Worker._drain_stderr_bounded = patched


@patch("tls-to-this-machine")
def tls_to_this_machine() -> None:
    """A handler's HTTPS to this machine stays HTTPS (ministack turns it into plain HTTP whatever the port, and a CA answers 400).
    Only the emulator's own port, and 443, are still the emulator's."""
    _rewrite_worker(
        '    if (host === "127.0.0.1" || host === "localhost" || host === msHost\n        || (advertised && host === advertised)) {',
        '    if ((!options.port || String(options.port) === "443" || String(options.port) === String(msPort))\n'
        '        && (host === "127.0.0.1" || host === "localhost" || host === msHost || (advertised && host === advertised))) {',
    )


@patch("function-url-identity")
def function_url_identity() -> None:
    """A function URL with IAM tells its handler who calls, in requestContext.authorizer.iam."""
    from ministack.services.apigateway import _iam_caller_identity_v2

    build = functions._build_function_url_event

    def patched(url_id, account_id, region, method, path, headers, body, query_params, **more):
        event = build(url_id, account_id, region, method, path, headers, body, query_params, **more)
        caller = None if more.get("anonymous") else _iam_caller_identity_v2(headers, query_params)
        if caller:
            event["requestContext"]["authorizer"] = {"iam": caller}
        return event

    functions._build_function_url_event = patched
