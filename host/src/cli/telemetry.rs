//! Traces by OpenTelemetry, where the usual variables of the environment ask for them.
//!
//! Spans are those of [`SPANS`]: the run, its transfers, images and requests. They name hosts and images; a URL's query, which may be
//! signed, and credentials are in none. Without the variables the spans are switched off where they would begin.

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::HttpClient;
use opentelemetry_http::HttpError as SendError;
use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_otlp::Protocol;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_otlp::WithHttpConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use tracing::Subscriber;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use crate::http::Body;
use crate::http::Gateway;
use crate::http::Profile;
use crate::http::Request;
use crate::http::SPANS;
use crate::limit::Limiter;
use crate::limit::Rates;

/// How this program calls itself.
const NAME: &str = "image-transfer";

/// What is read of a collector's answer.
const ANSWER: usize = 1 << 20;

/// How long one delivery may take, if nobody says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the last spans may take on their way after the end.
const FAREWELL: Duration = Duration::from_secs(5);

/// What sends spans while the program runs.
pub(super) struct Telemetry(SdkTracerProvider);

/// Why there are no traces.
#[derive(Debug, thiserror::Error)]
pub(super) enum TelemetryError {
    /// Another protocol than the one that is spoken.
    #[error("{variable} is {value:?}, and http/protobuf is spoken")]
    Protocol {
        /// The variable.
        variable: &'static str,
        /// What it says.
        value: String,
    },
    /// Another exporter than the one there is.
    #[error("OTEL_TRACES_EXPORTER is {0:?}, and there are otlp and none")]
    Exporter(String),
    /// A certificate cannot be read.
    #[error("cannot read {}", path.display())]
    Certificate {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The variables do not fit together.
    #[error(transparent)]
    Build(#[from] ExporterBuildError),
}

impl Telemetry {
    /// Begins if `environment` asks for it. The address, headers, sampler, batches and the service's name are read by the SDK.
    pub(super) fn start(
        environment: impl Fn(&str) -> Option<String>,
        runtime: &Handle,
    ) -> Result<Option<Self>, TelemetryError> {
        let said = |name: &str| environment(name).map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
        let either = |traces: &'static str, all: &'static str| {
            said(traces).map(|value| (traces, value)).or_else(|| said(all).map(|value| (all, value)))
        };
        if said("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let endpoint = either("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT");
        match said("OTEL_TRACES_EXPORTER").as_deref() {
            Some("otlp") => {}
            None if endpoint.is_some() => {}
            Some("none") | None => return Ok(None),
            Some(other) => return Err(TelemetryError::Exporter(other.to_owned())),
        }
        match either("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL") {
            Some((variable, value)) if value != "http/protobuf" => {
                return Err(TelemetryError::Protocol { variable, value });
            }
            _ => {}
        }
        let ca = match either("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE") {
            Some((_, path)) => Some(fs::read(&path).map_err(|source| {
                let path = PathBuf::from(&path);
                TelemetryError::Certificate { path, source }
            })?),
            None => None,
        };
        let timeout = either("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT");
        let timeout = timeout.and_then(|(_, value)| value.parse().ok()).map_or(TIMEOUT, Duration::from_millis);
        let sender = Sender {
            // Of its own: what is said of a run takes nothing from the run's rates.
            gateway: Gateway::new(Arc::new(Limiter::new(&Rates::default()))),
            // The headers are for the collector, and for nobody whom it names.
            profile: Profile { ca, no_redirects: true, ..Profile::default() },
            runtime: runtime.clone(),
            timeout,
            told: Arc::default(),
        };
        let exporter =
            SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_http_client(sender).build()?;
        let named = said("OTEL_SERVICE_NAME").is_some()
            || said("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|it| it.contains("service.name="));
        let resource = Resource::builder();
        let resource = if named { resource } else { resource.with_service_name(NAME) };
        let provider = SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter);
        Ok(Some(Self(provider.build())))
    }

    /// What makes spans of [`SPANS`].
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(NAME))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_level(false)
            .with_target(false)
            .with_filter(filter_fn(|metadata| metadata.target() == SPANS))
    }

    /// Sends what is left. This blocks: the runtime must be there, and not wait for it.
    pub(super) fn finish(self) {
        if let Err(error) = self.0.shutdown_with_timeout(FAREWELL) {
            tracing::debug!(%error, "the last traces are lost");
        }
    }
}

/// Sends a batch of spans by the one way out, from the SDK's own thread, which is none of the runtime's.
#[derive(Clone)]
struct Sender {
    gateway: Gateway,
    profile: Profile,
    runtime: Handle,
    timeout: Duration,
    /// A failure was told: one line of them is enough.
    told: Arc<AtomicBool>,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl Sender {
    async fn deliver(self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, SendError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string())?;
        let request = Request { method: parts.method, url, headers: parts.headers, body: Body::Bytes(body) };
        let response = self.gateway.send(&self.profile, request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut answer = http::Response::new(response.bytes(ANSWER).await?);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, SendError> {
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let (timeout, work) = (self.timeout, self.clone().deliver(request));
        // What is done to tell of spans is in no span itself. The timer is of the runtime, so it begins there.
        let task = async move { tokio::time::timeout(timeout, work).await }.with_subscriber(NoSubscriber::new());
        let answer = match AbortOnDropHandle::new(self.runtime.spawn(task)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(SendError::from(format!("no answer within {:?}", self.timeout))),
            Err(error) => Err(SendError::from(error)),
        };
        let problem = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(problem) = problem
            && !self.told.swap(true, Ordering::Relaxed)
        {
            tracing::warn!("traces do not reach {host}: {problem}; the run goes on without them");
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(variables: &[(&str, &str)]) -> Result<bool, String> {
        let environment =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let started = Telemetry::start(environment, &Handle::current());
        started.map(|it| it.is_some()).map_err(|error| error.to_string())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn only_the_usual_variables_switch_traces_on_and_off() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
        assert_eq!(started(&[]), Ok(false));
        assert_eq!(started(&[endpoint]), Ok(true));
        assert_eq!(started(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), Ok(false));
        assert_eq!(started(&[endpoint, ("OTEL_SDK_DISABLED", "True")]), Ok(false));
        assert_eq!(started(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")]), Ok(false));
        let said = started(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap_err();
        assert_eq!(said, "OTEL_EXPORTER_OTLP_PROTOCOL is \"grpc\", and http/protobuf is spoken");
        let said = started(&[("OTEL_TRACES_EXPORTER", "zipkin")]).unwrap_err();
        assert_eq!(said, "OTEL_TRACES_EXPORTER is \"zipkin\", and there are otlp and none");
        assert!(started(&[endpoint, ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nonexistent")]).is_err());
    }
}
