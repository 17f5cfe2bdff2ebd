//! The plugins of a plan: loaded once, their options checked, opened.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;

use crate::http::Gateway;
use crate::journal::SourceState;
use crate::plugin::CacheDir;
use crate::plugin::Host;
use crate::plugin::Issuer;
use crate::plugin::Mapper;
use crate::plugin::Origin;
use crate::plugin::Plugin;
use crate::plugin::PluginError;
use crate::plugin::Preparation;
use crate::plugin::Source;
use crate::plugin::Spec;
use crate::run::artifact;
use crate::run::standalone;
use crate::workflow;
use crate::workflow::Diagnostic;
use crate::workflow::LoginEntry;
use crate::workflow::Place;
use crate::workflow::Plan;
use crate::workflow::PluginUse;

/// How the error about a plugin that nobody knows begins.
pub(super) const UNKNOWN: &str = "no plugin is called";

/// Components that are compiled side by side. Each takes some tens of megabytes while it is.
const COMPILERS: usize = 4;

/// The plugins of one transfer, opened with their options.
pub(super) struct Opened {
    /// None where it was read to its end before.
    pub(super) source: Option<Result<Source, PluginError>>,
    pub(super) mappers: Vec<Mapper>,
}

/// What a plugin is used as.
#[derive(Clone, Copy)]
pub(super) enum Role {
    Source,
    Mapper,
    Provisioner,
    Credentials,
}

/// The plugins that were loaded so far, and what was wrong.
pub(super) struct Shelf<'a> {
    host: Host,
    plan: &'a Plan,
    /// Those that nobody asked for yet, each as it came.
    ready: HashMap<String, Result<Plugin, PluginError>>,
    loaded: HashMap<String, Option<Arc<Plugin>>>,
    /// Uses whose options the plugin's schema refused: opening them would only say so again.
    wrong: HashSet<Place>,
    /// Components that came from registries.
    fetched: HashMap<String, Arc<[u8]>>,
    pub(super) problems: Vec<Diagnostic>,
}

impl<'a> Shelf<'a> {
    pub(super) fn new(host: Host, plan: &'a Plan) -> Self {
        Self {
            host,
            plan,
            ready: HashMap::new(),
            loaded: HashMap::new(),
            wrong: HashSet::new(),
            fetched: HashMap::new(),
            problems: Vec::new(),
        }
    }

    /// Fetches the components that the plan names in registries and that are not here yet.
    pub(super) async fn fetch(&mut self, gateway: Gateway) {
        let plan = self.plan;
        let endpoints = standalone::of_plan(plan, gateway);
        for entry in &plan.plugins {
            let Some(reference) = &entry.artifact else { continue };
            match artifact::pinned(&endpoints, reference, &CacheDir::default()).await {
                Ok(component) => drop(self.fetched.insert(entry.name.clone(), component)),
                Err(error) => {
                    let text = format!("plugin `{}` cannot be fetched: {error}", entry.name);
                    self.problems.push(Diagnostic::new(entry.at, text));
                }
            }
        }
    }

    /// Loads and checks the plugins that transfers list with, so that they are all reported before any is opened.
    pub(super) async fn check_all(&mut self) {
        self.load_all().await;
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

    /// Opens the plugins of `transfer`, its source as far as it was listed; none if that cannot be tried, or its options are wrong. That the outside cannot be reached is no
    /// problem of the plan: it breaks off the listing later.
    pub(super) async fn open(&mut self, transfer: &workflow::Transfer, listed: &SourceState) -> Option<Opened> {
        let source = self.loaded.get(&transfer.from.plugin).cloned().flatten();
        let mut mappers = Vec::new();
        for mapper in &transfer.map {
            let plugin = self.loaded.get(&mapper.plugin).cloned().flatten()?;
            if self.wrong.contains(&mapper.at) {
                continue;
            }
            match plugin.mapper(&mapper.with).await {
                Ok(opened) => mappers.push(opened),
                Err(error) => self.refused(mapper, &error),
            }
        }
        let source = source.filter(|_| !self.wrong.contains(&transfer.from.at))?;
        if listed.listed {
            return Some(Opened { source: None, mappers });
        }
        let source = source.source(&transfer.from.with, listed.position.as_deref()).await;
        if let Err(error) = &source {
            self.is_refused(&transfer.from, error);
        }
        Some(Opened { source: Some(source), mappers })
    }

    /// A provisioner, opened; none if that cannot be tried or its options are wrong. What is wrong otherwise comes up when it is used.
    pub(super) async fn provisioner(&mut self, used: &PluginUse) -> Option<(Arc<Plugin>, Option<Preparation>)> {
        let plugin = self.plugin(used, Role::Provisioner).await?;
        if self.wrong.contains(&used.at) {
            return None;
        }
        let opened = match plugin.provisioner(&used.with).await {
            Err(error) if self.is_refused(used, &error) => return None,
            opened => opened.ok(),
        };
        Some((plugin, opened))
    }

    /// An issuer of credentials, likewise.
    pub(super) async fn issuer(&mut self, used: &PluginUse) -> Option<(Arc<Plugin>, Option<Issuer>)> {
        let plugin = self.plugin(used, Role::Credentials).await?;
        if self.wrong.contains(&used.at) {
            return None;
        }
        let opened = match plugin.issuer(&used.with).await {
            Err(error) if self.is_refused(used, &error) => return None,
            opened => opened.ok(),
        };
        Some((plugin, opened))
    }

    /// Notes what a plugin has against its options; false if the error is about something else.
    fn is_refused(&mut self, used: &PluginUse, error: &PluginError) -> bool {
        if error.is_invalid_config() {
            self.refused(used, error);
        }
        error.is_invalid_config()
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
    pub(super) async fn plugin(&mut self, used: &PluginUse, role: Role) -> Option<Arc<Plugin>> {
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
            self.wrong.insert(used.at);
            let place = used.with_at.locate_key(&problem.pointer);
            let place = if place.is_known() { place } else { used.at };
            let mut diagnostic = Diagnostic::new(place, format!("plugin `{}`: {}", used.plugin, problem.message));
            diagnostic.help = problem.help;
            self.problems.push(diagnostic);
        }
        Some(plugin)
    }

    /// Loads all that the plan names, side by side: where they have to be compiled, one after the other would take as long as all
    /// together. What is wrong with one is told where it is used.
    async fn load_all(&mut self) {
        let plan = self.plan;
        let mut names: Vec<&str> = plan.plugins.iter().map(|entry| entry.name.as_str()).collect();
        for entry in &plan.registries {
            if let LoginEntry::Plugin(issuer) = &entry.login {
                names.push(&issuer.plugin);
            }
        }
        for transfer in &plan.transfers {
            let provisioners = transfer.to.iter().filter_map(|to| to.prepare.as_ref());
            let used = std::iter::once(&transfer.from).chain(&transfer.map).chain(provisioners);
            names.extend(used.map(|used| used.plugin.as_str()));
        }
        let names: HashSet<&str> = names.into_iter().collect();
        let specs: Vec<Spec> = names.into_iter().filter_map(|name| self.spec(name)).collect();
        let host = &self.host;
        let load = specs.into_iter().map(|spec| async { (spec.name.clone(), host.load(spec).await) });
        self.ready = stream::iter(load.collect::<Vec<_>>()).buffer_unordered(COMPILERS).collect().await;
    }

    /// Loads the plugin called `name` once; what is wrong with it is noted once.
    async fn load(&mut self, name: &str, at: Place) -> Option<Arc<Plugin>> {
        if let Some(loaded) = self.loaded.get(name) {
            return loaded.clone();
        }
        let elsewhere = self.plan.plugins.iter().any(|entry| entry.name == name && entry.artifact.is_some());
        if elsewhere && !self.fetched.contains_key(name) {
            // Was told when it was not to be had, or was not asked for in a plan that is wrong anyway.
            return None;
        }
        let loaded = if let Some(spec) = self.spec(name) {
            let problem =
                |error: PluginError| Diagnostic { help: error.hint(), ..Diagnostic::new(at, error.to_string()) };
            let ready = self.ready.remove(name);
            let loaded = match ready {
                Some(loaded) => loaded,
                None => self.host.load(spec).await,
            };
            loaded.map(Arc::new).map_err(problem)
        } else {
            let names = self.names();
            let others = names.iter().map(String::as_str).filter(|other| *other != name);
            Err(Diagnostic::new(at, format!("{UNKNOWN} `{name}`")).with_suggestion(name, others))
        };
        let loaded = loaded.map_err(|problem| self.problems.push(problem)).ok();
        self.loaded.insert(name.to_owned(), loaded.clone());
        loaded
    }

    fn spec(&self, name: &str) -> Option<Spec> {
        let entry = self.plan.plugins.iter().find(|entry| entry.name == name);
        let file = format!("{name}.wasm");
        let found = self.plan.plugin_dirs.iter().map(|directory| directory.join(&file)).find(|path| path.is_file());
        let fetched = self.fetched.get(name).map(|component| Origin::Artifact { component: Arc::clone(component) });
        let origin = match (entry.and_then(|entry| entry.path.clone()), found) {
            _ if fetched.is_some() => fetched?,
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
