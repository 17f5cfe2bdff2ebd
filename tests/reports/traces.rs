//! Traces, as a collector gets them.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message as _;

use crate::harness::api::Api;
use crate::harness::api::Call;
use crate::harness::api::Recorder;
use crate::harness::api::Reply;
use crate::harness::api::Server;
use crate::harness::command::Finished;
use crate::reports::eventful;
use crate::support::stage::Stage;

/// A collector that takes everything.
struct Collector;

impl Api for Collector {
    fn answer(&self, _: &Call) -> Reply {
        Reply::empty(200)
    }
}

/// What a collector got.
struct Traces {
    calls: Vec<Call>,
    services: Vec<String>,
    spans: Vec<Span>,
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|it| it.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    attributes.iter().find(|it| it.key == key).map(|it| text(it.value.as_ref()))
}

/// Runs the workflow of an eventful stage with these variables and a collector.
fn traced(variables: &[(&str, &str)]) -> (Stage, Finished, Traces) {
    let (stage, text) = eventful();
    stage.place.file("workflow.yaml", &text);
    let recorder = Recorder::new(Arc::new(Collector));
    let server = Server::start(Arc::clone(&recorder) as Arc<dyn Api>);
    let url = server.url();
    let mut environment = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())];
    environment.extend(variables);
    let finished = stage.place.run_with(&["run", "workflow.yaml"], &environment).expect(1);
    let calls = recorder.calls();
    let (mut services, mut spans) = (Vec::new(), Vec::new());
    for call in &calls {
        for of in ExportTraceServiceRequest::decode(call.body.as_slice()).unwrap().resource_spans {
            services.extend(attribute(&of.resource.unwrap().attributes, "service.name"));
            spans.extend(of.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    (stage, finished, Traces { calls, services, spans })
}

#[test]
fn a_run_is_one_trace_of_its_transfers_images_and_requests() {
    let (stage, finished, traces) =
        traced(&[("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue"), ("OTEL_SERVICE_NAME", "mirror")]);
    assert!(!traces.calls.is_empty(), "{}", finished.stderr);
    for call in &traces.calls {
        assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/v1/traces"));
        assert_eq!(call.header("content-type"), Some("application/x-protobuf"));
        assert_eq!(call.header("x-tenant"), Some("blue"));
    }
    assert!(traces.services.iter().all(|name| name == "mirror"), "{:?}", traces.services);

    let by_id: HashMap<_, _> = traces.spans.iter().map(|span| (&span.span_id, span)).collect();
    let named = |name: &str| traces.spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let above = |span: &Span| by_id.get(&span.parent_span_id).map(|above| above.name.clone());
    assert_eq!((named("run").len(), named("transfer").len(), named("image").len()), (1, 1, 14));
    let astray: Vec<_> = traces.spans.iter().filter(|span| span.trace_id != named("run")[0].trace_id).collect();
    assert!(astray.is_empty(), "{astray:?}");
    assert_eq!(above(named("run")[0]), None);
    assert_eq!(above(named("transfer")[0]).as_deref(), Some("run"));
    assert!(named("image").iter().all(|span| above(span).as_deref() == Some("transfer")));
    let requests: Vec<_> =
        traces.spans.iter().filter(|span| attribute(&span.attributes, "http.request.method").is_some()).collect();
    assert_eq!(requests.len(), stage.source.seen().len() + stage.target.seen().len());
    assert!(requests.iter().all(|span| above(span).is_some()));
    let puts = requests.iter().filter(|span| span.name == "PUT" && above(span).as_deref() == Some("image")).count();
    assert!(puts > 12, "{puts}");

    let image = |tag: &str| {
        let source = format!("{}/team/{tag}", stage.source.address());
        let images = named("image");
        let of = |span: &&&Span| attribute(&span.attributes, "image_transfer.source").as_ref() == Some(&source);
        (*images.iter().find(of).unwrap_or_else(|| panic!("no {source}"))).clone()
    };
    let (copied, gone) = (image("app:v1"), image("gone:1"));
    assert_eq!(attribute(&copied.attributes, "image_transfer.status").as_deref(), Some("copied"));
    assert!(copied.status.is_none_or(|status| status.code != StatusCode::Error as i32));
    assert_eq!(attribute(&gone.attributes, "error.type").as_deref(), Some("not-found"));
    assert_eq!(gone.status.map(|status| status.code), Some(StatusCode::Error as i32));
    let busy =
        requests.iter().find(|span| attribute(&span.attributes, "http.response.status_code").as_deref() == Some("429"));
    assert_eq!(attribute(&busy.unwrap().attributes, "server.port"), Some(stage.target.address().port().to_string()));
}

#[test]
fn no_span_has_a_query_or_a_secret() {
    let (stage, finished, traces) = traced(&[]);
    assert!(traces.services.iter().all(|name| name == "image-transfer") && !traces.spans.is_empty());
    let secrets: Vec<String> =
        [&stage.source, &stage.target].into_iter().flat_map(|registry| registry.lock().secrets()).collect();
    assert!(!secrets.is_empty());
    for call in &traces.calls {
        let sent = String::from_utf8_lossy(&call.body);
        assert!(secrets.iter().all(|secret| !sent.contains(secret)), "a secret is told");
    }
    for span in &traces.spans {
        for one in &span.attributes {
            assert!(!text(one.value.as_ref()).contains('?'), "{}: {one:?}", span.name);
        }
    }
    // Nor do the spans show in the log.
    assert!(!finished.stderr.contains("image_transfer."), "{}", finished.stderr);
}

#[test]
fn the_usual_variables_switch_traces_off() {
    for variable in
        [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_TRACES_SAMPLER", "always_off")]
    {
        let (_, _, traces) = traced(&[variable]);
        assert_eq!(traces.spans.len(), 0, "{variable:?}");
    }
}

#[test]
fn a_collector_that_is_not_there_is_told_once_and_stops_nothing() {
    let (stage, text) = eventful();
    stage.place.file("workflow.yaml", &text);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{nobody}");
    for variables in [
        vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())],
        vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
    ] {
        let said = stage.place.run_with(&["run", "workflow.yaml"], &variables).expect(1);
        let told = |text: &str| said.stderr.matches(text).count();
        assert_eq!(
            told("traces do not reach") + told("no traces: OTEL_EXPORTER_OTLP_PROTOCOL is"),
            1,
            "{}",
            said.stderr
        );
    }
}
