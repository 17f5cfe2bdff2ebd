//! What must exist: each repository is made by the API of the target.

use crate::Component;
use crate::Options;
use crate::exports::image_transfer::plugin::provisioner::Ensured;
use crate::exports::image_transfer::plugin::provisioner::Guest;
use crate::exports::image_transfer::plugin::provisioner::GuestPreparation;
use crate::exports::image_transfer::plugin::provisioner::Preparation;
use crate::exports::image_transfer::plugin::provisioner::Repository;
use crate::http;
use crate::image_transfer::plugin::types::Error;

impl Guest for Component {
    type Preparation = Api;
}

/// One preparation.
pub(crate) struct Api {
    url: String,
}

impl GuestPreparation for Api {
    fn open(config: String) -> Result<Preparation, Error> {
        let url = Options::read(&config)?.api;
        if url.is_empty() {
            return Err(Error::InvalidConfig("/api: is missing".to_owned()));
        }
        Ok(Preparation::new(Self { url }))
    }

    fn ensure(&self, repositories: Vec<Repository>) -> Vec<Result<Ensured, Error>> {
        repositories.iter().map(|repository| self.make(&repository.name)).collect()
    }
}

impl Api {
    // What someone else made meanwhile is there: not an error.
    fn make(&self, name: &str) -> Result<Ensured, Error> {
        let response = http::send("PUT", format!("{}/repositories/{name}", self.url))?;
        match response.status {
            201 => Ok(Ensured::Created),
            200 | 409 => Ok(Ensured::Existed),
            _ => Err(http::refusal(&response)),
        }
    }
}
