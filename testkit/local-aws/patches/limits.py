"""How large policies, environments and parameters may be: by a call as by a template."""

import json
import re

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.iam as iam
import ministack.services.lambda_svc as functions
import ministack.services.sns as sns
import ministack.services.sqs as sqs
import ministack.services.ssm as ssm
from ministack.core.responses import error_response_json as error

from patches import patch


def _text(document) -> str:
    return document if isinstance(document, str) else json.dumps(document or {}, separators=(",", ":"))


def _in_templates(kind: str, fault) -> None:
    """A resource of this kind is neither created nor updated when `fault(properties, its physical id or None)` gives a reason."""
    handler = provisioners._RESOURCE_HANDLERS[kind]
    create, update = handler["create"], handler["update"]

    def refuse(props, physical_id):
        problem = fault(props, physical_id)
        if problem:
            raise ValueError(problem)

    def patched_create(logical_id, props, stack_name):
        refuse(props, None)
        return create(logical_id, props, stack_name)

    def patched_update(physical_id, old_props, new_props, *more, **named):
        refuse(new_props, physical_id)
        return update(physical_id, old_props, new_props, *more, **named)

    handler.update(create=patched_create, update=patched_update)


def _queue_fault(document) -> str | None:
    text = _text(document)
    if len(text.encode()) > 8192:
        return "Submitted policy is over max allowed size."
    statements = json.loads(text or "{}").get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    if len(statements) > 20:
        return f"{len(statements)} statements were found in the submitted policy, max allowed is 20"
    actions = max((len(each["Action"]) for each in statements if isinstance(each.get("Action"), list)), default=0)
    return f"{actions} actions were found in a statement from the submitted policy, max allowed is 7" if actions > 7 else None


@patch("queue-policy-limits")
def queue_policy_limits() -> None:
    """A queue's policy has at most 8,192 bytes, 20 statements, and 7 actions a statement: OverLimit (ministack: any)."""

    def checked(call):
        def patched(data, queue_url):
            policy = (data.get("Attributes") or {}).get("Policy")
            problem = _queue_fault(policy) if policy else None
            if problem:
                raise sqs._Err("OverLimit", problem, 403)
            return call(data, queue_url)

        return patched

    for name in ("CreateQueue", "SetQueueAttributes"):
        sqs._HANDLERS[name] = checked(sqs._HANDLERS[name])
    _in_templates("AWS::SQS::QueuePolicy", lambda props, _: _queue_fault(props.get("PolicyDocument")))


@patch("topic-policy-limit")
def topic_policy_limit() -> None:
    """A topic's policy has at most 30 KB (ministack: any)."""

    def fault(document) -> str | None:
        return "Invalid parameter: Policy Error: larger than 30 KB" if len(_text(document).encode()) > 30 * 1024 else None

    def checked(call, name_of, value_of):
        """`name_of` matches the parameter with an attribute's name. `value_of` is the end of the parameter with its value."""

        def patched(params):
            for key in params:
                if re.fullmatch(name_of, key) and sns._p(params, key) == "Policy":
                    problem = fault(sns._p(params, re.sub("(Name|key)$", value_of, key)))
                    if problem:
                        return sns._error("InvalidParameter", problem, 400)
            return call(params)

        return patched

    sns._set_topic_attributes = checked(sns._set_topic_attributes, "AttributeName", "Value")
    sns._create_topic = checked(sns._create_topic, r"Attributes\.entry\.\d+\.key", "value")
    _in_templates("AWS::SNS::TopicPolicy", lambda props, _: fault(props.get("PolicyDocument")))


@patch("function-policy-limit")
def function_policy_limit() -> None:
    """A function's own policy has at most 20 KB: AddPermission beyond it is refused (ministack: any)."""
    add = functions._add_permission

    def patched(name, *args, **kwargs):
        answer = add(name, *args, **kwargs)
        if answer[0] >= 400:
            return answer
        policy = functions._functions[name]["policy"]
        size = len(_text(policy).encode())
        if size <= 20480:
            return answer
        policy["Statement"].pop()  # the one just added
        return error("PolicyLengthExceededException", f"The final policy size ({size}) is bigger than the limit (20480).", 400)

    functions._add_permission = patched


@patch("function-environment-limit")
def function_environment_limit() -> None:
    """The variables of a function have at most 4 KB in sum, as JSON (ministack: any)."""

    def fault(given) -> str | None:
        variables = _text((given.get("Environment") or {}).get("Variables"))
        return (
            "Lambda was unable to configure your environment variables because the environment variables you have provided "
            f"exceeded the 4KB limit. String measured: {variables}"
            if len(variables.encode()) > 4096
            else None
        )

    create, update = functions._create_function, functions._update_config

    def patched_create(data):
        problem = fault(data)
        return error("InvalidParameterValueException", problem, 400) if problem else create(data)

    def patched_update(name, data):
        problem = fault(data)
        return error("InvalidParameterValueException", problem, 400) if problem else update(name, data)

    functions._create_function, functions._update_config = patched_create, patched_update
    _in_templates("AWS::Lambda::Function", lambda props, _: fault(props))


def _characters(document) -> int:
    return len(re.sub(r"\s", "", _text(document)))  # IAM counts no white space


def _inline_fault(name: str, documents) -> str | None:
    too_large = sum(map(_characters, documents)) > 10240
    return f"Maximum policy size of 10240 bytes exceeded for role {name}" if too_large else None


def _managed_fault(document) -> str | None:
    return "Cannot exceed quota for PolicySize: 6144" if _characters(document) > 6144 else None


@patch("role-policy-limits")
def role_policy_limits() -> None:
    """The inline policies of a role have at most 10,240 characters in sum, a managed policy 6,144, and a role has at most 10 managed ones
    (ministack: any)."""
    put, attach, attach_by_call = iam._put_role_policy, iam.attach_managed_policy, iam._attach_role_policy

    def patched_put(p):
        role = iam._roles.get(iam._p(p, "RoleName"))
        documents = {**(role or {}).get("InlinePolicies", {}), iam._p(p, "PolicyName"): iam._p(p, "PolicyDocument")}
        problem = _inline_fault(iam._p(p, "RoleName"), documents.values()) if role else None
        return iam._error(409, "LimitExceeded", problem) if problem else put(p)

    def managed(call):
        def patched(p):
            problem = _managed_fault(iam._p(p, "PolicyDocument"))
            return iam._error(409, "LimitExceeded", problem) if problem else call(p)

        return patched

    def patched_attach(entity, policy_arn):
        attached = entity.get("AttachedPolicies", [])
        if "RoleName" in entity and policy_arn not in attached and len(attached) >= 10:
            raise ValueError("Cannot exceed quota for PoliciesPerRole: 10")
        attach(entity, policy_arn)

    def patched_attach_by_call(p):
        try:
            return attach_by_call(p)
        except ValueError as fault:
            return iam._error(409, "LimitExceeded", str(fault))

    def role_fault(props, physical_id) -> str | None:
        own = {each.get("PolicyName"): each.get("PolicyDocument") for each in props.get("Policies") or []}
        return _inline_fault(physical_id or props.get("RoleName") or "", own.values())

    iam._put_role_policy, iam.attach_managed_policy, iam._attach_role_policy = patched_put, patched_attach, patched_attach_by_call
    iam._create_policy, iam._create_policy_version = managed(iam._create_policy), managed(iam._create_policy_version)
    for name, call in (
        ("PutRolePolicy", iam._put_role_policy),
        ("AttachRolePolicy", iam._attach_role_policy),
        ("CreatePolicy", iam._create_policy),
        ("CreatePolicyVersion", iam._create_policy_version),
    ):
        iam._IAM_HANDLERS[name] = call
    _in_templates("AWS::IAM::Role", role_fault)
    handler = provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"]
    update = handler["update"]

    def patched_update(*args, **kwargs):
        name, attributes = update(*args, **kwargs)
        problem = _inline_fault(name, iam._roles[name]["InlinePolicies"].values())  # those of AWS::IAM::Policy too
        if problem:
            raise ValueError(problem)
        return name, attributes

    handler["update"] = patched_update
    _in_templates("AWS::IAM::ManagedPolicy", lambda props, _: _managed_fault(props.get("PolicyDocument")))


@patch("parameter-size")
def parameter_size() -> None:
    """A parameter of the Standard tier has at most 4 KB, of the others 8 KB (ministack: any)."""
    put = ssm._put_parameter

    def patched(data):
        value = data.get("Value") or ""
        tier = data.get("Tier") or ssm._default_tier(data, value, ssm._parameters.get(data.get("Name")))
        limit = 4096 if tier == "Standard" else 8192
        if len(value.encode()) > limit:
            return error("ValidationException", f"{tier} tier parameters support a maximum parameter value of {limit} characters.", 400)
        return put(data)

    ssm._put_parameter = patched
