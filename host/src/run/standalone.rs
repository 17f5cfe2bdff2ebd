//! Registries and plugins without a plan, for commands that look at one thing.

use std::collections::HashMap;
use std::sync::Arc;

use crate::endpoint::Endpoints;
use crate::endpoint::Settings;
use crate::http::Gateway;
use crate::limit::Limiter;
use crate::limit::Rates;
use crate::oci::Reference;
use crate::plugin::CacheDir;
use crate::plugin::Calls;
use crate::plugin::Host;
use crate::plugin::HostOptions;
use crate::plugin::PluginError;
use crate::plugin::Registries;
use crate::plugin::Transports;
use crate::plugin::Trial;
use crate::plugin::TrialRegistries;
use crate::run::artifact;
use crate::run::artifact::ArtifactError;
use crate::run::patience::Patience;
use crate::run::registries::Listings;
use crate::run::settings::settings;
use crate::secret::Redactor;
use crate::workflow::Plan;

/// The way to any registry, with the logins of docker's and podman's files. `plain` are spoken to by http, `insecure` by https with
/// whatever certificate, or http.
#[must_use]
pub fn endpoints(plain: &[String], insecure: &[String]) -> Endpoints {
    let gateway = Gateway::new(Arc::new(Limiter::new(&Rates::default())));
    reached(gateway, plain, insecure)
}

/// A plugin host with a trial that looks on. Online, plugins reach what they are granted, and registries as [`endpoints`] has it;
/// offline, nothing but the trial's recording.
pub fn trial_host(trial: Arc<Trial>, online: bool, plain: &[String]) -> Result<Host, PluginError> {
    let gateway = Gateway::new(Arc::new(Limiter::new(&Rates::default())));
    let live = online.then(|| {
        let listings = Listings::default();
        listings.connect(reached(gateway.clone(), plain, &[]));
        let listings: Arc<dyn Registries> = Arc::new(listings);
        listings
    });
    let registries = Arc::new(TrialRegistries { trial: Arc::clone(&trial), live });
    let options = HostOptions {
        gateway,
        registries,
        transports: Transports::default(),
        cache: CacheDir::default(),
        redactor: Redactor::default(),
        calls: Calls::default(),
    };
    Host::on_trial(options, trial)
}

/// A component that `plan` names in a registry, which is reached as the plan says.
pub async fn component_of(plan: &Plan, reference: &Reference) -> Result<Arc<[u8]>, ArtifactError> {
    let gateway = Gateway::new(Arc::new(Limiter::new(&Rates::default())));
    artifact::pinned(&of_plan(plan, gateway), reference, &CacheDir::default()).await
}

/// The registries of a plan before there are plugins, so that none issues a login. What is wrong with the plan's files is told elsewhere.
pub(super) fn of_plan(plan: &Plan, gateway: Gateway) -> Endpoints {
    let settings = |entry| settings(entry, None, Patience::new(plan.retry.patience), &mut Vec::new());
    Endpoints::new(gateway, plan.registries.iter().map(settings).collect())
}

fn reached(gateway: Gateway, plain: &[String], insecure: &[String]) -> Endpoints {
    let mut settings: HashMap<String, Settings> = HashMap::new();
    for host in plain {
        settings.entry(host.clone()).or_default().plain_http = true;
    }
    for host in insecure {
        settings.entry(host.clone()).or_default().insecure = true;
    }
    Endpoints::new(gateway, settings.into_iter().collect())
}
