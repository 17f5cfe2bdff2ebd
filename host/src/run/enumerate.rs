//! One transfer's images, from the source plugin through selection and mappers to jobs.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::oci::Tag;
use crate::plugin::BadImage;
use crate::plugin::Image;
use crate::plugin::Mapper;
use crate::plugin::PluginError;
use crate::plugin::Source;
use crate::report::Event;
use crate::run::jobs::JobMaker;
use crate::run::ledger::Ledger;
use crate::run::newest::Grouping;
use crate::run::patience::Patience;
use crate::run::seen::Before;
use crate::run::seen::Seen;
use crate::run::spans;
use crate::run::transfers::Watched;
use crate::select::Selection;
use crate::shutdown::Shutdown;
use crate::transfer::Job;
use crate::transfer::Outcome;
use crate::transfer::TransferError;

/// Batches that a source is ahead of what is made of them.
const AHEAD: usize = 1;

/// One transfer's way from images to jobs.
pub(super) struct Enumeration {
    /// None where an earlier run read it to its end.
    pub(super) source: Option<Result<Source, PluginError>>,
    /// Jobs that an earlier run left.
    pub(super) left: Vec<Job>,
    pub(super) mappers: Vec<Mapper>,
    pub(super) selection: Selection,
    pub(super) grouping: Option<Grouping>,
    pub(super) maker: JobMaker,
    pub(super) seen: Arc<Seen>,
    pub(super) patience: Patience,
    /// Where the source was after the last batch.
    pub(super) position: Option<String>,
}

/// What a source told at a time.
struct Batch {
    images: Vec<Result<Image, BadImage>>,
    /// Where the source is after it.
    position: Option<String>,
}

/// Where an enumeration sends what it finds.
pub(super) struct Outlets {
    pub(super) jobs: mpsc::Sender<Job>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) watched: Watched,
    pub(super) ledger: Ledger,
    pub(super) shutdown: Shutdown,
}

/// The run has ended under the enumeration; nothing more can be said.
struct Gone;

impl From<mpsc::error::SendError<Event>> for Gone {
    fn from(_: mpsc::error::SendError<Event>) -> Self {
        Self
    }
}

impl Outlets {
    /// Lets `job` begin when there is room.
    async fn begin(&self, job: Job) -> Result<(), Gone> {
        let room = self.jobs.reserve().await.map_err(|_| Gone)?;
        self.watched.backlog.queue();
        room.send(job);
        Ok(())
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
        // These are on record already.
        outlets.watched.board.knows(self.left.len());
        for job in std::mem::take(&mut self.left) {
            outlets.begin(job).await?;
        }
        let whole = match self.source.take() {
            None => true,
            Some(Ok(source)) => self.listing(source, outlets).await?,
            Some(Err(error)) => self.broke_off(&error, outlets).await?,
        };
        if let Some(grouping) = &mut self.grouping {
            let chosen = grouping.flush().await.map_err(|error| self.maker.rejection("newest", &error));
            let jobs = self.chosen(chosen, outlets).await?;
            self.send(jobs, None, outlets).await?;
        }
        if whole {
            outlets.ledger.listed(&self.maker.transfer).await;
        }
        Ok(())
    }

    fn name(&self) -> String {
        self.maker.transfer.clone()
    }

    /// Works on all batches of `source`; tells whether it came to its end. The source has its own turns beside the mappers, so that
    /// listing does not wait for mapping.
    async fn listing(&mut self, source: Source, outlets: &Outlets) -> Result<bool, Gone> {
        let (told, mut batches) = mpsc::channel(AHEAD);
        let patience = self.patience.clone();
        let reading = AbortOnDropHandle::new(tokio::spawn(read(source, patience, told).instrument(spans::list())));
        while let Some(batch) = batches.recv().await {
            match batch {
                Ok(batch) => self.batch(batch, outlets).await?,
                Err(error) => return self.broke_off(&error, outlets).await,
            }
        }
        // It has told all, unless it fell.
        match reading.await {
            Ok(()) => Ok(true),
            Err(fallen) => std::panic::resume_unwind(fallen.into_panic()),
        }
    }

    async fn broke_off(&self, error: &PluginError, outlets: &Outlets) -> Result<bool, Gone> {
        let (reason, hint) = (error.to_string(), error.hint());
        outlets.events.send(Event::Incomplete { transfer: self.name(), reason, hint }).await?;
        Ok(false)
    }

    async fn batch(&mut self, Batch { images, position }: Batch, outlets: &Outlets) -> Result<(), Gone> {
        let mut wanted = Vec::new();
        for image in images {
            match image {
                Err(bad) => {
                    let (image, reason) = (bad.text.clone(), bad.to_string());
                    outlets.reject(Event::Rejected { transfer: self.name(), image, reason }).await?;
                }
                Ok(image) if !self.wants(&image) => outlets.events.send(Event::Unwanted).await?,
                Ok(image) => wanted.push(image),
            }
        }
        let position = self.move_on(wanted.first(), position);
        let mut jobs = Vec::new();
        if self.grouping.is_none() {
            jobs = self.chosen(Ok(wanted), outlets).await?;
        } else {
            for image in wanted {
                let chosen = match &mut self.grouping {
                    Some(grouping) => {
                        grouping.take(image).await.map_err(|error| self.maker.rejection("newest", &error))
                    }
                    None => Ok(vec![image]),
                };
                jobs.extend(self.chosen(chosen, outlets).await?);
            }
        }
        self.send(jobs, position, outlets).await
    }

    /// Takes note of where the source is `now`, after a batch that begins with `first`, and gives the place from which a later run may list on
    /// once the batch is worked off. Where tags are held back until their repository is whole, that is the place before the batch, and
    /// only if the batch begins with another repository: else the later run would choose among a part of the tags.
    fn move_on(&mut self, first: Option<&Image>, now: Option<String>) -> Option<String> {
        let before = std::mem::replace(&mut self.position, now.clone());
        match (&self.grouping, first) {
            (None, _) => now,
            (Some(grouping), Some(first)) if !grouping.holds(first) => before,
            (Some(_), _) => None,
        }
    }

    fn wants(&self, image: &Image) -> bool {
        let tag = image.tag.as_ref().map(Tag::as_str);
        let follows = self.selection.referrers() && tag.is_some_and(follows_an_image);
        !follows
            && self.selection.accepts_repository(image.source.repository.as_str())
            && self.selection.accepts_tag(tag)
    }

    /// The jobs of what was chosen and mapped.
    async fn chosen(&mut self, chosen: Result<Vec<Image>, Event>, outlets: &Outlets) -> Result<Vec<Job>, Gone> {
        let mut images = match chosen {
            Ok(images) => images,
            Err(event) => {
                outlets.reject(event).await?;
                return Ok(Vec::new());
            }
        };
        for mapper in 0..self.mappers.len() {
            if images.is_empty() {
                return Ok(Vec::new());
            }
            images = self.map(mapper, images, outlets).await?;
        }
        let mut jobs = Vec::with_capacity(images.len());
        for image in images {
            match self.maker.targets(&image) {
                Ok(targets) => jobs.extend(self.own(self.maker.job(image, targets), outlets).await?),
                Err(error) => outlets.reject(self.maker.rejection(&image.source.to_string(), &error)).await?,
            }
        }
        Ok(jobs)
    }

    async fn map(&mut self, mapper: usize, images: Vec<Image>, outlets: &Outlets) -> Result<Vec<Image>, Gone> {
        let mapped = match self.mappers[mapper].map(&images).await {
            Ok(mapped) => mapped,
            Err(error) => {
                for image in images {
                    outlets.reject(self.maker.rejection(&image.source.to_string(), &error)).await?;
                }
                return Ok(Vec::new());
            }
        };
        let mut kept = Vec::new();
        for (image, destinations) in images.into_iter().zip(mapped) {
            match destinations {
                Ok(targets) if targets.is_empty() => outlets.events.send(Event::Unwanted).await?,
                Ok(targets) => kept.push(Image { targets, ..image }),
                Err(error) => outlets.reject(self.maker.rejection(&image.source.to_string(), &error)).await?,
            }
        }
        Ok(kept)
    }

    /// `job` without the targets that somebody else writes; none if there are no others.
    async fn own(&self, mut job: Job, outlets: &Outlets) -> Result<Option<Job>, Gone> {
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
            // No job of its own, which a later run would do without looking: the list has to tell it again.
            outlets.ledger.rejected(&self.maker.transfer, &job.source.to_string(), "written by another image").await;
            outlets.events.send(Event::Finished(Box::new(outcome))).await?;
        }
        Ok((!job.targets.is_empty()).then_some(job))
    }

    /// Notes `jobs`, and then lets them begin.
    async fn send(&self, jobs: Vec<Job>, position: Option<String>, outlets: &Outlets) -> Result<(), Gone> {
        outlets.ledger.planned(&self.maker.transfer, &jobs, position).await;
        outlets.watched.board.knows(jobs.len());
        for job in jobs {
            outlets.begin(job).await?;
        }
        Ok(())
    }
}

/// Asks `source` for all that it has, and tells it. An error is the last that is told.
async fn read(mut source: Source, mut patience: Patience, told: mpsc::Sender<Result<Batch, PluginError>>) {
    loop {
        let batch = match next(&mut source, &mut patience).await {
            // A plugin that breaks here says so again when it is asked for the next batch.
            Ok(Some(images)) => Ok(Batch { images, position: source.position().await.ok().flatten() }),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        let last = batch.is_err();
        if told.send(batch).await.is_err() || last {
            return;
        }
    }
}

/// The next batch, asked for again where that is worth it.
async fn next(
    source: &mut Source,
    patience: &mut Patience,
) -> Result<Option<Vec<Result<Image, BadImage>>>, PluginError> {
    loop {
        match source.next().await {
            Ok(batch) => {
                patience.served();
                return Ok(batch);
            }
            Err(error) if patience.again(error.class(), error.to_string()).await => {}
            Err(error) => return Err(error),
        }
    }
}

impl Outlets {
    /// Tells of an image that no job could be made of.
    async fn reject(&self, event: Event) -> Result<(), Gone> {
        if let Event::Rejected { transfer, image, reason } = &event {
            self.ledger.rejected(transfer, image, reason).await;
        }
        Ok(self.events.send(event).await?)
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
