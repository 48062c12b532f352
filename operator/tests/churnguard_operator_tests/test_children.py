"""What the operator makes: restricted, named, owned, and with the arguments that the programs take."""

from __future__ import annotations

import json
from pathlib import Path

from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.types import ChurnModel, Store
from churnguard_operator.children.training import model_file, training_job
from churnguard_operator.observed import Document, ModelView
from churnguard_operator.settings import Settings
from churnguard_operator_tests.children import DIGEST, pods


def test_every_child_is_owned_labelled_and_plain_json(everything: list[Document]) -> None:
    for child in everything:
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"]) == ("ChurnModel", "the-uid", True)
        # It would take the right to write finalizers of ChurnModels where that is checked.
        assert "blockOwnerDeletion" not in owner
        assert child["metadata"]["namespace"] == "retention"
        labels = child["metadata"]["labels"]
        assert labels["churnguard.dev/model"] == "telco"
        assert labels["app.kubernetes.io/managed-by"] == "churnguard-operator"
        assert json.loads(json.dumps(child)) == child


def test_no_child_bears_both_labels_by_which_kserve_deletes(everything: list[Document]) -> None:
    for child in everything:
        text = json.dumps(child["metadata"])
        assert "serving.kserve.io/inferenceservice" not in text
        assert '"component"' not in text


def test_every_pod_is_restricted_and_has_no_token(everything: list[Document]) -> None:
    found = pods(everything)
    assert len(found) == 3
    for pod in found:
        assert pod["automountServiceAccountToken"] is False
        assert pod["serviceAccountName"] == "telco-churnguard"
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] != 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert container["resources"]["limits"].keys() == {"memory"}
        assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_a_training_job_runs_once_with_a_deadline(job: Document) -> None:
    assert job["metadata"]["name"] == "telco-r8-train-2"
    spec = job["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (0, 3600)
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert "ttlSecondsAfterFinished" not in spec


def test_a_training_job_has_the_arguments_of_the_training_page(job: Document) -> None:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == [
        "--model=/etc/churnguard/model/churnmodel.json",
        "--revision=telco-r8",
        "--output=s3://churn/models",
        "--result=/dev/termination-log",
        "--champion=s3://churn/models/retention/telco/telco-r7-0a0a0a0a0a0a",
        f"--champion-digest={DIGEST}",
    ]


def test_claims_and_secrets_lie_where_the_training_program_looks(job: Document) -> None:
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert mounts.keys() == {
        "/etc/churnguard/model",
        "/tmp",
        "/mnt/churnguard/datasets",
        "/var/run/secrets/churnguard/store",
    }
    assert mounts["/mnt/churnguard/datasets"]["readOnly"] is True
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["claim-0"]["persistentVolumeClaim"]["claimName"] == "datasets"
    assert volumes["store-secret"]["secret"]["secretName"] == "writer"
    assert {mount["name"] for mount in mounts.values()} == volumes.keys()


def test_a_claim_that_holds_data_and_bundles_is_mounted_once_and_written_to(
    view: ModelView, model: ChurnModel, settings: Settings
) -> None:
    store = Store(uri="pvc://datasets/bundles")
    job = training_job(
        view, model, revision="telco-r1", attempt=1, store=store, champion=None, settings=settings
    )
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (claim,) = (mount for mount in container["volumeMounts"] if mount["mountPath"].startswith("/mnt"))
    assert "readOnly" not in claim
    assert not [argument for argument in container["args"] if argument.startswith("--champion")]


def test_the_model_file_is_a_churnmodel_that_training_reads(view: ModelView, model: ChurnModel) -> None:
    file = model_file(view, model, revision="telco-r8")
    read = parse_churnmodel(json.loads(file["data"]["churnmodel.json"]))
    assert read.metadata == model.metadata
    assert read.spec.data == model.spec.data
    assert read.spec.gates == model.spec.gates
    assert read.spec.serving == type(model.spec.serving)()


def test_every_argument_is_on_the_page_of_its_program(everything: list[Document]) -> None:
    pages = Path(__file__).parents[3] / "docs"
    for pod in pods(everything):
        (container,) = pod["containers"]
        page = "serving.md" if container["name"] == "kserve-container" else "training.md"
        text = (pages / page).read_text(encoding="utf-8")
        flags = [argument.partition("=")[0] for argument in container["args"]]
        assert [flag for flag in flags if f"`{flag}`" not in text and flag != "prune"] == []
