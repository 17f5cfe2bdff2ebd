"""Drives the API `cr` with Aliyun's own SDK, or signs with it.

    aliyun.py call HOST STEPS
        makes calls to http://HOST. STEPS is JSON: a list of objects with `action` and `parameters`, for which the SDK of the enterprise
        edition has types. With `method` and `path`, and where there are any `query` and `body`, it is a call of the personal edition, for
        which the SDK has none. `id`, `key` and `token` where they are not the usual ones, `nonce` and `date` where they are not new ones.
        Prints a list: what came, without the identifier of the request, or `{"status": …, "code": …}`.

    aliyun.py sign REQUEST
        prints the `authorization` that the SDK computes for exactly this request, which is JSON: `method`, `path`, `query`, `headers`,
        `body`, `id` and `key`. The headers are those that are signed, the date and the nonce among them; the body's hash is added.
"""

import json
import os
import sys
from unittest import mock

from alibabacloud_cr20181201 import models
from alibabacloud_cr20181201.client import Client
from alibabacloud_tea_openapi import exceptions, utils_models
from alibabacloud_tea_openapi.utils import Utils
from darabonba.request import DaraRequest
from darabonba.runtime import RuntimeOptions

ALGORITHM = "ACS3-HMAC-SHA256"


def client(host, step):
    config = utils_models.Config(
        access_key_id=step.get("id", "not-a-real-access-key-id"),
        access_key_secret=step.get("key", "not-a-real-secret-key"),
        security_token=step.get("token"),
        endpoint=host,
        protocol="http",
        region_id="cn-hangzhou",
    )
    return Client(config)


def enterprise(caller, step):
    action = step["action"]
    request = getattr(models, action + "Request")()
    request.from_map(step.get("parameters", {}))
    name = "".join("_" + letter.lower() if letter.isupper() else letter for letter in action).lstrip("_")
    return getattr(caller, name)(request).body.to_map()


def personal(caller, step):
    parameters = utils_models.Params(
        action=step["action"],
        version="2016-06-07",
        protocol="HTTP",
        pathname=step["path"],
        method=step["method"],
        auth_type="AK",
        style="ROA",
        req_body_type="json",
        body_type="json",
    )
    query = {name: str(value) for name, value in step.get("query", {}).items()}
    request = utils_models.OpenApiRequest(query=query, body=step.get("body"))
    return caller.call_api(parameters, request, RuntimeOptions())["body"]


def call(host, step):
    patches = [("get_nonce", step.get("nonce")), ("get_timestamp", step.get("date"))]
    patches = [mock.patch.object(Utils, name, lambda it=value: it) for name, value in patches if value]
    try:
        for patch in patches:
            patch.start()
        answer = (personal if "path" in step else enterprise)(client(host, step), step)
        assert answer.pop("RequestId", None) or answer.pop("requestId", None)
        return answer
    except exceptions.AlibabaCloudException as error:
        return {"status": error.status_code, "code": error.code, "message": error.message}
    finally:
        for patch in patches:
            patch.stop()


def sign(request):
    signed = DaraRequest()
    signed.method, signed.pathname = request["method"], request["path"]
    signed.query = {name: str(value) for name, value in request.get("query", {}).items()}
    payload = Utils.hash(request.get("body", "").encode(), ALGORITHM).hex()
    signed.headers = {**request["headers"], "x-acs-content-sha256": payload}
    return {"authorization": Utils.get_authorization(signed, ALGORITHM, payload, request["id"], request["key"])}


def main():
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    if sys.argv[1] == "sign":
        print(json.dumps(sign(json.loads(sys.argv[2]))))
    else:
        print(json.dumps([call(sys.argv[2], step) for step in json.loads(sys.argv[3])]))


main()
