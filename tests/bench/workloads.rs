//! What is moved, how far, and where to.

use std::time::Duration;

use crate::images::Images;
use crate::tools::Tool;

/// One section of the page.
pub struct Workload {
    pub name: &'static str,
    pub what: &'static str,
    /// What it is that takes the time now.
    pub limit: &'static str,
    pub images: Images,
    /// Whether the same is run again, when all is at the target already: a section of its own.
    pub again: bool,
    /// A round trip; without one the registries are next door.
    pub far: Option<Duration>,
    pub targets: usize,
    pub tools: Vec<Tool>,
    /// Rounds at most: some take minutes.
    pub rounds: usize,
}

/// 200 images, 601 blobs.
pub const SMALL: Images = Images { count: 200, own: 2, size: 20_000, shared: 200_000, plain: false };

/// All of them.
pub fn all() -> Vec<Workload> {
    let registries = vec![Tool::ImageTransfer, Tool::Skopeo, Tool::Regsync, Tool::Crane, Tool::ImageSyncer];
    let near = Workload {
        name: "",
        what: "",
        limit: "",
        images: SMALL,
        again: false,
        far: None,
        targets: 1,
        tools: registries.clone(),
        rounds: usize::MAX,
    };
    vec![
        Workload {
            name: "bulk",
            what: "one image of 16 layers, 1 GiB",
            limit: "the registries: each reads, hashes and writes every byte on the same processors.",
            images: Images { count: 1, own: 16, size: 64 << 20, shared: 0, plain: false },
            tools: [vec![Tool::Curl], registries.clone()].concat(),
            ..near
        },
        Workload {
            name: "small",
            what: "200 images of two layers of 20 kB each and one that all share, 601 blobs",
            limit: "the processors of the registries: some 2 ms for each request, whatever it asks.",
            again: true,
            tools: registries.clone(),
            ..near
        },
        Workload {
            name: "far",
            what: "50 of these, a round trip of 50 ms to each registry",
            limit: "the round trips of one image, one after the other, and how many images are on their way.",
            images: Images { count: 50, ..SMALL },
            again: true,
            far: Some(Duration::from_millis(50)),
            tools: registries.clone(),
            rounds: 2,
            ..near
        },
        Workload {
            name: "plain",
            what: "the 200 images of `small`, but their layers are not compressed. `skopeo sync` compresses them on the way, so that other digests arrive, and again each time",
            limit: "the processors of the registries.",
            images: Images { plain: true, ..SMALL },
            again: true,
            tools: vec![Tool::ImageTransfer, Tool::Skopeo],
            rounds: 2,
            ..near
        },
        Workload {
            name: "plain-far",
            what: "50 of them, a round trip of 50 ms to each registry",
            limit: "the round trips of one image, one after the other, and how many images are on their way.",
            images: Images { count: 50, plain: true, ..SMALL },
            again: true,
            far: Some(Duration::from_millis(50)),
            tools: vec![Tool::ImageTransfer, Tool::Skopeo],
            rounds: 1,
            ..near
        },
        Workload {
            name: "multi",
            what: "50 of these to three targets, a round trip of 150 ms to each registry: so far away that it is not decided by the processors, which \
                   three registries on one machine share",
            limit: "the round trips of one image, and the processors that all registries share.",
            images: Images { count: 50, ..SMALL },
            far: Some(Duration::from_millis(150)),
            targets: 3,
            tools: vec![Tool::ImageTransfer, Tool::ImageTransferOne],
            ..near
        },
        Workload {
            name: "wide",
            what: "2,000 tags of one repository, each with a configuration of its own and a layer that all share",
            limit: "the registries.",
            images: Images { count: 2000, own: 0, size: 0, shared: 20_000, plain: false },
            again: true,
            tools: vec![Tool::ImageTransfer, Tool::Regsync, Tool::Crane, Tool::ImageSyncer],
            rounds: 2,
            ..near
        },
    ]
}
