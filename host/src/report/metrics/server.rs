//! The server of metrics: one page, read by GET.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::report::metrics::Scene;

/// Where they are.
pub(super) const PATH: &str = "/metrics";

/// The form of the text, which every version of Prometheus reads.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Connections at a time. Each is for one request, and ends if that does not come soon.
const CONNECTIONS: usize = 16;

/// How long a connection may last.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers whoever connects, for ever.
pub(super) async fn serve(listener: TcpListener, scene: Arc<Scene>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let scene = Arc::clone(&scene);
                connections.spawn(async move {
                    if tokio::time::timeout(PATIENCE, connection(stream, &scene)).await.is_err() {
                        tracing::debug!("a reader of metrics takes too long");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "cannot accept a reader of metrics");
                // Such as too many open files, which passes.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, scene: &Scene) {
    let service = service_fn(|request| async move { Ok::<_, Infallible>(answer(&request, scene)) });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).keep_alive(false);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a reader of metrics went away");
    }
}

fn answer(request: &Request<Incoming>, scene: &Scene) -> Response<String> {
    let (status, kind, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, PATH) => match scene.text() {
            Ok(text) => (StatusCode::OK, TEXT, text),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, "text/plain", format!("{error}\n")),
        },
        (_, PATH) => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "text/plain", format!("see {PATH}\n")),
    };
    let mut response = Response::new(text);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
