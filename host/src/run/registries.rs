//! What the layers below ask of each other: listings for plugins, credentials from plugins.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::SystemTime;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::endpoint::Credential;
use crate::endpoint::EndpointError;
use crate::endpoint::Endpoints;
use crate::endpoint::Issuer;
use crate::endpoint::Pages;
use crate::http::Class;
use crate::oci::Repository;
use crate::plugin;
use crate::plugin::Issued;
use crate::plugin::ListError;
use crate::plugin::Plugin;
use crate::plugin::PluginError;
use crate::run::jobs::based;
use crate::run::patience::Patience;

/// Lists registries for plugins, with the credentials of the workflow. The endpoints come after the plugins, since plugins issue
/// credentials: until then nothing can be listed, and no plugin is asked for images.
#[derive(Default)]
pub(super) struct Listings {
    endpoints: OnceLock<Endpoints>,
    base: PathBuf,
}

impl Listings {
    pub(super) fn new(base: PathBuf) -> Self {
        Self { endpoints: OnceLock::new(), base }
    }

    pub(super) fn connect(&self, endpoints: Endpoints) {
        // A second call would be a second run on the same bench, which takes itself.
        let _ = self.endpoints.set(endpoints);
    }

    fn open(&self, registry: &str, repository: Option<&Repository>) -> Result<crate::endpoint::Endpoint, ListError> {
        let endpoints = self.endpoints.get().ok_or_else(|| {
            ListError::Fatal("registries can be listed only once the run has begun: not in `open`".to_owned())
        })?;
        let registry = registry.parse().map_err(|error| ListError::InvalidConfig(format!("{error}")))?;
        endpoints.open(&based(&registry, &self.base), repository).map_err(|error| list_error(&error))
    }
}

impl plugin::Registries for Listings {
    fn repositories(&self, registry: &str) -> Result<Box<dyn plugin::Pages>, ListError> {
        Ok(Box::new(Listing(self.open(registry, None)?.repositories())))
    }

    fn tags(&self, registry: &str, repository: &str) -> Result<Box<dyn plugin::Pages>, ListError> {
        let repository: Repository =
            repository.parse().map_err(|error| ListError::InvalidConfig(format!("{error}")))?;
        Ok(Box::new(Listing(self.open(registry, Some(&repository))?.tags(&repository))))
    }
}

struct Listing(Pages);

impl plugin::Pages for Listing {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<String>>, ListError>> {
        async { self.0.next().await.map_err(|error| list_error(&error)) }.boxed()
    }
}

fn list_error(error: &EndpointError) -> ListError {
    let mut text = error.to_string();
    if let Some(hint) = error.hint() {
        text = format!("{text} ({hint})");
    }
    match error.class() {
        Class::Wait(pause) => {
            ListError::RateLimited(pause.map(|pause| u32::try_from(pause.as_secs()).unwrap_or(u32::MAX)))
        }
        Class::Retry | Class::RestartBlob | Class::Repair => ListError::Unavailable(text),
        Class::Reauthenticate => ListError::Unauthorized(text),
        Class::NotFound => ListError::NotFound(text),
        Class::Permanent => ListError::Fatal(text),
    }
}

/// Credentials that a plugin issues. One instance serves all, one call at a time.
pub(super) struct PluginIssuer {
    plugin: Arc<Plugin>,
    config: serde_json::Value,
    turn: tokio::sync::Mutex<Turn>,
}

/// The instance, how long its API is waited for, and what it said that another try does not mend: each image would only ask again.
struct Turn {
    issuer: Option<plugin::Issuer>,
    patience: Patience,
    refused: Option<String>,
}

impl PluginIssuer {
    /// `opened` is an instance that is ready, if there is one.
    pub(super) fn new(
        plugin: Arc<Plugin>,
        config: serde_json::Value,
        opened: Option<plugin::Issuer>,
        patience: Patience,
    ) -> Self {
        let turn = Turn { issuer: opened, patience, refused: None };
        Self { plugin, config, turn: tokio::sync::Mutex::new(turn) }
    }

    async fn ask(&self, turn: &mut Option<plugin::Issuer>, registry: &str) -> Result<Issued, PluginError> {
        let mut issuer = match turn.take() {
            Some(issuer) => issuer,
            None => self.plugin.issuer(&self.config).await?,
        };
        let issued = issuer.issue(registry).await;
        *turn = Some(issuer);
        issued
    }
}

impl Issuer for PluginIssuer {
    fn issue(&self, registry: &str) -> BoxFuture<'_, Result<(Credential, Option<std::time::Duration>), String>> {
        let registry = registry.to_owned();
        async move {
            let mut turn = self.turn.lock().await;
            if let Some(refused) = &turn.refused {
                return Err(refused.clone());
            }
            let issued = loop {
                match self.ask(&mut turn.issuer, &registry).await {
                    Ok(issued) => break issued,
                    Err(error) if turn.patience.again(error.class(), error.to_string()).await => {}
                    Err(error) => {
                        let text = error.to_string();
                        turn.refused = (!error.may_pass()).then(|| text.clone());
                        return Err(text);
                    }
                }
            };
            turn.patience.served();
            let life = issued.expires_at.and_then(|at| at.duration_since(SystemTime::now()).ok());
            Ok((Credential::Basic { username: issued.username, password: issued.password }, life))
        }
        .boxed()
    }
}
