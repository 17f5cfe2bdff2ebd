//! Which images: those that a catalogue lists, a JSON list of names such as `registry.example/team/app:1`.

use std::cell::Cell;

use crate::Component;
use crate::Options;
use crate::exports::image_transfer::plugin::source::Enumerator;
use crate::exports::image_transfer::plugin::source::Guest;
use crate::exports::image_transfer::plugin::source::GuestEnumerator;
use crate::http;
use crate::image_transfer::plugin::types::Error;
use crate::image_transfer::plugin::types::Image;
use crate::image_transfer::plugin::types::Reference;

impl Guest for Component {
    type Enumerator = Catalogue;
}

/// One enumeration.
pub(crate) struct Catalogue {
    url: String,
    done: Cell<bool>,
}

impl GuestEnumerator for Catalogue {
    // Checks the options and sends nothing.
    fn open(config: String, _position: Option<String>) -> Result<Enumerator, Error> {
        let url = Options::read(&config)?.catalogue;
        if url.is_empty() {
            return Err(Error::InvalidConfig("/catalogue: is missing".to_owned()));
        }
        Ok(Enumerator::new(Self { url, done: Cell::new(false) }))
    }

    // A page that cannot be read is an error, never a shorter list.
    fn next(&self) -> Result<Option<Vec<Image>>, Error> {
        if self.done.get() {
            return Ok(None);
        }
        let response = http::send("GET", self.url.clone())?;
        if response.status != 200 {
            return Err(http::refusal(&response));
        }
        let names: Vec<String> = serde_json::from_slice(&response.body)
            .map_err(|error| Error::Fatal(format!("the catalogue is no list of names: {error}")))?;
        let images = names.iter().map(|name| image(name)).collect::<Result<_, _>>()?;
        self.done.set(true);
        Ok(Some(images))
    }

    // One page: a run that is resumed lists it again.
    fn position(&self) -> Option<String> {
        None
    }
}

fn image(name: &str) -> Result<Image, Error> {
    let parts = name.split_once('/').and_then(|(registry, rest)| Some((registry, rest.rsplit_once(':')?)));
    let Some((registry, (repository, tag))) = parts else {
        return Err(Error::Fatal(format!("the catalogue lists `{name}`: expected registry/repository:tag")));
    };
    let (registry, repository, tag) = (registry.to_owned(), repository.to_owned(), Some(tag.to_owned()));
    let source = Reference { registry, repository, tag, digest: None };
    Ok(Image { source, targets: Vec::new(), attributes: Vec::new() })
}
