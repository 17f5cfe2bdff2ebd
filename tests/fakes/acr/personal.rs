//! The personal edition: namespaces and repositories of one customer.

use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::json;

use super::State;
use super::Tag;
use super::gateway::Refusal;
use super::page::cut;
use super::store::Namespace;
use super::store::Repository;
use crate::fakes::clock;
use crate::harness::api::Call;
use crate::harness::api::Fault;

/// What the fake tells where it knows no time.
const LONG_AGO: i64 = 1_577_836_800_000;

/// What the method and the path say is called.
pub(super) fn action(call: &Call) -> Option<&'static str> {
    let path = segments(call);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["namespace"]) => Some("GetNamespaceList"),
        ("PUT", ["namespace"]) => Some("CreateNamespace"),
        ("GET", ["namespace", _]) => Some("GetNamespace"),
        ("POST", ["namespace", _]) => Some("UpdateNamespace"),
        ("GET", ["repos"]) => Some("GetRepoList"),
        ("PUT", ["repos"]) => Some("CreateRepo"),
        ("GET", ["repos", _]) => Some("GetRepoListByNamespace"),
        ("GET", ["repos", _, _]) => Some("GetRepo"),
        ("GET", ["repos", _, _, "tags"]) => Some("GetRepoTags"),
        ("GET", ["tokens"]) => Some("GetAuthorizationToken"),
        _ => None,
    }
}

fn segments(call: &Call) -> Vec<String> {
    let decode = |part| percent_decode_str(part).decode_utf8_lossy().into_owned();
    call.path.trim_start_matches('/').split('/').map(decode).collect()
}

pub(super) fn perform(state: &mut State, action: &str, call: &Call, fault: Option<&Fault>) -> Result<Value, Refusal> {
    if !state.opened {
        return Err(Refusal::service(404, "USER_NOT_EXIST", "user is not exist"));
    }
    let path = segments(call);
    let name = |place: usize| path.get(place).map_or("", String::as_str);
    match action {
        "GetNamespaceList" => {
            let items: Vec<Value> = state.personal.namespaces.iter().map(namespace).collect();
            let items = if matches!(fault, Some(Fault::Lost)) { Vec::new() } else { items };
            Ok(json!({"data": {"namespaces": items}}))
        }
        "GetNamespace" => Ok(json!({"data": {"namespace": namespace(state.personal.namespace(name(1))?)}})),
        "CreateNamespace" => {
            let body = call.json();
            let number = state.personal.create_namespace(required(&body["Namespace"], "Namespace")?, true, false)?;
            Ok(json!({"data": {"namespaceId": number}}))
        }
        "UpdateNamespace" => {
            let body = call.json();
            let body = &body["Namespace"];
            let auto_create = body["AutoCreate"].as_bool().ok_or_else(|| Refusal::missing("AutoCreate"))?;
            let public = public(body, "DefaultVisibility")?;
            let namespace = state.personal.namespace_mut(name(1))?;
            (namespace.auto_create, namespace.public) = (auto_create, public);
            Ok(json!({"data": {"namespaceId": namespace.number}}))
        }
        "GetRepoList" | "GetRepoListByNamespace" => {
            let within = path.get(1);
            within.map_or(Ok(()), |name| state.personal.namespace(name).map(drop))?;
            let found = state.personal.repositories().filter(|(at, _)| within.is_none_or(|name| at.name == *name));
            let items = found.map(|(at, it)| repository(&state.host, at, it)).collect();
            page("repos", items, call, state.cap, fault)
        }
        "GetRepo" => {
            let (at, it) = find(state, name(1), name(2))?;
            Ok(json!({"data": {"repo": repository(&state.host, at, it)}}))
        }
        "GetRepoTags" => {
            let (_, it) = find(state, name(1), name(2))?;
            page("tags", it.tags.iter().map(tag).collect(), call, state.cap, fault)
        }
        "CreateRepo" => {
            let body = call.json();
            let body = &body["Repo"];
            let [within, name, summary] = ["RepoNamespace", "RepoName", "Summary"].map(|name| required(body, name));
            let number = state.personal.create_repository(within?, name?, public(body, "RepoType")?, summary?)?;
            Ok(json!({"data": {"repoId": number}}))
        }
        "GetAuthorizationToken" => {
            let (user, token, valid) = &state.personal.credential;
            let until = clock::milliseconds() + i64::try_from(valid.as_millis()).unwrap();
            Ok(json!({"data": {"tempUserName": user, "authorizationToken": token, "expireDate": until}}))
        }
        _ => unreachable!("{action}"),
    }
}

fn find<'a>(state: &'a State, within: &str, name: &str) -> Result<(&'a Namespace, &'a Repository), Refusal> {
    state.personal.namespace(within)?;
    state.personal.repository(|at, it| at.name == within && it.name == name)
}

/// A page that is asked to be larger than it can be is as large as it can be, and says so.
fn page(name: &str, items: Vec<Value>, call: &Call, cap: usize, fault: Option<&Fault>) -> Result<Value, Refusal> {
    let number = |name: &str, otherwise| match call.parameter(name) {
        None => Ok(otherwise),
        Some(value) => {
            let number = value.parse::<usize>().ok().filter(|number| *number > 0);
            number.ok_or_else(|| Refusal::service(400, "INVALID_PARAMETER", &format!("{name} is invalid")))
        }
    };
    let (page, size) = (number("Page", 1)?, number("PageSize", 30)?.min(cap));
    let cut = cut(items, (page - 1).saturating_mul(size), size, fault);
    Ok(json!({"data": {"total": cut.total, "page": page, "pageSize": size, name: cut.items}}))
}

fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    body[name].as_str().filter(|text| !text.is_empty()).ok_or_else(|| Refusal::missing(name))
}

fn public(body: &Value, name: &str) -> Result<bool, Refusal> {
    match required(body, name)? {
        "PUBLIC" => Ok(true),
        "PRIVATE" => Ok(false),
        _ => Err(Refusal::service(400, "INVALID_PARAMETER", &format!("{name} is invalid"))),
    }
}

fn kind(public: bool) -> &'static str {
    if public { "PUBLIC" } else { "PRIVATE" }
}

fn namespace(it: &Namespace) -> Value {
    json!({
        "namespace": it.name, "namespaceStatus": "NORMAL", "authorizeType": "ADMIN", "autoCreate": it.auto_create,
        "defaultVisibility": kind(it.public),
    })
}

fn repository(host: &str, at: &Namespace, it: &Repository) -> Value {
    let (inside, vpc) = ("registry-internal.cn-hangzhou.aliyuncs.com", "registry-vpc.cn-hangzhou.aliyuncs.com");
    json!({
        "repoId": it.number, "repoNamespace": at.name, "repoName": it.name, "regionId": "cn-hangzhou",
        "repoStatus": "NORMAL", "repoType": kind(it.public), "repoBuildType": "MANUAL", "repoAuthorizeType": "ADMIN",
        "repoOriginType": "NONE", "summary": it.summary, "stars": 0, "downloads": 0, "gmtCreate": LONG_AGO,
        "gmtModified": LONG_AGO, "repoDomainList": {"public": host, "internal": inside, "vpc": vpc},
    })
}

/// No document shows a digest of the personal edition; it is taken to be like the enterprise's, without its `sha256:`.
fn tag(tag: &Tag) -> Value {
    let digest = tag.digest.trim_start_matches("sha256:");
    json!({
        "tag": tag.name, "digest": digest, "imageId": digest, "imageSize": tag.size, "imageCreate": tag.pushed,
        "imageUpdate": tag.pushed, "status": "NORMAL",
    })
}
