//! What is in a repository.

use serde_json::Value;
use serde_json::json;

use super::ACCOUNT;
use super::Image;
use super::Kind;
use super::State;
use super::page::Window;
use super::refusal::Refusal;
use super::repositories::text;
use crate::harness::api::Fault;

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// An entry for each tag, and one for each image without a tag. Of the private service alone.
pub(super) fn list(state: &mut State, body: &Value, fault: Option<&Fault>) -> Result<Value, Refusal> {
    let window = Window::new("ListImages", body, state.cap, &mut state.pages)?;
    let repository = state.private.repository(text(body, "repositoryName")?)?;
    let mut items = Vec::new();
    for image in &repository.images {
        if !wanted(image, &body["filter"])? {
            continue;
        }
        if image.tags.is_empty() {
            items.push(json!({"imageDigest": image.digest}));
        }
        items.extend(image.tags.iter().map(|tag| json!({"imageDigest": image.digest, "imageTag": tag})));
    }
    Ok(window.answer("imageIds", items, fault, &mut state.pages))
}

/// An entry for each image, or for each that is named by its tag or digest.
pub(super) fn describe(state: &mut State, kind: Kind, body: &Value, fault: Option<&Fault>) -> Result<Value, Refusal> {
    let window = Window::new(&format!("{kind:?} DescribeImages"), body, state.cap, &mut state.pages)?;
    let name = text(body, "repositoryName")?;
    let repository = state.registry(kind).repository(name)?;
    if let Some(named) = body["imageIds"].as_array() {
        if !(body["maxResults"].is_null() && body["nextToken"].is_null()) {
            return Err(Refusal::invalid("maxResults and nextToken can not be used with imageIds"));
        }
        let found = named.iter().map(|id| {
            let fits = |it: &&Image| {
                id["imageDigest"].as_str().is_none_or(|digest| it.digest == digest)
                    && id["imageTag"].as_str().is_none_or(|tag| it.tags.iter().any(|it| it == tag))
            };
            let image = repository.images.iter().find(fits).ok_or_else(|| {
                let message =
                    format!("The image with imageId {id} does not exist within the repository with name '{name}'");
                Refusal::new("ImageNotFoundException", &message)
            })?;
            Ok(detail(kind, name, image))
        });
        return Ok(json!({"imageDetails": found.collect::<Result<Vec<_>, Refusal>>()?}));
    }
    let mut items = Vec::new();
    for image in &repository.images {
        if wanted(image, &body["filter"])? {
            items.push(detail(kind, name, image));
        }
    }
    Ok(window.answer("imageDetails", items, fault, &mut state.pages))
}

/// An entry for each tag. Of the public service alone.
pub(super) fn tags(state: &mut State, body: &Value, fault: Option<&Fault>) -> Result<Value, Refusal> {
    let window = Window::new("DescribeImageTags", body, state.cap, &mut state.pages)?;
    let repository = state.public.repository(text(body, "repositoryName")?)?;
    let entry = |image: &Image, tag: &String| {
        json!({"imageTag": tag, "createdAt": image.pushed, "imageDetail": {
            "imageDigest": image.digest, "imageSizeInBytes": image.size, "imagePushedAt": image.pushed,
            "imageManifestMediaType": MANIFEST, "artifactMediaType": CONFIG,
        }})
    };
    let items =
        repository.images.iter().flat_map(|image| image.tags.iter().map(move |tag| entry(image, tag))).collect();
    Ok(window.answer("imageTagDetails", items, fault, &mut state.pages))
}

/// Without a filter: whatever is not archived.
fn wanted(image: &Image, filter: &Value) -> Result<bool, Refusal> {
    let tagged = match filter["tagStatus"].as_str() {
        Some("TAGGED") => !image.tags.is_empty(),
        Some("UNTAGGED") => image.tags.is_empty(),
        None | Some("ANY") => true,
        Some(_) => {
            return Err(Refusal::constraint("filter.tagStatus", "satisfy enum value set: [TAGGED, UNTAGGED, ANY]"));
        }
    };
    let kept = match filter["imageStatus"].as_str() {
        None | Some("ACTIVE") => !image.archived,
        Some("ARCHIVED") => image.archived,
        Some("ACTIVATING") => false,
        Some("ANY") => true,
        Some(_) => {
            let constraint = "satisfy enum value set: [ACTIVE, ARCHIVED, ACTIVATING, ANY]";
            return Err(Refusal::constraint("filter.imageStatus", constraint));
        }
    };
    Ok(tagged && kept)
}

fn detail(kind: Kind, name: &str, image: &Image) -> Value {
    let mut detail = json!({
        "registryId": ACCOUNT, "repositoryName": name, "imageDigest": image.digest, "imageSizeInBytes": image.size,
        "imagePushedAt": image.pushed, "imageManifestMediaType": MANIFEST, "artifactMediaType": CONFIG,
    });
    if !image.tags.is_empty() {
        detail["imageTags"] = json!(image.tags);
    }
    if kind == Kind::Private {
        detail["imageStatus"] = if image.archived { "ARCHIVED" } else { "ACTIVE" }.into();
    }
    detail
}
