//! The private service.

use serde_json::json;

use super::calls;
use super::codes;
use super::digest;
use super::ecr;
use super::names;
use super::step;
use super::with;
use crate::fakes::ecr::ACCOUNT;
use crate::fakes::ecr::Kind;
use crate::harness::api::Fault;

#[test]
fn boto3_pages_through_repositories_and_images() {
    let ecr = ecr(Kind::Private);
    ecr.host(Kind::Private, "127.0.0.1:5000", "");
    ecr.page_cap(2);
    let tagged = json!({"repositoryName": "team/app", "filter": {"tagStatus": "TAGGED"}, "maxResults": 1000});
    let answers = calls(
        &ecr.url(),
        &[
            with(step("describe_repositories", &json!({})), &json!({"pages": "repositories"})),
            with(step("list_images", &tagged), &json!({"pages": "imageIds"})),
            with(step("list_images", &json!({"repositoryName": "team/app"})), &json!({"pages": "imageIds"})),
            with(step("describe_images", &json!({"repositoryName": "team/app"})), &json!({"pages": "imageDetails"})),
            step("describe_repositories", &json!({"repositoryNames": ["other"]})),
            step("describe_images", &json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "2"}]})),
        ],
    );
    assert_eq!(names(&answers[0], "repositoryName"), ["team/app", "team/web", "other"]);
    assert_eq!(answers[0][0]["repositoryUri"], "127.0.0.1:5000/team/app");
    assert_eq!(answers[0][0]["registryId"], ACCOUNT);
    assert_eq!(names(&answers[1], "imageTag"), ["1", "latest", "2"]);
    assert_eq!(names(&answers[1], "imageDigest"), [digest('a'), digest('a'), digest('c')]);
    assert_eq!(names(&answers[2], "imageTag"), ["1", "latest", "", "2"]);
    assert_eq!(names(&answers[3], "imageDigest"), [digest('a'), digest('b'), digest('c')]);
    assert_eq!(answers[3][0]["imageTags"], json!(["1", "latest"]));
    assert_eq!(answers[3][0]["imagePushedAt"], 1_572_839_125.25);
    assert_eq!(answers[3][0]["imageSizeInBytes"], 27_107_966);
    assert_eq!(answers[3][1]["imageTags"], json!(null));
    assert_eq!(names(&answers[4]["repositories"], "repositoryName"), ["other"]);
    assert_eq!(names(&answers[5]["imageDetails"], "imageDigest"), [digest('c')]);
    // Three in pages of two, and four.
    assert_eq!(ecr.faults().count("ListImages"), 4);
}

#[test]
fn boto3_gets_as_many_as_it_asks_for_and_a_token_is_for_one_question() {
    let ecr = ecr(Kind::Private);
    let first = calls(&ecr.url(), &[step("describe_repositories", &json!({"maxResults": 2}))]);
    assert_eq!(names(&first[0]["repositories"], "repositoryName"), ["team/app", "team/web"]);
    let token = first[0]["nextToken"].as_str().unwrap();
    let next = step("describe_repositories", &json!({"maxResults": 1, "nextToken": token}));
    let answers = calls(
        &ecr.url(),
        &[
            next.clone(),
            next.clone(),
            step("list_images", &json!({"repositoryName": "team/app", "nextToken": token})),
            next,
            step("describe_repositories", &json!({"maxResults": 1001})),
            step("describe_repositories", &json!({"maxResults": 0})),
            step("list_images", &json!({"repositoryName": "none"})),
            step("describe_images", &json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "none"}]})),
        ],
    );
    for answer in &answers[..2] {
        assert_eq!(names(&answer["repositories"], "repositoryName"), ["other"]);
        assert_eq!(answer["nextToken"], json!(null));
    }
    assert_eq!(
        codes(&answers[2..]),
        [
            "400 InvalidParameterException",
            "400 InvalidParameterException",
            "400 InvalidParameterException",
            "400 InvalidParameterException",
            "400 RepositoryNotFoundException",
            "400 ImageNotFoundException"
        ]
    );
}

#[test]
fn boto3_sees_archived_images_when_it_asks() {
    let ecr = ecr(Kind::Private);
    let list =
        |status: &str| step("list_images", &json!({"repositoryName": "team/app", "filter": {"imageStatus": status}}));
    let answers = calls(&ecr.url(), &[list("ARCHIVED"), list("ANY"), list("ACTIVE")]);
    assert_eq!(names(&answers[0]["imageIds"], "imageTag"), ["old"]);
    assert_eq!(names(&answers[1]["imageIds"], "imageTag"), ["1", "latest", "", "2", "old"]);
    assert_eq!(names(&answers[2]["imageIds"], "imageTag"), ["1", "latest", "", "2"]);
}

#[test]
fn boto3_creates_repositories_within_the_quota() {
    let ecr = ecr(Kind::Private);
    ecr.quota(Kind::Private, 4);
    let create = |name: &str| step("create_repository", &json!({"repositoryName": name}));
    let answers = calls(&ecr.url(), &[create("new/api"), create("new/api"), create("more"), create("Wrong")]);
    assert_eq!(answers[0]["repository"]["repositoryUri"], format!("{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/new/api"));
    assert_eq!(
        codes(&answers[1..]),
        ["400 RepositoryAlreadyExistsException", "400 LimitExceededException", "400 InvalidParameterException"]
    );
    assert_eq!(ecr.repositories(Kind::Private), ["team/app", "team/web", "other", "new/api"]);
}

#[test]
fn boto3_gets_a_token_with_the_address_of_the_registry() {
    let ecr = ecr(Kind::Private);
    let get = step("get_authorization_token", &json!({}));
    let answer = &calls(&ecr.url(), std::slice::from_ref(&get))[0]["authorizationData"][0];
    // Of `AWS:not-a-real-token`.
    assert_eq!(answer["authorizationToken"], "QVdTOm5vdC1hLXJlYWwtdG9rZW4=");
    assert_eq!(answer["proxyEndpoint"], format!("https://{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"));
    assert!(answer["expiresAt"].as_f64().unwrap() > 1_600_000_000.0);
    ecr.host(Kind::Private, "127.0.0.1:5000", "");
    ecr.credential("other", 60);
    let answer = &calls(&ecr.url(), &[get])[0]["authorizationData"][0];
    assert_eq!(answer["proxyEndpoint"], "http://127.0.0.1:5000");
    // Of `AWS:other`.
    assert_eq!(answer["authorizationToken"], "QVdTOm90aGVy");
}

#[test]
fn boto3_sees_the_faults_that_the_fake_is_told_of() {
    let ecr = ecr(Kind::Private);
    let list = step("describe_repositories", &json!({"maxResults": 2}));
    ecr.faults().plan("DescribeRepositories", 1, Fault::Lost);
    ecr.faults().plan("DescribeRepositories", 2, Fault::Throttled);
    ecr.faults().plan("DescribeRepositories", 3, Fault::Internal);
    let answers = calls(&ecr.url(), &[list.clone(), list.clone(), list.clone(), list]);
    assert_eq!(answers[0], json!({"repositories": []}));
    assert_eq!(codes(&answers[1..3]), ["400 ThrottlingException", "500 ServerException"]);
    assert_eq!(names(&answers[3]["repositories"], "repositoryName"), ["team/app", "team/web"]);
    ecr.faults().plan("DescribeRepositories", 5, Fault::Repeated);
    let next = json!({"maxResults": 2, "nextToken": answers[3]["nextToken"]});
    let answers = calls(&ecr.url(), &[step("describe_repositories", &next), step("describe_repositories", &next)]);
    assert_eq!(names(&answers[0]["repositories"], "repositoryName"), ["team/app", "team/web"]);
    assert_eq!(names(&answers[1]["repositories"], "repositoryName"), ["other"]);
}
