//! Provisioner plugins, as the transfer knows them.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::oci::Repository;
use crate::plugin::Plugin;
use crate::plugin::Preparation;
use crate::transfer::Prepare;

/// All provisioners of a run, by number.
#[derive(Default)]
pub(super) struct Preparers {
    pub(super) all: Vec<Preparer>,
}

/// One provisioner with its options. Its calls never overlap.
pub(super) struct Preparer {
    pub(super) plugin: Arc<Plugin>,
    pub(super) config: serde_json::Value,
    pub(super) preparation: tokio::sync::Mutex<Option<Preparation>>,
}

impl Prepare for Preparers {
    fn prepare(&self, which: usize, repository: &Repository) -> BoxFuture<'_, Result<(), (String, bool)>> {
        let repository = repository.clone();
        async move {
            let Some(preparer) = self.all.get(which) else { return Ok(()) };
            let mut turn = preparer.preparation.lock().await;
            let mut preparation = match turn.take() {
                Some(preparation) => preparation,
                None => preparer.plugin.provisioner(&preparer.config).await.map_err(|error| told(&error))?,
            };
            let ensured = preparation.ensure(std::slice::from_ref(&repository)).await.map_err(|error| told(&error))?;
            *turn = Some(preparation);
            match ensured.into_iter().next() {
                Some(Ok(ensured)) => {
                    tracing::debug!(%repository, ?ensured, "repository is prepared");
                    Ok(())
                }
                Some(Err(error)) => Err((error.to_string(), error.may_pass())),
                None => Err(("the provisioner said nothing".to_owned(), false)),
            }
        }
        .boxed()
    }
}

fn told(error: &crate::plugin::PluginError) -> (String, bool) {
    (error.to_string(), error.may_pass())
}
