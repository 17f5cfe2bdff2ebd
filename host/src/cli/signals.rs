//! Signals, as requests to end.

use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

use crate::shutdown::Shutdown;

/// Takes SIGINT and SIGTERM from now on: the first drains, the second cancels, a third ends the process at once.
pub(super) fn listen(shutdown: Shutdown) -> std::io::Result<tokio::task::JoinHandle<()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(tokio::spawn(async move {
        for _ in 0..3 {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if shutdown.is_cancelled() {
                std::process::exit(super::Exit::Interrupted.code());
            }
            shutdown.escalate();
            if shutdown.is_cancelled() {
                tracing::warn!("giving up what is in flight");
            } else {
                tracing::warn!("finishing what is in flight; once more to give it up");
            }
        }
    }))
}
