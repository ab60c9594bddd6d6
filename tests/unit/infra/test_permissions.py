"""Who may do what: least privilege, written out."""

from __future__ import annotations

import pytest

from tests.unit.infra.stack import ROOT, Json, as_list, expanded, functions, resources, statements, texts

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
    assert len(set(roles)) == len(roles) == len(resources("AWS::Lambda::Function"))


def test_nobody_may_delete_anything_but_messages_or_change_permissions() -> None:
    forbidden = ("Delete", "PutBucket", "PutObjectAcl", "iam:")
    # Lambda deletes what a function has worked through, with the function's role.
    messages = ("SceneArrivalFunctionRole", "Messages")
    found = [
        (role, statement["Sid"])
        for role in ROLES
        for statement in statements(role)
        if any(word in action for word in forbidden for action in as_list(statement["Action"]))
    ]
    # A bucket made on request is protected by who makes it, and may have one name only.
    made = ("ApiFunctionRole", "MadeBuckets")
    # The API deletes items that it is asked to: their files in the bucket of products, and their rows.
    items = {("ApiFunctionRole", "FilesOfADeletedItem"), ("ApiFunctionRole", "PublishedItems")}
    assert set(found) <= WITHOUT_RESOURCES | {messages, made} | items
    (buckets,) = (statement for statement in statements(made[0]) if statement["Sid"] == made[1])
    assert buckets["Resource"] == {"Fn::Sub": "arn:${AWS::Partition}:s3:::${AWS::StackName}-data-*"}
    assert places("SceneArrivalFunctionRole", "sqs:DeleteMessage", "Queue") == {"ScenesQueue Arn"}


def test_only_the_api_and_the_dispatch_start_builds() -> None:
    starting = {role for role in ROLES if any(action == "states:StartExecution" for action, _ in granted(role))}
    assert starting == {"ApiFunctionRole", "DispatchFunctionRole", "BuildCubeRole"}


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
    products = {action: places(role, action, "CubeBucket") for action in touching(role, "CubeBucket")}
    assert products == {
        "s3:GetObject": {f"${{CubeBucket.Arn}}/*.{kind}" for kind in ("json", "tif", "png")},
        "s3:PutObject": {"${CubeBucket.Arn}/*/catalog.json"},
        "s3:DeleteObject": {"${CubeBucket.Arn}/*"},
        "s3:ListBucket": {"CubeBucket Arn"},
    }


def test_items_are_looked_at_by_plan_and_search_and_written_by_neither() -> None:
    items = "${CubeBucket.Arn}/*.json"
    for role in ("PlanFunctionRole", "SearchFunctionRole"):
        assert places(role, "s3:GetObject", "CubeBucket") == {items}
    assert places("SearchFunctionRole", "s3:PutObject", "CubeBucket") == set()


def test_only_what_finds_and_reads_scenes_reads_the_buckets_of_others() -> None:
    reading = {role: touching(role, "SceneBuckets") for role in ROLES if touching(role, "SceneBuckets")}
    assert reading == {
        "SearchFunctionRole": {"s3:GetObject"},
        "MergeFunctionRole": {"s3:GetObject"},
        "ReconcileFunctionRole": {"s3:GetObject"},
        # the folder of a Landsat product is looked into
        "SceneArrivalFunctionRole": {"s3:GetObject", "s3:ListBucket"},
    }


def places(role: str, action: str, resource: str) -> set[str]:
    """Where in a resource a role may take an action."""
    return {place for granted_action, place in granted(role) if granted_action == action and resource in place}


def test_products_are_written_by_those_that_make_them() -> None:
    writing = {role: places(role, "s3:PutObject", "CubeBucket") for role in ROLES}
    anything, collections = {"${CubeBucket.Arn}/*"}, {"${CubeBucket.Arn}/*/collection.json"}
    assert {role: where for role, where in writing.items() if where} == {
        # a deleted item is taken out of the catalog
        "ApiFunctionRole": {"${CubeBucket.Arn}/*/catalog.json"},
        "PlanFunctionRole": collections,
        "MergeFunctionRole": anything,
        "PrepareBlendFunctionRole": anything,
        "BlendFunctionRole": anything,
        "PublishFunctionRole": anything,
        "FinishFunctionRole": collections,
        "SweepFunctionRole": collections,
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


def test_indexes_are_queried_by_those_who_ask_their_question() -> None:
    querying = {
        (role, place.partition("/index/")[2]) for role in ROLES for _, place in granted(role) if "/index/" in place
    }
    assert querying == {
        ("ApiFunctionRole", "by_cube"),
        ("ApiFunctionRole", "by_id"),
        ("ApiFunctionRole", "by_start"),
        ("ApiFunctionRole", "failures"),
        ("ApiFunctionRole", "unsettled"),
        ("SweepFunctionRole", "unsettled"),
        ("DispatchFunctionRole", "by_cube"),
        ("DispatchFunctionRole", "due"),
    }


def test_items_are_made_findable_by_publish_and_deleted_by_the_api() -> None:
    writing = {role: touching(role, "ItemsTable") for role in ROLES if touching(role, "ItemsTable")}
    assert {role for role, actions in writing.items() if "dynamodb:PutItem" in actions} == {"PublishFunctionRole"}
    assert {role for role, actions in writing.items() if "dynamodb:DeleteItem" in actions} == {"ApiFunctionRole"}
    telling = {role for role in ROLES if places(role, "sns:Publish", "ItemsTopic")}
    assert telling == {"PublishFunctionRole", "ApiFunctionRole"}


def test_what_hears_of_scenes_builds_nothing_and_what_builds_them_reads_none() -> None:
    hearing = {action for action, _ in granted("SceneArrivalFunctionRole")}
    assert not {action for action in hearing if action.startswith("states:")}
    assert touching("SceneArrivalFunctionRole", "BuildsTable") == set()
    assert not {action for action, _ in granted("DispatchFunctionRole") if action.startswith("s3:")}
    for role in ("SceneArrivalFunctionRole", "DispatchFunctionRole", "ReconcileFunctionRole"):
        assert touching(role, "ActivitiesTable") | touching(role, "CubeBucket") | touching(role, "WorkBucket") == set()


def test_arrivals_are_written_by_the_api_and_by_what_hears_follows_and_looks_for_them() -> None:
    writing = {role for role in ROLES if touching(role, "ArrivalsTable") & {"dynamodb:PutItem", "dynamodb:UpdateItem"}}
    assert writing == {
        "ApiFunctionRole",
        "SceneArrivalFunctionRole",
        "DispatchFunctionRole",
        "ReconcileFunctionRole",
    }
    assert touching("SearchFunctionRole", "ArrivalsTable") == {"dynamodb:Query"}


def test_the_sweep_may_do_to_builds_what_finish_may_and_ask_for_their_executions() -> None:
    def without_the_others(role: str, own: set[str]) -> set[tuple[str, str]]:
        return {(action, place) for action, place in granted(role) if not own & {action, place}}

    asking, finding = "states:DescribeExecution", "${BuildsTable.Arn}/index/unsettled"
    assert without_the_others("SweepFunctionRole", {asking, finding}) == without_the_others("FinishFunctionRole", set())
    assert places("SweepFunctionRole", asking, "build-cube") == {
        "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:${AWS::StackName}-build-cube:*"
    }


def test_the_work_bucket_is_open_below_builds_only() -> None:
    for role in ROLES:
        for action, place in granted(role):
            if "WorkBucket" in place and action != "s3:ListBucket":
                assert place == "${WorkBucket.Arn}/builds/*", f"{role}: {action}"
    telling = {role for role in ROLES if places(role, "s3:ListBucket", "WorkBucket")}
    assert telling == {"FinishFunctionRole", "SweepFunctionRole"}, (
        "those who tell a plan that is gone from a forbidden one"
    )


def invoked_by_events_alone() -> set[str]:
    """Functions that rules of EventBridge or queues call and no state does."""
    tasks = (ROOT / "infra" / "build_cube.asl.json").read_text()
    targets = [rule["Targets"] for rule in resources("AWS::Events::Rule").values()]
    called = {texts(target["Arn"])[0] for some in targets for target in some}
    called |= {texts(source["FunctionName"])[0] for source in resources("AWS::Lambda::EventSourceMapping").values()}
    return {name for name in called if f"${{{name}Arn}}" not in tasks}


def test_the_machine_invokes_every_function_but_the_api_and_those_for_events() -> None:
    allowed = {
        place.removesuffix(" Arn") for action, place in granted("BuildCubeRole") if action == "lambda:InvokeFunction"
    }
    assert invoked_by_events_alone() >= {"SweepFunction"}
    assert allowed == set(functions()) - {"ApiFunction"} - invoked_by_events_alone()


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


def test_functions_are_open_to_this_api_and_the_rules_of_this_stack_only() -> None:
    assert {permission["Principal"] for permission in who_may_invoke()} == {
        "apigateway.amazonaws.com",
        "events.amazonaws.com",
    }
    for permission in who_may_invoke():
        source = texts(permission["SourceArn"])
        assert "RestApi" in str(source) or (source[0] in resources("AWS::Events::Rule") and source[1] == "Arn")


def test_only_what_searches_reads_secrets_and_only_those_of_this_stack() -> None:
    reading = {(role, action, place) for role in ROLES for action, place in granted(role) if "secret" in place}
    where = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AWS::StackName}/"
    assert reading == {
        *(
            (role, "secretsmanager:GetSecretValue", f"{where}*")
            for role in ("SearchFunctionRole", "ReconcileFunctionRole")
        ),
        # what was sent in the clear is put away, and not read back
        ("ApiFunctionRole", "secretsmanager:CreateSecret", f"{where}sent-*"),
    }
    told = {
        function["Environment"]["Variables"]["STRATOCUBE_SECRET_PREFIX"]["Fn::Sub"] for function in functions().values()
    }
    assert told == {"${AWS::StackName}/"}
