//! Metrics while a run is under way, for Prometheus and whatever reads its text.
//!
//! Nothing is counted for them: a scrape reads what limits, plugins and the summary count anyway. So they cost nothing where nobody asks.

mod families;
mod server;

use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::SystemTime;

use tokio_util::task::AbortOnDropHandle;

use crate::limit::Limiter;
use crate::plugin::Calls;
use crate::report::Backlog;
use crate::report::Summary;

/// The address at which metrics are served, taken before a run begins. Until then those who ask wait.
#[derive(Clone, Debug)]
pub struct Metrics {
    listener: Arc<TcpListener>,
    summary: Arc<Mutex<Summary>>,
}

/// What a scrape reads.
pub struct Sources {
    /// Hosts and requests.
    pub limiter: Arc<Limiter>,
    /// Plugins.
    pub calls: Calls,
    /// Images under way.
    pub backlog: Backlog,
}

/// All that a scrape tells of.
struct Scene {
    sources: Sources,
    summary: Arc<Mutex<Summary>>,
    started: SystemTime,
}

impl Metrics {
    /// Takes `address`.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        tracing::info!("metrics: http://{}{}", listener.local_addr()?, server::PATH);
        Ok(Self { listener: Arc::new(listener), summary: Arc::default() })
    }

    /// Serves them until the handle is dropped.
    pub fn serve(&self, sources: Sources) -> io::Result<AbortOnDropHandle<()>> {
        let listener = tokio::net::TcpListener::from_std(self.listener.try_clone()?)?;
        let scene = Scene { sources, summary: Arc::clone(&self.summary), started: SystemTime::now() };
        Ok(AbortOnDropHandle::new(tokio::spawn(server::serve(listener, Arc::new(scene)))))
    }

    /// Takes in how far the run is.
    pub(super) fn note(&self, summary: &Summary) {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner).clone_from(summary);
    }
}
