//! A plan with everything at hand that it needs: plugins loaded, options checked, files read. Nothing was sent yet.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::endpoint::Endpoints;
use crate::http::Gateway;
use crate::limit::Limiter;
use crate::limit::Rates;
use crate::plugin::CacheDir;
use crate::plugin::Host;
use crate::plugin::HostOptions;
use crate::plugin::Mapper;
use crate::plugin::Origin;
use crate::plugin::Plugin;
use crate::plugin::PluginError;
use crate::plugin::Source;
use crate::plugin::Spec;
use crate::run::RunError;
use crate::run::enumerate::Enumeration;
use crate::run::jobs::JobMaker;
use crate::run::newest::Grouping;
use crate::run::preparer::Preparer;
use crate::run::preparer::Preparers;
use crate::run::registries::Listings;
use crate::run::seen::Seen;
use crate::run::settings::settings;
use crate::secret::Redactor;
use crate::shutdown::Shutdown;
use crate::transfer::Engine;
use crate::transfer::EngineOptions;
use crate::workflow;
use crate::workflow::Diagnostic;
use crate::workflow::LoginEntry;
use crate::workflow::Plan;
use crate::workflow::PluginUse;

/// A plan that is ready to run.
pub struct Workbench {
    plan: Plan,
    limiter: Arc<Limiter>,
    endpoints: Endpoints,
    preparers: Preparers,
    /// For each transfer and each of its `to`, the number of its provisioner.
    prepare: Vec<Vec<Option<usize>>>,
    opened: Vec<Opened>,
}

/// The plugins of one transfer, opened with their options.
struct Opened {
    source: Result<Source, PluginError>,
    mappers: Vec<Mapper>,
}

/// What a plugin is used as.
#[derive(Clone, Copy)]
enum Role {
    Source,
    Mapper,
    Provisioner,
    Credentials,
}

impl Workbench {
    /// Loads and checks everything that `plan` names. All that is wrong comes back together, with its place in `texts`.
    pub async fn prepare(plan: Plan, texts: &workflow::Source) -> Result<Self, RunError> {
        let limiter = Arc::new(Limiter::new(&rates(&plan)));
        let gateway = Gateway::new(Arc::clone(&limiter));
        let listings = Arc::new(Listings::new(plan.base.clone()));
        let host = Host::new(HostOptions {
            gateway: gateway.clone(),
            registries: listings.clone(),
            cache: CacheDir::default(),
            redactor: Redactor::new(plan.secrets.clone()),
        })
        .map_err(RunError::Plugins)?;
        let mut shelf = Shelf { host, plan: &plan, loaded: HashMap::new(), problems: Vec::new() };
        shelf.check_all().await;

        let mut registries = Vec::new();
        for entry in &plan.registries {
            let plugin = match &entry.login {
                LoginEntry::Plugin(issuer) => shelf.plugin(issuer, Role::Credentials).await,
                _ => None,
            };
            registries.push(settings(entry, plugin, &mut shelf.problems));
        }
        let mut preparers = Preparers::default();
        let mut prepare = Vec::new();
        for transfer in &plan.transfers {
            let mut numbers = Vec::new();
            for to in &transfer.to {
                let plugin = match &to.prepare {
                    Some(used) => shelf.plugin(used, Role::Provisioner).await.zip(Some(used)),
                    None => None,
                };
                numbers.push(plugin.map(|(plugin, used)| {
                    let config = used.with.clone();
                    preparers.all.push(Preparer { plugin, config, preparation: tokio::sync::Mutex::new(None) });
                    preparers.all.len() - 1
                }));
            }
            prepare.push(numbers);
        }
        let mut opened = Vec::new();
        for transfer in &plan.transfers {
            opened.extend(shelf.open(transfer).await);
        }
        let problems = shelf.problems;
        if !problems.is_empty() {
            return Err(RunError::Plan(texts.report(problems)));
        }
        let endpoints = Endpoints::new(gateway, registries);
        listings.connect(endpoints.clone());
        Ok(Self { plan, limiter, endpoints, preparers, prepare, opened })
    }

    /// The run's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// What counts and limits its requests.
    #[must_use]
    pub fn limiter(&self) -> Arc<Limiter> {
        Arc::clone(&self.limiter)
    }

    /// Retry rounds.
    pub(super) fn rounds(&self) -> u32 {
        self.plan.retry.rounds
    }

    /// The engine, the ceiling of images, and each transfer with those that it needs.
    pub(super) fn start(self, shutdown: &Shutdown) -> (Engine, usize, Vec<(Enumeration, Vec<usize>)>) {
        let Self { plan, endpoints, preparers, prepare, opened, .. } = self;
        let engine = Engine::new(EngineOptions {
            endpoints: endpoints.clone(),
            streams: plan.limits.blobs,
            prepare: Arc::new(preparers),
            shutdown: shutdown.clone(),
        });
        let seen = Arc::new(Seen::default());
        let transfers = plan.transfers.into_iter().zip(prepare).zip(opened);
        let transfers = transfers.map(|((transfer, prepare), opened)| {
            let maker = JobMaker {
                options: JobMaker::options(&transfer.select),
                transfer: transfer.name,
                to: transfer.to.into_iter().zip(prepare).collect(),
                base: plan.base.clone(),
            };
            let grouping = transfer.select.newest().map(|newest| Grouping::new(newest, endpoints.clone()));
            let enumeration = Enumeration {
                source: opened.source,
                mappers: opened.mappers,
                selection: transfer.select,
                grouping,
                maker,
                seen: Arc::clone(&seen),
            };
            (enumeration, transfer.needs)
        });
        (engine, plan.limits.images, transfers.collect())
    }
}

/// The plugins that were loaded so far, and what was wrong.
struct Shelf<'a> {
    host: Host,
    plan: &'a Plan,
    loaded: HashMap<String, Option<Arc<Plugin>>>,
    problems: Vec<Diagnostic>,
}

impl Shelf<'_> {
    /// Loads and checks the plugins that transfers list with, so that they are all reported before any is opened.
    async fn check_all(&mut self) {
        let plan = self.plan;
        for entry in &plan.plugins {
            // Declared and not used: still wrong if it is not there.
            self.load(&entry.name, entry.at).await;
        }
        for transfer in &plan.transfers {
            self.plugin(&transfer.from, Role::Source).await;
            for mapper in &transfer.map {
                self.plugin(mapper, Role::Mapper).await;
            }
        }
    }

    /// Opens the plugins of `transfer`; none if that cannot be tried, or its options are wrong. That the outside cannot be reached is no
    /// problem of the plan: it breaks off the listing later.
    async fn open(&mut self, transfer: &workflow::Transfer) -> Option<Opened> {
        let source = self.loaded.get(&transfer.from.plugin).cloned().flatten();
        let mut mappers = Vec::new();
        for mapper in &transfer.map {
            let plugin = self.loaded.get(&mapper.plugin).cloned().flatten()?;
            match plugin.mapper(&mapper.with).await {
                Ok(opened) => mappers.push(opened),
                Err(error) => self.refused(mapper, &error),
            }
        }
        let source = source?.source(&transfer.from.with, None).await;
        if let Err(error) = &source
            && error.is_invalid_config()
        {
            self.refused(&transfer.from, error);
        }
        Some(Opened { source, mappers })
    }

    /// Options that a plugin refused. A line that begins with a JSON pointer into the options is shown there.
    fn refused(&mut self, used: &PluginUse, error: &PluginError) {
        for line in error.problems() {
            let (pointer, message) = match line.split_once(": ") {
                Some((pointer, message)) if pointer.starts_with('/') => (pointer, message),
                _ => ("", line.as_str()),
            };
            let place = if pointer.is_empty() { used.with_at.locate("") } else { used.with_at.locate_key(pointer) };
            let place = if place.is_known() { place } else { used.at };
            self.problems.push(Diagnostic::new(place, format!("plugin `{}`: {message}", used.plugin)));
        }
    }

    /// The plugin that is used here, if it is there, can do what is asked of it, and accepts its options.
    async fn plugin(&mut self, used: &PluginUse, role: Role) -> Option<Arc<Plugin>> {
        let plugin = self.load(&used.plugin, used.at).await?;
        let capabilities = plugin.capabilities();
        let (able, what) = match role {
            Role::Source => (capabilities.source, "a source"),
            Role::Mapper => (capabilities.mapper, "a mapper"),
            Role::Provisioner => (capabilities.provisioner, "a provisioner"),
            Role::Credentials => (capabilities.credentials, "credentials"),
        };
        if !able {
            let text = format!("plugin `{}` is not {what}: it exports {capabilities}", used.plugin);
            self.problems.push(Diagnostic::new(used.at, text));
            return None;
        }
        for problem in plugin.check(&used.with) {
            let place = used.with_at.locate_key(&problem.pointer);
            let place = if place.is_known() { place } else { used.at };
            let mut diagnostic = Diagnostic::new(place, format!("plugin `{}`: {}", used.plugin, problem.message));
            diagnostic.help = problem.help;
            self.problems.push(diagnostic);
        }
        Some(plugin)
    }

    /// Loads the plugin called `name` once; what is wrong with it is noted once.
    async fn load(&mut self, name: &str, at: workflow::Place) -> Option<Arc<Plugin>> {
        if let Some(loaded) = self.loaded.get(name) {
            return loaded.clone();
        }
        let loaded = match self.spec(name) {
            Some(spec) => self.host.load(spec).await.map(Arc::new).map_err(|error| error.to_string()),
            None => Err(format!("no plugin is called `{name}`")),
        };
        let loaded = loaded
            .map_err(|message| {
                let names = self.names();
                let known = names.iter().map(String::as_str);
                self.problems.push(Diagnostic::new(at, message).with_suggestion(name, known));
            })
            .ok();
        self.loaded.insert(name.to_owned(), loaded.clone());
        loaded
    }

    fn spec(&self, name: &str) -> Option<Spec> {
        let entry = self.plan.plugins.iter().find(|entry| entry.name == name);
        let file = format!("{name}.wasm");
        let found = self.plan.plugin_dirs.iter().map(|directory| directory.join(&file)).find(|path| path.is_file());
        let origin = match (entry.and_then(|entry| entry.path.clone()), found) {
            (Some(path), _) => Origin::Path { path, sha256: entry.and_then(|entry| entry.sha256.clone()) },
            (None, Some(path)) => Origin::Path { path, sha256: entry.and_then(|entry| entry.sha256.clone()) },
            (None, None) if Host::builtins().contains(&name) => Origin::Builtin,
            (None, None) => return None,
        };
        let mut spec = Spec::new(name, origin);
        if let Some(entry) = entry {
            spec.hosts.clone_from(&entry.hosts);
            spec.memory = entry.memory.unwrap_or(spec.memory);
            spec.timeout = entry.timeout.unwrap_or(spec.timeout);
            spec.cpu = entry.cpu.unwrap_or(spec.cpu);
        }
        Some(spec)
    }

    fn names(&self) -> Vec<String> {
        let declared = self.plan.plugins.iter().map(|entry| entry.name.clone());
        declared.chain(Host::builtins().iter().map(ToString::to_string)).collect()
    }
}

fn rates(plan: &Plan) -> Rates {
    let hosts: HashMap<String, NonZeroU32> = plan
        .registries
        .iter()
        .filter_map(|entry| {
            let host = entry.key.split('/').next().unwrap_or(&entry.key);
            Some((host.to_owned(), entry.qps?))
        })
        .collect();
    Rates { overall: plan.limits.qps, hosts, bandwidth: plan.limits.bandwidth }
}
