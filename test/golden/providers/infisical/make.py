"""Converts ca-renew.yaml, as Infisical's documentation prints it, to an OpenAPI document."""

import json

import yaml

page = yaml.safe_load(open("ca-renew.yaml"))
path, request, responses = page["paths"]["path"], page["paths"]["request"], page["paths"]["response"]


def schema(printed):
    """Converts a schema of a `schemaArray`: `requiredProperties` becomes `required`, and a property is under `allOf`."""
    (only,) = printed
    names = ("type", "enum", "description", "additionalProperties")
    found = {name: only[name] for name in names if name in only}
    if "properties" in only:
        found["properties"] = {name: prop["allOf"][0] for name, prop in only["properties"].items()}
        found["required"] = only["requiredProperties"]
    return found


def content(printed):
    return {"application/json": {"schema": schema(printed["application/json"]["schemaArray"])}}


document = {
    "openapi": "3.1.0",
    "info": {"title": "Infisical: renew a CA", "version": "1"},
    "servers": page["paths"]["servers"],
    "paths": {
        path: {
            page["paths"]["method"]: {
                "parameters": [
                    {"name": name, "in": "path", "required": True, "schema": schema(value["schema"])}
                    for name, value in request["parameters"]["path"].items()
                ],
                "requestBody": {"required": True, "content": content(request["body"])},
                "responses": {
                    status: {"description": printed["application/json"]["description"], "content": content(printed)}
                    for status, printed in responses.items()
                },
            }
        }
    },
}
with open("ca-renew.openapi.json", "w") as file:
    json.dump(document, file, indent=2)
    file.write("\n")
