//! What the host offers to plugins: `log` and `http`.

use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;

use crate::plugin::bindings::http as wit_http;
use crate::plugin::bindings::log as wit_log;
use crate::plugin::bindings::types;
use crate::plugin::image::clean;
use crate::plugin::state::State;
use crate::plugin::way::AT_ONCE;

/// Log lines of one call; the rest is dropped, said once.
const MAX_LINES: usize = 1000;

/// Requests of one `send-all`.
const MAX_REQUESTS: usize = 64;

impl types::Host for State {}

impl wit_log::Host for State {
    async fn log(&mut self, level: wit_log::Level, message: String) -> wasmtime::Result<()> {
        self.lines += 1;
        if self.lines > MAX_LINES {
            if self.lines == MAX_LINES + 1 {
                tracing::warn!(target: "plugin", plugin = self.plugin, "more than {MAX_LINES} log lines in one call, the rest is dropped");
            }
            return Ok(());
        }
        // In this order: what was cut or cleaned is no longer the secret that is looked for.
        let message = clean(&self.redactor.strike(&message));
        let plugin = &self.plugin;
        match level {
            wit_log::Level::Trace => tracing::trace!(target: "plugin", plugin, "{message}"),
            wit_log::Level::Debug => tracing::debug!(target: "plugin", plugin, "{message}"),
            wit_log::Level::Info => tracing::info!(target: "plugin", plugin, "{message}"),
            wit_log::Level::Warn => tracing::warn!(target: "plugin", plugin, "{message}"),
            wit_log::Level::Error => tracing::error!(target: "plugin", plugin, "{message}"),
        }
        Ok(())
    }
}

impl wit_http::Host for State {
    async fn send(
        &mut self,
        request: wit_http::Request,
    ) -> wasmtime::Result<Result<wit_http::Response, wit_http::SendError>> {
        let answer = self.way.request(request).await;
        Ok(answer)
    }

    async fn send_all(
        &mut self,
        requests: Vec<wit_http::Request>,
    ) -> wasmtime::Result<Vec<Result<wit_http::Response, wit_http::SendError>>> {
        let way = &self.way;
        let numbered = requests.into_iter().enumerate();
        let sent = numbered.map(|(number, request)| async move {
            if number < MAX_REQUESTS {
                way.request(request).await
            } else {
                Err(wit_http::SendError::Denied(format!("more than {MAX_REQUESTS} requests at a time")))
            }
        });
        let sent: Vec<BoxFuture<'_, _>> = sent.map(FutureExt::boxed).collect();
        Ok(stream::iter(sent).buffered(AT_ONCE).collect().await)
    }
}
