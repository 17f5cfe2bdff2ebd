//! What a workflow means, after every word of it was checked: the only form in which the rest of the program knows it.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::http::Patience;
use crate::limit::PATIENCE;
use crate::oci::Reference;
use crate::oci::RegistryName;
use crate::oci::Repository;
use crate::secret::Secret;
use crate::secret::SecretUrl;
use crate::select::Selection;
use crate::workflow::Place;
use crate::workflow::Places;

/// A whole run. A workflow file, the classic flags and `copy` all end up as one of these.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the run is called in reports; the file's stem where the workflow names none.
    pub name: String,
    /// The directory that relative names are relative to: the workflow file's own, else the working directory. Paths of this
    /// plan have been resolved already; the host resolves `oci:` names that plugins hand out against it.
    pub base: PathBuf,
    /// How registries are reached. Keys are unique.
    pub registries: Vec<RegistryEntry>,
    /// How fast and how much at once.
    pub limits: Limits,
    /// What is tried again.
    pub retry: Retry,
    /// Plugins that the workflow declares: files, or grants and budgets of embedded ones. Names are unique.
    pub plugins: Vec<PluginEntry>,
    /// Directories whose components are all available, by their file names.
    pub plugin_dirs: Vec<PathBuf>,
    /// What is moved. Never empty; names are unique.
    pub transfers: Vec<Transfer>,
    /// Everything that must not be printed, for the redactor: passwords, tokens, and values that came from the environment
    /// into an option that is named like one.
    pub secrets: Vec<Secret>,
}

/// One entry of `registries`.
#[derive(Clone, Debug)]
pub struct RegistryEntry {
    /// `host[:port]` or `host[:port]/namespace`, with Docker Hub's aliases as `docker.io`; the longest match wins.
    pub key: String,
    /// Credentials.
    pub login: LoginEntry,
    /// Additional trusted certificates, PEM.
    pub ca: Option<PathBuf>,
    /// Client certificate chain and key, PEM.
    pub client: Option<(PathBuf, PathBuf)>,
    /// Accept any certificate.
    pub skip_verify: bool,
    /// Speak http, not https.
    pub plain_http: bool,
    /// The classic `insecure`: https without verification, then http.
    pub insecure: bool,
    /// Proxy for this registry; none: the environment's.
    pub proxy: Option<SecretUrl>,
    /// Requests a second.
    pub qps: Option<NonZeroU32>,
    /// The key, in the file.
    pub at: Place,
}

/// Where credentials come from.
#[derive(Clone, Debug, Default)]
pub enum LoginEntry {
    /// Docker's and podman's files and their helpers, else anonymous.
    #[default]
    Files,
    /// Anonymous whatever the files say.
    Anonymous,
    /// As written.
    Basic {
        /// User.
        username: String,
        /// Password.
        password: Secret,
    },
    /// A refresh token, as `docker login` keeps it for some clouds.
    IdentityToken(Secret),
    /// A plugin issues them.
    Plugin(PluginUse),
}

/// `limits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests a second over all registries; none: no limit.
    pub qps: Option<NonZeroU32>,
    /// Images on their way at once.
    pub images: usize,
    /// Blobs on their way at once, over all images.
    pub blobs: usize,
    /// Bytes a second over all blobs; none: no limit.
    pub bandwidth: Option<u64>,
    /// How long registries may keep a request waiting: `idle`, `minimum-rate`.
    pub patience: Patience,
}

impl Default for Limits {
    fn default() -> Self {
        Self { qps: None, images: 32, blobs: 32, bandwidth: None, patience: Patience::default() }
    }
}

/// `retry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Rounds over what failed, after the first; each request has retries of its own besides.
    pub rounds: u32,
    /// How long a registry that serves nothing is waited for before its images fail.
    pub patience: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { rounds: 2, patience: PATIENCE }
    }
}

/// One entry of `plugins`: a component in a file, or, without `path`, grants and budgets of an embedded one.
#[derive(Clone, Debug)]
pub struct PluginEntry {
    /// The name that transfers use.
    pub name: String,
    /// The component; none: the embedded one of that name.
    pub path: Option<PathBuf>,
    /// Its SHA-256, 64 lowercase hexadecimal digits.
    pub sha256: Option<String>,
    /// The component in a registry, pinned by digest; beside no `path`.
    pub artifact: Option<Reference>,
    /// Hosts it may reach, as `host`, `host:port` or `*.domain`.
    pub hosts: Vec<String>,
    /// Cap on its memory, bytes.
    pub memory: Option<u64>,
    /// Wall clock for each call.
    pub timeout: Option<Duration>,
    /// CPU time for each call.
    pub cpu: Option<Duration>,
    /// The name, in the file.
    pub at: Place,
}

/// A plugin and its options: `{plugin: NAME, with: {…}}`.
#[derive(Clone)]
pub struct PluginUse {
    /// Name of a plugin, not checked here: which ones exist is for the plugin host to say.
    pub plugin: String,
    /// Its options, an object, variables and `$file` replaced; not checked here against the plugin's schema.
    pub with: serde_json::Value,
    /// The name, in the file.
    pub at: Place,
    /// Each option, in the file.
    pub with_at: Places,
}

impl fmt::Debug for PluginUse {
    /// Without the options: passwords may be among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginUse").field("plugin", &self.plugin).field("at", &self.at).finish_non_exhaustive()
    }
}

/// One entry of `transfers`.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Its name; `transfer-N` where it has none.
    pub name: String,
    /// The source plugin.
    pub from: PluginUse,
    /// Which of its images.
    pub select: Selection,
    /// Mappers, each fed with what the one before gave.
    pub map: Vec<PluginUse>,
    /// Where to. One entry that is all defaults where the workflow has no `to`: the source names whole destinations then.
    pub to: Vec<To>,
    /// Transfers (by index) that must end before this one starts. No cycles.
    pub needs: Vec<usize>,
    /// Its name or first key, in the file.
    pub at: Place,
}

/// One target of a transfer; fills what neither the source nor a mapper named.
#[derive(Clone, Debug, Default)]
pub struct To {
    /// Registry; none: the source plugin or a mapper must name it.
    pub registry: Option<RegistryName>,
    /// Put before the whole name of the source's repository (`NAMESPACE/repository`) where neither the source plugin nor a
    /// mapper named a target repository.
    pub namespace: Option<Repository>,
    /// Makes sure that repositories exist before the first push.
    pub prepare: Option<PluginUse>,
    /// What happens to a tag that is there already.
    pub existing: Existing,
    /// The value, in the file.
    pub at: Place,
}

/// What happens to a tag that is at the target already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Existing {
    /// Replaced if its digest differs.
    #[default]
    Overwrite,
    /// Left alone, whatever its digest.
    Skip,
    /// An error if its digest differs.
    Fail,
}
