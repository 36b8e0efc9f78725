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
    promotes it (ministack copies the current value and promotes that, and calls nobody). RotateImmediately false only switches it on."""
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
        if data.get("RotateImmediately", True):
            version = data.get("ClientRequestToken") or sm.new_uuid()
            sm._remove_stage_everywhere(secret, "AWSPENDING")
            secret["Versions"][version] = {"SecretString": None, "SecretBinary": None, "CreatedDate": int(time.time()), "Stages": ["AWSPENDING"]}
            answer["VersionId"] = version
            record = functions._execution_record_for_config(function, config)
            scope = contextvars.copy_context()  # the account and Region of this request
            threading.Thread(target=scope.run, args=(_run_steps, record, secret, version), daemon=True).start()
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
    for step in STEPS:
        event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": version}
        result = functions._execute_function_with_config_scope(record, event)
        if result.get("error"):
            log.warning("rotation of %s: %s failed: %s", secret["Name"], step, result.get("body"))
            return  # AWSPENDING stays where it is, as on AWS
    secret["LastRotatedDate"] = int(time.time())
