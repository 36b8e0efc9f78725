"""Route 53: what it refuses, and what a policy can say about a change of records."""

import re
import time

import ministack.core.iam_actions as actions
import ministack.services.route53 as route53

from patches import patch


def _changes(body) -> list[tuple[str, dict]]:
    """The actions of a batch with their record sets. Empty for anything else."""
    root = route53._parse_body(body or b"")
    batch = route53._find(root, "ChangeBatch") if root is not None else None
    changes = route53._find(batch, "Changes") if batch is not None else None
    found = []
    for change in route53._findall(changes, "Change") if changes is not None else []:
        record_set = route53._find(change, "ResourceRecordSet")
        if record_set is not None:
            found.append((route53._text(change, "Action"), route53._parse_record_set(record_set)))
    return found


def _refused(reasons: list[str]) -> tuple:
    return route53._error_response("InvalidChangeBatch", f"[{', '.join(reasons)}]")


def _before_change(reasons_of) -> None:
    """Refuses a batch for which `reasons_of(zone id, changes)` returns reasons."""
    change = route53._change_resource_record_sets

    def patched(zone_id, body):
        reasons = reasons_of(zone_id, _changes(body)) if zone_id in route53._zones else []
        return _refused(reasons) if reasons else change(zone_id, body)

    route53._change_resource_record_sets = patched


@patch("dns-all-reasons")
def dns_all_reasons() -> None:
    """A refused batch names every record set that differs, in AWS's words (ministack: the first)."""
    change = route53._change_resource_record_sets

    def patched(zone_id, body):
        answer = change(zone_id, body)
        if b"<Code>InvalidChangeBatch</Code>" not in answer[2]:
            return answer
        there = {route53._rs_key(each): each for each in route53._records.get(zone_id, [])}
        reasons = []
        for action, wanted in _changes(body):
            key, named = route53._rs_key(wanted), f"resource record set [name='{wanted['Name']}', type='{wanted['Type']}']"
            found = there.get(key)
            if action == "CREATE" and found:
                reasons.append(f"Tried to create {named} but it already exists")
            elif action == "DELETE" and not found:
                reasons.append(f"Tried to delete {named} but it was not found")
            elif action == "DELETE" and route53._rs_values(found) != route53._rs_values(wanted):
                reasons.append(f"Tried to delete {named} but the values provided do not match the current values")
            elif action == "DELETE":
                del there[key]
            else:
                there[key] = wanted
        return _refused(reasons)

    route53._change_resource_record_sets = patched


@patch("dns-names")
def dns_names() -> None:
    """Names are in lower case and with escape codes. A name is in its zone, and has no other record beside a CNAME."""
    normalise = route53._normalise_name

    def escaped(name):
        return re.sub(r"[^a-z0-9_.\\-]", lambda found: f"\\{ord(found[0]):03o}", normalise(name).lower())

    route53._normalise_name = escaped

    def reasons_of(zone_id, changes):
        zone = escaped(route53._zones[zone_id]["name"])
        types: dict[str, set] = {}
        for each in route53._records.get(zone_id, []):
            types.setdefault(each["Name"], set()).add(each["Type"])
        reasons = []
        for action, wanted in changes:
            name, beside = wanted["Name"], types.get(wanted["Name"], set()) - {wanted["Type"]}
            if not f".{name}".endswith(f".{zone}"):
                reasons.append(f"RRSet with DNS name {name} is not permitted in zone {zone}")
            elif action != "DELETE" and beside and ("CNAME" in beside or wanted["Type"] == "CNAME"):
                reasons.append(
                    f"RRSet of type {wanted['Type']} with DNS name {name} is not permitted as it conflicts "
                    f"with other records with the same DNS name in zone {zone}"
                )
        return reasons

    _before_change(reasons_of)


@patch("dns-text-format")
def dns_text_format() -> None:
    """A TXT value is one or several strings in quotation marks, of at most 255 characters each."""
    string = r'"(?:[^"\\]|\\[0-7]{3}|\\[^0-7])*"'

    def reason(value):
        if not re.fullmatch(rf"{string}(?:\s*{string})*", value):
            return f"Invalid Resource Record: 'FATAL problem: InvalidCharacterString (Value should be enclosed in quotation marks) encountered with '{value}''"
        if any(len(re.sub(r"\\([0-7]{3}|.)", "x", each)) > 257 for each in re.findall(string, value)):
            return f"Invalid Resource Record: 'FATAL problem: CharacterStringTooLong (Value is too long) encountered with '{value}''"
        return None

    def reasons_of(_, changes):
        values = [value for _, wanted in changes if wanted["Type"] == "TXT" for value in wanted.get("ResourceRecords", [])]
        return [found for found in map(reason, values) if found]

    _before_change(reasons_of)


@patch("dns-batch-limits")
def dns_batch_limits() -> None:
    """A batch has at most 1,000 values with 32,000 characters. An UPSERT counts twice."""

    def reasons_of(_, changes):
        times = {"UPSERT": 2}
        values = [value for action, wanted in changes for value in wanted.get("ResourceRecords", []) * times.get(action, 1)]
        if len(values) > 1_000:
            return ["Number of records limit of 1000 exceeded."]
        return ["Number of characters limit of 32000 exceeded."] if sum(map(len, values)) > 32_000 else []

    _before_change(reasons_of)


@patch("dns-request-rate")
def dns_request_rate() -> None:
    """An account makes five requests a second. Here root is left out, as it stands for the test itself."""
    from ministack.core.router import extract_access_key_id

    handle, recent = route53.handle_request, []

    async def patched(method, path, headers, body, query_params):
        if extract_access_key_id(headers, query_params) != "test":
            now = time.monotonic()
            recent[:] = [at for at in recent if now - at < 1]
            if len(recent) >= 5:
                return route53._error_response("Throttling", "Rate exceeded")
            recent.append(now)
        return await handle(method, path, headers, body, query_params)

    route53.handle_request = patched


@patch("dns-record-conditions")
def dns_record_conditions() -> None:
    """route53:ChangeResourceRecordSetsNormalizedRecordNames, …RecordTypes and …Actions, each with all values of the batch."""
    context = actions.request_tag_context

    def normal(name):
        return re.sub(r"[^a-z0-9_.\\-]", lambda found: f"\\{ord(found[0]):03o}", name.lower()).rstrip(".")

    def patched(service, action, body, params):
        found = dict(context(service, action, body, params))
        if action == "route53:ChangeResourceRecordSets":
            changes = _changes(body)
            key = action + "{}"
            found[key.format("NormalizedRecordNames")] = [normal(wanted["Name"]) for _, wanted in changes]
            found[key.format("RecordTypes")] = [wanted["Type"] for _, wanted in changes]
            found[key.format("Actions")] = [name for name, _ in changes]
        return found

    actions.request_tag_context = patched


@patch("dns-change-resource")
def dns_change_resource() -> None:
    """GetChange is judged on its change (ministack: on *)."""
    resource = actions.extract_resource_arn

    def patched(service, method, path, headers, body, query_params, region, account_id):
        change = re.search(r"/change/([^/]+)$", path) if service == "route53" else None
        if change:
            return f"arn:aws:route53:::change/{change[1]}"
        return resource(service, method, path, headers, body, query_params, region, account_id)

    actions.extract_resource_arn = patched
