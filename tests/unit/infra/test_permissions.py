"""Who may do what: least privilege, written out."""

from __future__ import annotations

import pytest

from tests.unit.infra.stack import Json, as_list, expanded, functions, resources, statements, texts

ROLES = sorted(resources("AWS::IAM::Role"))
# Step Functions' log delivery knows no resources: the one place where "*" stands for all of them.
WITHOUT_RESOURCES = {("BuildCubeRole", "LogDelivery")}
# What SAM and API Gateway need beside: logs and traces, which know no resources either.
MANAGED = {"AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess", "AmazonAPIGatewayPushToCloudWatchLogs"}


def granted(role: str) -> list[tuple[str, str]]:
    """(action, the resource's texts joined) of every pair a role's own policies allow."""
    return [
        (action, " ".join(texts(resource)))
        for statement in statements(role)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]


def touching(role: str, resource: str) -> set[str]:
    """The actions a role may take on a resource of the template, its indexes and objects included."""
    return {action for action, place in granted(role) if resource in place}


@pytest.mark.parametrize("role", ROLES)
def test_no_policy_of_ours_names_every_resource(role: str) -> None:
    unbounded = {(role, statement["Sid"]) for statement in statements(role) if "*" in as_list(statement["Resource"])}
    assert unbounded <= WITHOUT_RESOURCES


@pytest.mark.parametrize("role", ROLES)
def test_no_policy_of_ours_allows_actions_by_pattern(role: str) -> None:
    patterns = [action for statement in statements(role) for action in as_list(statement["Action"]) if "*" in action]
    assert patterns == []


@pytest.mark.parametrize("role", ROLES)
def test_policies_only_allow_and_say_what_for(role: str) -> None:
    for statement in statements(role):
        assert statement["Effect"] == "Allow"
        assert statement["Sid"]
        assert "NotAction" not in statement
        assert "NotResource" not in statement


@pytest.mark.parametrize("role", ROLES)
def test_managed_policies_are_those_for_logs_and_traces(role: str) -> None:
    attached = expanded()["Resources"][role]["Properties"].get("ManagedPolicyArns", [])
    names = {text.rsplit("/", 1)[-1] for text in texts(attached)}
    assert names <= MANAGED


def test_every_function_has_a_role_of_its_own() -> None:
    roles = [function["Role"]["Fn::GetAtt"][0] for function in functions().values()]
    assert len(set(roles)) == len(roles) == 8


def test_nobody_may_delete_anything_or_change_permissions() -> None:
    forbidden = ("Delete", "PutBucket", "PutObjectAcl", "iam:")
    found = [
        (role, statement["Sid"])
        for role in ROLES
        for statement in statements(role)
        if any(word in action for word in forbidden for action in as_list(statement["Action"]))
    ]
    assert set(found) <= WITHOUT_RESOURCES


def test_only_the_api_starts_builds() -> None:
    starting = {role for role in ROLES if any(action == "states:StartExecution" for action, _ in granted(role))}
    assert starting == {"ApiFunctionRole", "BuildCubeRole"}


def test_only_the_api_stops_builds_and_only_executions_of_this_machine() -> None:
    machine = "${AWS::StackName}-build-cube"
    execution = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:" + machine + ":*"
    assert places("ApiFunctionRole", "states:StopExecution", machine) == {execution}
    stopping = {role for role in ROLES if any(action == "states:StopExecution" for action, _ in granted(role))}
    assert stopping == {"ApiFunctionRole", "BuildCubeRole"}


def test_the_api_may_do_to_builds_and_claims_what_its_routes_do_and_no_more() -> None:
    role = "ApiFunctionRole"
    assert {action for action, place in granted(role) if place == "BuildsTable Arn"} == {
        f"dynamodb:{action}" for action in ("GetItem", "Query", "PutItem", "UpdateItem")
    }
    assert {action for action, place in granted(role) if place == "ActivitiesTable Arn"} == {
        "dynamodb:BatchGetItem",
        "dynamodb:UpdateItem",
    }
    assert touching(role, "WorkBucket") == {"s3:GetObject"}
    assert touching(role, "CubeBucket") == set()


def test_items_are_looked_at_by_plan_and_search_and_written_by_neither() -> None:
    items = "${CubeBucket.Arn}/*.json"
    for role in ("PlanFunctionRole", "SearchFunctionRole"):
        assert places(role, "s3:GetObject", "CubeBucket") == {items}
    assert places("SearchFunctionRole", "s3:PutObject", "CubeBucket") == set()


def test_only_search_and_merge_read_the_buckets_of_others() -> None:
    reading = {role: touching(role, "SceneBuckets") for role in ROLES if touching(role, "SceneBuckets")}
    assert reading == {"SearchFunctionRole": {"s3:GetObject"}, "MergeFunctionRole": {"s3:GetObject"}}


def places(role: str, action: str, resource: str) -> set[str]:
    """Where in a resource a role may take an action."""
    return {place for granted_action, place in granted(role) if granted_action == action and resource in place}


def test_products_are_written_by_those_that_make_them() -> None:
    writing = {role: places(role, "s3:PutObject", "CubeBucket") for role in ROLES}
    anything, collections = {"${CubeBucket.Arn}/*"}, {"${CubeBucket.Arn}/*/collection.json"}
    assert {role: where for role, where in writing.items() if where} == {
        "PlanFunctionRole": collections,
        "MergeFunctionRole": anything,
        "PrepareBlendFunctionRole": anything,
        "BlendFunctionRole": anything,
        "PublishFunctionRole": anything,
        "FinishFunctionRole": collections,
    }


def test_nobody_writes_where_users_put_their_scenes() -> None:
    actions = {action for role in ROLES for action in touching(role, "LandingBucket")}
    assert actions == {"s3:GetObject", "s3:ListBucket"}


def test_definitions_are_changed_by_the_api_alone() -> None:
    writing = {
        role
        for role in ROLES
        for table in ("CubesTable", "GridsTable")
        if touching(role, table) & {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"}
    }
    assert writing == {"ApiFunctionRole"}


def test_claims_are_made_by_the_functions_that_do_claimed_work() -> None:
    claiming = {role for role in ROLES if "dynamodb:PutItem" in touching(role, "ActivitiesTable")}
    assert claiming == {
        "MergeFunctionRole",
        "PrepareBlendFunctionRole",
        "BlendFunctionRole",
        "PublishFunctionRole",
    }
    ending = {role for role in ROLES if "dynamodb:UpdateItem" in touching(role, "ActivitiesTable")}
    assert ending == claiming | {"ApiFunctionRole"}, "the API releases claims of builds that are cancelled"


def test_indexes_are_queried_by_the_api_alone() -> None:
    querying = {role for role in ROLES for _, place in granted(role) if "/index/" in place}
    assert querying == {"ApiFunctionRole"}


def test_the_work_bucket_is_open_below_builds_only() -> None:
    for role in ROLES:
        for action, place in granted(role):
            if "WorkBucket" in place:
                assert place == "${WorkBucket.Arn}/builds/*", f"{role}: {action}"


def test_the_machine_invokes_every_function_but_the_api() -> None:
    allowed = {
        place.removesuffix(" Arn") for action, place in granted("BuildCubeRole") if action == "lambda:InvokeFunction"
    }
    assert allowed == set(functions()) - {"ApiFunction"}


def test_the_machine_may_run_and_redrive_its_own_children() -> None:
    states = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"
    machine = "${AWS::StackName}-build-cube"
    children = {f"{states}:execution:{machine}/*:*"}
    assert places("BuildCubeRole", "states:StartExecution", machine) == {f"{states}:stateMachine:{machine}"}
    for action in ("states:DescribeExecution", "states:StopExecution"):
        assert places("BuildCubeRole", action, machine) == {f"{states}:execution:{machine}:*"} | children
    assert places("BuildCubeRole", "states:RedriveExecution", machine) == children


def who_may_invoke() -> list[Json]:
    return list(resources("AWS::Lambda::Permission").values())


def test_functions_are_open_to_this_api_and_this_rule_only() -> None:
    assert {permission["Principal"] for permission in who_may_invoke()} == {
        "apigateway.amazonaws.com",
        "events.amazonaws.com",
    }
    for permission in who_may_invoke():
        assert "RestApi" in str(permission["SourceArn"]) or "ExecutionEnded" in str(permission["SourceArn"])


def test_only_search_reads_secrets_and_only_those_of_this_stack() -> None:
    reading = {(role, action, place) for role in ROLES for action, place in granted(role) if "secret" in place}
    where = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AWS::StackName}/*"
    assert reading == {("SearchFunctionRole", "secretsmanager:GetSecretValue", where)}
    told = {
        function["Environment"]["Variables"]["STRATOCUBE_SECRET_PREFIX"]["Fn::Sub"] for function in functions().values()
    }
    assert told == {"${AWS::StackName}/"}
