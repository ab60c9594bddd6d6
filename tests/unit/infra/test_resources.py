"""Tables, buckets, logs, API and functions of the stack."""

from __future__ import annotations

import ast
import re

import pytest

from stratocube.api.contract.rooms import OPERATIONS
from stratocube.settings import Settings
from tests.unit.infra.stack import ROOT, Json, as_list, expanded, functions, resources, source, texts

PAGES = {"/docs", "/docs/{file}", "/openapi.json", "/progress", "/viewer", "/web/{file}"}
"""What is the same for everybody and holds no data: read without a key."""
BUCKETS = {"CubeBucket", "WorkBucket", "LandingBucket"}


# -- tables ------------------------------------------------------------------------------------------------------------


def documented_keys() -> dict[str, tuple[str, str | None, tuple[str, str, str] | None]]:
    """Hash key, range key and (index, its hash, its range) of each table in docs/architecture.md."""
    document = (ROOT / "docs" / "architecture.md").read_text()
    rows = document.split("| table | hash | range | indexes |\n")[1].splitlines()[1:]
    keys = {}
    for row in rows:
        if not row.startswith("|"):
            break
        table, hash_cell, range_cell, index_cell = (cell.strip() for cell in row.strip("|").split("|"))
        named = [re.findall(r"`(\w+)`", cell) for cell in (hash_cell, range_cell, index_cell)]
        index = (named[2][0], named[2][1], named[2][2]) if named[2] else None
        keys[table] = (named[0][0], named[1][0] if named[1] else None, index)
    return keys


def key_names(schema: list[Json]) -> list[str]:
    assert [key["KeyType"] for key in schema] == ["HASH", "RANGE"][: len(schema)]
    return [key["AttributeName"] for key in schema]


def test_the_document_describes_every_table() -> None:
    assert {f"{table.capitalize()}Table" for table in documented_keys()} == set(resources("AWS::DynamoDB::Table"))


@pytest.mark.parametrize("table", sorted(documented_keys()))
def test_keys_and_indexes_are_those_of_the_architecture(table: str) -> None:
    hash_key, range_key, index = documented_keys()[table]
    properties = resources("AWS::DynamoDB::Table")[f"{table.capitalize()}Table"]
    assert key_names(properties["KeySchema"]) == [key for key in (hash_key, range_key) if key]
    found = [
        (index_["IndexName"], *key_names(index_["KeySchema"]), index_["Projection"])
        for index_ in properties.get("GlobalSecondaryIndexes", [])
        if index_["Projection"] != {"ProjectionType": "KEYS_ONLY"}
    ]
    assert found == ([(*index, {"ProjectionType": "ALL"})] if index else [])


@pytest.mark.parametrize("table", sorted(resources("AWS::DynamoDB::Table")))
def test_tables_are_encrypted_backed_up_and_survive_the_stack(table: str) -> None:
    properties = resources("AWS::DynamoDB::Table")[table]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    resource = expanded()["Resources"][table]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


# -- buckets -----------------------------------------------------------------------------------------------------------


def test_there_are_three_buckets() -> None:
    assert set(resources("AWS::S3::Bucket")) == BUCKETS


@pytest.mark.parametrize("bucket", sorted(BUCKETS))
def test_buckets_are_private_and_encrypted(bucket: str) -> None:
    properties = resources("AWS::S3::Bucket")[bucket]
    blocked = properties["PublicAccessBlockConfiguration"]
    assert blocked == dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
    )
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


@pytest.mark.parametrize("bucket", sorted(BUCKETS))
def test_buckets_refuse_requests_without_tls(bucket: str) -> None:
    (policy,) = (
        properties
        for properties in resources("AWS::S3::BucketPolicy").values()
        if properties["Bucket"] == {"Ref": bucket}
    )
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Action"] == "s3:*"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert texts(statement["Resource"]) == [bucket, "Arn", f"${{{bucket}.Arn}}/*"]


def test_tls_is_required_unless_somebody_says_otherwise() -> None:
    conditions = {expanded()["Resources"][name]["Condition"] for name in resources("AWS::S3::BucketPolicy")}
    assert conditions == {"TlsRequired"}
    assert expanded()["Conditions"]["TlsRequired"] == {"Fn::Equals": [{"Ref": "RequireTls"}, "true"]}
    assert expanded()["Parameters"]["RequireTls"]["Default"] == "true"


@pytest.mark.parametrize("bucket", sorted(BUCKETS))
def test_half_uploads_are_removed(bucket: str) -> None:
    rules = resources("AWS::S3::Bucket")[bucket]["LifecycleConfiguration"]["Rules"]
    assert {"DaysAfterInitiation": 1} in [rule.get("AbortIncompleteMultipartUpload") for rule in rules]


def test_only_work_files_expire_and_not_while_an_execution_can_be_redriven() -> None:
    expiring = {
        bucket: [rule for rule in properties["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in rule]
        for bucket, properties in resources("AWS::S3::Bucket").items()
    }
    assert {bucket for bucket, rules in expiring.items() if rules} == {"WorkBucket"}
    (rule,) = expiring["WorkBucket"]
    assert (rule["Prefix"], rule["ExpirationInDays"]) == ("builds/", {"Ref": "WorkRetentionDays"})
    assert expanded()["Parameters"]["WorkRetentionDays"]["MinValue"] > 14


# -- functions ---------------------------------------------------------------------------------------------------------


def test_there_is_a_function_for_every_folder() -> None:
    folders = {
        (ROOT / "infra" / resource["Properties"]["CodeUri"]).resolve()
        for resource in source()["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert folders == {path for path in (ROOT / "functions").iterdir() if path.is_dir() and any(path.glob("*.py"))}


@pytest.mark.parametrize("name", sorted(functions()))
def test_handlers_exist(name: str) -> None:
    assert functions()[name]["Handler"] == "app.handler"
    code = ROOT / "infra" / source()["Resources"][name]["Properties"]["CodeUri"] / "app.py"
    defined = {node.name for node in ast.parse(code.read_text()).body if isinstance(node, ast.FunctionDef)}
    assert "handler" in defined


@pytest.mark.parametrize("name", sorted(functions()))
def test_functions_are_told_every_setting(name: str) -> None:
    given = functions()[name]["Environment"]["Variables"]
    settings = Settings.from_env({variable: str(value) for variable, value in given.items()})
    names = {variable for variable in given if variable.startswith("STRATOCUBE_")}
    assert names == {f"STRATOCUBE_{field.upper()}" for field in vars(settings)}


@pytest.mark.parametrize("name", sorted(functions()))
def test_functions_log_to_a_group_that_forgets(name: str) -> None:
    group = functions()[name]["LoggingConfig"]["LogGroup"]["Ref"]
    properties = resources("AWS::Logs::LogGroup")[group]
    assert properties["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert properties["LogGroupName"] == {"Fn::Sub": "/aws/lambda/" + functions()[name]["FunctionName"]["Fn::Sub"]}


@pytest.mark.parametrize("name", sorted(functions()))
def test_functions_share_runtime_layer_and_processor(name: str) -> None:
    properties = functions()[name]
    (layer,) = resources("AWS::Lambda::LayerVersion").values()
    assert [properties["Runtime"]] == layer["CompatibleRuntimes"] == ["python3.13"]
    assert properties["Architectures"] == layer["CompatibleArchitectures"] == [{"Ref": "Architecture"}]
    assert texts(properties["Layers"])[0].startswith("Layer")
    assert properties["TracingConfig"] == {"Mode": "Active"}


def test_every_log_group_forgets() -> None:
    assert {str(group["RetentionInDays"]) for group in resources("AWS::Logs::LogGroup").values()} == {
        str({"Ref": "LogRetentionDays"})
    }


def test_the_machine_has_the_name_that_policies_and_functions_know() -> None:
    (machine,) = resources("AWS::StepFunctions::StateMachine").values()
    name = machine["StateMachineName"]["Fn::Sub"]
    told = {
        function["Environment"]["Variables"]["STRATOCUBE_STATE_MACHINE_ARN"]["Fn::Sub"]
        for function in functions().values()
    }
    assert told == {f"arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:stateMachine:{name}"}


def test_the_machine_logs_errors_and_traces() -> None:
    (machine,) = resources("AWS::StepFunctions::StateMachine").values()
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["LoggingConfiguration"]["Level"] == "ERROR"
    assert machine["TracingConfiguration"] == {"Enabled": True}


def test_an_execution_that_is_stopped_still_closes_its_build_and_that_of_a_unit_its_unit() -> None:
    rule = resources("AWS::Events::Rule")["FinishFunctionExecutionEnded"]
    assert rule["EventPattern"]["detail"]["status"] == ["ABORTED", "FAILED", "TIMED_OUT"]
    (target,) = rule["Targets"]
    assert texts(target["Arn"])[0] == "FinishFunction"
    (machine,) = resources("AWS::StepFunctions::StateMachine").values()
    of_builds, of_units = texts(rule["EventPattern"]["detail"]["stateMachineArn"])
    assert of_builds.endswith(":stateMachine:" + machine["StateMachineName"]["Fn::Sub"])
    definition = (ROOT / "infra" / "build_cube.asl.json").read_text()
    assert of_units.removeprefix(of_builds) == "/Units"
    assert '"Label": "Units"' in definition


# -- events that fail --------------------------------------------------------------------------------------------------


def test_what_a_rule_cannot_deliver_goes_to_a_queue_that_it_may_write_to() -> None:
    for name, rule in resources("AWS::Events::Rule").items():
        for target in rule["Targets"]:
            queue = texts(target["DeadLetterConfig"]["Arn"])[0]
            assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
            allowed = [statement for statement in queue_statements(queue) if statement["Effect"] == "Allow"]
            sources = [source for statement in allowed for source in texts(statement["Condition"]["ArnEquals"])]
            assert name in sources


def test_what_a_function_called_by_a_rule_cannot_handle_goes_to_a_queue_with_its_reason() -> None:
    called = {texts(target["Arn"])[0] for rule in resources("AWS::Events::Rule").values() for target in rule["Targets"]}
    configured = {
        config["FunctionName"]["Ref"]: config for config in resources("AWS::Lambda::EventInvokeConfig").values()
    }
    for function in called & set(functions()):
        config = configured[function]
        assert config["Qualifier"] == "$LATEST"
        (queue, _) = texts(config["DestinationConfig"]["OnFailure"]["Destination"])
        assert queue in resources("AWS::SQS::Queue")


def queue_statements(queue: str) -> list[Json]:
    """Statements of the policies of a queue, those that need TLS to be required included."""
    found = [
        statement
        for policy in resources("AWS::SQS::QueuePolicy").values()
        if {"Ref": queue} in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    return [statement["Fn::If"][1] if "Fn::If" in statement else statement for statement in found]


@pytest.mark.parametrize("queue", sorted(resources("AWS::SQS::Queue")))
def test_queues_are_encrypted_and_refuse_requests_without_tls(queue: str) -> None:
    assert resources("AWS::SQS::Queue")[queue]["SqsManagedSseEnabled"] is True
    (denied,) = [statement for statement in queue_statements(queue) if statement["Effect"] == "Deny"]
    assert (denied["Principal"], denied["Action"]) == ("*", "sqs:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert texts(denied["Resource"]) == [queue, "Arn"]


@pytest.mark.parametrize("queue", sorted(resources("AWS::SQS::Queue")))
def test_queues_are_open_to_services_for_resources_of_this_stack_only(queue: str) -> None:
    for statement in queue_statements(queue):
        if statement["Effect"] == "Allow":
            assert "Service" in statement["Principal"]
            assert statement["Action"] == "sqs:SendMessage"
            assert statement["Condition"]


def test_dead_letters_are_kept_as_long_as_can_be() -> None:
    assert resources("AWS::SQS::Queue")["FailedEvents"]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_builds_that_are_not_settled_are_one_query() -> None:
    (index,) = [
        index
        for index in resources("AWS::DynamoDB::Table")["BuildsTable"]["GlobalSecondaryIndexes"]
        if index["IndexName"] == "unsettled"
    ]
    assert key_names(index["KeySchema"]) == ["unsettled", "created_at"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert "`unsettled`" in (ROOT / "docs" / "operations.md").read_text()


# -- API and alarms ----------------------------------------------------------------------------------------------------


def test_every_request_but_a_preflight_needs_an_api_key() -> None:
    (api,) = resources("AWS::ApiGateway::RestApi").values()
    without_key = [
        (path, method)
        for path, methods in api["Body"]["paths"].items()
        for method, operation in methods.items()
        if {"api_key": []} not in operation.get("security", [])
    ]
    public = [(operation.path, operation.method.lower()) for operation in OPERATIONS if operation.public]
    assert sorted(without_key) == sorted([("/", "options"), ("/{proxy+}", "options"), *public])
    assert {path for path, _ in public} == PAGES


def test_every_route_goes_to_the_api_function() -> None:
    (api,) = resources("AWS::ApiGateway::RestApi").values()
    operations = [operation for methods in api["Body"]["paths"].values() for operation in methods.values()]
    assert set(api["Body"]["paths"]) == {"/", "/{proxy+}"} | PAGES
    assert set(api["Body"]["paths"]["/"]) == {"get", "options"}
    assert set(api["Body"]["paths"]["/{proxy+}"]) == {"get", "post", "put", "patch", "delete", "options"}
    for operation in operations:
        integration = operation["x-amazon-apigateway-integration"]
        assert integration["type"] == "aws_proxy"
        assert "${ApiFunction.Arn}" in str(integration["uri"])


def test_refusals_of_the_gateway_may_be_read_by_web_pages_and_say_when_to_come_back() -> None:
    (api,) = resources("AWS::ApiGateway::RestApi").values()
    answers = api["Body"]["x-amazon-apigateway-gateway-responses"]
    headers = {name: answer["responseParameters"] for name, answer in answers.items()}
    assert {given["gatewayresponse.header.Access-Control-Allow-Origin"] for given in headers.values()} == {"'*'"}
    waits = {name: given.get("gatewayresponse.header.Retry-After") for name, given in headers.items()}
    assert waits == {"DEFAULT_4XX": None, "DEFAULT_5XX": None, "THROTTLED": "'1'", "QUOTA_EXCEEDED": "'3600'"}
    assert {str(answers[name]["statusCode"]) for name in ("THROTTLED", "QUOTA_EXCEEDED")} == {"429"}


def test_keys_are_throttled_and_metered() -> None:
    limits = {"RateLimit": {"Ref": "ApiRateLimit"}, "BurstLimit": {"Ref": "ApiBurstLimit"}}
    plan = source()["Resources"]["RestApi"]["Properties"]["Auth"]["UsagePlan"]
    assert plan["Throttle"] == limits
    assert plan["Quota"] == {"Limit": {"Ref": "ApiQuotaPerDay"}, "Period": "DAY"}
    assert len(resources("AWS::ApiGateway::UsagePlanKey")) == 1
    (stage,) = resources("AWS::ApiGateway::Stage").values()
    (everything,) = stage["MethodSettings"]
    assert (everything["HttpMethod"], everything["ResourcePath"]) == ("*", "/*")
    assert everything["ThrottlingRateLimit"] == limits["RateLimit"]
    assert everything["ThrottlingBurstLimit"] == limits["BurstLimit"]


def test_requests_are_logged_without_what_they_carry() -> None:
    (stage,) = resources("AWS::ApiGateway::Stage").values()
    _, setting, _ = stage["AccessLogSetting"]["Fn::If"]
    assert setting["DestinationArn"] == {"Fn::GetAtt": ["AccessLogs", "Arn"]}
    # ids and outcomes; neither the key itself nor a body
    assert "apiKeyId" in setting["Format"]
    assert '$context.identity.apiKey"' not in setting["Format"]
    assert "DataTraceEnabled" not in stage["MethodSettings"][0]


def test_a_failed_or_overdue_build_raises_an_alarm() -> None:
    watched = {
        alarm["MetricName"]
        for alarm in resources("AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"] == "AWS/States" and alarm["Dimensions"][0]["Value"] == {"Ref": "BuildCube"}
    }
    assert watched == {"ExecutionsFailed", "ExecutionsTimedOut"}


def test_dead_letters_stuck_and_lost_builds_raise_alarms() -> None:
    watched = {
        (str(alarm["Namespace"]), alarm["MetricName"], str(texts(alarm["Dimensions"])))
        for alarm in resources("AWS::CloudWatch::Alarm").values()
    }
    assert ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "['QueueName', 'FailedEvents', 'QueueName']") in watched
    namespace = str(source()["Globals"]["Function"]["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"])
    service = source()["Globals"]["Function"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    for metric in ("StuckBuilds", "LostBuilds"):
        assert (namespace, metric, f"['service', '{service}']") in watched


@pytest.mark.parametrize("name", sorted(resources("AWS::CloudWatch::Alarm")))
def test_every_alarm_says_what_happened_and_what_to_do_and_reaches_the_topic(name: str) -> None:
    alarm = resources("AWS::CloudWatch::Alarm")[name]
    sentences = [part for part in re.split(r"[.;] ", alarm["AlarmDescription"]) if part]
    assert len(sentences) > 1
    assert alarm["AlarmDescription"].endswith((".", ")."))
    assert len(alarm["AlarmDescription"]) < 1024
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmActions"] == {"Fn::If": ["NotifyAlarms", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}


# -- parameters and outputs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(source()["Parameters"]))
def test_parameters_are_described_have_defaults_and_limits(name: str) -> None:
    parameter = source()["Parameters"][name]
    assert parameter["Description"].endswith((".", "?")) or ";" in parameter["Description"]
    assert "Default" in parameter
    assert {"AllowedValues", "AllowedPattern", "MinValue"} & set(parameter) or name == "AllowedHosts"


def test_parameters_are_grouped_for_the_console() -> None:
    groups = source()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(source()["Parameters"])


def test_outputs_name_what_a_user_needs() -> None:
    expected = {"ApiUrl", "ApiId", "ApiStage", "ApiKeyId", "StateMachineArn", *BUCKETS}
    assert set(source()["Outputs"]) >= expected | set(resources("AWS::DynamoDB::Table")) | {"FailedEvents"}
    assert set(source()["Outputs"]) <= expected | set(expanded()["Resources"])


def test_no_resource_is_left_without_a_tie_to_the_stack() -> None:
    """A fixed name would let one account hold one stack only."""
    name_fields = ("FunctionName", "StateMachineName", "LogGroupName", "LayerName", "UsagePlanName", "Name")
    for name, resource in expanded()["Resources"].items():
        for field in name_fields:
            if field in resource.get("Properties", {}) and resource["Type"] != "AWS::Lambda::Permission":
                named = as_list(resource["Properties"][field])
                of_the_stack = [{"Ref": other} for other in expanded()["Resources"]]
                assert "AWS::StackName" in str(named) or named[0] in of_the_stack, f"{name}.{field}"
