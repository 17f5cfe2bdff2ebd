//! Plugins in registries, as the artifacts that other tools for WebAssembly read and write too (CNCF TAG Runtime, "Wasm OCI Artifact
//! layout"): an OCI manifest with a configuration of [`CONFIG`] and one layer of [`LAYER`], the component.

use std::fs;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::TryStreamExt;
use futures_util::stream;
use serde_json::json;

use crate::endpoint::Endpoint;
use crate::endpoint::EndpointError;
use crate::endpoint::Endpoints;
use crate::oci::Content;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::ManifestError;
use crate::oci::MediaType;
use crate::oci::Reference;
use crate::oci::Repository;
use crate::oci::TagOrDigest;
use crate::plugin::CacheDir;
use crate::plugin::Host;
use crate::plugin::Plugin;

/// The media type of the configuration.
const CONFIG: &str = "application/vnd.wasm.config.v0+json";

/// The media type of the component.
const LAYER: &str = "application/wasm";

/// What a general tool calls the component when it writes it to a file: `oras` leaves out what has no name.
const FILE: &str = "plugin.wasm";

/// When each artifact was made, so that the same component is the same artifact wherever it is pushed.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// Why a plugin does not come from, or go to, a registry.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The registry.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// What is there is something else.
    #[error("{reference} is no plugin: {problem}")]
    NotPlugin {
        /// What was asked for.
        reference: Reference,
        /// What is wrong with it.
        problem: String,
    },
    /// The manifest of the artifact cannot be made.
    #[error("cannot describe the plugin")]
    Manifest(#[from] ManifestError),
}

/// A plugin that came from a registry.
pub struct Pulled {
    /// The manifest's digest, which pins it.
    pub digest: Digest,
    /// The component.
    pub component: Arc<[u8]>,
}

/// Pushes a component, and returns the digest that pins it.
pub async fn push(
    endpoints: &Endpoints,
    reference: &Reference,
    plugin: &Plugin,
    component: Vec<u8>,
) -> Result<Digest, ArtifactError> {
    let endpoint = endpoints.open(&reference.registry, Some(&reference.repository))?;
    let (manifest, config) = described(plugin, &component)?;
    let Content::Image { config: Some(about), layers } = manifest.content() else {
        return Ok(manifest.digest().clone());
    };
    for (blob, bytes) in [(about, config), (&layers[0], component.into())] {
        push_blob(&endpoint, &reference.repository, blob, bytes).await?;
    }
    endpoint.put_manifest(&reference.repository, &reference.version, &manifest).await?;
    Ok(manifest.digest().clone())
}

async fn push_blob(
    endpoint: &Endpoint,
    repository: &Repository,
    blob: &Descriptor,
    bytes: Bytes,
) -> Result<(), ArtifactError> {
    if endpoint.has_blob(repository, blob).await? {
        return Ok(());
    }
    let body = stream::once(std::future::ready(Ok(bytes))).boxed();
    endpoint.push_blob(repository, blob, None, body).await.map_err(|unfinished| unfinished.error.into())
}

/// The manifest and the configuration of a component.
fn described(plugin: &Plugin, component: &[u8]) -> Result<(Manifest, Bytes), ManifestError> {
    let layer = Digest::of(component);
    let info = plugin.info();
    let config = json!({
        "created": CREATED,
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [layer.as_str()],
        "component": {"exports": plugin.exports(), "imports": plugin.imports(), "target": null},
    })
    .to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MediaType::OCI_MANIFEST,
        "config": {"mediaType": CONFIG, "digest": Digest::of(config.as_bytes()).as_str(), "size": config.len()},
        "layers": [{
            "mediaType": LAYER,
            "digest": layer.as_str(),
            "size": component.len(),
            "annotations": {"org.opencontainers.image.title": FILE},
        }],
        "annotations": {
            "org.opencontainers.image.title": info.name,
            "org.opencontainers.image.version": info.version,
            "org.opencontainers.image.description": info.summary,
        },
    })
    .to_string();
    Ok((Manifest::new(None, manifest.into(), None)?, config.into()))
}

/// Pulls a component. What comes is what its digests say.
pub async fn pull(endpoints: &Endpoints, reference: &Reference) -> Result<Pulled, ArtifactError> {
    let endpoint = endpoints.open(&reference.registry, Some(&reference.repository))?;
    let manifest = endpoint.manifest(&reference.repository, &reference.version).await?;
    let component = pull_layer(&endpoint, reference, &manifest).await?;
    Ok(Pulled { digest: manifest.digest().clone(), component })
}

async fn pull_layer(
    endpoint: &Endpoint,
    reference: &Reference,
    manifest: &Manifest,
) -> Result<Arc<[u8]>, ArtifactError> {
    let layer =
        layer(manifest).map_err(|problem| ArtifactError::NotPlugin { reference: reference.clone(), problem })?;
    let broken = |error: io::Error| match error.downcast::<EndpointError>() {
        Ok(error) => ArtifactError::Endpoint(error),
        Err(error) => ArtifactError::NotPlugin { reference: reference.clone(), problem: error.to_string() },
    };
    let mut blob = endpoint.open_blob(&reference.repository, layer).await?;
    let mut component = Vec::new();
    while let Some(frame) = blob.try_next().await.map_err(broken)? {
        component.extend_from_slice(&frame);
    }
    Ok(component.into())
}

/// The one layer of a plugin.
fn layer(manifest: &Manifest) -> Result<&Descriptor, String> {
    let Content::Image { config: Some(config), layers } = manifest.content() else {
        return Err("it is an index, or has no configuration".to_owned());
    };
    if config.media_type.as_str() != CONFIG {
        return Err(format!("its configuration is {}, not {CONFIG}", config.media_type));
    }
    match layers.as_slice() {
        [layer] if layer.media_type.as_str() != LAYER => Err(format!("its layer is {}, not {LAYER}", layer.media_type)),
        [layer] if layer.size > Host::MAX_COMPONENT => {
            Err(format!("its component has more than {} MiB", Host::MAX_COMPONENT >> 20))
        }
        [layer] => Ok(layer),
        layers => Err(format!("it has {} layers, not one", layers.len())),
    }
}

/// A pinned component: from beside the cache, where an earlier run left it, or else from the registry. What is kept is held against
/// its digests like what comes, so that nobody has to be trusted with the directory.
pub(super) async fn pinned(
    endpoints: &Endpoints,
    reference: &Reference,
    cache: &CacheDir,
) -> Result<Arc<[u8]>, ArtifactError> {
    let TagOrDigest::Digest(digest) = &reference.version else {
        let problem = "it is not pinned by its digest".to_owned();
        return Err(ArtifactError::NotPlugin { reference: reference.clone(), problem });
    };
    let directory = cache.beside("plugins");
    if let Some(component) = directory.as_deref().and_then(|directory| kept(directory, digest)) {
        return Ok(component);
    }
    let endpoint = endpoints.open(&reference.registry, Some(&reference.repository))?;
    let manifest = endpoint.manifest(&reference.repository, &reference.version).await?;
    let component = pull_layer(&endpoint, reference, &manifest).await?;
    if let Some(directory) = directory
        && let Err(error) = keep(&directory, &manifest, &component)
    {
        tracing::debug!(%error, "the plugin is fetched again in the next run");
    }
    Ok(component)
}

fn kept(directory: &Path, digest: &Digest) -> Option<Arc<[u8]>> {
    let bytes = fs::read(directory.join(format!("{}.json", digest.hex()))).ok()?;
    let manifest = Manifest::new(None, bytes.into(), Some(digest)).ok()?;
    let layer = layer(&manifest).ok()?;
    let component = fs::read(directory.join(format!("{}.wasm", layer.digest.hex()))).ok()?;
    layer.digest.matches(&component).then(|| component.into())
}

/// The component first: a manifest that is there has its layer there.
fn keep(directory: &Path, manifest: &Manifest, component: &[u8]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let write = |name: String, bytes: &[u8]| {
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(bytes)?;
        file.persist(directory.join(name)).map(drop).map_err(|error| error.error)
    };
    write(format!("{}.wasm", Digest::of(component).hex()), component)?;
    write(format!("{}.json", manifest.digest().hex()), manifest.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(config: &str, layers: &[(&str, u64)]) -> Manifest {
        let digest = Digest::of(b"x");
        let layers: Vec<_> = layers
            .iter()
            .map(|(kind, size)| json!({"mediaType": kind, "digest": digest.as_str(), "size": size}))
            .collect();
        let text = json!({
            "schemaVersion": 2,
            "mediaType": MediaType::OCI_MANIFEST,
            "config": {"mediaType": config, "digest": digest.as_str(), "size": 1},
            "layers": layers,
        });
        Manifest::new(None, text.to_string().into(), None).unwrap()
    }

    #[test]
    fn what_is_no_plugin_is_not_pulled() {
        assert!(layer(&manifest(CONFIG, &[(LAYER, 1)])).is_ok());
        let image = "application/vnd.oci.image.config.v1+json";
        for (config, layers, says) in [
            (image, &[(LAYER, 1)][..], "its configuration is"),
            (CONFIG, &[("application/octet-stream", 1)], "its layer is"),
            (CONFIG, &[(LAYER, 1), (LAYER, 1)], "it has 2 layers"),
            (CONFIG, &[], "it has 0 layers"),
            (CONFIG, &[(LAYER, 1 << 40)], "more than 128 MiB"),
        ] {
            let problem = layer(&manifest(config, layers)).unwrap_err();
            assert!(problem.contains(says), "{problem}");
        }
    }

    #[test]
    fn what_is_kept_and_was_changed_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let manifest = manifest(CONFIG, &[(LAYER, 1)]);
        keep(directory.path(), &manifest, b"x").unwrap();
        assert_eq!(kept(directory.path(), manifest.digest()).unwrap().as_ref(), b"x");
        fs::write(directory.path().join(format!("{}.wasm", Digest::of(b"x").hex())), b"y").unwrap();
        assert!(kept(directory.path(), manifest.digest()).is_none());
        keep(directory.path(), &manifest, b"x").unwrap();
        fs::write(directory.path().join(format!("{}.json", manifest.digest().hex())), b"{}").unwrap();
        assert!(kept(directory.path(), manifest.digest()).is_none());
    }
}
