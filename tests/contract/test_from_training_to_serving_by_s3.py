"""Training leaves a bundle in S3, and serving finds it there: two programs that only share a store."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

SPEC = {
    "apiVersion": "churnguard.dev/v1alpha1",
    "kind": "ChurnModel",
    "metadata": {"name": "telco", "namespace": "retention"},
    "spec": {
        "data": {
            "source": {"simulator": {"rows": 1500, "seed": 7}},
            "columns": {"id": "customerID", "label": {"name": "Churn"}},
        },
        "training": {"algorithms": ["LogisticRegression"], "search": {"trials": 1}},
    },
}


@pytest.fixture
def environment(s3: Any) -> dict[str, str]:
    """The secret of the store, as variables."""
    s3.bucket("models")
    credentials = s3.credentials()
    return {
        **os.environ,
        "CHURNGUARD_STORE_ACCESS_KEY": credentials.access_key,
        "CHURNGUARD_STORE_SECRET_KEY": credentials.secret_key,
        "CHURNGUARD_STORE_ENDPOINT": credentials.endpoint,
    }


def train(folder: Path, *, environment: dict[str, str]) -> dict[str, Any]:
    """Train into the store; the result."""
    model = folder / "telco.json"
    model.write_text(json.dumps(SPEC))
    command = [sys.executable, "-m", "churnguard_training", "--model", str(model)]
    command += ["--revision", "telco-r1", "--output", "s3://models/bundles"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return result


def serve(bundle: dict[str, str], *, environment: dict[str, str]) -> subprocess.Popen[str]:
    """A server of the bundle, on a free port that its log names."""
    command = [
        sys.executable,
        "-m",
        "churnguard_serving",
        "--name",
        "telco",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
    ]
    command += ["--bundle", bundle["uri"], "--digest", bundle["digest"]]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.servers
def test_a_bundle_that_was_trained_into_s3_is_served_from_there(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    result = train(tmp_path, environment=environment)
    assert result["bundle"]["uri"].startswith("s3://models/bundles/retention/telco/telco-r1-")
    with serve(result["bundle"], environment=environment) as server:
        try:
            assert server.stderr is not None
            ready = json.loads(server.stderr.readline())
            assert ready["message"] == "ready", ready
            url = f"http://127.0.0.1:{ready['port']}/v1/models/telco:predict"
            with urllib.request.urlopen(url, data=b'{"instances": [{}]}', timeout=30) as answer:
                (prediction,) = json.load(answer)["predictions"]
        finally:
            server.send_signal(signal.SIGINT)
    assert server.returncode == 0
    # What the operator will ask a pod before it sends callers there.
    assert math.isclose(prediction["risk_score"], result["emptyScore"], abs_tol=1e-9)


@pytest.mark.servers
def test_a_server_without_the_right_key_says_so_and_never_listens(environment: dict[str, str]) -> None:
    bundle = {"uri": "s3://models/bundles/retention/telco/telco-r1-0123456789ab", "digest": "sha256:0"}
    wrong = {**environment, "CHURNGUARD_STORE_SECRET_KEY": "another"}
    with serve(bundle, environment=wrong) as server:
        _, log = server.communicate(timeout=60)
    assert server.returncode == 2
    refused = json.loads(log.splitlines()[-1])
    assert refused["message"] == "refused"
    assert "access key was refused" in refused["problem"]
    assert "another" not in log
