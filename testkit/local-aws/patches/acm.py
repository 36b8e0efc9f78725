"""ACM: the credentials of external account bindings (ministack knows no ACME endpoints)."""

import base64
import json
import os

import ministack.core.iam_actions as actions
import ministack.services.acm as acm
from ministack.core.responses import AccountRegionScopedDict, get_account_id, json_response, new_uuid
from ministack.core.responses import error_response_json as error

from patches import patch

_bindings = AccountRegionScopedDict()


def _create(data):
    endpoint = data.get("AcmeEndpointArn") or ""
    if ":acme-endpoint/" not in endpoint or not data.get("RoleArn"):
        return error("ValidationException", "AcmeEndpointArn and RoleArn are required.", 400)
    arn = f"{endpoint}/acme-external-account-binding/{new_uuid()}"
    mac_key = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
    _bindings[arn] = {"KeyId": new_uuid(), "MacKey": mac_key}
    return json_response({"ExternalAccountBinding": {"AcmeExternalAccountBindingArn": arn, "AcmeEndpointArn": endpoint, "RoleArn": data["RoleArn"]}})


def _credentials(data):
    arn = data.get("AcmeExternalAccountBindingArn") or ""
    if arn not in _bindings:
        return error("ResourceNotFoundException", f"Could not find external account binding {arn} in account {get_account_id()}.", 400)
    return json_response(_bindings[arn])


@patch("acm-account-binding")
def acm_account_binding() -> None:
    """CreateAcmeExternalAccountBinding, for an endpoint of any ARN, and GetAcmeExternalAccountBindingCredentials, judged on the binding."""
    calls = {"CreateAcmeExternalAccountBinding": _create, "GetAcmeExternalAccountBindingCredentials": _credentials}
    handle, resource = acm.handle_request, actions.extract_resource_arn

    async def patched(method, path, headers, body, query_params):
        call = calls.get(headers.get("x-amz-target", "").split(".")[-1])
        return call(json.loads(body or b"{}")) if call else await handle(method, path, headers, body, query_params)

    def patched_resource(service, method, path, headers, body, *rest):
        if service == "acm" and (body or b"").startswith(b"{"):
            arn = json.loads(body).get("AcmeExternalAccountBindingArn")
            if arn:
                return arn
        return resource(service, method, path, headers, body, *rest)

    acm.handle_request, actions.extract_resource_arn = patched, patched_resource
