//! Signatures, rights and limits; and moto, which is asked the same.

use serde_json::json;

use super::calls;
use super::codes;
use super::ecr;
use super::step;
use super::with;
use crate::fakes::ecr::Kind;
use crate::harness::vendor;
use crate::providers::ecr::moto::Moto;

#[test]
fn ecr_takes_no_wrong_key_and_no_other_region() {
    let ecr = ecr(Kind::Private);
    let list = step("describe_repositories", &json!({}));
    let answers = calls(
        &ecr.url(),
        &[
            with(list.clone(), &json!({"id": "unknown"})),
            with(list.clone(), &json!({"key": "wrong"})),
            with(list.clone(), &json!({"region": "eu-west-1"})),
            with(list.clone(), &json!({"token": "made-up"})),
            step("batch_get_image", &json!({"repositoryName": "team/app", "imageIds": []})),
        ],
    );
    assert_eq!(
        codes(&answers),
        [
            "400 UnrecognizedClientException",
            "400 InvalidSignatureException",
            "400 InvalidSignatureException",
            "400 UnrecognizedClientException",
            "400 UnknownOperationException"
        ]
    );
    ecr.region("eu-west-1");
    let answers = calls(&ecr.url(), &[with(list, &json!({"region": "eu-west-1"}))]);
    assert_eq!(answers[0]["repositories"].as_array().unwrap().len(), 3);
}

#[test]
fn ecr_takes_a_temporary_key_with_its_token_until_it_expires() {
    let ecr = ecr(Kind::Private);
    let (id, key, token) = ("not-a-real-temporary-id", "not-a-real-temporary-key", "not-a-real-session-token");
    ecr.temporary_key(id, key, token);
    let list = with(step("describe_repositories", &json!({})), &json!({"id": id, "key": key}));
    let whole = with(list.clone(), &json!({"token": token}));
    let answers = calls(&ecr.url(), &[whole.clone(), list]);
    assert_eq!(answers[0]["repositories"].as_array().unwrap().len(), 3);
    assert_eq!(codes(&answers[1..]), ["400 UnrecognizedClientException"]);
    ecr.expire(token);
    assert_eq!(codes(&calls(&ecr.url(), &[whole])), ["400 ExpiredTokenException"]);
}

#[test]
fn ecr_is_five_minutes_patient_with_clocks() {
    let ecr = ecr(Kind::Private);
    let list = step("describe_repositories", &json!({}));
    ecr.set_ahead(4 * 60);
    assert!(calls(&ecr.url(), std::slice::from_ref(&list))[0]["repositories"].is_array());
    ecr.set_ahead(-6 * 60);
    assert_eq!(codes(&calls(&ecr.url(), &[list])), ["400 InvalidSignatureException"]);
}

#[test]
fn ecr_refuses_what_the_key_has_no_right_to_and_what_comes_too_often() {
    let ecr = ecr(Kind::Private);
    ecr.forbid("DescribeRepositories");
    let list = step("describe_repositories", &json!({}));
    let images = step("list_images", &json!({"repositoryName": "team/web"}));
    assert_eq!(codes(&calls(&ecr.url(), &[list])), ["400 AccessDeniedException"]);
    ecr.limit(20);
    assert!(calls(&ecr.url(), std::slice::from_ref(&images))[0]["imageIds"].is_array());
    // So that nothing depends on how fast this machine is.
    ecr.limit(0);
    assert_eq!(codes(&calls(&ecr.url(), &[images])), ["400 ThrottlingException"]);
}

#[test]
fn botocore_signs_at_the_time_that_it_is_told() {
    let request = json!({
        "url": "https://api.ecr.us-east-1.amazonaws.com/", "body": "{\"maxResults\":1000}", "service": "ecr",
        "headers": {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories",
        },
        "region": "us-east-1", "date": "20150830T123600Z", "id": "AKIDEXAMPLE",
        "key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    });
    let answer = vendor::python("ecr.py", &["sign", &request.to_string()]);
    let expected = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/ecr/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=946dab749c30f223fc24fc5facd64e423bac105b14816c12851699f8f7a728b9";
    assert_eq!(answer["authorization"], expected);
}

#[test]
fn moto_verifies_signatures() {
    let moto = Moto::start();
    let create = step("create_repository", &json!({"repositoryName": "team/app"}));
    let answers = calls(
        &moto.url(),
        &[
            with(create.clone(), &json!({"id": moto.id, "key": moto.key})),
            with(create.clone(), &json!({"id": moto.id, "key": "wrong"})),
            with(create, &json!({"id": "unknown", "key": "wrong"})),
        ],
    );
    assert_eq!(answers[0]["repository"]["repositoryName"], "team/app");
    // It says which error in XML, of which a client of the JSON protocol sees the status alone.
    assert_eq!(codes(&answers[1..]), ["403 403", "403 403"]);
}
