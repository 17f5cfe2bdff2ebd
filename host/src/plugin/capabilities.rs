//! What an opened plugin does: enumerate, map, prepare, issue.

use std::sync::Arc;

use serde_json::Value;
use wasmtime::component::ResourceAny;

use crate::oci::Repository;
use crate::plugin::BadImage;
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
use crate::plugin::instance::Runner;

/// Images of one batch that are taken.
const MAX_BATCH: usize = 10_000;

/// Images that a mapper is asked about in one call.
const ASK: usize = 1000;

/// One call, under its wall clock; its failure is told with the plugin's name and version.
macro_rules! call {
    ($runner:expr, $function:expr, $call:expr) => {{
        $runner.begin();
        let timeout = $runner.timeout();
        let answer = tokio::time::timeout(timeout, async {
            let store = &mut $runner.store;
            $call(store).await
        })
        .await;
        $runner.judge($function, answer)
    }};
}

/// The same for a function that may itself say no.
macro_rules! ask {
    ($runner:expr, $function:expr, $call:expr) => {
        call!($runner, $function, $call).and_then(|answer| {
            answer.map_err(|error| PluginError::Call { call: $runner.call($function), error: CallError::read(error) })
        })
    };
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
        let Some(pre) = &plugin.worlds.source else {
            return Err(PluginError::NoCapability { plugin: plugin.spec.name.clone() });
        };
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
        if self.broken {
            return Err(PluginError::Broken { call: self.runner.call(NEXT), failure: Failure::Gone });
        }
        let (guest, enumerator) = (&self.guest, self.enumerator);
        let batch = ask!(self.runner, NEXT, async |store| {
            guest.image_transfer_plugin_source().enumerator().call_next(store, enumerator).await
        });
        self.broken = matches!(batch, Err(PluginError::Broken { .. }));
        let Some(batch) = batch? else { return Ok(None) };
        if batch.len() > MAX_BATCH {
            self.broken = true;
            let failure = Failure::TooMuch { what: "images in one batch", limit: MAX_BATCH };
            return Err(PluginError::Broken { call: self.runner.call(NEXT), failure });
        }
        Ok(Some(batch.into_iter().map(Image::read).collect()))
    }

    /// A mark after the last batch, from which a later enumeration can go on.
    pub async fn position(&mut self) -> Result<Option<String>, PluginError> {
        let (guest, enumerator) = (&self.guest, self.enumerator);
        call!(self.runner, "source.position", async |store| {
            guest.image_transfer_plugin_source().enumerator().call_position(store, enumerator).await
        })
    }
}

/// A mapping. A broken instance is replaced at the next call.
pub struct Mapper {
    plugin: Arc<Plugin>,
    config: Value,
    opened: Option<(Runner, MapperPlugin, ResourceAny)>,
}

impl Mapper {
    pub(super) async fn open(plugin: Arc<Plugin>, config: Value) -> Result<Self, PluginError> {
        let opened = Some(Self::instance(&plugin, &config).await?);
        Ok(Self { plugin, config, opened })
    }

    async fn instance(
        plugin: &Arc<Plugin>,
        config: &Value,
    ) -> Result<(Runner, MapperPlugin, ResourceAny), PluginError> {
        let mut runner = Runner::open(plugin, config);
        let Some(pre) = &plugin.worlds.mapper else {
            return Err(PluginError::NoCapability { plugin: plugin.spec.name.clone() });
        };
        let config = config.to_string();
        let guest = call!(runner, "mapper.open", async |store| pre.instantiate_async(store).await)?;
        let mapping = ask!(runner, "mapper.open", async |store| {
            guest.image_transfer_plugin_mapper().mapping().call_open(store, &config).await
        })?;
        Ok((runner, guest, mapping))
    }

    /// Where each of `images` lands; an empty list drops the image.
    pub async fn map(&mut self, images: &[Image]) -> Result<Vec<Result<Vec<Destination>, CallError>>, PluginError> {
        const MAP: &str = "mapper.map-images";
        let mut all = Vec::with_capacity(images.len());
        for some in images.chunks(ASK) {
            let (mut runner, guest, mapping) = match self.opened.take() {
                Some(opened) => opened,
                None => Self::instance(&self.plugin, &self.config).await?,
            };
            let told: Vec<_> = some.iter().map(Image::tell).collect();
            let mapped = call!(runner, MAP, async |store| {
                guest.image_transfer_plugin_mapper().mapping().call_map_images(store, mapping, &told).await
            })?;
            if mapped.len() != some.len() {
                let failure = Failure::Mismatch { questions: some.len(), answers: mapped.len() };
                return Err(PluginError::Broken { call: runner.call(MAP), failure });
            }
            self.opened = Some((runner, guest, mapping));
            all.extend(mapped.into_iter().map(|destinations| {
                let destinations = destinations.map_err(CallError::read)?;
                Ok(destinations.into_iter().map(Destination::read).collect::<Result<_, _>>()?)
            }));
        }
        Ok(all)
    }
}

/// A preparation of repositories. A broken instance is replaced at the next call.
pub struct Preparation {
    plugin: Arc<Plugin>,
    config: Value,
    opened: Option<(Runner, ProvisionerPlugin, ResourceAny)>,
}

impl Preparation {
    pub(super) async fn open(plugin: Arc<Plugin>, config: Value) -> Result<Self, PluginError> {
        let opened = Some(Self::instance(&plugin, &config).await?);
        Ok(Self { plugin, config, opened })
    }

    async fn instance(
        plugin: &Arc<Plugin>,
        config: &Value,
    ) -> Result<(Runner, ProvisionerPlugin, ResourceAny), PluginError> {
        let mut runner = Runner::open(plugin, config);
        let Some(pre) = &plugin.worlds.provisioner else {
            return Err(PluginError::NoCapability { plugin: plugin.spec.name.clone() });
        };
        let config = config.to_string();
        let guest = call!(runner, "provisioner.open", async |store| pre.instantiate_async(store).await)?;
        let preparation = ask!(runner, "provisioner.open", async |store| {
            guest.image_transfer_plugin_provisioner().preparation().call_open(store, &config).await
        })?;
        Ok((runner, guest, preparation))
    }

    /// Makes each of `repositories` exist.
    pub async fn ensure(
        &mut self,
        repositories: &[Repository],
    ) -> Result<Vec<Result<Ensured, CallError>>, PluginError> {
        const ENSURE: &str = "provisioner.ensure";
        let (mut runner, guest, preparation) = match self.opened.take() {
            Some(opened) => opened,
            None => Self::instance(&self.plugin, &self.config).await?,
        };
        let names: Vec<String> = repositories.iter().map(ToString::to_string).collect();
        let ensured = call!(runner, ENSURE, async |store| {
            guest.image_transfer_plugin_provisioner().preparation().call_ensure(store, preparation, &names).await
        })?;
        if ensured.len() != names.len() {
            let failure = Failure::Mismatch { questions: names.len(), answers: ensured.len() };
            return Err(PluginError::Broken { call: runner.call(ENSURE), failure });
        }
        self.opened = Some((runner, guest, preparation));
        let read = |ensured| match ensured {
            provisioner::Ensured::Existed => Ensured::Existed,
            provisioner::Ensured::Created => Ensured::Created,
        };
        Ok(ensured.into_iter().map(|ensured| ensured.map(read).map_err(CallError::read)).collect())
    }
}

/// An issuer of credentials. A broken instance is replaced at the next call.
pub struct Issuer {
    plugin: Arc<Plugin>,
    config: Value,
    opened: Option<(Runner, CredentialsPlugin, ResourceAny)>,
}

impl Issuer {
    pub(super) async fn open(plugin: Arc<Plugin>, config: Value) -> Result<Self, PluginError> {
        let opened = Some(Self::instance(&plugin, &config).await?);
        Ok(Self { plugin, config, opened })
    }

    async fn instance(
        plugin: &Arc<Plugin>,
        config: &Value,
    ) -> Result<(Runner, CredentialsPlugin, ResourceAny), PluginError> {
        let mut runner = Runner::open(plugin, config);
        let Some(pre) = &plugin.worlds.credentials else {
            return Err(PluginError::NoCapability { plugin: plugin.spec.name.clone() });
        };
        let config = config.to_string();
        let guest = call!(runner, "credentials.open", async |store| pre.instantiate_async(store).await)?;
        let issuer = ask!(runner, "credentials.open", async |store| {
            guest.image_transfer_plugin_credentials().issuer().call_open(store, &config).await
        })?;
        Ok((runner, guest, issuer))
    }

    /// A credential for `registry`.
    pub async fn issue(&mut self, registry: &str) -> Result<Issued, PluginError> {
        let (mut runner, guest, issuer) = match self.opened.take() {
            Some(opened) => opened,
            None => Self::instance(&self.plugin, &self.config).await?,
        };
        let issued = ask!(runner, "credentials.issue", async |store| {
            guest.image_transfer_plugin_credentials().issuer().call_issue(store, issuer, registry).await
        });
        if !matches!(issued, Err(PluginError::Broken { .. })) {
            self.opened = Some((runner, guest, issuer));
        }
        issued.map(|issued| Issued::read(issued.username, issued.password, issued.expires_at))
    }
}
