//! Room for blobs on their way.

use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;

use crate::oci::Descriptor;

/// Blobs up to this size, in bytes, take longer to ask for than to move if their registry is far away.
const SMALL: u64 = 256 << 10;

/// Room for so many blobs at a time, over all images.
///
/// A small blob to or from a registry that is far away is three round trips and few bytes, so nearly as many again of these may be on
/// their way besides. Without, the ceiling that large blobs need is what a run of small images from afar waits for.
pub(super) struct Streams {
    any: Semaphore,
    small: Semaphore,
}

impl Streams {
    /// Room for `blobs`; where that is one, no small one is on its way besides.
    pub(super) fn new(blobs: usize) -> Self {
        let blobs = blobs.clamp(1, Semaphore::MAX_PERMITS);
        Self { any: Semaphore::new(blobs), small: Semaphore::new(blobs - 1) }
    }

    /// Waits for room for `blob`, which moves between registries of which one is `far` away.
    pub(super) async fn enter(&self, blob: &Descriptor, far: bool) -> Option<SemaphorePermit<'_>> {
        if far
            && blob.size <= SMALL
            && let Ok(room) = self.small.try_acquire()
        {
            return Some(room);
        }
        // The semaphore is never closed.
        self.any.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// How many of this size find room beside one another.
    fn fit(streams: &Streams, size: u64, far: bool) -> usize {
        let digest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
        let blob = Descriptor::new("application/octet-stream", digest, size);
        std::iter::from_fn(|| streams.enter(&blob, far).now_or_never()).collect::<Vec<_>>().len()
    }

    #[test]
    fn there_is_room_for_more_small_blobs_from_afar() {
        let streams = Streams::new(4);
        assert_eq!(
            [(SMALL, true), (SMALL, false), (SMALL + 1, true)].map(|(size, far)| fit(&streams, size, far)),
            [7, 4, 4]
        );
    }

    #[test]
    fn one_at_a_time_is_one() {
        assert_eq!(fit(&Streams::new(1), 1, true), 1);
    }
}
