//! The instance that everything else is asked about.

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::number;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::pager::Next;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::pager::Pager;
use image_transfer_sdk::tencent::Action;
use image_transfer_sdk::tencent::Api;
use image_transfer_sdk::tencent::list;
use image_transfer_sdk::tencent::text;
use serde_json::json;

const INSTANCES: Action = Action::new("DescribeInstances", 100);

/// Finds the instance once.
#[derive(Debug)]
pub struct Finder {
    api: Api,
    wanted: String,
    found: Option<Instance>,
    /// Why there is none: what was refused for good is not asked again for each image.
    refused: Option<Error>,
}

/// An instance, and the API of its region.
#[derive(Debug, Clone)]
pub struct Instance {
    /// `tcr-…`.
    pub id: String,
    /// Its name, unique in the account.
    pub name: String,
    /// The host of its registry.
    pub domain: String,
    /// The API, asked in its region.
    pub api: Api,
    region: String,
    status: String,
}

impl Finder {
    /// `wanted` is a name, an id or a domain.
    pub(crate) fn new(api: Api, wanted: String) -> Self {
        Self { api, wanted, found: None, refused: None }
    }

    /// The instance, asked for at the first call. That there is none by this name is an error that names those that there are.
    pub fn find(&mut self, client: &dyn Client) -> Result<&Instance> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        if self.found.is_none() {
            match self.look(client) {
                Ok(instance) => self.found = Some(instance),
                Err(error) => {
                    let passes = matches!(error, Error::RateLimited(_) | Error::Unavailable(_));
                    self.refused = (!passes).then(|| error.clone());
                    return Err(error);
                }
            }
        }
        self.found()
    }

    fn look(&self, client: &dyn Client) -> Result<Instance> {
        let all = self.all(client)?;
        let is_meant = |it: &&Instance| [&it.name, &it.id, &it.domain].contains(&&self.wanted);
        let instance = all.iter().find(is_meant).cloned().ok_or_else(|| unknown(&self.wanted, &all))?;
        if !instance.status.is_empty() && instance.status != "Running" {
            return Err(Error::Fatal(format!(
                "the TCR instance `{}` is not running: its status is {}; look at it in the console",
                instance.name, instance.status
            )));
        }
        Ok(instance)
    }

    /// What was found before; an error that nobody sees where nothing was.
    pub(crate) fn found(&self) -> Result<&Instance> {
        self.found.as_ref().ok_or_else(|| unknown(&self.wanted, &[]))
    }

    fn all(&self, client: &dyn Client) -> Result<Vec<Instance>> {
        let (mut pager, mut all) = (Pager::new(), Vec::new());
        while let Some(place) = pager.place() {
            let parameters = json!({"AllRegion": true, "Limit": 100, "Offset": place.rows});
            let body = self.api.call(client, INSTANCES, &parameters)?;
            let items = list(&body, "Registries").iter().map(|it| {
                let region = text(it, "RegionName").to_owned();
                Instance {
                    id: text(it, "RegistryId").to_owned(),
                    name: text(it, "RegistryName").to_owned(),
                    domain: text(it, "PublicDomain").to_owned(),
                    api: if region.is_empty() { self.api.clone() } else { self.api.in_region(&region) },
                    region,
                    status: text(it, "Status").to_owned(),
                }
            });
            let page = Page { items: items.collect(), total: number(&body["TotalCount"]), next: Next::Counted };
            all.extend(pager.take(page, |instance| &instance.id, "TCR instances")?);
        }
        Ok(all)
    }
}

fn unknown(wanted: &str, all: &[Instance]) -> Error {
    let there: Vec<String> = all.iter().map(|it| format!("{} ({})", it.name, it.region)).collect();
    Error::NotFound(if there.is_empty() {
        format!(
            "there is no TCR instance `{wanted}`: this key sees no instance at all; check the account that it belongs to"
        )
    } else {
        format!("there is no TCR instance `{wanted}`; this key sees {}", there.join(", "))
    })
}
