"""Drives the API `tcr` with Tencent Cloud's own SDK, or signs with it.

    tencent.py call HOST STEPS
        makes calls to http://HOST, with the SDK's types for what goes and what comes. STEPS is JSON: a list of objects with
        `action` and `parameters`, and where they are not the usual ones `id`, `key`, `token`, `region` and `version`. Prints a list:
        what came, without `RequestId`, or `{"code": …}`.

    tencent.py sign ACTION BODY TIMESTAMP REGION HOST SECRET_ID SECRET_KEY
        prints `authorization` and `content_type` of a request with exactly this body, at this time.
"""

import json
import os
import sys
import warnings
from unittest import mock

from tencentcloud.common import abstract_client, credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.http.request import RequestInternal
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.tcr.v20190924 import models, tcr_client


def client(host, region, secret_id, secret_key, token=None):
    profile = ClientProfile(httpProfile=HttpProfile(endpoint=host, protocol="http"))
    return tcr_client.TcrClient(credential.Credential(secret_id, secret_key, token), region, profile)


def call(host, step):
    caller = client(
        host,
        step.get("region", "ap-guangzhou"),
        step.get("id", "not-a-real-secret-id"),
        step.get("key", "not-a-real-secret-key"),
        step.get("token"),
    )
    if "version" in step:
        caller._apiVersion = step["version"]
    parameters = step.get("parameters", {})
    action = step["action"]
    try:
        if not hasattr(caller, action) or step.get("raw"):
            # No action of the SDK, or parameters that its types do not have.
            return {"raw": caller.call_json(action, parameters)["Response"]}
        request = getattr(models, action + "Request")()
        request.from_json_string(json.dumps(parameters))
        answer = json.loads(getattr(caller, action)(request).to_json_string())
        assert answer.pop("RequestId")
        return answer
    except TencentCloudSDKException as error:
        return {"code": error.get_code()}


def sign(action, body, timestamp, region, host, secret_id, secret_key):
    caller = client(host, region, secret_id, secret_key)
    request = RequestInternal(host, "POST", "/", header={})
    with mock.patch.object(abstract_client.time, "time", lambda: int(timestamp)):
        with mock.patch.object(abstract_client.json, "dumps", lambda _: body):
            caller._build_req_inter(action, {}, request)
    return {"authorization": request.header["Authorization"], "content_type": request.header["Content-Type"]}


def main():
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    # The SDK warns of fields that its types do not have: then the fake is wrong.
    warnings.filterwarnings("error", category=UserWarning)
    if sys.argv[1] == "sign":
        print(json.dumps(sign(*sys.argv[2:])))
    else:
        print(json.dumps([call(sys.argv[2], step) for step in json.loads(sys.argv[3])]))


main()
