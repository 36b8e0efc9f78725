"""CloudWatch's alarms on metric math."""

import ast
import json
import operator
import re
import time
from xml.sax.saxutils import escape

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.cloudwatch as cw

from patches import patch

_Series = dict[int, float]  # by period; 0 is the current one

_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


class _Unknown(Exception):
    """An expression that this module can't evaluate. The alarm exists, and its state does not change."""


def _term(node: ast.expr, of: dict[str, _Series], periods: range) -> _Series | float:
    """Evaluates a number, a name, + - * /, and FILL(metric, number)."""
    match node:
        case ast.Constant(value=int() | float()):
            return float(node.value)
        case ast.Name(id=name) if name in of:
            return of[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _term(ast.BinOp(ast.Constant(0), ast.Sub(), operand), of, periods)
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, value]):
            series, default = _term(filled, of, periods), _term(value, of, periods)
            if isinstance(series, float) or not isinstance(default, float):
                raise _Unknown
            return {period: series.get(period, default) for period in periods} if series else {}  # FILL needs at least one datapoint
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _combined(_OPERATORS[type(op)], _term(left, of, periods), _term(right, of, periods))
    raise _Unknown


def _combined(of, left: _Series | float, right: _Series | float) -> _Series | float:
    """Combines the periods in which both have a value. A division by zero has no value."""
    if isinstance(left, float) and isinstance(right, float):
        return of(left, right)
    at = [set(side) for side in (left, right) if not isinstance(side, float)]
    found: _Series = {}
    for period in set.intersection(*at):
        try:
            found[period] = of(*(side if isinstance(side, float) else side[period] for side in (left, right)))
        except ZeroDivisionError:
            continue
    return found


def _points(query: dict, periods: range, now: float) -> _Series:
    stat = query["MetricStat"]
    metric, period = stat["Metric"], stat["Period"]
    stored = cw._metrics.get((metric["Namespace"], metric["MetricName"], cw._dims_key(cw._dims_from_list(metric.get("Dimensions") or [])))) or []
    by_period: dict[int, list] = {}
    for point in stored:
        by_period.setdefault(int((now - point["Timestamp"]) // period), []).append(point)
    values = {at: cw._stat_value(cw._calc_stats(points), stat["Stat"], points) for at, points in by_period.items() if at in periods}
    return {at: value for at, value in values.items() if value is not None}


_BREACHES = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def _evaluate(alarm: dict) -> None:
    """Changes the state where there is data for it; says so to the alarm's actions. What is judged are the newest periods; looked at are two
    more, as CloudWatch looks for points that are missing, so that FILL has something to begin with when the last point gets old."""
    judged = range(alarm["EvaluationPeriods"])
    periods, now, of = range(len(judged) + 2), time.time(), {}
    result: _Series | float = {}
    waiting = list(alarm["Metrics"])
    for _ in alarm["Metrics"]:  # an expression may be listed before the metrics that it names
        for query in list(waiting):
            try:
                value = _points(query, periods, now) if "MetricStat" in query else _term(ast.parse(query["Expression"], mode="eval").body, of, periods)
            except (_Unknown, SyntaxError):
                continue
            of[query["Id"]] = value
            waiting.remove(query)
            if query["ReturnData"]:
                result = value
    breaches = _BREACHES.get(alarm["ComparisonOperator"])
    if isinstance(result, float) or breaches is None:
        return
    points = [result[period] for period in judged if period in result]
    without_is_breaching = alarm["TreatMissingData"] == "breaching"
    if not points and not without_is_breaching:
        if alarm["StateValue"] == "INSUFFICIENT_DATA":
            alarm["StateReason"] = "Insufficient Data: no datapoints were received"  # it was evaluated
        return
    missing = len(judged) - len(points) if without_is_breaching else 0
    over = missing + sum(breaches(value, alarm["Threshold"]) for value in points)
    old, new = alarm["StateValue"], "ALARM" if over >= alarm.get("DatapointsToAlarm", len(judged)) else "OK"
    if old != new:
        reason = f"Threshold Crossed: {over} of the last {len(judged)} datapoints"
        alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(now))
        cw._record_history(alarm["AlarmName"], old, new, reason)
        cw._dispatch_alarm_actions(alarm, old, new, reason)
        cw._evaluate_parent_alarms(alarm)


_OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit")


def _queries(given: dict) -> list[dict]:
    """Returns an alarm's Metrics with parsed numbers and booleans. Raises ValueError with AWS's reason."""
    queries = []
    if given.get("MetricName"):
        raise ValueError("Metrics list and MetricName, Namespace, Statistic, Dimensions or Period can't be given both")
    for each in given["Metrics"]:
        query = {**each, "ReturnData": str(each.get("ReturnData", True)).lower() == "true"}
        if ("Expression" in query) == ("MetricStat" in query) or not re.fullmatch("[a-z][A-Za-z0-9_]*", query.get("Id", "")):
            raise ValueError(f"Invalid metrics list: {json.dumps(each)}: an Id that begins in lower case, and Expression or MetricStat")
        if "MetricStat" in query:
            query["MetricStat"] = {**query["MetricStat"], "Period": int(query["MetricStat"]["Period"])}
        if "Period" in query:
            query["Period"] = int(query["Period"])
        queries.append(query)
    if len({query["Id"] for query in queries}) < len(queries) or sum(query["ReturnData"] for query in queries) != 1:
        raise ValueError("Invalid metrics list: each Id is there once, and one ReturnData is true")
    return queries


def _of_query_protocol(params: dict) -> list:
    """Parses Metrics of a form: Metrics.member.1.MetricStat.Metric.Namespace=…"""
    tree: dict = {}
    for name in params:
        *path, last = name.split(".")
        if path[:1] == ["Metrics"]:
            at = tree
            for step in path[1:]:
                at = at.setdefault(step, {})
            at[last] = cw._p(params, name)

    def lists(node):
        if not isinstance(node, dict):
            return node
        if set(node) == {"member"}:
            return [lists(each) for _, each in sorted(node["member"].items(), key=lambda item: int(item[0]))]
        return {key: lists(value) for key, value in node.items()}

    return lists(tree) or []


def _as_xml(value) -> str:
    if isinstance(value, dict):
        return "".join(f"<{key}>{_as_xml(each)}</{key}>" for key, each in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{_as_xml(each)}</member>" for each in value)
    return escape(str(value).lower() if isinstance(value, bool) else str(value))


@patch("alarm-metric-math")
def alarm_metric_math() -> None:
    """An alarm may watch an expression on several metrics: Metrics in the place of MetricName (ministack: a template with it is refused, and
    PutMetricAlarm forgets it). FILL, + - * / are evaluated, each metric by its dimensions; an alarm on any other expression keeps its state."""
    record, put, evaluate, describe = provisioners._cw_metric_alarm_record, cw._put_metric_alarm, cw._evaluate_alarm, cw._describe_alarms

    def of_math(alarm: dict, queries: list[dict]) -> dict:
        return {**{key: value for key, value in alarm.items() if key not in _OF_ONE_METRIC}, "Metrics": queries}

    def patched_record(name, props):
        if not props.get("Metrics"):
            return record(name, props)
        queries = _queries(props)
        plain = {key: value for key, value in props.items() if key not in ("Metrics", *_OF_ONE_METRIC)}
        return of_math(record(name, {**plain, "MetricName": "-", "Namespace": "-"}), queries)

    def patched_put(params, cbor_data, is_cbor, is_json=False):
        of_form = not (is_cbor or is_json)
        metrics = _of_query_protocol(params) if of_form else cbor_data.get("Metrics")
        if not metrics:
            return put(params, cbor_data, is_cbor, is_json)
        name = cw._p(params, "AlarmName") if of_form else cbor_data.get("AlarmName")
        try:
            queries = _queries({"Metrics": metrics, "MetricName": cw._p(params, "MetricName") if of_form else cbor_data.get("MetricName")})
        except ValueError as fault:
            return cw._error("ValidationError", str(fault), 400, use_json=is_json, use_cbor=is_cbor)
        answer = put(params, cbor_data, is_cbor, is_json)
        if answer[0] == 200:
            cw._alarms[name] = of_math(cw._alarms[name], queries)
            cw._evaluate_alarm(cw._alarms[name])
        return answer

    def patched_describe(params, cbor_data, is_cbor, is_json=False):
        for alarm in cw._alarms.values():
            if "Metrics" in alarm:
                _evaluate(alarm)  # AWS evaluates every minute
        status, headers, body = describe(params, cbor_data, is_cbor, is_json)
        if not (is_cbor or is_json):
            for alarm in cw._alarms.values():
                if "Metrics" in alarm:
                    arn = f"<AlarmArn>{alarm['AlarmArn']}</AlarmArn>"
                    body = body.replace(arn.encode(), f"{arn}<Metrics>{_as_xml(alarm['Metrics'])}</Metrics>".encode())
        return status, headers, body

    def patched_evaluate(alarm):
        return _evaluate(alarm) if "Metrics" in alarm else evaluate(alarm)

    provisioners._cw_metric_alarm_record, cw._put_metric_alarm = patched_record, patched_put
    cw._evaluate_alarm, cw._describe_alarms = patched_evaluate, patched_describe
