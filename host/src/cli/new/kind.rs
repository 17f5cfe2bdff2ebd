//! What a new plugin does to begin with, and what that is tested with.

use serde_json::Value;
use serde_json::json;

use crate::cli::args::RoleArg;

/// One interface of the contract with what its template does.
pub(super) struct Kind {
    /// The interface.
    pub(super) name: &'static str,
    /// What it does, for `describe` and the README.
    pub(super) summary: &'static str,
    /// Its one option.
    pub(super) option: &'static str,
    /// What the option is.
    description: &'static str,
    /// A value for it.
    pub(super) value: &'static str,
    /// Whether it sends requests.
    pub(super) asks: bool,
    /// The file of `plugin test --input`.
    pub(super) input: Option<(&'static str, &'static str)>,
    /// The file of `plugin test --expect`.
    pub(super) expected: &'static str,
}

impl Kind {
    pub(super) fn of(role: RoleArg) -> Self {
        match role {
            RoleArg::Source => Self {
                name: "source",
                summary: "moves the images that a catalogue lists",
                option: "catalogue",
                description: "Where a JSON list of images is: https://…",
                value: "https://catalogue.example/images",
                asks: true,
                input: None,
                expected: include_str!("../../../../plugins/templates/test/source.expected.json"),
            },
            RoleArg::Mapper => Self {
                name: "mapper",
                summary: "puts images under a namespace, but for those that are called cache",
                option: "namespace",
                description: "The namespace that every image is put under.",
                value: "mirror",
                asks: false,
                input: Some(("test/images.json", include_str!("../../../../plugins/templates/test/images.json"))),
                expected: include_str!("../../../../plugins/templates/test/mapper.expected.json"),
            },
            RoleArg::Provisioner => Self {
                name: "provisioner",
                summary: "makes repositories by the API of the target",
                option: "api",
                description: "The API that makes repositories: https://…",
                value: "https://api.example",
                asks: true,
                input: Some((
                    "test/repositories.json",
                    include_str!("../../../../plugins/templates/test/repositories.json"),
                )),
                expected: include_str!("../../../../plugins/templates/test/provisioner.expected.json"),
            },
            RoleArg::Credentials => Self {
                name: "credentials",
                summary: "logs in with what a token service issues",
                option: "tokens",
                description: "The token service: https://…",
                value: "https://tokens.example/issue",
                asks: true,
                input: Some((
                    "test/registries.json",
                    include_str!("../../../../plugins/templates/test/registries.json"),
                )),
                expected: include_str!("../../../../plugins/templates/test/credentials.expected.json"),
            },
        }
    }

    /// Of its option. A URL is marked as one: naming it grants its host.
    pub(super) fn schema(&self) -> Value {
        if self.asks {
            json!({"type": "string", "format": "uri", "description": self.description})
        } else {
            json!({"type": "string", "minLength": 1, "description": self.description})
        }
    }
}
