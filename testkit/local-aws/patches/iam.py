"""IAM: what a policy of AWS can name and ministack's evaluator can't (it judges every call, as AUTH=true is always set)."""

import json

import ministack.core.iam_actions as actions
import ministack.core.iam_evaluator as evaluator

from patches import patch


def _body(raw) -> dict:
    try:
        parsed = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _in_context(service: str, keys) -> None:
    """Lets `keys(body)` add condition keys to every request of a service."""
    context = actions.request_tag_context

    def patched(called, action, body, params):
        found = dict(context(called, action, body, params))
        if called == service:
            found.update(keys(_body(body)))
        return found

    actions.request_tag_context = patched


@patch("batch-actions")
def batch_actions() -> None:
    """SQS's batch calls are judged as their single ones: there is no action sqs:SendMessageBatch."""
    batches = {f"sqs:{call}Batch": f"sqs:{call}" for call in ("SendMessage", "DeleteMessage", "ChangeMessageVisibility")}
    action = actions.extract_iam_action

    def patched(*args, **kwargs):
        found = action(*args, **kwargs)
        return batches.get(found, found)

    actions.extract_iam_action = patched


@patch("kms-alias")
def kms_alias() -> None:
    """A call by alias is judged on the key behind it: policies name keys. kms:RequestAlias and kms:ResourceAliases tell of aliases."""
    from ministack.services import kms

    resource, enforce = actions.extract_resource_arn, evaluator.enforce

    def patched_resource(service, *args, **kwargs):
        arn = resource(service, *args, **kwargs)
        if service == "kms" and arn in kms._aliases:
            return arn.split(":alias/")[0] + ":key/" + kms._aliases[arn].rsplit("/")[-1]
        return arn

    def patched_enforce(access_key, action, service, region, resource_arn="*", service_context=None):
        context = dict(service_context or {})
        if service == "kms" and ":key/" in resource_arn:
            key = resource_arn.rsplit("/")[-1]
            context.setdefault("kms:ResourceAliases", [a.split(":", 5)[5] for a, of in kms._aliases.items() if of.rsplit("/")[-1] == key])
        return enforce(access_key, action, service, region, resource_arn=resource_arn, service_context=context)

    actions.extract_resource_arn, evaluator.enforce = patched_resource, patched_enforce
    _in_context("kms", lambda body: {"kms:RequestAlias": body["KeyId"]} if str(body.get("KeyId", "")).startswith("alias/") else {})


@patch("kms-signing-conditions")
def kms_signing_conditions() -> None:
    """kms:SigningAlgorithm and kms:MessageType (without them an Allow never matches, and a Deny silently doesn't apply)."""
    _in_context("kms", lambda body: {f"kms:{key}": body[key] for key in ("SigningAlgorithm", "MessageType") if key in body})


@patch("secret-conditions")
def secret_conditions() -> None:
    """secretsmanager:VersionStage and secretsmanager:SecretId."""
    _in_context("secretsmanager", lambda body: {f"secretsmanager:{key}": body[key] for key in ("VersionStage", "SecretId") if key in body})


@patch("secret-resource-tag")
def secret_resource_tag() -> None:
    """secretsmanager:ResourceTag/<key>, the older spelling beside aws:ResourceTag/<key> (which ministack has)."""
    enforce = evaluator.enforce

    def patched(access_key, action, service, region, resource_arn="*", service_context=None):
        context = dict(service_context or {})
        if service == "secretsmanager" and resource_arn != "*":
            from ministack.services.tagging import resource_tags

            for key, value in (resource_tags(resource_arn) or {}).items():
                context.setdefault(f"secretsmanager:ResourceTag/{key}", value)
        return enforce(access_key, action, service, region, resource_arn=resource_arn, service_context=context)

    evaluator.enforce = patched


@patch("secure-transport")
def secure_transport() -> None:
    """The emulator is reached by plain HTTP; for a policy that demands TLS every call counts as TLS, or SSL-only queues lock everyone out."""
    import ministack.app

    pin = evaluator.pin_request_origin
    evaluator.pin_request_origin = ministack.app.pin_request_origin = lambda source_ip, _secure: pin(source_ip, True)


@patch("command-document")
def command_document() -> None:
    """SendCommand is judged on its document (ministack: on *); AWS judges it on the instances too, and here there are none."""
    resource = actions.extract_resource_arn

    def patched(service, method, path, headers, body, query_params, region, account_id):
        name = _body(body).get("DocumentName") if service == "ssm" else None
        if name and actions._action_from_target(headers) == "SendCommand":
            return f"arn:aws:ssm:{region}:{account_id}:document/{name}"
        return resource(service, method, path, headers, body, query_params, region, account_id)

    actions.extract_resource_arn = patched


@patch("parameters-by-path")
def parameters_by_path() -> None:
    """GetParametersByPath is judged on its path (ministack: on *)."""
    resource = actions.extract_resource_arn

    def patched(service, method, path, headers, body, query_params, region, account_id):
        parameters = _body(body).get("Path") if service == "ssm" else None
        if parameters and actions._action_from_target(headers) == "GetParametersByPath":
            return f"arn:aws:ssm:{region}:{account_id}:parameter/{parameters.lstrip('/')}"
        return resource(service, method, path, headers, body, query_params, region, account_id)

    actions.extract_resource_arn = patched


@patch("principal-tag")
def principal_tag() -> None:
    """aws:PrincipalTag and the other keys of the caller, in the policy of a queue or topic: SQS and SNS look at theirs a second time, without."""
    from contextvars import ContextVar

    keys = ContextVar("caller_keys", default=None)
    pin, allows = evaluator.pin_request_caller, evaluator.resource_policy_allows

    def patched_pin(headers, query_params=None):
        from ministack.core.responses import get_account_id
        from ministack.core.router import extract_access_key_id

        pin(headers, query_params)
        access_key = extract_access_key_id(headers or {}, query_params or {})
        caller = evaluator.resolve_principal(access_key, get_account_id()) if access_key else None
        keys.set(getattr(caller, "keys", None))

    def patched_allows(policy, ctx, same_account):
        ctx.principal_keys = ctx.principal_keys or keys.get() or {}
        return allows(policy, ctx, same_account)

    evaluator.pin_request_caller, evaluator.resource_policy_allows = patched_pin, patched_allows


@patch("ecs-service-arn")
def ecs_service_arn() -> None:
    """UpdateService is judged on the service (ministack judges it on the cluster)."""
    resource = actions.extract_resource_arn

    def patched(service, method, path, headers, body, *rest):
        found = resource(service, method, path, headers, body, *rest)
        asked = _body(body) if service == "ecs" else {}
        if "service" not in asked or ":cluster/" not in found:
            return found
        return f"{found.replace(':cluster/', ':service/')}/{asked['service']}"

    actions.extract_resource_arn = patched
