"""Secrets Manager's native rotation: a secret whose rotation function is called, as cert-renewer's renew function may be."""

import contextvars
import logging
import threading
import time

import ministack.services.lambda_svc as functions
import ministack.services.secretsmanager as sm
from ministack.core.responses import error_response_json as error
from ministack.core.responses import json_response

from patches import patch

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
log = logging.getLogger("rotation")


@patch("rotation")
def rotation() -> None:
    """RotateSecret makes a version with no value yet, labelled AWSPENDING, and has the function do the rest in four steps, of which the last
    promotes it (ministack copies the current value and promotes that, and calls nobody). With RotateImmediately false it tests the function: a
    version with the current value is AWSPENDING while testSecret lasts."""
    rotate, get = sm._rotate_secret, sm._get_secret_value

    def patched(data):
        _, secret = sm._resolve(data.get("SecretId"))
        arn = data.get("RotationLambdaARN") or (secret or {}).get("RotationLambdaARN")
        if not secret or not arn or secret.get("DeletedDate") or sm._is_replica(secret):
            return rotate(data)
        function, config, _ = functions._get_func_record_for_ref(arn)
        if not function:
            return error("ResourceNotFoundException", "Secrets Manager can't find the specified Lambda function.", 400)
        secret.update(RotationEnabled=True, RotationLambdaARN=arn, RotationRules=data.get("RotationRules") or secret.get("RotationRules"))
        answer = {"ARN": secret["ARN"], "Name": secret["Name"]}
        now = data.get("RotateImmediately", True)
        version = (data.get("ClientRequestToken") if now else None) or sm.new_uuid()
        current = {} if now else secret["Versions"].get(sm._find_stage_version(secret, "AWSCURRENT")[0]) or {}
        content = {field: current.get(field) for field in ("SecretString", "SecretBinary")}
        sm._remove_stage_everywhere(secret, "AWSPENDING")
        secret["Versions"][version] = {**content, "CreatedDate": int(time.time()), "Stages": ["AWSPENDING"]}
        if now:
            answer["VersionId"] = version
        record = functions._execution_record_for_config(function, config)
        scope = contextvars.copy_context()  # the account and Region of this request
        work = _run_steps if now else _test
        threading.Thread(target=scope.run, args=(work, record, secret, version), daemon=True).start()
        return json_response(answer)

    def patched_get(data):
        _, secret = sm._resolve(data.get("SecretId"))
        label = data.get("VersionStage", "AWSCURRENT")
        wanted = (data.get("VersionId") or sm._find_stage_version(secret, label)[0]) if secret else None
        version = secret["Versions"].get(wanted) if wanted else None
        if version and version.get("SecretString") is None and version.get("SecretBinary") is None:
            return error("ResourceNotFoundException", f"Secrets Manager can't find the specified secret value for staging label: {label}", 400)
        return get(data)

    sm._rotate_secret, sm._get_secret_value = patched, patched_get


def _run_steps(record: dict, secret: dict, version: str) -> None:
    if all(_run(step, record, secret, version) for step in STEPS):  # otherwise AWSPENDING stays, as on AWS
        secret["LastRotatedDate"] = int(time.time())


def _test(record: dict, secret: dict, version: str) -> None:
    _run("testSecret", record, secret, version)
    stages = secret["Versions"].get(version, {}).get("Stages", [])
    if "AWSPENDING" in stages:
        stages.remove("AWSPENDING")


def _run(step: str, record: dict, secret: dict, version: str) -> bool:
    event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": version}
    result = functions._execute_function_with_config_scope(record, event)
    if result.get("error"):
        log.warning("rotation of %s: %s failed: %s", secret["Name"], step, result.get("body"))
    return not result.get("error")
