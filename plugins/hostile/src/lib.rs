//! A guest that misbehaves as its configuration tells it, in each of the four roles, for the tests of the plugin host.
//!
//! | behaviour | what it does |
//! |---|---|
//! | `good` | one image, `count` (default 1) batches; maps to the source's name |
//! | `loop` | never returns |
//! | `memory` | allocates until it cannot |
//! | `trap` | panics |
//! | `huge-batch` | `count` (default 100,000) images in one batch |
//! | `huge-text` | one image whose repository has `count` (default 16 Mi) bytes |
//! | `fetch` | one request to `url` or `endpoint`; the outcome as attributes of the image `fetched` |
//! | `fetch-all` | `count` requests to `url` or `endpoint` in one call, at `rate` a second; how many came back well as an attribute |
//! | `secret-log` | logs `password` on every level |
//! | `clock` | the wall clock and 16 random bytes as attributes of the image `clock` |
//! | `break-off` | two batches of one image, then `unavailable`, for ever |
//! | `slow-host` | `count` (default 100) requests to `url` or `endpoint`, then the image `patient` |
//! | `listing` | the names that `registry` lists, as the tags of `listed` |
//! | `short-answer` | as a mapper: like `good`; one batch with an image that breaks the grammar as a source |
//! | `wasi` | tries files, environment and sockets, at the port `count`; the outcome as attributes of the image `wasi` |
//! | `flood` | logs `count` lines of `text` |
//! | `say` | logs `text`; as a source gives it as a repository and an attribute and then fails with it, as a mapper fails with it |
//! | `elsewhere` | names the registry that is `text` read backwards, as the place of `team/app:1` or as a target |

mod wasi;

use std::fmt::Write as _;
use std::hint::black_box;

use image_transfer_sdk::Credential;
use image_transfer_sdk::Credentials;
use image_transfer_sdk::Destination;
use image_transfer_sdk::Ensured;
use image_transfer_sdk::Error;
use image_transfer_sdk::Image;
use image_transfer_sdk::Info;
use image_transfer_sdk::Mapper;
use image_transfer_sdk::Plugin;
use image_transfer_sdk::Provisioner;
use image_transfer_sdk::Reference;
use image_transfer_sdk::Result;
use image_transfer_sdk::Source;
use image_transfer_sdk::Wanted;
use image_transfer_sdk::clock;
use image_transfer_sdk::export_credentials;
use image_transfer_sdk::export_mapper;
use image_transfer_sdk::export_plugin;
use image_transfer_sdk::export_provisioner;
use image_transfer_sdk::export_source;
use image_transfer_sdk::http;
use image_transfer_sdk::http::Client as _;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::SendError;
use image_transfer_sdk::log;
use image_transfer_sdk::log::Level;
use image_transfer_sdk::registry::Host;
use image_transfer_sdk::registry::Names;
use image_transfer_sdk::registry::Registries as _;

/// What to do, and with what.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    behaviour: Behaviour,
    url: Option<String>,
    endpoint: Option<String>,
    method: Option<String>,
    registry: Option<String>,
    repository: Option<String>,
    password: Option<String>,
    count: Option<usize>,
    rate: Option<u32>,
    text: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Behaviour {
    Good,
    Loop,
    Memory,
    Trap,
    HugeBatch,
    HugeText,
    Fetch,
    FetchAll,
    SecretLog,
    Clock,
    BreakOff,
    SlowHost,
    Listing,
    ShortAnswer,
    Wasi,
    Flood,
    Say,
    Elsewhere,
}

/// The opened guest.
#[derive(Debug)]
pub struct Hostile {
    config: Config,
    batches: usize,
    listing: Option<Names>,
}

impl Plugin for Hostile {
    const INFO: Info = Info {
        name: "hostile",
        version: env!("CARGO_PKG_VERSION"),
        summary: "misbehaves as it is told",
        config_schema: include_str!("../config.schema.json"),
        hosts: &[],
    };
}

impl Hostile {
    fn new(config: Config) -> Self {
        Self { config, batches: 0, listing: None }
    }

    /// What has no outcome to speak of.
    fn misbehave(&self) {
        match self.config.behaviour {
            Behaviour::Loop => {
                let mut turns = 0_u64;
                while black_box(true) {
                    turns = black_box(turns.wrapping_add(1));
                }
            }
            Behaviour::Memory => {
                let mut hoard: Vec<Vec<u8>> = Vec::new();
                while black_box(true) {
                    hoard.push(vec![1; 1 << 20]);
                    black_box(&hoard);
                }
            }
            Behaviour::Trap => panic!("told to trap"),
            Behaviour::SecretLog => {
                let line = format!("the password is {}", self.config.password.as_deref().unwrap_or_default());
                for level in [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error] {
                    log::line(level, &line);
                }
            }
            Behaviour::Flood => {
                for _ in 0..self.config.count.unwrap_or(1) {
                    log::line(Level::Info, self.text());
                }
            }
            Behaviour::Say => log::line(Level::Warn, self.text()),
            _ => {}
        }
    }

    fn text(&self) -> &str {
        self.config.text.as_deref().unwrap_or_default()
    }

    /// A name that the options do not have in them, so that nobody can say that the user wrote it.
    fn elsewhere(&self) -> String {
        self.text().chars().rev().collect()
    }

    fn url(&self) -> Result<&str> {
        let url = self.config.url.as_deref().or(self.config.endpoint.as_deref());
        url.ok_or_else(|| Error::InvalidConfig("url is missing".to_owned()))
    }

    fn fetch(&self) -> Result<Vec<(String, String)>> {
        let method = self.config.method.as_deref().unwrap_or("GET");
        let outcome = match Request::new(method, self.url()?).try_send() {
            Ok(response) => {
                let mut outcome = vec![("status".to_owned(), response.status().to_string())];
                outcome
                    .extend(response.headers().iter().map(|(name, value)| (format!("header.{name}"), value.clone())));
                outcome.push(("body".to_owned(), String::from_utf8_lossy(response.body()).into_owned()));
                outcome
            }
            Err(SendError::Denied(reason)) => vec![("denied".to_owned(), reason)],
            Err(SendError::Timeout) => vec![("timeout".to_owned(), String::new())],
            Err(SendError::TooLarge(limit)) => vec![("too-large".to_owned(), limit.to_string())],
            Err(SendError::Transport(reason)) => vec![("transport".to_owned(), reason)],
        };
        Ok(outcome)
    }

    fn fetch_all(&self) -> Result<Vec<(String, String)>> {
        let url = self.url()?;
        let request = |_| match self.config.rate {
            Some(rate) => Request::get(url).rate("hostile", rate),
            None => Request::get(url),
        };
        let answers = http::Host.send_all((0..self.config.count.unwrap_or(1)).map(request).collect());
        let well = answers.iter().filter(|answer| matches!(answer, Ok(answer) if answer.status() == 200)).count();
        let denied = answers.into_iter().find_map(|answer| match answer {
            Err(Error::Fatal(reason)) => Some(("denied".to_owned(), reason)),
            _ => None,
        });
        Ok([("well".to_owned(), well.to_string())].into_iter().chain(denied).collect())
    }

    fn list(&mut self) -> Result<Option<Vec<Image>>> {
        let registry = self.config.registry.as_deref().unwrap_or_default();
        let listing = match &mut self.listing {
            Some(listing) => listing,
            none => none.insert(match &self.config.repository {
                Some(repository) => Host.tags(registry, repository)?,
                None => Host.repositories(registry)?,
            }),
        };
        if !listing.turn()? {
            return Ok(None);
        }
        let mut images = Vec::new();
        while let Some(name) = listing.pop() {
            let mut image = image("listed", Vec::new());
            image.source.tag = Some(name);
            images.push(image);
        }
        Ok(Some(images))
    }
}

impl Source for Hostile {
    type Config = Config;

    fn open(config: Config, _: Option<String>) -> Result<Self> {
        Ok(Self::new(config))
    }

    fn next(&mut self) -> Result<Option<Vec<Image>>> {
        self.misbehave();
        if self.config.behaviour == Behaviour::Listing {
            return self.list();
        }
        self.batches += 1;
        let count = self.config.count;
        if self.config.behaviour == Behaviour::BreakOff {
            let over = Error::Unavailable("told to break off".to_owned());
            return if self.batches > 2 { Err(over) } else { Ok(Some(vec![image("good", Vec::new())])) };
        }
        if self.config.behaviour == Behaviour::Say && self.batches > 1 {
            return Err(Error::Fatal(self.text().to_owned()));
        }
        let batches = if self.config.behaviour == Behaviour::Good { count.unwrap_or(1) } else { 1 };
        if self.batches > batches {
            return Ok(None);
        }
        let batch = match self.config.behaviour {
            Behaviour::HugeBatch => vec![image("good", Vec::new()); count.unwrap_or(100_000)],
            Behaviour::HugeText => vec![image(&"a".repeat(count.unwrap_or(16 << 20)), Vec::new())],
            Behaviour::Fetch => vec![image("fetched", self.fetch()?)],
            Behaviour::FetchAll => vec![image("fetched", self.fetch_all()?)],
            Behaviour::Clock => {
                let random = clock::random_bytes(16).iter().fold(String::new(), |mut hex, byte| {
                    let _ = write!(hex, "{byte:02x}");
                    hex
                });
                let now = clock::now().as_secs().to_string();
                vec![image("clock", vec![("now".to_owned(), now), ("random".to_owned(), random)])]
            }
            Behaviour::SlowHost => {
                for _ in 0..count.unwrap_or(100) {
                    self.fetch()?;
                }
                vec![image("patient", Vec::new())]
            }
            Behaviour::Wasi => vec![image("wasi", wasi::probe(u16::try_from(count.unwrap_or(0)).unwrap_or(0)))],
            Behaviour::Say => vec![image(self.text(), vec![("said".to_owned(), self.text().to_owned())])],
            Behaviour::Elsewhere => {
                let mut image = image("team/app", Vec::new());
                image.source.registry = self.elsewhere();
                vec![image]
            }
            Behaviour::ShortAnswer => vec![image("../Escape", Vec::new())],
            _ => vec![image("good", Vec::new())],
        };
        Ok(Some(batch))
    }
}

impl Mapper for Hostile {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        Ok(Self::new(config))
    }

    fn map(&self, image: &Image) -> Result<Vec<Destination>> {
        self.misbehave();
        let name = match self.config.behaviour {
            Behaviour::HugeText => "a".repeat(self.config.count.unwrap_or(16 << 20)),
            _ => image.source.repository.clone(),
        };
        let registry = (self.config.behaviour == Behaviour::Elsewhere).then(|| self.elsewhere());
        let destination = Destination { registry, repository: Some(name), tag: None };
        Ok(match self.config.behaviour {
            Behaviour::HugeBatch => vec![destination; self.config.count.unwrap_or(100_000)],
            Behaviour::BreakOff => return Err(Error::Unavailable("told to break off".to_owned())),
            Behaviour::Say => return Err(Error::Fatal(self.text().to_owned())),
            _ => vec![destination],
        })
    }
}

fn image(repository: &str, attributes: Vec<(String, String)>) -> Image {
    let source = Reference {
        registry: "hostile.example".to_owned(),
        repository: repository.to_owned(),
        tag: Some("1".to_owned()),
        digest: None,
    };
    Image { source, targets: Vec::new(), attributes }
}

impl Provisioner for Hostile {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        Ok(Self::new(config))
    }

    /// The first repository is created, the others existed; one with `denied` in its name is refused, with the password in the message.
    fn ensure(&mut self, repository: &Wanted) -> Result<Ensured> {
        self.misbehave();
        self.batches += 1;
        if repository.name.contains("denied") {
            let password = self.config.password.as_deref().unwrap_or_default();
            return Err(Error::Unauthorized(format!("{} is refused to {password}", repository.name)));
        }
        Ok(if self.batches > 1 { Ensured::Existed } else { Ensured::Created })
    }
}

impl Credentials for Hostile {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        Ok(Self::new(config))
    }

    /// The user `test` with the configured password.
    fn issue(&mut self, _: &str) -> Result<Credential> {
        self.misbehave();
        Ok(Credential {
            username: "test".to_owned(),
            password: self.config.password.clone().unwrap_or_default(),
            expires_at: Some(4_000_000_000),
        })
    }
}

export_provisioner!(Hostile);
export_credentials!(Hostile);
export_plugin!(Hostile);
export_source!(Hostile);
export_mapper!(Hostile);
