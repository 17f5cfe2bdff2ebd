//! A plan with everything at hand that it needs: plugins loaded, options checked, files read. Nothing was sent yet.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::endpoint::Endpoints;
use crate::endpoint::api_host;
use crate::http::Gateway;
use crate::journal::Past;
use crate::journal::SourceState;
use crate::journal::Writer;
use crate::limit::Limiter;
use crate::limit::Rates;
use crate::plugin::CacheDir;
use crate::plugin::Calls;
use crate::plugin::Host;
use crate::plugin::HostOptions;
use crate::run::RunError;
use crate::run::enumerate::Enumeration;
use crate::run::jobs::JobMaker;
use crate::run::ledger;
use crate::run::ledger::Ledger;
use crate::run::named::named;
use crate::run::newest::Grouping;
use crate::run::patience::Patience;
use crate::run::preparer::Preparer;
use crate::run::preparer::Preparers;
use crate::run::registries::Listings;
use crate::run::seen::Seen;
use crate::run::settings::settings;
use crate::run::settings::transports;
use crate::run::shelf::Opened;
use crate::run::shelf::Shelf;
use crate::run::shelf::UNKNOWN;
use crate::secret::Redactor;
use crate::shutdown::Shutdown;
use crate::transfer::Board;
use crate::transfer::Engine;
use crate::transfer::EngineOptions;
use crate::transfer::Job;
use crate::workflow;
use crate::workflow::Diagnostic;
use crate::workflow::LoginEntry;
use crate::workflow::Plan;

/// A plan that is ready to run.
pub struct Workbench {
    plan: Plan,
    limiter: Arc<Limiter>,
    calls: Calls,
    endpoints: Endpoints,
    preparers: Preparers,
    /// For each transfer and each of its `to`, the number of its provisioner.
    prepare: Vec<Vec<Option<usize>>>,
    opened: Vec<Opened>,
    past: Past,
    ledger: Ledger,
}

impl Workbench {
    /// Loads and checks everything that `plan` names. All that is wrong comes back together, with its place in `texts`. What `past` has
    /// done is not done again.
    pub async fn prepare(plan: Plan, texts: &workflow::Source, past: Past) -> Result<Self, RunError> {
        let limiter = Arc::new(Limiter::new(&rates(&plan)));
        Self::counted(plan, texts, past, limiter, Calls::default()).await
    }

    /// The same for a plan that ran already, with what limited and counted its requests and calls: a host that asked for a pause then has
    /// not forgotten it, and the numbers go on.
    pub(super) async fn counted(
        plan: Plan,
        texts: &workflow::Source,
        past: Past,
        limiter: Arc<Limiter>,
        calls: Calls,
    ) -> Result<Self, RunError> {
        let gateway = Gateway::for_user(Arc::clone(&limiter), named(&plan), plan.limits.patience);
        let listings = Arc::new(Listings::new(plan.base.clone()));
        let host = host(&plan, &gateway, &listings, calls.clone())?;
        let mut shelf = Shelf::new(host, &plan);
        // Boxed, since it waits within every command that has a plan, and most have nothing to fetch.
        Box::pin(shelf.fetch(gateway.clone())).await;
        shelf.check_all().await;

        let mut registries = Vec::new();
        for entry in &plan.registries {
            let plugin = match &entry.login {
                LoginEntry::Plugin(issuer) => shelf.issuer(issuer).await,
                _ => None,
            };
            registries.push(settings(entry, plugin, patience(&plan), &mut shelf.problems));
        }
        let mut preparers = Preparers::default();
        let mut prepare = Vec::new();
        for transfer in &plan.transfers {
            let mut numbers = Vec::new();
            for to in &transfer.to {
                let Some(used) = &to.prepare else {
                    numbers.push(None);
                    continue;
                };
                numbers.push(shelf.provisioner(used).await.map(|(plugin, opened)| {
                    preparers.all.push(Preparer::new(plugin, used.with.clone(), opened, patience(&plan)));
                    preparers.all.len() - 1
                }));
            }
            prepare.push(numbers);
        }
        let mut opened = Vec::new();
        for transfer in &plan.transfers {
            let listed = past.sources.get(&transfer.name).cloned().unwrap_or_default();
            opened.extend(shelf.open(transfer, &listed).await);
        }
        let problems = shelf.problems;
        if !problems.is_empty() {
            return Err(RunError::Plan(texts.report(problems)));
        }
        let endpoints = Endpoints::new(gateway, registries);
        listings.connect(endpoints.clone());
        let ledger = Ledger::default();
        Ok(Self { plan, limiter, calls, endpoints, preparers, prepare, opened, past, ledger })
    }

    /// Has what happens noted in a journal.
    #[must_use]
    pub fn with_journal(self, writer: Writer) -> Self {
        let ledger = Ledger::new(Some(writer), &self.past, self.endpoints.named().clone());
        Self { ledger, ..self }
    }

    /// What an earlier run left.
    pub(super) fn past(&self) -> &Past {
        &self.past
    }

    /// What notes what happens.
    pub(super) fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// What plugins have against a plan of which other parts are wrong, so that all errors are told at once. A plugin that is not known
    /// is told only if it looks like a slip: its declaration may be what could not be read.
    pub async fn problems(plan: &Plan) -> Result<Vec<Diagnostic>, RunError> {
        let gateway = Gateway::new(Arc::new(Limiter::new(&Rates::default())));
        let listings = Arc::new(Listings::new(plan.base.clone()));
        let mut shelf = Shelf::new(host(plan, &gateway, &listings, Calls::default())?, plan);
        shelf.check_all().await;
        for transfer in &plan.transfers {
            shelf.open(transfer, &SourceState::default()).await;
        }
        let mut problems = shelf.problems;
        problems.retain(|problem| problem.help.is_some() || !problem.message.starts_with(UNKNOWN));
        Ok(problems)
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

    /// What counts the calls of its plugins.
    pub(super) fn calls(&self) -> Calls {
        self.calls.clone()
    }

    /// Retry rounds.
    pub(super) fn rounds(&self) -> u32 {
        self.plan.retry.rounds
    }

    /// The engine, the ceiling of images, and each transfer with those that it needs.
    pub(super) fn start(self, shutdown: &Shutdown, board: Board) -> (Engine, usize, Vec<(Enumeration, Vec<usize>)>) {
        let Self { plan, endpoints, preparers, prepare, opened, past, ledger, .. } = self;
        let engine = Engine::new(EngineOptions {
            endpoints: endpoints.clone(),
            streams: plan.limits.blobs,
            prepare: Arc::new(preparers),
            sessions: Arc::new(ledger),
            goes_on: past.run > 0,
            shutdown: shutdown.clone(),
            board,
        });
        let named = endpoints.named();
        let left: Vec<Vec<Job>> = plan.transfers.iter().map(|it| ledger::left(&past, &it.name, named)).collect();
        let seen = Arc::new(Seen::new(&past.done));
        for job in left.iter().flatten() {
            for target in &job.targets {
                seen.note(&job.source, &target.reference);
            }
        }
        let transfers = plan.transfers.into_iter().zip(prepare).zip(opened.into_iter().zip(left));
        let transfers = transfers.map(|((transfer, prepare), (opened, left))| {
            let position = past.sources.get(&transfer.name).and_then(|source| source.position.clone());
            let maker = JobMaker {
                options: JobMaker::options(&transfer.select),
                transfer: transfer.name,
                to: transfer.to.into_iter().zip(prepare).collect(),
                base: plan.base.clone(),
            };
            let grouping = transfer.select.newest().map(|newest| Grouping::new(newest, endpoints.clone()));
            let enumeration = Enumeration {
                source: opened.source,
                left,
                mappers: opened.mappers,
                selection: transfer.select,
                grouping,
                maker,
                seen: Arc::clone(&seen),
                patience: Patience::new(plan.retry.patience),
                position,
            };
            (enumeration, transfer.needs)
        });
        (engine, plan.limits.images, transfers.collect())
    }
}

fn host(plan: &Plan, gateway: &Gateway, listings: &Arc<Listings>, calls: Calls) -> Result<Host, RunError> {
    let options = HostOptions {
        gateway: gateway.clone(),
        registries: listings.clone(),
        transports: transports(&plan.registries),
        cache: CacheDir::default(),
        redactor: Redactor::new(plan.secrets.clone()),
        calls,
    };
    Host::new(options).map_err(RunError::Plugins)
}

/// For one plugin.
fn patience(plan: &Plan) -> Patience {
    Patience::new(plan.retry.patience)
}

fn rates(plan: &Plan) -> Rates {
    let hosts: HashMap<String, NonZeroU32> = plan
        .registries
        .iter()
        .filter_map(|entry| {
            let host = entry.key.split('/').next().unwrap_or(&entry.key);
            Some((api_host(host).to_owned(), entry.qps?))
        })
        .collect();
    Rates {
        overall: plan.limits.qps,
        hosts,
        bandwidth: plan.limits.bandwidth,
        // The ceiling of all hosts together is the engine's, which has room for small ones besides.
        blobs: plan.limits.blobs.saturating_mul(2),
        patience: plan.retry.patience,
    }
}
