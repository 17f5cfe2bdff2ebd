//! The public service.

use serde_json::json;

use super::calls;
use super::codes;
use super::digest;
use super::ecr;
use super::names;
use super::public;
use super::with;
use crate::fakes::ecr::Kind;

#[test]
fn boto3_pages_through_the_public_service() {
    let ecr = ecr(Kind::Public);
    ecr.page_cap(2);
    let app = json!({"repositoryName": "team/app"});
    let answers = calls(
        &ecr.url(),
        &[
            with(public("describe_repositories", &json!({})), &json!({"pages": "repositories"})),
            with(public("describe_image_tags", &app), &json!({"pages": "imageTagDetails"})),
            with(public("describe_images", &app), &json!({"pages": "imageDetails"})),
            public("describe_registries", &json!({})),
            public("describe_image_tags", &json!({"repositoryName": "none"})),
        ],
    );
    assert_eq!(names(&answers[0], "repositoryName"), ["team/app", "team/web", "other"]);
    assert_eq!(answers[0][0]["repositoryUri"], "public.ecr.aws/a1b2c3d4/team/app");
    assert_eq!(names(&answers[1], "imageTag"), ["1", "latest", "2", "old"]);
    assert_eq!(answers[1][2]["imageDetail"]["imageDigest"], digest('c'));
    assert_eq!(names(&answers[2], "imageDigest"), [digest('a'), digest('b'), digest('c')]);
    assert_eq!(answers[3]["registries"][0]["registryUri"], "public.ecr.aws/a1b2c3d4");
    assert_eq!(codes(&answers[4..]), ["400 RepositoryNotFoundException"]);
}

#[test]
fn boto3_creates_repositories_and_gets_a_token_of_the_public_service() {
    let ecr = ecr(Kind::Public);
    ecr.host(Kind::Public, "127.0.0.1:5000", "");
    ecr.quota(Kind::Public, 4);
    let create = |name: &str| public("create_repository", &json!({"repositoryName": name}));
    let token = public("get_authorization_token", &json!({}));
    let answers = calls(&ecr.url(), &[create("new/api"), create("new/api"), create("more"), token.clone()]);
    assert_eq!(answers[0]["repository"]["repositoryUri"], "127.0.0.1:5000/new/api");
    assert_eq!(codes(&answers[1..3]), ["400 RepositoryAlreadyExistsException", "400 LimitExceededException"]);
    assert_eq!(answers[3]["authorizationData"]["authorizationToken"], "QVdTOm5vdC1hLXJlYWwtdG9rZW4=");
    assert_eq!(ecr.repositories(Kind::Public), ["team/app", "team/web", "other", "new/api"]);
    assert!(ecr.repositories(Kind::Private).is_empty());
    ecr.region("eu-west-1");
    let elsewhere = with(token.clone(), &json!({"region": "eu-west-1"}));
    let answers = calls(&ecr.url(), &[elsewhere, token]);
    assert_eq!(codes(&answers[..1]), ["400 InvalidSignatureException"]);
    assert!(answers[1]["authorizationData"].is_object());
}
