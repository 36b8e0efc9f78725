"""Targets of a rule: functions in the background, topics, Run Command."""

import contextvars
import hashlib
import json
import time

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.eventbridge as events
import ministack.services.lambda_svc as functions
import ministack.services.sns as sns
import ministack.services.sqs as sqs
import ministack.services.ssm as ssm
from ministack.core.concurrency import esm_wake
from ministack.core.responses import error_response_json as error

from patches import patch


@patch("rule-function")
def rule_function() -> None:
    """A rule's function is invoked in the background: tried again when it fails, then its OnFailure destination is told (ministack tries once)."""

    def patched(arn, payload):
        function, config, _ = functions._get_func_record_for_ref(arn)
        if function and config:
            record = functions._execution_record_for_config(function, config)
            contextvars.copy_context().run(functions.invoke_async_with_retry, record, json.loads(payload))

    events._dispatch_to_lambda = patched


def _missing(arn: str) -> bool:
    part = arn.split(":")
    if len(part) < 6 or part[2] not in ("lambda", "sns"):
        return False
    return not functions._get_func_record_for_ref(arn)[0] if part[2] == "lambda" else arn not in sns._topics


def dead_letter(target: dict, event, rule: dict, view, code: str, why: str) -> bool:
    """Puts an undeliverable event into the target's dead-letter queue, with the reason. Returns False without a queue."""
    letters = (target.get("DeadLetterConfig") or {}).get("Arn")
    queue = sqs._queue_by_arn(letters) if letters else None
    if not queue:
        return False
    body = json.dumps((view or events._pattern_event_view(event)).event_with_detail())
    told = {"RULE_ARN": rule.get("Arn", ""), "TARGET_ARN": target.get("Arn", ""), "ERROR_CODE": code, "ERROR_MESSAGE": why}
    now = time.time()
    message = {
        "id": sqs.new_uuid(),
        "body": body,
        "md5_body": hashlib.md5(body.encode()).hexdigest(),
        "receipt_handle": None,
        "sent_at": now,
        "visible_at": now,
        "receive_count": 0,
        "attributes": {},
        "message_attributes": {name: {"DataType": "String", "StringValue": value} for name, value in told.items()},
        "sys": {"SenderId": "AROAEXAMPLE", "SentTimestamp": str(int(now * 1000))},
    }
    sqs._ensure_msg_fields(message)
    queue["messages"].append(message)
    esm_wake.set()
    return True


@patch("rule-dead-letter")
def rule_dead_letter() -> None:
    """An event whose target is not there goes to the target's dead-letter queue, with the reason beside it (ministack drops it)."""
    deliver = events._invoke_target

    def patched(target, event, rule, view=None):
        missing = _missing(target.get("Arn", ""))
        if not (missing and dead_letter(target, event, rule, view, "NO_RESOURCE", "The target does not exist.")):
            return deliver(target, event, rule, view)

    events._invoke_target = patched


_documents: dict[str, dict] = {}


@patch("stack-ssm-document")
def stack_ssm_document() -> None:
    """A template may have a document of Systems Manager (ministack knows no such resource)."""

    def create(logical_id, props, stack_name):
        name = props.get("Name") or provisioners._physical_name(stack_name, logical_id)
        _documents[name] = props
        return name, {}

    def update(physical_id, _old, new, _stack_name):
        _documents[physical_id] = new
        return physical_id, {}

    def delete(physical_id, _props):
        _documents.pop(physical_id, None)

    provisioners._RESOURCE_HANDLERS["AWS::SSM::Document"] = {"create": create, "update": update, "delete": delete}


@patch("command-by-tag")
def command_by_tag() -> None:
    """SendCommand takes a tag as its target, even one that no instance has, and refuses a document that is not there (ministack wants ids)."""
    send, targets = ssm._send_command, ssm._command_target_ids
    by_tag = ["tag"]  # for one call, a request is served in one go: stands for the instances; there are none

    def patched(data):
        name = data.get("DocumentName") or ""
        if name and not name.startswith("AWS-") and name not in _documents:
            return error("InvalidDocument", f"Document with name {name} does not exist.", 400)
        tags = [target for target in data.get("Targets") or [] if str(target.get("Key", "")).startswith("tag:")]
        if not tags:
            return send(data)
        managed = ssm._managed_instance_ids
        ssm._command_target_ids, ssm._managed_instance_ids = lambda _: by_tag, lambda: set(by_tag)
        try:
            status, headers, body = send(data)
        finally:
            ssm._command_target_ids, ssm._managed_instance_ids = targets, managed
        command = ssm._commands[json.loads(body)["Command"]["CommandId"]]
        command.update(InstanceIds=[], Invocations={}, TargetCount=0, CompletedCount=0)
        return status, headers, body

    ssm._send_command = patched
