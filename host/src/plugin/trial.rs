//! A plugin on trial: what it calls is noted, and may be answered from a recording in place of the network.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::plugin::ListError;
use crate::plugin::Pages;
use crate::plugin::Registries;
use crate::plugin::bindings::http as wit_http;
use crate::plugin::recording::Exchange;
use crate::plugin::recording::Listed;
use crate::plugin::recording::Recording;
use crate::plugin::way::MAX_BODY;
use crate::secret::Redactor;

/// Looks on while plugins run. One that is offline answers for the network as well.
#[derive(Debug, Default)]
pub struct Trial {
    recording: Option<Recording>,
    seen: Mutex<Seen>,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Calls of the plugin's functions.
    pub calls: Vec<Called>,
    /// Its requests, those too that were denied.
    pub requests: Vec<Requested>,
    /// Listings that it read.
    pub listings: Vec<Listed>,
    /// The most memory that one of its instances had, bytes.
    pub memory: u64,
}

/// One call of a function of a plugin.
#[derive(Clone, Debug)]
pub struct Called {
    /// Interface and function.
    pub function: &'static str,
    /// From its begin to its end, waits included.
    pub took: Duration,
    /// What it computed.
    pub cpu: Duration,
}

/// One request of a plugin.
#[derive(Clone, Debug)]
pub struct Requested {
    /// What was asked and answered, without secrets.
    pub exchange: Exchange,
    /// Whether it was not granted, so that nothing was sent.
    pub denied: bool,
    /// How long the answer took.
    pub took: Duration,
    /// Bytes of the answer's body.
    pub bytes: usize,
}

/// A request, as it is looked for and shown.
pub(super) struct Asked(Exchange);

impl Asked {
    pub(super) fn of(request: &wit_http::Request, redactor: &Redactor) -> Self {
        let body = request.body.as_deref().filter(|body| !body.is_empty());
        let sent = body.map(|body| redactor.strike(&String::from_utf8_lossy(body)));
        Self(Exchange::asked(request.method.clone(), redactor.strike(&request.url), sent))
    }
}

impl Trial {
    /// One that lets requests out and notes them.
    #[must_use]
    pub fn online() -> Self {
        Self::default()
    }

    /// One that lets nothing out: what `recording` has no answer to is a transport error.
    #[must_use]
    pub fn offline(recording: Recording) -> Self {
        Self { recording: Some(recording), seen: Mutex::default() }
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// What another trial can answer from.
    #[must_use]
    pub fn record(&self) -> Recording {
        let seen = self.lock();
        let http = seen.requests.iter().filter(|it| !it.denied).map(|it| it.exchange.clone()).collect();
        Recording { http, listings: seen.listings.clone() }
    }

    /// The answer in place of the network's; none if the network is to be asked.
    pub(super) fn recorded(&self, asked: &Asked) -> Option<Result<wit_http::Response, wit_http::SendError>> {
        let recording = self.recording.as_ref()?;
        let Asked(asked) = asked;
        let found = recording.answer(&asked.method, &asked.url, asked.sent.as_deref().unwrap_or_default());
        Some(match found {
            Some(exchange) => exchange.tell(MAX_BODY),
            None => Err(wit_http::SendError::Transport(format!(
                "the recording has no answer to {} {}",
                asked.method, asked.url
            ))),
        })
    }

    /// Takes in what came of a request.
    pub(super) fn answered(
        &self,
        asked: Asked,
        answer: &Result<wit_http::Response, wit_http::SendError>,
        took: Duration,
        redactor: &Redactor,
    ) {
        let Asked(mut exchange) = asked;
        exchange.keep(answer, |text| redactor.strike(text));
        let denied = matches!(answer, Err(wit_http::SendError::Denied(_)));
        let bytes = answer.as_ref().map_or(0, |response| response.body.len());
        self.lock().requests.push(Requested { exchange, denied, took, bytes });
    }

    /// Takes in that a call is over, after which the instance has so much `memory`.
    pub(super) fn called(&self, called: Called, memory: u64) {
        let mut seen = self.lock();
        seen.memory = seen.memory.max(memory);
        seen.calls.push(called);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The registries of a trial: those of `live`, noted, or without any those of its recording.
pub struct TrialRegistries {
    /// The trial.
    pub trial: Arc<Trial>,
    /// Real ones.
    pub live: Option<Arc<dyn Registries>>,
}

impl TrialRegistries {
    fn open(
        &self,
        registry: &str,
        repository: Option<&str>,
        live: impl FnOnce(&dyn Registries) -> Result<Box<dyn Pages>, ListError>,
    ) -> Result<Box<dyn Pages>, ListError> {
        let listed =
            Listed { registry: registry.to_owned(), repository: repository.map(str::to_owned), names: Vec::new() };
        let pages = match &self.live {
            Some(registries) => Some(live(registries.as_ref())?),
            None => None,
        };
        let recorded = match (&pages, &self.trial.recording) {
            (Some(_), _) => Vec::new(),
            (None, Some(recording)) => {
                let names = recording.listing(registry, repository).map(<[String]>::to_vec);
                let of =
                    repository.map_or_else(|| registry.to_owned(), |repository| format!("{registry}/{repository}"));
                names.ok_or_else(|| ListError::NotFound(format!("the recording has no listing of {of}")))?
            }
            (None, None) => return Err(ListError::Fatal("there is no registry to list here".to_owned())),
        };
        Ok(Box::new(Noted { pages, recorded, listed: Some(listed), trial: Arc::clone(&self.trial) }))
    }
}

impl Registries for TrialRegistries {
    fn repositories(&self, registry: &str) -> Result<Box<dyn Pages>, ListError> {
        self.open(registry, None, |live| live.repositories(registry))
    }

    fn tags(&self, registry: &str, repository: &str) -> Result<Box<dyn Pages>, ListError> {
        self.open(registry, Some(repository), |live| live.tags(registry, repository))
    }
}

/// A listing that is noted once it is read to its end.
struct Noted {
    pages: Option<Box<dyn Pages>>,
    recorded: Vec<String>,
    listed: Option<Listed>,
    trial: Arc<Trial>,
}

impl Pages for Noted {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<String>>, ListError>> {
        async {
            let page = match &mut self.pages {
                Some(pages) => pages.next().await?,
                None => Some(std::mem::take(&mut self.recorded)).filter(|names| !names.is_empty()),
            };
            match (&page, &mut self.listed) {
                (Some(names), Some(listed)) => listed.names.extend_from_slice(names),
                (None, listed) => self.trial.lock().listings.extend(listed.take()),
                (Some(_), None) => {}
            }
            Ok(page)
        }
        .boxed()
    }
}
