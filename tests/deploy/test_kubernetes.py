"""The manifests are valid, and say what the code says."""

from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from kassa.app.settings import DEFAULT_PORTS, SETTINGS, read_settings
from kassa.app.web import CALLS, TELLS, calls
from tests.deploy.manifests import KUBERNETES, kubernetes, kustomization, with_secrets

OLDEST, NEWEST = "1.30", "1.34"
SERVICES = tuple(DEFAULT_PORTS)
SHOP = kubernetes("shop")
TRIAL = kubernetes("trial")


def of(kind: str, resources: list[Any] = SHOP) -> dict[str, Any]:
    return {each["metadata"]["name"]: each for each in resources if each["kind"] == kind}


def containers(resources: list[Any]) -> list[tuple[Any, Any]]:
    """The containers, each with its pod."""
    pods = [each["spec"]["template"]["spec"] for each in resources if each["kind"] in ("Deployment", "StatefulSet")]
    pods += [each["spec"]["jobTemplate"]["spec"]["template"]["spec"] for each in of("CronJob", resources).values()]
    return [(pod, container) for pod in pods for container in pod["containers"]]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_the_manifests_are_valid(version: str) -> None:
    for each in TRIAL:
        kubernetes_validate.validate(each, version, strict=True)


def test_each_service_has_all_that_belongs_to_it() -> None:
    for kind in ("Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"):
        assert set(of(kind)) == set(SERVICES)
    for name in SERVICES:
        assert of("HorizontalPodAutoscaler")[name]["spec"]["scaleTargetRef"]["name"] == name
        labels = of("Deployment")[name]["spec"]["template"]["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == name
        for kind, path in (("Deployment", "matchLabels"), ("PodDisruptionBudget", "matchLabels"), ("Service", "")):
            selector = of(kind)[name]["spec"]["selector"]
            assert (selector[path] if path else selector).items() <= labels.items()


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_listens_where_the_others_look_for_it(name: str) -> None:
    (container,) = of("Deployment")[name]["spec"]["template"]["spec"]["containers"]
    port = DEFAULT_PORTS[name]
    assert container["args"] == ["serve", name]
    own = {"gateway": [], "inventory": ["MONGO_URI", "REDIS_URL"], "auth": ["JWT_SECRET", "MONGO_URI"]}
    secrets = ["SERVICE_KEYS", *own.get(name, ["MONGO_URI"]), "SERVICE_PUBLIC_KEYS"]
    assert container["env"] == [{"name": "PORT", "value": str(port)}, *(secret(each, name) for each in secrets)]
    assert container["envFrom"] == [{"configMapRef": {"name": "kassa"}}, {"secretRef": {"name": "kassa"}}]
    assert container["ports"] == [{"name": "http", "containerPort": port}]
    assert of("Service")[name]["spec"]["ports"] == [{"name": "http", "port": port, "targetPort": "http"}]


def test_the_settings_are_valid() -> None:
    (literals,) = (each["literals"] for each in kustomization("shop")["configMapGenerator"])
    given = dict(each.split("=", 1) for each in literals)
    assert set(given) <= {setting.name for setting in SETTINGS}
    made = with_secrets(KUBERNETES / "shop")
    keys = {"SERVICE_KEYS": made["SERVICE_KEYS_GATEWAY"], "SERVICE_PUBLIC_KEYS": made["SERVICE_PUBLIC_KEYS"]}
    settings = read_settings({**given, **keys})
    settings.require_services_form(("gateway",), *CALLS)
    assert settings.service_urls == {each: f"http://{each}:{DEFAULT_PORTS[each]}" for each in CALLS}


def test_a_service_is_reached_by_its_callers_alone() -> None:
    settings = read_settings({"REDIS_URL": "redis://redis"})
    callers = {name: {"gateway"} for name in CALLS}
    for caller in CALLS:
        for callee in calls(caller, settings):
            callers[callee].add(caller)
    callers["order"] |= set(TELLS)
    policies = of("NetworkPolicy")
    assert policies.pop("nobody")["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    assert policies.pop("gateway")["spec"]["ingress"] == [{"ports": [{"port": "http"}]}]
    assert {name: let_in(policy) for name, policy in policies.items()} == callers


def secret(setting: str, service: str) -> dict[str, Any]:
    """A service's own key, or address of a store; it sees no other service's."""
    key = f"{setting}_{service.upper()}" if setting in ("MONGO_URI", "SERVICE_KEYS") else setting
    whose = "stores" if setting in ("MONGO_URI", "REDIS_URL") else "keys"
    return {"name": setting, "valueFrom": {"secretKeyRef": {"name": whose, "key": key}}}


def let_in(policy: Any) -> set[str]:
    assert policy["spec"]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": policy["metadata"]["name"]}
    ((rule,),) = ([each["from"] for each in policy["spec"]["ingress"]],)
    (peer,) = rule
    (expression,) = peer["podSelector"]["matchExpressions"]
    return set(expression["values"])


def test_the_trial_s_stores_are_reached_by_those_who_keep_something_there() -> None:
    policies = of("NetworkPolicy", TRIAL)
    assert let_in(policies["mongo"]) == {"mongo", "daily", *CALLS}
    assert let_in(policies["redis"]) == {"daily", "inventory"}


def test_nothing_runs_as_root_or_writes_where_it_should_not() -> None:
    found = containers(TRIAL)
    assert len(found) == len(SERVICES) + 3
    for pod, container in found:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_only_what_is_alive_itself_is_probed() -> None:
    for name in SERVICES:
        (container,) = of("Deployment")[name]["spec"]["template"]["spec"]["containers"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"] == {"path": "/health", "port": "http"}
