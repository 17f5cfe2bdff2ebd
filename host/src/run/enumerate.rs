//! One transfer's images, from the source plugin through selection and mappers to jobs.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::oci::Tag;
use crate::plugin::BadImage;
use crate::plugin::Image;
use crate::plugin::Mapper;
use crate::plugin::PluginError;
use crate::plugin::Source;
use crate::report::Event;
use crate::run::jobs::JobMaker;
use crate::run::newest::Grouping;
use crate::run::patience::Patience;
use crate::run::seen::Before;
use crate::run::seen::Seen;
use crate::select::Selection;
use crate::shutdown::Shutdown;
use crate::transfer::Job;
use crate::transfer::Outcome;
use crate::transfer::TransferError;

/// One transfer's way from images to jobs.
pub(super) struct Enumeration {
    pub(super) source: Result<Source, PluginError>,
    pub(super) mappers: Vec<Mapper>,
    pub(super) selection: Selection,
    pub(super) grouping: Option<Grouping>,
    pub(super) maker: JobMaker,
    pub(super) seen: Arc<Seen>,
}

/// Where an enumeration sends what it finds.
pub(super) struct Outlets {
    pub(super) jobs: mpsc::Sender<Job>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) shutdown: Shutdown,
}

/// The run has ended under the enumeration; nothing more can be said.
struct Gone;

impl From<mpsc::error::SendError<Event>> for Gone {
    fn from(_: mpsc::error::SendError<Event>) -> Self {
        Self
    }
}

impl From<mpsc::error::SendError<Job>> for Gone {
    fn from(_: mpsc::error::SendError<Job>) -> Self {
        Self
    }
}

impl Enumeration {
    /// Tells all jobs to `outlets`, until the source ends or the run is drained.
    pub(super) async fn run(mut self, outlets: &Outlets) {
        tokio::select! {
            // Either all was told, or nobody listens any more.
            _ = self.tell(outlets) => {}
            () = outlets.shutdown.draining() => {}
        }
    }

    async fn tell(&mut self, outlets: &Outlets) -> Result<(), Gone> {
        loop {
            match self.next().await {
                Ok(Some(batch)) => self.batch(batch, outlets).await?,
                Ok(None) => break,
                Err(error) => {
                    let (reason, hint) = (error.to_string(), error.hint());
                    outlets.events.send(Event::Incomplete { transfer: self.name(), reason, hint }).await?;
                    break;
                }
            }
        }
        if let Some(grouping) = &mut self.grouping {
            let chosen = grouping.flush().await.map_err(|error| self.maker.rejection("newest", &error));
            self.chosen(chosen, outlets).await?;
        }
        Ok(())
    }

    fn name(&self) -> String {
        self.maker.transfer.clone()
    }

    /// The next batch, asked for again where that is worth it.
    async fn next(&mut self) -> Result<Option<Vec<Result<Image, BadImage>>>, PluginError> {
        let source = match &mut self.source {
            Ok(source) => source,
            Err(error) => return Err(error.clone()),
        };
        let mut patience = Patience::default();
        loop {
            match source.next().await {
                Ok(batch) => return Ok(batch),
                Err(error) if patience.again(error.class(), error.to_string()).await => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn batch(&mut self, batch: Vec<Result<Image, BadImage>>, outlets: &Outlets) -> Result<(), Gone> {
        let mut wanted = Vec::new();
        for image in batch {
            match image {
                Err(bad) => {
                    let (image, reason) = (bad.text.clone(), bad.to_string());
                    outlets.events.send(Event::Rejected { transfer: self.name(), image, reason }).await?;
                }
                Ok(image) if !self.wants(&image) => outlets.events.send(Event::Unwanted).await?,
                Ok(image) => match &mut self.grouping {
                    None => wanted.push(image),
                    Some(grouping) => {
                        let chosen = grouping.take(image).await.map_err(|error| self.maker.rejection("newest", &error));
                        self.chosen(chosen, outlets).await?;
                    }
                },
            }
        }
        self.chosen(Ok(wanted), outlets).await
    }

    fn wants(&self, image: &Image) -> bool {
        let tag = image.tag.as_ref().map(Tag::as_str);
        let follows = self.selection.referrers() && tag.is_some_and(follows_an_image);
        !follows
            && self.selection.accepts_repository(image.source.repository.as_str())
            && self.selection.accepts_tag(tag)
    }

    /// Maps what was chosen and sends its jobs.
    async fn chosen(&mut self, chosen: Result<Vec<Image>, Event>, outlets: &Outlets) -> Result<(), Gone> {
        let mut images = match chosen {
            Ok(images) => images,
            Err(event) => return Ok(outlets.events.send(event).await?),
        };
        for mapper in 0..self.mappers.len() {
            if images.is_empty() {
                return Ok(());
            }
            images = self.map(mapper, images, outlets).await?;
        }
        for image in images {
            match self.maker.job(&image) {
                Ok(job) => self.send(job, outlets).await?,
                Err(error) => {
                    outlets.events.send(self.maker.rejection(&image.source.to_string(), &error)).await?;
                }
            }
        }
        Ok(())
    }

    async fn map(&mut self, mapper: usize, images: Vec<Image>, outlets: &Outlets) -> Result<Vec<Image>, Gone> {
        let mapped = match self.mappers[mapper].map(&images).await {
            Ok(mapped) => mapped,
            Err(error) => {
                for image in images {
                    outlets.events.send(self.maker.rejection(&image.source.to_string(), &error)).await?;
                }
                return Ok(Vec::new());
            }
        };
        let mut kept = Vec::new();
        for (image, destinations) in images.into_iter().zip(mapped) {
            match destinations {
                Ok(targets) if targets.is_empty() => outlets.events.send(Event::Unwanted).await?,
                Ok(targets) => kept.push(Image { targets, ..image }),
                Err(error) => {
                    outlets.events.send(self.maker.rejection(&image.source.to_string(), &error)).await?;
                }
            }
        }
        Ok(kept)
    }

    /// Sends `job` without the targets that somebody else writes.
    async fn send(&self, mut job: Job, outlets: &Outlets) -> Result<(), Gone> {
        let mut taken = Vec::new();
        job.targets.retain(|target| match self.seen.note(&job.source, &target.reference) {
            Before::Never => true,
            Before::Same => false,
            Before::Other => {
                taken.push(target.clone());
                false
            }
        });
        if !taken.is_empty() {
            let outcome = Outcome::undone(Job { targets: taken, ..job.clone() }, |reference| {
                TransferError::Duplicate { reference: reference.clone(), other: "another image of this run".to_owned() }
            });
            outlets.events.send(Event::Finished(Box::new(outcome))).await?;
        }
        if !job.targets.is_empty() {
            outlets.jobs.send(job).await?;
        }
        Ok(())
    }
}

impl JobMaker {
    fn rejection(&self, image: &str, error: &dyn std::error::Error) -> Event {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        Event::Rejected { transfer: self.transfer.clone(), image: image.to_owned(), reason }
    }
}

/// Whether a tag is one of those by which signatures and referrers are attached to an image: they travel with it
/// (`sha256-<hex>`, `sha256-<hex>.sig`).
fn follows_an_image(tag: &str) -> bool {
    tag.strip_prefix("sha256-").is_some_and(|rest| {
        let (hex, suffix) = rest.split_at_checked(64).unwrap_or((rest, "-"));
        hex.bytes().all(|byte| byte.is_ascii_hexdigit()) && (suffix.is_empty() || suffix.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tags_of_signatures_are_known() {
        let hex = "0".repeat(64);
        assert!(follows_an_image(&format!("sha256-{hex}")));
        assert!(follows_an_image(&format!("sha256-{hex}.sig")));
        assert!(!follows_an_image(&format!("sha256-{hex}x")));
        assert!(!follows_an_image("sha256-abc"));
        assert!(!follows_an_image("v1"));
    }
}
