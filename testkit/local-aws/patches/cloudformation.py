"""CloudFormation."""

import ministack.services.cloudformation as cloudformation
import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.secretsmanager as sm

from patches import patch


def _handler() -> dict:
    return provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]


@patch("stack-empty-secret")
def stack_empty_secret() -> None:
    """A template's secret with neither SecretString nor GenerateSecretString has no version (ministack: the empty string)."""
    handler = _handler()
    create = handler["create"]

    def patched(logical_id, props, stack_name):
        name, attributes = create(logical_id, props, stack_name)
        if not props.get("SecretString") and not props.get("GenerateSecretString"):
            sm._secrets[name]["Versions"].clear()
        return name, attributes

    handler["create"] = patched


@patch("stack-secret-ref")
def stack_secret_ref() -> None:
    """Ref of a secret is its ARN (ministack: its name, so that a policy made with grantRead never matches)."""
    handler = _handler()
    create, update, delete = handler["create"], handler["update"], handler["delete"]

    def name_of(physical_id):
        return sm._resolve(physical_id)[0] or physical_id

    def patched_create(*args, **kwargs):
        _, attributes = create(*args, **kwargs)
        return attributes["Arn"], attributes

    def patched_update(physical_id, *args, **kwargs):
        _, attributes = update(name_of(physical_id), *args, **kwargs)
        return attributes["Arn"], attributes

    handler.update(create=patched_create, update=patched_update, delete=lambda physical_id, props: delete(name_of(physical_id), props))


@patch("nested-stack-rollback")
def nested_stack_rollback() -> None:
    """A nested stack that can't be created deletes its resources (ministack leaves them without an owner)."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::CloudFormation::Stack"]
    create = handler["create"]

    def patched(logical_id, props, stack_name):
        before = set(cloudformation._stacks)
        try:
            return create(logical_id, props, stack_name)
        except Exception:
            parent = cloudformation._stacks.get(stack_name) or {}
            for name in set(cloudformation._stacks) - before:
                if not parent.get("DisableRollback") and cloudformation._stacks[name].get("_parent_stack_name") == stack_name:
                    provisioners._cfn_nested_stack_delete(name, props)
            raise

    handler["create"] = patched


@patch("nested-stack-update")
def nested_stack_update() -> None:
    """An update of a nested stack keeps the attributes of unchanged resources for GetAtt (ministack forgets them, and refuses the update)."""
    update = provisioners._update_resource

    def patched(resource_type, physical_id, old_props, new_props, stack_name, logical_id=None, old_attrs=None):
        if old_attrs is None:
            resources = (cloudformation._stacks.get(stack_name) or {}).get("_resources", {})
            old_attrs = (resources.get(logical_id) or {}).get("Attributes")
        return update(resource_type, physical_id, old_props, new_props, stack_name, logical_id, old_attrs)

    provisioners._update_resource = patched  # the parent's update uses this name, and returns the attributes
