"""Drives Amazon ECR with boto3, or signs with botocore, or prepares moto.

    ecr.py call URL STEPS
        makes calls to URL. STEPS is JSON: a list of objects with `operation` and `parameters`, and where they are not the usual ones
        `service` (`ecr`, else `ecr-public`), `region`, `id`, `key` and `token`. With `pages`, boto3 pages by itself and gives what is by
        that name on all of them. Prints a list: what came, with times in seconds since 1970, or `{"status": …, "code": …}`.

    ecr.py sign REQUEST
        prints the `authorization` that botocore computes for exactly this request, which is JSON: `url`, `headers`, `body`, `service`,
        `region`, `date` (20150830T123600Z), `id`, `key` and, where there is one, `token`.

    ecr.py moto URL
        makes a user of moto's at URL who may do everything, and has it verify signatures from then on. Prints `id` and `key`.
"""

import datetime
import json
import os
import sys
import urllib.request
from unittest import mock

import boto3
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError


def client(service, url, region, key_id, key, token=None):
    # One attempt, and parameters as they are: what is wrong with them is for the other side to say.
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    session = boto3.session.Session(key_id, key, token, region)
    return session.client(service, endpoint_url=url, config=config)


def plain(value):
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    return [plain(member) for member in value] if isinstance(value, list) else value


def call(url, step):
    caller = client(
        step.get("service", "ecr"),
        url,
        step.get("region", "us-east-1"),
        step.get("id", "not-a-real-access-key-id"),
        step.get("key", "not-a-real-secret-key"),
        step.get("token"),
    )
    parameters = step.get("parameters", {})
    try:
        if "pages" in step:
            found = caller.get_paginator(step["operation"]).paginate(**parameters).search(step["pages"] + "[]")
            return plain(list(found))
        answer = getattr(caller, step["operation"])(**parameters)
        del answer["ResponseMetadata"]
        return plain(answer)
    except ClientError as error:
        return {"status": error.response["ResponseMetadata"]["HTTPStatusCode"], **lowercase(error.response["Error"])}


def lowercase(error):
    return {"code": error["Code"], "message": error["Message"]}


def sign(request):
    date = datetime.datetime.strptime(request["date"], "%Y%m%dT%H%M%SZ")
    signed = AWSRequest("POST", request["url"], request["headers"], request["body"].encode())
    credentials = Credentials(request["id"], request["key"], request.get("token"))
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_: date):
        botocore.auth.SigV4Auth(credentials, request["service"], request["region"]).add_auth(signed)
    return {"authorization": signed.headers["Authorization"]}


def moto(url):
    iam = client("iam", url, "us-east-1", "any", "any")
    iam.create_user(UserName="test")
    key = iam.create_access_key(UserName="test")["AccessKey"]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName="test", PolicyName="everything", PolicyDocument=json.dumps(everything))
    # As a form, which urllib would call it, moto does not see the number.
    reset = urllib.request.Request(url + "/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"}, method="POST")
    urllib.request.urlopen(reset).read()
    return {"id": key["AccessKeyId"], "key": key["SecretAccessKey"]}


def main():
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("AWS_")]:
        del os.environ[name]
    # What the person who runs this has of AWS is left alone.
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true")
    mode, argument = sys.argv[1:3]
    if mode == "sign":
        print(json.dumps(sign(json.loads(argument))))
    elif mode == "moto":
        print(json.dumps(moto(argument)))
    else:
        print(json.dumps([call(argument, step) for step in json.loads(sys.argv[3])]))


main()
