"""aws_model.py: checks requests with AWS's models of its APIs, as botocore ships them.

Standard input: a JSON list of requests as they went over the wire: service (its signing name), target (X-Amz-Target, or ''), method, path,
query, headers, and body (JSON, the pairs of a form, XML, or another text). Standard output: for each the operation, and a list of its problems.
"""

import base64
import binascii
import json
import re
import sys
from urllib.parse import unquote
from xml.etree import ElementTree

import botocore.session
from botocore.model import OperationNotFoundError
from botocore.validate import ParamValidator

session = botocore.session.get_session()
models: dict = {}


def model_of(service):
    if service not in models:
        models[service] = session.get_service_model(service)
    return models[service]


def walk(shape, value, path, found):
    """Checks what ParamValidator omits: maximum lengths and values, and patterns. Decodes the base64 of blobs."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name in list(value):
            if name in shape.members:
                value[name] = walk(shape.members[name], value[name], f"{path}.{name}", found)
            else:
                found.append(f"{path}: unknown field {name}")
    elif shape.type_name == "list" and isinstance(value, list):
        value = [walk(shape.member, item, f"{path}[]", found) for item in value]
        bounds(shape, len(value), path, found)
    elif shape.type_name == "map" and isinstance(value, dict):
        value = {key: walk(shape.value, item, f"{path}.{key}", found) for key, item in value.items()}
        bounds(shape, len(value), path, found)
    elif shape.type_name == "blob" and isinstance(value, str):
        try:
            value = base64.b64decode(value, validate=True)
        except binascii.Error:
            found.append(f"{path}: no base64")
        bounds(shape, len(value), path, found)
    elif shape.type_name == "string" and isinstance(value, str):
        bounds(shape, len(value), path, found)
        pattern = shape.metadata.get("pattern")
        # Patterns with Java's character classes (\p{…}) are skipped, because Python does not know these.
        if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, value):
            found.append(f"{path}: {value!r} does not match {pattern}")
        if shape.enum and value not in shape.enum:
            found.append(f"{path}: {value!r} is none of {shape.enum}")
    elif shape.type_name in ("integer", "long") and isinstance(value, int):
        bounds(shape, value, path, found)
    return value


def bounds(shape, size, path, found):
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and size < least) or (most is not None and size > most):
        found.append(f"{path}: {size} is not within {least} and {most}")


def read(request):
    """Returns the operation's model and its input. Raises LookupError for an unknown operation."""
    model = model_of(request["service"])
    body = request["body"]
    if request["target"]:
        return model.operation_model(request["target"].split(".")[-1]), body
    if model.metadata["protocol"] == "query":
        operation = model.operation_model(body.get("Action", ""))
        return operation, from_form(operation.input_shape, {k: v for k, v in body.items() if k not in ("Action", "Version")})
    return read_rest(model, request)


def from_form(shape, pairs):
    """Returns `A.member.1.B=x` as `{A: [{B: x}]}`, by the shape. Unknown names stay unchanged, so that walk reports them."""
    if shape.type_name == "structure":
        found = {}
        for name, member in shape.members.items():
            inside = below(member.serialization.get("name", name), pairs)
            if inside:
                found[name] = from_form(member, inside)
        known = {key for name, member in shape.members.items() for key in keys_of(member.serialization.get("name", name), pairs)}
        return {**found, **{key: value for key, value in pairs.items() if key not in known}}
    if shape.type_name == "list":
        within = pairs if shape.serialization.get("flattened") else below(shape.member.serialization.get("name", "member"), pairs)
        return [from_form(shape.member, below(number, within)) for number in numbers(within)]
    if shape.type_name == "map":
        within = pairs if shape.serialization.get("flattened") else below("entry", pairs)
        names = [shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")]
        return {below(f"{n}.{names[0]}", within).get(""): from_form(shape.value, below(f"{n}.{names[1]}", within)) for n in numbers(within)}
    return scalar(shape, pairs.get(""))


def keys_of(name, pairs):
    return [key for key in pairs if key == name or key.startswith(f"{name}.")]


def below(name, pairs):
    return {key[len(name) + 1 :]: pairs[key] for key in keys_of(name, pairs)}


def numbers(pairs):
    return sorted({key.split(".")[0] for key in pairs}, key=lambda text: text.zfill(9))


def scalar(shape, text):
    if shape.type_name in ("integer", "long") and re.fullmatch(r"-?\d+", text or ""):
        return int(text)
    return text == "true" if shape.type_name == "boolean" and text in ("true", "false") else text


def read_rest(model, request):
    for name in model.operation_names:
        operation = model.operation_model(name)
        # Text, name, '+' or '', text, …
        parts = re.split(r"\{(\w+)(\+?)\}", operation.http["requestUri"].split("?")[0])
        pattern = re.escape(parts[0])
        for member, greedy, text in zip(parts[1::3], parts[2::3], parts[3::3]):
            pattern += f"(?P<{member}>{'.+' if greedy else '[^/]+'}){re.escape(text)}"
        # The SDK for JavaScript leaves out the slash at the end of a path.
        found = re.fullmatch(pattern.rstrip("/"), request["path"].rstrip("/"))
        if found and operation.http["method"] == request["method"]:
            xml = model.metadata["protocol"] == "rest-xml" and request["body"]
            read_body = {**request, "body": from_xml(operation.input_shape, ElementTree.fromstring(request["body"]))} if xml else request
            return operation, rest_input(operation.input_shape, read_body, found.groupdict())
    raise LookupError(f"no operation {request['method']} {request['path']}")


def from_xml(shape, element):
    """Returns an element's content, by the shape. Unknown names stay unchanged, so that walk reports them."""
    if shape.type_name == "structure":
        names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        found = {}
        for child in element:
            name = names.get(tag_of(child), tag_of(child))
            found[name] = from_xml(shape.members[name], child) if name in shape.members else child.text
        return found
    if shape.type_name == "list":
        wanted = shape.member.serialization.get("name", "member")
        if any(tag_of(child) != wanted for child in element):
            raise LookupError(f"{tag_of(element)} has something else than {wanted}")
        return [from_xml(shape.member, child) for child in element]
    return scalar(shape, element.text or "")


def tag_of(element):
    return element.tag.split("}")[-1]


def rest_input(shape, request, uri):
    payload = shape.serialization.get("payload")
    found = dict(request["body"]) if isinstance(request["body"], dict) and payload is None else {}
    sent = {"uri": uri, "querystring": request["query"], "header": {name.lower(): value for name, value in request["headers"].items()}}
    for name, member in shape.members.items():
        place, wire = member.serialization.get("location"), member.serialization.get("name", name)
        text = sent.get(place, {}).get(wire.lower() if place == "header" else wire)
        if text is not None:
            found[name] = scalar(member, unquote(text))
    if payload and request["body"]:
        text = request["body"] if isinstance(request["body"], str) else json.dumps(request["body"])
        found[payload] = base64.b64encode(text.encode()).decode() if shape.members[payload].type_name == "blob" else request["body"]
    return found


def judge(request):
    try:
        operation, value = read(request)
    except (LookupError, OperationNotFoundError) as error:
        return {"operation": "", "problems": [str(error)]}
    found = []
    value = walk(operation.input_shape, value, "", found) if operation.input_shape else value
    report = ParamValidator().validate(value, operation.input_shape).generate_report() if operation.input_shape else ""
    # ParamValidator and walk both report minimums and unknown parameters.
    told = ("Invalid length", "Invalid range", "Unknown parameter")
    found += [line for line in report.split("\n") if line and not any(text in line for text in told)]
    return {"operation": operation.name, "problems": found}


json.dump([judge(request) for request in json.load(sys.stdin)], sys.stdout)
