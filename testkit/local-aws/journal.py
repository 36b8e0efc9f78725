"""Writes down what the emulator's IAM was asked by roles, and what it said: one line of JSON for each question that is new.

A line: principal (ARN of the session), action, resource, keys (of the request's context, in lower case), decision (Allow, Deny, ImplicitDeny)
by the policies of the role alone. test/calls holds these to the synthesised policies.
"""

import json
import threading

import ministack.core.iam_evaluator as evaluator


def write_to(path: str) -> None:
    """Must be called after the patches, because they change the context."""
    evaluate, of_resource, seen, lock = evaluator.evaluate, evaluator.evaluate_resource_policy, set(), threading.Lock()
    here = threading.local()

    def patched_of_resource(*args, **kwargs):
        here.resource = True  # this evaluates the resource's own policy, with the same context
        try:
            return of_resource(*args, **kwargs)
        finally:
            here.resource = False

    def patched(ctx, policies, *limits):
        result = evaluate(ctx, policies, *limits)
        if ctx.principal_type == "AssumedRole" and not getattr(here, "resource", False):
            keys = {"aws:principalarn": ctx.principal_arn, **{k: v for k, v in ctx.service_context.items() if v is not None}}
            line = json.dumps(
                {"principal": ctx.principal_arn, "action": ctx.action, "resource": ctx.resource_arn, "keys": keys, "decision": result.decision},
                sort_keys=True,
            )
            with lock:
                if line not in seen:
                    seen.add(line)
                    with open(path, "a", encoding="utf-8") as journal:
                        journal.write(line + "\n")
        return result

    evaluator.evaluate, evaluator.evaluate_resource_policy = patched, patched_of_resource
