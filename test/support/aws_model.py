"""aws_model.py SERVICE OPERATION JSON: what is wrong with a request by AWS's model, as a JSON list of texts."""
import base64
import json
import re
import sys

import botocore.session
from botocore.validate import ParamValidator


def walk(shape, value, path, found):
    """What ParamValidator leaves out: the longest, the largest, and patterns. Base64 of blobs becomes bytes."""
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
        value = base64.b64decode(value, validate=True)
        bounds(shape, len(value), path, found)
    elif shape.type_name == "string" and isinstance(value, str):
        bounds(shape, len(value), path, found)
        pattern = shape.metadata.get("pattern")
        # Java's classes of characters (\p{…}), which Python does not know, are not looked at.
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


def main(service, operation, text):
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    found = []
    value = walk(shape, json.loads(text), "", found)
    report = ParamValidator().validate(value, shape)
    # Bounds from below are told by both.
    found += [line for line in report.generate_report().split("\n") if line and "Invalid length" not in line and "Invalid range" not in line]
    found = [line for line in found if "Unknown parameter" not in line]
    print(json.dumps(found))


main(*sys.argv[1:])
