"""Secrets Manager: finding secrets."""

import base64
import json

import ministack.services.secretsmanager as sm
from ministack.core.responses import error_response_json as error
from ministack.core.responses import json_response

from patches import patch


def _matches(name: str, key: str, value: str) -> bool:
    secret = sm._secrets[name]
    tags, description = secret.get("Tags") or [], secret.get("Description") or ""
    if key == "name":
        return name.startswith(value)
    if key == "tag-key":
        return any(t.get("Key", "").startswith(value) for t in tags)
    if key == "tag-value":
        return any(t.get("Value", "").startswith(value) for t in tags)
    if key == "description":
        return description.lower().startswith(value.lower())
    if key == "primary-region":
        return (secret.get("_PrimaryRegion") or "").startswith(value)
    if key == "owning-service":
        return (_owner(name) or "").startswith(value) and _owner(name) is not None
    words = " ".join([name, description, *(t.get("Key", "") + " " + t.get("Value", "") for t in tags)]).lower()
    return all(word in words for word in value.lower().split())  # "all"


_FILTER_KEYS = ("name", "tag-key", "tag-value", "description", "primary-region", "owning-service", "all")


@patch("list-filters")
def list_filters() -> None:
    """ListSecrets' filters match by prefix, `!` negates, an unknown key is an error (ministack: whole values, no `!`, unknown keys match all)."""
    list_secrets = sm._list_secrets

    def filtered(names, filters):
        for each in filters:
            key, values = each.get("Key", ""), each.get("Values", [])
            names = [n for n in names if any(not _matches(n, key, v[1:]) if v.startswith("!") else _matches(n, key, v) for v in values)]
        return names

    def patched(data):
        if not 1 <= data.get("MaxResults", 100) <= 100:
            return error("InvalidParameterException", "MaxResults must be between 1 and 100.", 400)
        for each in data.get("Filters") or []:
            if each.get("Key") not in _FILTER_KEYS:
                return error("ValidationException", f"Invalid filter key: {each.get('Key')}", 400)
        return list_secrets(data)

    sm._filter_secret_names, sm._list_secrets = filtered, patched


@patch("list-order")
def list_order() -> None:
    """SortOrder lists by the date of creation (ministack: always by name)."""
    list_secrets, select = sm._list_secrets, sm._filter_secret_names
    order: list[str | None] = [None]  # a request is served in one go, so one cell is enough

    def ordered(names, filters):
        chosen = select(names, filters)
        return sorted(chosen, key=lambda n: sm._secrets[n]["CreatedDate"], reverse=order[0] == "desc") if order[0] else chosen

    def patched(data):
        order[0] = data.get("SortOrder")
        try:
            return list_secrets(data)
        finally:
            order[0] = None

    sm._filter_secret_names, sm._list_secrets = ordered, patched


@patch("list-place")
def list_place() -> None:
    """A page starts behind the last secret of the page before (ministack: at a number in today's list, so that a secret is on two
    pages when another is created meanwhile, and on none when one is deleted)."""
    list_secrets, select = sm._list_secrets, sm._filter_secret_names
    after: list[list | None] = [None]  # a request is served in one go, so one cell is enough
    order: list[str | None] = [None]

    def place(name: str) -> list:
        created = sm._secrets[name]["CreatedDate"]
        return [{"asc": created, "desc": -created}.get(order[0], 0), name]

    def following(names, filters):
        chosen = select(names, filters)
        return [n for n in chosen if after[0] is None or place(n) > after[0]]

    def patched(data):
        try:
            after[0] = json.loads(base64.b64decode(data["NextToken"])) if data.get("NextToken") else None
        except ValueError:
            return error("InvalidNextTokenException", "The token is none of this listing's.", 400)
        order[0] = data.get("SortOrder")
        status, headers, body = list_secrets({**data, "NextToken": None})
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        if "NextToken" in answer:
            last = place(answer["SecretList"][-1]["Name"])
            answer["NextToken"] = base64.b64encode(json.dumps(last).encode()).decode()
        return json_response(answer)

    sm._filter_secret_names, sm._list_secrets = following, patched


def _owner(name: str) -> str | None:
    """The AWS service that a secret belongs to: their names start with it, as in rds!cluster-1."""
    return name.split("!", 1)[0] if "!" in name else None


@patch("list-fields")
def list_fields() -> None:
    """ListSecrets tells a secret's key, rotation function and owning service; DescribeSecret the last (ministack leaves them out)."""
    list_secrets, describe = sm._list_secrets, sm._describe_secret

    def completed(entry: dict) -> dict:
        secret = sm._secrets[entry["Name"]]
        more = {field: secret.get(field) for field in ("KmsKeyId", "RotationLambdaARN", "RotationRules")}
        more["OwningService"] = _owner(entry["Name"])
        return {**entry, **{field: value for field, value in more.items() if value}}

    def patched_list(data):
        status, headers, body = list_secrets(data)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        return json_response({**answer, "SecretList": [completed(entry) for entry in answer["SecretList"]]})

    def patched_describe(data):
        status, headers, body = describe(data)
        return json_response(completed(json.loads(body))) if status == 200 else (status, headers, body)

    sm._list_secrets, sm._describe_secret = patched_list, patched_describe


@patch("lookup")
def lookup() -> None:
    """A secret is found in the same time however many there are (ministack walks all of them for an ARN, for a name that is free,
    and for tag conditions: 30 ms a call at 5,000 secrets)."""
    import ministack.services.tagging as tagging

    resolve, tags_of = sm._resolve, tagging.resource_tags

    def by_arn(arn):
        name = sm._secret_name_from_arn(arn)
        secret = sm._secrets.get(name[:-7]) if name else None
        return secret if secret and secret["ARN"] == arn else None

    def patched_resolve(secret_id, *, use_arn_scope=False):
        if not secret_id or use_arn_scope:
            return resolve(secret_id, use_arn_scope=use_arn_scope)
        secret = by_arn(secret_id) if secret_id.startswith("arn:") else sm._secrets.get(secret_id)
        if secret or not secret_id.startswith("arn:"):
            return (secret["Name"], secret) if secret else (None, None)
        return resolve(secret_id)  # an ARN without its last six characters

    def patched_tags(arn):
        if ":secretsmanager:" not in arn:
            return tags_of(arn)
        secret = by_arn(arn)
        return {t["Key"]: t["Value"] for t in secret.get("Tags") or []} if secret else None

    sm._resolve, tagging.resource_tags = patched_resolve, patched_tags
