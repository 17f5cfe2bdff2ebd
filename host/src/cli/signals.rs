//! Signals and the deadline, as requests to end.

use std::time::Duration;

use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::time::Instant;

use crate::cli::args::StopArgs;
use crate::shutdown::Shutdown;

/// Takes SIGINT and SIGTERM from now on: the first drains, the second cancels, a third ends the process at once. The deadline counts as
/// the first, the end of the grace after either as the second.
pub(super) fn listen(shutdown: Shutdown, stop: StopArgs) -> std::io::Result<tokio::task::JoinHandle<()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let begun = Instant::now();
    Ok(tokio::spawn(async move {
        let mut deadline = stop.deadline.map(|after| begun + after);
        loop {
            let due = tokio::select! {
                _ = interrupt.recv() => false,
                _ = terminate.recv() => false,
                () = until(deadline) => true,
            };
            if shutdown.is_cancelled() {
                std::process::exit(super::Exit::Interrupted.code());
            }
            shutdown.escalate();
            deadline = None;
            if shutdown.is_cancelled() {
                tracing::warn!("giving up what is in flight");
                continue;
            }
            deadline = stop.grace.map(|grace| Instant::now() + grace);
            let why = if due { "the deadline has come: " } else { "" };
            let end = match stop.grace {
                None => "once more to give it up".to_owned(),
                Some(grace) => format!("to be given up in {}", seconds(grace)),
            };
            tracing::warn!("{why}finishing what is in flight; {end}");
        }
    }))
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn seconds(span: Duration) -> String {
    format!("{:.0} s", span.as_secs_f64().ceil())
}
