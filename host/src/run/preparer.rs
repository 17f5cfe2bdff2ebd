//! Provisioner plugins, as the transfer knows them.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::http::Class;
use crate::oci::Repository;
use crate::plugin::Attributes;
use crate::plugin::Ensured;
use crate::plugin::Plugin;
use crate::plugin::PluginError;
use crate::plugin::Preparation;
use crate::run::patience::Patience;
use crate::transfer::Prepare;

/// All provisioners of a run, by number.
#[derive(Default)]
pub(super) struct Preparers {
    pub(super) all: Vec<Preparer>,
}

/// One provisioner with its options. Its calls never overlap.
pub(super) struct Preparer {
    plugin: Arc<Plugin>,
    config: serde_json::Value,
    turn: tokio::sync::Mutex<Turn>,
}

/// The instance, and how long its API is waited for.
struct Turn {
    preparation: Option<Preparation>,
    patience: Patience,
}

/// Why a repository is not prepared, and what another try is worth.
struct Refusal(String, Class);

impl Prepare for Preparers {
    fn prepare(
        &self,
        which: usize,
        repository: &Repository,
        attributes: &[(String, String)],
    ) -> BoxFuture<'_, Result<(), (String, bool)>> {
        let wanted = (repository.clone(), attributes.to_vec());
        async move {
            let Some(preparer) = self.all.get(which) else { return Ok(()) };
            let mut turn = preparer.turn.lock().await;
            loop {
                let Refusal(reason, class) = match preparer.ensure(&mut turn.preparation, &wanted).await {
                    Ok(ensured) => {
                        turn.patience.served();
                        tracing::debug!(repository = %wanted.0, ?ensured, "repository is prepared");
                        return Ok(());
                    }
                    Err(refusal) => refusal,
                };
                if !turn.patience.again(class, &reason).await {
                    return Err((reason, matches!(class, Class::Retry | Class::Wait(_))));
                }
            }
        }
        .boxed()
    }
}

impl Preparer {
    /// `opened` is an instance that is ready, if there is one.
    pub(super) fn new(
        plugin: Arc<Plugin>,
        config: serde_json::Value,
        opened: Option<Preparation>,
        patience: Patience,
    ) -> Self {
        Self { plugin, config, turn: tokio::sync::Mutex::new(Turn { preparation: opened, patience }) }
    }

    async fn ensure(
        &self,
        turn: &mut Option<Preparation>,
        wanted: &(Repository, Attributes),
    ) -> Result<Ensured, Refusal> {
        let mut preparation = match turn.take() {
            Some(preparation) => preparation,
            None => self.plugin.provisioner(&self.config).await?,
        };
        let ensured = preparation.ensure(std::slice::from_ref(wanted)).await?;
        *turn = Some(preparation);
        match ensured.into_iter().next() {
            Some(Ok(ensured)) => Ok(ensured),
            Some(Err(error)) => {
                let name = &self.plugin.info().name;
                Err(Refusal(format!("plugin `{name}`: {error}"), error.class()))
            }
            None => Err(Refusal("the provisioner said nothing".to_owned(), Class::Permanent)),
        }
    }
}

impl From<PluginError> for Refusal {
    fn from(error: PluginError) -> Self {
        Self(error.to_string(), error.class())
    }
}
