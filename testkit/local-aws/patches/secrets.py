"""Secrets Manager: versions, labels, tokens, limits."""

import base64
import json
import re
from contextlib import contextmanager

import ministack.services.secretsmanager as sm
from ministack.core.responses import error_response_json as error
from ministack.core.responses import json_response

from patches import patch


def _has_value(data: dict) -> bool:
    return data.get("SecretString") is not None or data.get("SecretBinary") is not None


def _content(source: dict) -> tuple:
    return source.get("SecretString"), source.get("SecretBinary")


def _live(secret_id) -> dict | None:
    _, secret = sm._resolve(secret_id)
    return None if not secret or secret.get("DeletedDate") or sm._is_replica(secret) else secret


@contextmanager
def _version_id(token: str | None, uuids_before: int):
    """Gives the next version the id `token`. ministack takes the id from its (uuids_before + 1)th uuid."""
    draw = sm.new_uuid
    if token:
        drawn = iter([draw() for _ in range(uuids_before)] + [token])
        sm.new_uuid = lambda: next(drawn, None) or draw()
    try:
        yield
    finally:
        sm.new_uuid = draw


def _repeated(secret: dict, token: str | None, data: dict):
    """The answer to a token seen before: the same content again changes nothing, other content is refused. None for a new token,
    and for the one of a version that rotation has made and not filled yet."""
    version = secret["Versions"].get(token) if token else None
    if version is None or _content(version) == (None, None):
        return None
    if _content(version) != _content(data):
        return error("ResourceExistsException", f"You can't use ClientRequestToken {token}: a version with other content has it already.", 400)
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token, "VersionStages": list(version["Stages"])})


@patch("empty-secret")
def empty_secret() -> None:
    """CreateSecret without a value makes no version (ministack: an empty AWSCURRENT); the first version put becomes AWSCURRENT whatever its labels."""
    create, put = sm._create_secret, sm._put_secret_value

    def patched_create(data):
        fresh = data.get("Name") not in sm._secrets
        answer = create(data)
        secret = sm._secrets[data["Name"]] if fresh and data.get("Name") in sm._secrets else None
        if secret and not _has_value(data):
            secret["Versions"].clear()
            return json_response({"ARN": secret["ARN"], "Name": secret["Name"]})
        return answer

    def patched_put(data):
        secret, labels = _live(data.get("SecretId")), data.get("VersionStages")
        if secret and labels and "AWSCURRENT" not in labels and not sm._find_stage_version(secret, "AWSCURRENT")[0]:
            data = {**data, "VersionStages": [*labels, "AWSCURRENT"]}
        return put(data)

    sm._create_secret, sm._put_secret_value = patched_create, patched_put


@patch("labels-move")
def labels_move() -> None:
    """A label sits on one version only: putting it on a new version takes it from the old one. A version put with several labels gets them all."""
    put = sm._put_secret_value

    def patched(data):
        secret, labels = _live(data.get("SecretId")), data.get("VersionStages") or []
        if secret:
            for label in labels:
                if label not in ("AWSCURRENT", "AWSPREVIOUS"):  # these two move together, in ministack too
                    sm._remove_stage_everywhere(secret, label)
        status, headers, body = put(data)
        if secret and labels and status == 200:
            answer = json.loads(body)
            for label in labels:
                sm._add_stage(secret, answer["VersionId"], label)
            return json_response({**answer, "VersionStages": list(secret["Versions"][answer["VersionId"]]["Stages"])})
        return status, headers, body

    sm._put_secret_value = patched


@patch("unlabelled-versions")
def unlabelled_versions() -> None:
    """A version that lost its last label stays for a day at least, and with it its token (ministack drops it at once)."""
    promote = sm._apply_current_promotion

    def patched(secret, new_version):
        before = dict(secret["Versions"])
        promote(secret, new_version)
        for version_id, version in before.items():
            secret["Versions"].setdefault(version_id, version)

    sm._apply_current_promotion = patched


@patch("put-token")
def put_token() -> None:
    """A ClientRequestToken is used once: again with the same content it is a no-op, with other content ResourceExistsException (ministack overwrites)."""
    put = sm._put_secret_value

    def patched(data):
        secret = _live(data.get("SecretId"))
        return (secret and _repeated(secret, data.get("ClientRequestToken"), data)) or put(data)

    sm._put_secret_value = patched


@patch("create-token")
def create_token() -> None:
    """CreateSecret's ClientRequestToken is the id of the version made, and the same call again is a no-op."""
    create = sm._create_secret

    def patched(data):
        token = data.get("ClientRequestToken") if _has_value(data) else None
        secret = sm._secrets[data["Name"]] if data.get("Name") in sm._secrets else None
        version = secret["Versions"].get(token) if secret and token else None
        if version is not None and _content(version) == _content(data):
            return json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token})
        with _version_id(token, uuids_before=1):  # the first uuid gives the last six characters of the ARN
            return create(data)

    sm._create_secret = patched


@patch("update-token")
def update_token() -> None:
    """UpdateSecret's ClientRequestToken is the id of the version made, as in PutSecretValue."""
    update = sm._update_secret

    def patched(data):
        secret, token = _live(data.get("SecretId")), data.get("ClientRequestToken") if _has_value(data) else None
        repeated = _repeated(secret, token, data) if secret else None
        if repeated:
            return repeated
        with _version_id(token, uuids_before=0):
            return update(data)

    sm._update_secret = patched


@patch("token-length")
def token_length() -> None:
    """A ClientRequestToken has 32 to 64 characters."""

    def checked(call):
        def patched(data):
            token = data.get("ClientRequestToken")
            if token is not None and not 32 <= len(token) <= 64:
                return error("InvalidParameterException", "You must provide a ClientRequestToken value between 32 and 64 characters.", 400)
            return call(data)

        return patched

    sm._create_secret, sm._put_secret_value, sm._update_secret = map(checked, (sm._create_secret, sm._put_secret_value, sm._update_secret))


@patch("value-limit")
def value_limit() -> None:
    """A value has at most 65,536 bytes."""

    def checked(call):
        def patched(data):
            for field, size in (
                ("secretString", len((data.get("SecretString") or "").encode())),
                ("secretBinary", len(base64.b64decode(data.get("SecretBinary") or ""))),
            ):
                if size > 65536:
                    return error(
                        "ValidationException",
                        f"1 validation error detected: Value at '{field}' failed to satisfy constraint: "
                        "Member must have length less than or equal to 65536",
                        400,
                    )
            return call(data)

        return patched

    sm._create_secret, sm._put_secret_value, sm._update_secret = map(checked, (sm._create_secret, sm._put_secret_value, sm._update_secret))


@patch("tag-limits")
def tag_limits() -> None:
    """A secret has at most 50 tags; a tag's value at most 256 characters, of letters, digits, spaces and + - = . _ : / @ only."""
    tag, create = sm._tag_resource, sm._create_secret

    def fault(tags, present) -> str | None:
        for each in tags:
            if len(each.get("Value", "")) > 256 or re.search(r"[^\w\s+\-=.:/@]", each.get("Key", "") + each.get("Value", "")):
                return f"The tag {each.get('Key')} is too long or has characters that tags can't hold."
        if len({t["Key"] for t in [*tags, *present]}) > 50:
            return "You have reached the limit of 50 tags for one secret."
        return None

    def patched_tag(data):
        secret = _live(data.get("SecretId"))
        problem = fault(data.get("Tags") or [], secret.get("Tags") or []) if secret else None
        return error("InvalidParameterException", problem, 400) if problem else tag(data)

    def patched_create(data):
        problem = fault(data.get("Tags") or [], [])
        return error("InvalidParameterException", problem, 400) if problem else create(data)

    sm._tag_resource, sm._create_secret = patched_tag, patched_create


@patch("version-and-stage")
def version_and_stage() -> None:
    """GetSecretValue with both VersionId and VersionStage: the version must carry that label (ministack ignores the label)."""
    get = sm._get_secret_value

    def patched(data):
        secret = _live(data.get("SecretId"))
        version = secret["Versions"].get(data.get("VersionId")) if secret else None
        if version and data.get("VersionStage") and data["VersionStage"] not in version["Stages"]:
            return error("InvalidRequestException", "You provided a VersionStage that is not associated to the provided VersionId.", 400)
        return get(data)

    sm._get_secret_value = patched
