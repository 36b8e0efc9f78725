"""SQS's moves of dead letters back to their queue (StartMessageMoveTask, ListMessageMoveTasks)."""

import asyncio
import base64
import json
import time
from contextvars import ContextVar

import ministack.core.iam_actions as actions
import ministack.core.iam_evaluator as evaluator
import ministack.services.sqs as sqs
from ministack.core.concurrency import esm_wake
from ministack.core.responses import get_region, new_uuid
from ministack.core.router import extract_access_key_id

from patches import patch

_PAUSE = 0.5  # seconds until a move begins: SQS moves in the background

_tasks: dict[str, list[dict]] = {}  # by the source's ARN, the latest first
_access_key: ContextVar[str] = ContextVar("access_key", default="")


def _sources(arn: str) -> list[dict]:
    """The queues that have this dead-letter queue."""
    policies = [(queue, queue["attributes"].get("RedrivePolicy") or "{}") for _, queue in sqs._queues.all_items()]
    return [queue for queue, policy in policies if json.loads(policy).get("deadLetterTargetArn") == arn]


def _source(data: dict) -> tuple[str, dict]:
    arn = data.get("SourceArn") or ""
    queue = sqs._queue_by_arn(arn)
    if queue is None:
        raise sqs._Err("ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.", 404)
    return arn, queue


def _may(action: str, arn: str) -> bool:
    return evaluator.enforce(_access_key.get(), action, "sqs", get_region(), resource_arn=arn) is None


def _failure(task: dict, letter: dict) -> tuple[dict | None, str | None]:
    """Returns the queue that a letter goes to, or why it can't go there: SQS's word for it."""
    arn = task.get("DestinationArn") or letter.get("sys", {}).get("DeadLetterQueueSourceArn")
    destination = sqs._queue_by_arn(arn) if arn else None
    if not arn:
        return None, "CouldNotDetermineMessageSource"
    if destination is None:
        return None, "AWS.SimpleQueueService.NonExistentQueue"
    own = all(_may(f"sqs:{call}", task["SourceArn"]) for call in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"))
    return (destination, None) if own and _may("sqs:SendMessage", arn) else (None, "AccessDenied")


def _move(task: dict, queue: dict) -> None:
    """Moves what is visible, until a message can't be sent. Each is a new message in the other queue."""
    with sqs._queues_lock:
        now = time.time()
        letters = [message for message in queue["messages"] if message["visible_at"] <= now]
        task["ApproximateNumberOfMessagesToMove"] = len(letters)
        for letter in letters:
            destination, failure = _failure(task, letter)
            if destination is None:
                task.update(Status="FAILED", FailureReason=failure)
                return
            kept = {key: value for key, value in letter.get("sys", {}).items() if key != "DeadLetterQueueSourceArn"}
            fresh = {"id": new_uuid(), "receipt_handle": None, "receive_count": 0, "first_receive_at": None}
            sent = {"sent_at": now, "visible_at": now, "sys": {**kept, "SentTimestamp": str(int(now * 1000))}}
            queue["messages"].remove(letter)
            destination["messages"].append({**letter, **fresh, **sent})
            task["ApproximateNumberOfMessagesMoved"] += 1
        task["Status"] = "COMPLETED"
    esm_wake.set()


@patch("message-moves")
def message_moves() -> None:
    """StartMessageMoveTask moves dead letters in the background, as far as its caller may send them; ListMessageMoveTasks tells of the
    last ten moves (ministack has neither)."""
    pin, resource = evaluator.pin_request_caller, actions.extract_resource_arn

    def patched_pin(headers, query_params=None):
        pin(headers, query_params)
        _access_key.set(extract_access_key_id(headers or {}, query_params or {}) or "")

    def patched_resource(service, method, path, headers, body, *more):
        found = resource(service, method, path, headers, body, *more)
        if service != "sqs" or found != "*":
            return found
        try:
            return json.loads(body or b"{}").get("SourceArn") or found
        except (ValueError, AttributeError):
            return found

    async def start(data, _url):
        arn, queue = _source(data)
        if not _sources(arn):
            raise sqs._Err("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
        if any(task["Status"] == "RUNNING" for task in _tasks.get(arn, [])):
            text = "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
            raise sqs._Err("InvalidParameterValue", text)
        to = data.get("DestinationArn")
        if to and sqs._queue_by_arn(to) is None:
            raise sqs._Err("ResourceNotFoundException", "The resource that you specified for the DestinationArn parameter doesn't exist.", 404)
        handle = base64.b64encode(json.dumps({"taskId": new_uuid(), "sourceArn": arn}).encode()).decode()
        task = {"TaskHandle": handle, "Status": "RUNNING", "SourceArn": arn, "StartedTimestamp": int(time.time() * 1000)}
        task.update({"ApproximateNumberOfMessagesMoved": 0}, **({"DestinationArn": to} if to else {}))
        _tasks[arn] = [task, *_tasks.get(arn, [])][:10]
        asyncio.get_running_loop().call_later(_PAUSE, _move, task, queue)  # in the context of this request: its caller's rights
        return {"TaskHandle": handle}

    def listed(data, _url):
        arn, _ = _source(data)
        latest = _tasks.get(arn, [])[: int(data.get("MaxResults") or 1)]
        return {"Results": [{k: v for k, v in task.items() if k != "TaskHandle" or task["Status"] == "RUNNING"} for task in latest]}

    evaluator.pin_request_caller, actions.extract_resource_arn = patched_pin, patched_resource
    sqs._HANDLERS.update(StartMessageMoveTask=start, ListMessageMoveTasks=listed)
