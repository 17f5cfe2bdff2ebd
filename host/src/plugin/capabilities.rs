//! What an opened plugin does: enumerate, map, prepare, issue.

use std::sync::Arc;

use serde_json::Value;
use wasmtime::component::ResourceAny;

use crate::oci::Repository;
use crate::plugin::Attributes;
use crate::plugin::BadImage;
use crate::plugin::BadName;
use crate::plugin::CallError;
use crate::plugin::Destination;
use crate::plugin::Ensured;
use crate::plugin::Failure;
use crate::plugin::Image;
use crate::plugin::Issued;
use crate::plugin::Plugin;
use crate::plugin::PluginError;
use crate::plugin::bindings::credentials::CredentialsPlugin;
use crate::plugin::bindings::mapper::MapperPlugin;
use crate::plugin::bindings::provisioner::ProvisionerPlugin;
use crate::plugin::bindings::provisioner::exports::image_transfer::plugin::provisioner;
use crate::plugin::bindings::source::SourcePlugin;
use crate::plugin::grants::Grants;
use crate::plugin::instance::Runner;

/// Images of one batch that are taken.
const MAX_BATCH: usize = 10_000;

/// Bytes of a position, as the contract says.
const MAX_POSITION: usize = 4096;

/// Bytes of a user name and a password together; tokens have up to some KiB.
const MAX_CREDENTIAL: usize = 64 << 10;

/// Images that a mapper is asked about in one call.
const ASK: usize = 1000;

/// One call, under its wall clock; its failure is told with the plugin's name and version.
macro_rules! call {
    ($runner:expr, $function:expr, $call:expr) => {{
        let meter = $runner.begin();
        let timeout = $runner.timeout();
        let answer = tokio::time::timeout(
            timeout,
            meter.measure(async {
                let store = &mut $runner.store;
                $call(store).await
            }),
        )
        .await;
        $runner.judge($function, answer)
    }};
}

/// The same for a function that may itself say no.
macro_rules! ask {
    ($runner:expr, $function:expr, $call:expr) => {
        call!($runner, $function, $call).and_then(|answer| answer.map_err(|error| $runner.refused($function, error)))
    };
}

/// Instantiates a plugin's world and opens its resource, which the accessors lead to.
macro_rules! opened {
    ($plugin:expr, $config:expr, $world:ident, $function:literal, $($accessor:ident)+) => {{
        let mut runner = Runner::open($plugin, $config);
        let Some(pre) = &$plugin.worlds.$world else { return Err($plugin.lacks(stringify!($world))) };
        let config = $config.to_string();
        let guest = call!(runner, $function, async |store| pre.instantiate_async(store).await)?;
        let resource = ask!(runner, $function, async |store| {
            guest$(.$accessor())+.call_open(store, &config).await
        })?;
        Ok(Opened { runner, guest, resource })
    }};
}

/// A guest of one world with its opened resource.
struct Opened<G> {
    runner: Runner,
    guest: G,
    resource: ResourceAny,
}

/// A world whose resource can be opened anew at any time, since its calls do not build on one another.
trait Reopen: Sized {
    fn open(plugin: &Arc<Plugin>, config: &Value) -> impl Future<Output = Result<Opened<Self>, PluginError>> + Send;
}

/// An opened plugin whose instance is replaced at the next call once a call has broken it: it is taken for each call, and
/// kept again only by those that came back well.
struct Kept<G> {
    plugin: Arc<Plugin>,
    config: Value,
    opened: Option<Opened<G>>,
}

impl<G: Reopen> Kept<G> {
    async fn open(plugin: Arc<Plugin>, config: Value) -> Result<Self, PluginError> {
        let opened = Some(G::open(&plugin, &config).await?);
        Ok(Self { plugin, config, opened })
    }

    async fn take(&mut self) -> Result<Opened<G>, PluginError> {
        match self.opened.take() {
            Some(opened) => Ok(opened),
            None => G::open(&self.plugin, &self.config).await,
        }
    }

    fn keep(&mut self, opened: Opened<G>) {
        self.opened = Some(opened);
    }
}

impl Reopen for MapperPlugin {
    async fn open(plugin: &Arc<Plugin>, config: &Value) -> Result<Opened<Self>, PluginError> {
        opened!(plugin, config, mapper, "mapper.open", image_transfer_plugin_mapper mapping)
    }
}

impl Reopen for ProvisionerPlugin {
    async fn open(plugin: &Arc<Plugin>, config: &Value) -> Result<Opened<Self>, PluginError> {
        opened!(plugin, config, provisioner, "provisioner.open", image_transfer_plugin_provisioner preparation)
    }
}

impl Reopen for CredentialsPlugin {
    async fn open(plugin: &Arc<Plugin>, config: &Value) -> Result<Opened<Self>, PluginError> {
        opened!(plugin, config, credentials, "credentials.open", image_transfer_plugin_credentials issuer)
    }
}

/// An enumeration. It cannot begin again in the middle: once a call has broken it, every later one fails.
pub struct Source {
    runner: Runner,
    guest: SourcePlugin,
    enumerator: ResourceAny,
    broken: bool,
}

impl Source {
    pub(super) async fn open(plugin: Arc<Plugin>, config: &Value, position: Option<&str>) -> Result<Self, PluginError> {
        let mut runner = Runner::open(&plugin, config);
        let Some(pre) = &plugin.worlds.source else { return Err(plugin.lacks("source")) };
        let config = config.to_string();
        let guest = call!(runner, "source.open", async |store| pre.instantiate_async(store).await)?;
        let enumerator = ask!(runner, "source.open", async |store| {
            let source = guest.image_transfer_plugin_source();
            source.enumerator().call_open(store, &config, position).await
        })?;
        Ok(Self { runner, guest, enumerator, broken: false })
    }

    /// The next batch; none when all is told. An entry that is no image does not spoil the others.
    pub async fn next(&mut self) -> Result<Option<Vec<Result<Image, BadImage>>>, PluginError> {
        const NEXT: &str = "source.next";
        self.enter(NEXT)?;
        let (guest, enumerator) = (&self.guest, self.enumerator);
        let batch = ask!(self.runner, NEXT, async |store| {
            guest.image_transfer_plugin_source().enumerator().call_next(store, enumerator).await
        })
        .and_then(|batch| {
            let count = batch.as_ref().map_or(0, Vec::len);
            self.runner.at_most(NEXT, count, MAX_BATCH, "images in one batch")?;
            Ok(batch)
        });
        self.broken = matches!(batch, Err(PluginError::Broken { .. }));
        let Some(batch) = batch? else { return Ok(None) };
        let state = self.runner.store.data_mut();
        let read = |image| {
            let image = granted(&state.grants, Image::read(image, state.noted.as_ref())?)?;
            image.registries().for_each(|registry| state.note(registry));
            Ok(image)
        };
        Ok(Some(batch.into_iter().map(read).collect()))
    }

    /// A mark after the last batch, from which a later enumeration can go on.
    pub async fn position(&mut self) -> Result<Option<String>, PluginError> {
        const POSITION: &str = "source.position";
        self.enter(POSITION)?;
        let (guest, enumerator) = (&self.guest, self.enumerator);
        let position = call!(self.runner, POSITION, async |store| {
            guest.image_transfer_plugin_source().enumerator().call_position(store, enumerator).await
        });
        self.broken = position.is_err();
        let position = position?;
        let bytes = position.as_ref().map_or(0, String::len);
        self.runner.at_most(POSITION, bytes, MAX_POSITION, "bytes of position")?;
        Ok(position)
    }

    /// Begins a call. Until it has come back the instance counts as broken: a caller that stops waiting leaves it in the middle of
    /// the call, where it must not be entered again.
    fn enter(&mut self, function: &'static str) -> Result<(), PluginError> {
        if std::mem::replace(&mut self.broken, true) { Err(self.runner.broke(function, Failure::Gone)) } else { Ok(()) }
    }
}

fn granted(grants: &Grants, image: Image) -> Result<Image, BadImage> {
    let ungranted = image.registries().find(|registry| !grants.names(registry)).cloned();
    match ungranted {
        None => Ok(image),
        Some(registry) => Err(BadImage { text: image.source.to_string(), error: BadName::Ungranted { registry } }),
    }
}

/// A mapping. A broken instance is replaced at the next call.
pub struct Mapper(Kept<MapperPlugin>);

impl Mapper {
    pub(super) async fn open(plugin: Arc<Plugin>, config: Value) -> Result<Self, PluginError> {
        Kept::open(plugin, config).await.map(Self)
    }

    /// Where each of `images` lands; an empty list drops the image.
    pub async fn map(&mut self, images: &[Image]) -> Result<Vec<Result<Vec<Destination>, CallError>>, PluginError> {
        const MAP: &str = "mapper.map-images";
        let mut all = Vec::with_capacity(images.len());
        for some in images.chunks(ASK) {
            let Opened { mut runner, guest, resource: mapping } = self.0.take().await?;
            let told: Vec<_> = some.iter().map(Image::tell).collect();
            let mapped = call!(runner, MAP, async |store| {
                guest.image_transfer_plugin_mapper().mapping().call_map_images(store, mapping, &told).await
            })?;
            if mapped.len() != some.len() {
                let failure = Failure::Mismatch { questions: some.len(), answers: mapped.len() };
                return Err(runner.broke(MAP, failure));
            }
            all.extend(some.iter().zip(mapped).map(|(image, destinations)| {
                let destinations = Destination::read_all(&destinations.map_err(|error| runner.told(error))?)?;
                for registry in destinations.iter().filter_map(|destination| destination.registry.as_ref()) {
                    // Where the image is, or was to go already, the mapper may say again; that makes it nobody else's idea.
                    if image.registries().any(|known| known == registry) {
                        continue;
                    }
                    if !runner.grants().names(registry) {
                        return Err(BadName::Ungranted { registry: registry.clone() }.into());
                    }
                    runner.store.data_mut().note(registry);
                }
                Ok(destinations)
            }));
            self.0.keep(Opened { runner, guest, resource: mapping });
        }
        Ok(all)
    }
}

/// A preparation of repositories. A broken instance is replaced at the next call.
pub struct Preparation(Kept<ProvisionerPlugin>);

impl Preparation {
    pub(super) async fn open(plugin: Arc<Plugin>, config: Value) -> Result<Self, PluginError> {
        Kept::open(plugin, config).await.map(Self)
    }

    /// Makes each of `repositories` exist; beside each, what its source told of the first image for it.
    pub async fn ensure(
        &mut self,
        repositories: &[(Repository, Attributes)],
    ) -> Result<Vec<Result<Ensured, CallError>>, PluginError> {
        const ENSURE: &str = "provisioner.ensure";
        let Opened { mut runner, guest, resource: preparation } = self.0.take().await?;
        let names: Vec<_> = repositories
            .iter()
            .map(|(name, attributes)| provisioner::Repository {
                name: name.to_string(),
                attributes: attributes.clone(),
            })
            .collect();
        let ensured = call!(runner, ENSURE, async |store| {
            guest.image_transfer_plugin_provisioner().preparation().call_ensure(store, preparation, &names).await
        })?;
        if ensured.len() != names.len() {
            let failure = Failure::Mismatch { questions: names.len(), answers: ensured.len() };
            return Err(runner.broke(ENSURE, failure));
        }
        let read = |ensured| match ensured {
            provisioner::Ensured::Existed => Ensured::Existed,
            provisioner::Ensured::Created => Ensured::Created,
        };
        let ensured =
            ensured.into_iter().map(|ensured| ensured.map(read).map_err(|error| runner.told(error))).collect();
        self.0.keep(Opened { runner, guest, resource: preparation });
        Ok(ensured)
    }
}

/// An issuer of credentials. A broken instance is replaced at the next call.
pub struct Issuer(Kept<CredentialsPlugin>);

impl Issuer {
    pub(super) async fn open(plugin: Arc<Plugin>, config: Value) -> Result<Self, PluginError> {
        Kept::open(plugin, config).await.map(Self)
    }

    /// A credential for `registry`.
    pub async fn issue(&mut self, registry: &str) -> Result<Issued, PluginError> {
        const ISSUE: &str = "credentials.issue";
        let Opened { mut runner, guest, resource: issuer } = self.0.take().await?;
        let issued = ask!(runner, ISSUE, async |store| {
            guest.image_transfer_plugin_credentials().issuer().call_issue(store, issuer, registry).await
        })
        .and_then(|issued| {
            let bytes = issued.username.len() + issued.password.len();
            runner.at_most(ISSUE, bytes, MAX_CREDENTIAL, "bytes of credential")?;
            Ok(Issued::read(issued.username, issued.password, issued.expires_at))
        });
        if let Ok(issued) = &issued {
            // From here on it is one of the plugin's secrets.
            let redactor = &mut runner.store.data_mut().redactor;
            *redactor = redactor.with([issued.password.clone()]);
        }
        if !matches!(issued, Err(PluginError::Broken { .. })) {
            self.0.keep(Opened { runner, guest, resource: issuer });
        }
        issued
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_in_a_directory_that_nobody_named_is_none() {
        let image = |source: &str, target: Option<&str>| Image {
            source: source.parse().unwrap(),
            tag: None,
            targets: target
                .map(|target| Destination { registry: Some(target.parse().unwrap()), ..Destination::default() })
                .into_iter()
                .collect(),
            attributes: vec![],
        };
        let grants = Grants::named(vec![]).with([], &serde_json::json!({"from": "oci:./images"}));
        assert!(granted(&grants, image("oci:images//n/app:1", Some("a.io"))).is_ok());
        let error = granted(&grants, image("oci:/etc//n/app:1", None)).unwrap_err();
        assert_eq!(error.error.to_string(), "oci:/etc is not a directory that the plugin's options name");
        assert!(granted(&grants, image("a.io/n/app:1", Some("oci:/home/someone"))).is_err());
        let embedded = Grants::embedded(vec![], vec![]);
        assert!(granted(&embedded, image("oci:/etc//n/app:1", None)).is_ok());
    }
}
