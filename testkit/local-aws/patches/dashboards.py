"""CloudWatch's dashboards."""

import json

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.cloudwatch as cw
from ministack.core.responses import AccountScopedDict

from patches import patch


@patch("dashboards-global")
def dashboards_global() -> None:
    """A dashboard belongs to the account, and all Regions see it: a name that one Region's stack has taken, no other stack can create
    (ministack: each Region has its own, and a stack overwrites whatever has the name)."""
    cw._dashboards = AccountScopedDict()
    handler = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Dashboard"]
    create = handler["create"]

    def patched(logical_id, props, stack_name):
        name = props.get("DashboardName")
        if name and name in cw._dashboards:
            identifier = json.dumps({"/properties/DashboardName": name})
            raise ValueError(f"Resource of type 'AWS::CloudWatch::Dashboard' with identifier '{identifier}' already exists.")
        return create(logical_id, props, stack_name)

    handler["create"] = patched


ALARMS, METRICS, METRICS_IN_ALL, WIDGETS = 100, 500, 2500, 500


def _fault(body: str) -> str | None:
    """Returns the reasons for which CloudWatch refuses a dashboard."""
    try:
        widgets = json.loads(body).get("widgets", [])
    except (ValueError, AttributeError):
        return "The field DashboardBody must be a valid JSON object"
    properties = [widget.get("properties") or {} for widget in widgets]
    # An entry is [namespace, name, …], or [{"expression": …}], which is not a metric.
    metrics = [sum(isinstance(entry[0], str) for entry in each.get("metrics") or []) for each in properties]
    if len(widgets) > WIDGETS:
        return f"Should NOT have more than {WIDGETS} widgets, found {len(widgets)}"
    if any(count > METRICS for count in metrics):
        return f"Should NOT have more than {METRICS} metrics in a widget, found {max(metrics)}"
    if sum(metrics) > METRICS_IN_ALL:
        return f"Should NOT have more than {METRICS_IN_ALL} metrics in a dashboard, found {sum(metrics)}"
    alarms = [len(each.get("alarms") or []) for widget, each in zip(widgets, properties) if widget.get("type") == "alarm"]
    if any(count > ALARMS for count in alarms):
        return f"Should NOT have more than {ALARMS} alarms in an alarm widget, found {max(alarms)}"
    return None


@patch("dashboard-limits")
def dashboard_limits() -> None:
    """A dashboard has at most 500 widgets and 2,500 metrics, a widget 500 metrics, an alarm widget 100 alarms (ministack stores any)."""
    put, put_by_call = cw.cloudformation_put_dashboard, cw._put_dashboard

    def patched(name, body):
        problem = _fault(body)
        if problem:
            raise ValueError(f"The dashboard body is invalid: {problem}")
        return put(name, body)

    def patched_by_call(params, cbor_data, is_cbor, is_json=False):
        try:
            return put_by_call(params, cbor_data, is_cbor, is_json)
        except ValueError as fault:
            return cw._error("InvalidParameterInput", str(fault), 400, use_json=is_json, use_cbor=is_cbor)

    cw.cloudformation_put_dashboard, cw._put_dashboard = patched, patched_by_call
