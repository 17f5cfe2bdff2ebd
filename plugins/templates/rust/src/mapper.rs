//! Where each image lands: under a namespace, and what is called `cache` not at all.

use crate::Component;
use crate::Options;
use crate::exports::image_transfer::plugin::mapper::Guest;
use crate::exports::image_transfer::plugin::mapper::GuestMapping;
use crate::exports::image_transfer::plugin::mapper::Mapping;
use crate::image_transfer::plugin::types::Destination;
use crate::image_transfer::plugin::types::Error;
use crate::image_transfer::plugin::types::Image;

impl Guest for Component {
    type Mapping = Namespace;
}

/// One mapping: a function of the options and the image, so that a resumed run comes to the same names.
pub(crate) struct Namespace {
    namespace: String,
}

impl GuestMapping for Namespace {
    fn open(config: String) -> Result<Mapping, Error> {
        let namespace = Options::read(&config)?.namespace;
        if namespace.is_empty() {
            return Err(Error::InvalidConfig("/namespace: is missing".to_owned()));
        }
        Ok(Mapping::new(Self { namespace }))
    }

    fn map_images(&self, images: Vec<Image>) -> Vec<Result<Vec<Destination>, Error>> {
        images.iter().map(|image| Ok(self.destinations(&image.source.repository))).collect()
    }
}

impl Namespace {
    fn destinations(&self, repository: &str) -> Vec<Destination> {
        if repository.rsplit('/').next() == Some("cache") {
            return Vec::new();
        }
        vec![Destination { registry: None, repository: Some(format!("{}/{repository}", self.namespace)), tag: None }]
    }
}
