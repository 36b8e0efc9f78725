"""Secrets Manager: secrets that are encrypted with a customer's key. Around all that secrets.py and rotation.py change."""

import contextvars

import ministack.core.iam_evaluator as evaluator
import ministack.services.secretsmanager as sm
from ministack.core.responses import error_response_json as error
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id
from ministack.services import kms

from patches import patch

_caller = contextvars.ContextVar("caller of Secrets Manager", default="")


def _may_use(key_id: str | None, secret_arn: str | None, actions: tuple[str, ...]) -> bool:
    """Tells whether the caller may use the key for all of this. Calls without a caller (CloudFormation's own) are allowed."""
    if not key_id or key_id.endswith("alias/aws/secretsmanager") or not _caller.get():
        return True
    key = kms._resolve_key(key_id)
    arn = key["Arn"] if key else key_id if key_id.startswith("arn:") else f"arn:aws:kms:{get_region()}:{get_account_id()}:key/{key_id}"
    context = {"kms:ViaService": f"secretsmanager.{get_region()}.amazonaws.com", "kms:CallerAccount": get_account_id()}
    if secret_arn:
        context |= {"kms:EncryptionContext:SecretARN": secret_arn, "kms:EncryptionContextKeys": ["SecretARN", "SecretVersionId"]}
    return all(evaluator.enforce(_caller.get(), action, "kms", get_region(), resource_arn=arn, service_context=context) is None for action in actions)


@patch("secret-encryption-key")
def secret_encryption_key() -> None:
    """Who reads a secret with a customer's key needs kms:Decrypt on it, who writes a value kms:GenerateDataKey too; IAM and the key's policy judge
    that with kms:ViaService (ministack asks nobody)."""
    handle, get = sm.handle_request, sm._get_secret_value

    async def patched_handle(method, path, headers, body, query_params):
        token = _caller.set(extract_access_key_id(headers, query_params) or "")
        try:
            return await handle(method, path, headers, body, query_params)
        finally:
            _caller.reset(token)

    def denied():
        return error("AccessDeniedException", "Access to KMS is not allowed", 400)

    def patched_get(data):
        status, headers, body = get(data)  # first, because a missing secret is "not found"
        _, secret = sm._resolve(data.get("SecretId"))
        allowed = status != 200 or _may_use(secret.get("KmsKeyId"), secret["ARN"], ("kms:Decrypt",))
        return (status, headers, body) if allowed else denied()

    def checked(write):
        def patched(data):
            _, secret = sm._resolve(data.get("SecretId"))
            key_id = data.get("KmsKeyId") or (secret or {}).get("KmsKeyId")
            has_value = data.get("SecretString") is not None or data.get("SecretBinary") is not None
            if has_value and not _may_use(key_id, (secret or {}).get("ARN"), ("kms:GenerateDataKey", "kms:Decrypt")):
                return denied()
            return write(data)

        return patched

    sm.handle_request, sm._get_secret_value = patched_handle, patched_get
    sm._create_secret, sm._put_secret_value, sm._update_secret = map(checked, (sm._create_secret, sm._put_secret_value, sm._update_secret))


@patch("secret-reencryption")
def secret_reencryption() -> None:
    """UpdateSecret that names another customer key is judged on kms:Decrypt, kms:Encrypt and kms:GenerateDataKey of it (ministack asks nobody)."""
    update = sm._update_secret

    def patched(data):
        _, secret = sm._resolve(data.get("SecretId"))
        if secret and data.get("KmsKeyId") and not _may_use(data["KmsKeyId"], secret["ARN"], ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")):
            return error("AccessDeniedException", "Access to KMS is not allowed", 400)
        return update(data)

    sm._update_secret = patched


@patch("secret-made-with-tags")
def secret_made_with_tags() -> None:
    """CreateSecret with tags is judged on secretsmanager:TagResource too, with these tags for the secret's (ministack: on CreateSecret alone)."""
    create = sm._create_secret

    def patched(data):
        tags, caller, region = data.get("Tags") or [], _caller.get(), get_region()
        if tags and caller:
            arn = f"arn:aws:secretsmanager:{region}:{get_account_id()}:secret:{data.get('Name')}-000000"
            context = {f"aws:{of}Tag/{tag['Key']}": tag["Value"] for of in ("Request", "Resource") for tag in tags}
            context["aws:TagKeys"] = [tag["Key"] for tag in tags]
            action = "secretsmanager:TagResource"
            if evaluator.enforce(caller, action, "secretsmanager", region, resource_arn=arn, service_context=context) is not None:
                why = f"because no identity-based policy allows the {action} action"
                return error("AccessDeniedException", f"The caller is not authorized to perform: {action} on resource: {arn} {why}", 400)
        return create(data)

    sm._create_secret = patched
