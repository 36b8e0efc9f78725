"""SNS topics as targets of EventBridge's rules: who may publish to them."""

import json

import ministack.core.iam_evaluator as evaluator
import ministack.services.eventbridge as events
import ministack.services.iam as iam
import ministack.services.kms as kms
import ministack.services.sns as sns
from ministack.core.responses import get_account_id, get_region

from patches import patch
from patches.targets import dead_letter

_EVENTBRIDGE = "events.amazonaws.com"


def _context(principal: str, kind: str, action: str, resource: str, keys: dict) -> evaluator.EvalContext:
    account, keys = get_account_id(), {key.lower(): value for key, value in keys.items()}
    return evaluator.EvalContext(principal, kind, account, action, resource, get_region(), secure_transport=True, service_context=keys)


def _statements(policy: str) -> list:
    found = json.loads(policy or "{}").get("Statement", [])
    return found if isinstance(found, list) else [found]


def _service_allowed(policy: str, action: str, resource: str, keys: dict) -> bool:
    """Tells whether a resource's policy allows EventBridge itself. EventBridge sends no context, so an Allow with a Condition never applies."""
    plain = [each for each in _statements(policy) if each.get("Effect") == "Deny" or not each.get("Condition")]
    context = _context("*", "Service", action, resource, keys)
    return evaluator.evaluate_resource_policy({"Statement": plain}, context, _EVENTBRIDGE).decision == "Allow"


def _trusts(role: dict, rule_arn: str) -> bool:
    keys = {"aws:SourceArn": rule_arn, "aws:SourceAccount": get_account_id()}
    context = _context(_EVENTBRIDGE, "Service", "sts:AssumeRole", "*", keys)
    document = role.get("AssumeRolePolicyDocument") or "{}"
    return any(
        each.get("Effect") == "Allow"
        and evaluator._service_principal_matches(each.get("Principal"), _EVENTBRIDGE)
        and evaluator._conditions_met(each.get("Condition") or {}, context)
        for each in _statements(document if isinstance(document, str) else json.dumps(document))
    )


def _role_allowed(name: str, policy: str, action: str, resource: str, keys: dict) -> bool:
    account = get_account_id()
    context = _context(f"arn:aws:sts::{account}:assumed-role/{name}/events", "AssumedRole", action, resource, keys)
    limits = evaluator._permissions_boundary(iam._roles, name, account)
    own = evaluator.evaluate(context, evaluator._gather_role_policies(name, account), *limits)
    required = action.startswith("kms:")
    return evaluator.combine_resource_policy(own, context, policy, account, required=required, limits=limits).decision == "Allow"


_DENIED = "NO_PERMISSIONS"


def _refusal(topic: dict, role_arn: str | None, rule_arn: str) -> tuple[str, str] | None:
    """Returns why the topic refuses the rule's event: code and text of the dead letter. None if it accepts."""
    questions = [("sns:Publish", topic["arn"], topic["attributes"].get("Policy") or "", {})]
    key_id = topic["attributes"].get("KmsMasterKeyId")
    if key_id and key_id.endswith("alias/aws/sns") and not role_arn:
        return _DENIED, f"{_EVENTBRIDGE} is not authorized to use AWS's own key of the topic"
    if key_id and not key_id.endswith("alias/aws/sns"):
        key = kms._resolve_key(key_id)
        if not key:
            return _DENIED, f"The key {key_id} of the topic does not exist"
        keys = {"kms:ViaService": f"sns.{get_region()}.amazonaws.com", "kms:EncryptionContext:aws:sns:topicArn": topic["arn"]}
        questions += [(action, key["Arn"], key.get("Policy") or "", keys) for action in ("kms:GenerateDataKey", "kms:Decrypt")]
    name = role_arn.rsplit("/")[-1] if role_arn else ""
    if name and not _trusts(iam._roles.get(name) or {}, rule_arn):
        return "FAILED_TO_ASSUME_ROLE", f"EventBridge can't assume {role_arn}"
    for action, resource, policy, keys in questions:
        if not (_role_allowed(name, policy, action, resource, keys) if name else _service_allowed(policy, action, resource, keys)):
            return _DENIED, f"{role_arn or _EVENTBRIDGE} is not authorized to perform: {action} on resource: {resource}"
    return None


@patch("rule-to-topic")
def rule_to_topic() -> None:
    """A rule publishes to a topic only as its policy allows it to events.amazonaws.com, without a Condition; or as the target's role may; and both
    as the topic's key allows. Else the event goes to the dead-letter queue (ministack asks nobody)."""
    deliver = events._invoke_target

    def patched(target, event, rule, view=None):
        topic = sns._topics.get(target.get("Arn", ""))
        refused = _refusal(topic, target.get("RoleArn"), rule.get("Arn", "")) if topic else None
        if refused is None:
            return deliver(target, event, rule, view)
        dead_letter(target, event, rule, view, *refused)

    events._invoke_target = patched
