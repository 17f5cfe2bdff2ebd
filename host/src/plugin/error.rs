//! Why a plugin did not do what it was asked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::http::Class;
use crate::plugin::Capabilities;
use crate::plugin::bindings::types;
use crate::plugin::image::BadName;
use crate::plugin::image::clean;
use crate::secret::Redactor;

/// Problems with its options that a plugin may tell at a time.
const MAX_PROBLEMS: usize = 100;

/// Why a plugin did not do what it was asked. Cheap to clone.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PluginError {
    /// The engine does not start here.
    #[error("cannot start the WebAssembly engine: {reason}")]
    Engine {
        /// Why not.
        reason: String,
    },
    /// A component's file cannot be read.
    #[error("cannot read plugin `{plugin}` from {}: {source}", path.display())]
    Read {
        /// The plugin's name in the workflow.
        plugin: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Arc<std::io::Error>,
    },
    /// No embedded plugin has the name.
    #[error("no plugin `{plugin}` is embedded")]
    Unknown {
        /// The name.
        plugin: String,
    },
    /// The file is not the one that the workflow pins.
    #[error("plugin `{plugin}` has SHA-256 {actual}, expected {expected}")]
    Checksum {
        /// The plugin's name.
        plugin: String,
        /// What the workflow says.
        expected: String,
        /// What the file has.
        actual: String,
    },
    /// The file is something else.
    #[error("plugin `{plugin}` is not a WebAssembly component: it is {found}")]
    NotComponent {
        /// The plugin's name.
        plugin: String,
        /// What it is.
        found: &'static str,
    },
    /// A component that cannot run here.
    #[error("plugin `{plugin}` cannot be used: {reason}")]
    Unusable {
        /// The plugin's name.
        plugin: String,
        /// Why not.
        reason: String,
    },
    /// A component that exports none of the contract's interfaces.
    #[error(
        "plugin `{plugin}` exports none of source, mapper, provisioner and credentials together with plugin-info \
         (image-transfer:plugin@0.1.0){}",
        found(exports)
    )]
    NoCapability {
        /// The plugin's name.
        plugin: String,
        /// What it exports instead; empty: nothing.
        exports: String,
    },
    /// It is asked for what it does not do.
    #[error("plugin `{plugin}` exports no {wanted}, only {has}")]
    Lacks {
        /// The plugin's name.
        plugin: String,
        /// The interface.
        wanted: &'static str,
        /// What it exports.
        has: Capabilities,
    },
    /// Its own description is not usable.
    #[error("plugin `{plugin}` describes its options by a JSON Schema that is none: {reason}")]
    Schema {
        /// The plugin's name.
        plugin: String,
        /// Why not.
        reason: String,
    },
    /// It was asked and said no.
    #[error("{call}: {error}")]
    Call {
        /// Plugin, version and function.
        call: Call,
        /// What it said.
        error: CallError,
    },
    /// It was asked and did not answer.
    #[error("{call}: {failure}")]
    Broken {
        /// Plugin, version and function.
        call: Call,
        /// What happened instead.
        failure: Failure,
    },
}

/// A function of a plugin, for messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("plugin `{plugin}` {version}, {function}")]
pub struct Call {
    /// The plugin's name in the workflow.
    pub plugin: String,
    /// Its own version.
    pub version: String,
    /// The function, as `source.next`.
    pub function: &'static str,
}

/// What a plugin said, or the host on its behalf: the contract's `error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Its options are wrong; one problem a line.
    #[error("{0}")]
    InvalidConfig(String),
    /// The other side refused who asks.
    #[error("{0}")]
    Unauthorized(String),
    /// It is not there.
    #[error("{0}")]
    NotFound(String),
    /// Too often; seconds to wait.
    #[error("asked too often{}", .0.map_or_else(String::new, |seconds| format!(", {seconds} s to wait")))]
    RateLimited(Option<u32>),
    /// Not at the moment.
    #[error("{0}")]
    Unavailable(String),
    /// Not at all.
    #[error("{0}")]
    Fatal(String),
    /// It named something that is no name.
    #[error("a name that it gave is none: {0}")]
    BadName(BadName),
}

/// What happened instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It ran for too long.
    #[error("stopped after {} ms of CPU time", .0.as_millis())]
    Cpu(Duration),
    /// It took too long, waits included.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// It wanted more memory than it may have.
    #[error("wanted more than its {} MiB of memory", .0 >> 20)]
    Memory(u64),
    /// It handed back more than the host takes.
    #[error("handed back more than {limit} {what}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many are taken.
        limit: usize,
    },
    /// It answered something else than was asked.
    #[error("answered for {answers} of {questions} entries")]
    Mismatch {
        /// Entries asked.
        questions: usize,
        /// Entries answered.
        answers: usize,
    },
    /// It crashed.
    #[error("trapped: {0}")]
    Trap(String),
    /// An earlier call crashed it, and it cannot begin again in the middle.
    #[error("an earlier call has ended it")]
    Gone,
}

impl PluginError {
    /// What another try is worth.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Call { error, .. } => error.class(),
            _ => Class::Permanent,
        }
    }

    /// Whether another try may end otherwise.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self.class(), Class::Retry | Class::Wait(_))
    }

    /// Whether the options are to blame.
    #[must_use]
    pub fn is_invalid_config(&self) -> bool {
        matches!(self, Self::Call { error: CallError::InvalidConfig(_), .. })
    }

    /// The problems with the options, one an entry; for other errors, the error.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        match self {
            Self::Call { error: CallError::InvalidConfig(text), .. } => {
                text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
            }
            other => vec![other.to_string()],
        }
    }

    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Checksum { .. } => "if the new file is the one you want, change `sha256` in the workflow",
            Self::NotComponent { .. } => {
                "make a component of it with `wasm-tools component new`; see docs/plugin-guide.md"
            }
            Self::NoCapability { .. } => "build it against the wit/ directory of this version",
            Self::Broken { failure: Failure::Cpu(_), .. } => {
                "raise `cpu` of the plugin in the workflow, if it is to be trusted"
            }
            Self::Broken { failure: Failure::Timeout(_), .. } => "raise `timeout` of the plugin in the workflow",
            Self::Broken { failure: Failure::Memory(_), .. } => "raise `memory` of the plugin in the workflow",
            Self::Call { error: CallError::Unauthorized(_), .. } => "check the credentials in the plugin's options",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// The name is told in the message: as a source it would be told twice.
impl From<BadName> for CallError {
    fn from(name: BadName) -> Self {
        Self::BadName(name)
    }
}

impl CallError {
    /// What another try is worth.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::RateLimited(seconds) => Class::Wait(seconds.map(|seconds| Duration::from_secs(seconds.into()))),
            Self::Unavailable(_) => Class::Retry,
            Self::NotFound(_) => Class::NotFound,
            Self::Unauthorized(_) | Self::InvalidConfig(_) | Self::Fatal(_) | Self::BadName(_) => Class::Permanent,
        }
    }

    /// Whether another try may end otherwise.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self.class(), Class::Retry | Class::Wait(_))
    }

    /// What a guest said, without the secrets that it was given and without what moves a terminal's cursor.
    pub(super) fn read(error: types::Error, redactor: &Redactor) -> Self {
        // In this order: what was cut or cleaned is no longer the secret that is looked for.
        let safe = |text: String| clean(&redactor.strike(&text));
        match error {
            types::Error::InvalidConfig(text) => {
                let text = redactor.strike(&text);
                let lines: Vec<String> = text.lines().take(MAX_PROBLEMS).map(clean).collect();
                Self::InvalidConfig(lines.join("\n"))
            }
            types::Error::Unauthorized(text) => Self::Unauthorized(safe(text)),
            types::Error::NotFound(text) => Self::NotFound(safe(text)),
            types::Error::RateLimited(seconds) => Self::RateLimited(seconds),
            types::Error::Unavailable(text) => Self::Unavailable(safe(text)),
            types::Error::Fatal(text) => Self::Fatal(safe(text)),
        }
    }

    pub(super) fn tell(self) -> types::Error {
        match self {
            Self::InvalidConfig(text) => types::Error::InvalidConfig(text),
            Self::Unauthorized(text) => types::Error::Unauthorized(text),
            Self::NotFound(text) => types::Error::NotFound(text),
            Self::RateLimited(seconds) => types::Error::RateLimited(seconds),
            Self::Unavailable(text) => types::Error::Unavailable(text),
            Self::Fatal(text) => types::Error::Fatal(text),
            Self::BadName(error) => types::Error::Fatal(error.to_string()),
        }
    }
}

fn found(exports: &str) -> String {
    if exports.is_empty() { ": it exports nothing".to_owned() } else { format!(": it exports {exports}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn what_a_guest_says_is_shown_without_secrets_and_control_characters() {
        let redactor = Redactor::new([Secret::new("not-a-real\npassword")]);
        let said = types::Error::Unauthorized("refused not-a-real\npassword\u{1b}[2J".to_owned());
        assert_eq!(CallError::read(said, &redactor).to_string(), "refused ***\u{fffd}[2J");
        let said = types::Error::InvalidConfig("/a: wrong\u{7}\n/b: missing".to_owned());
        assert_eq!(CallError::read(said, &redactor).to_string(), "/a: wrong\u{fffd}\n/b: missing");
    }

    #[test]
    fn a_long_secret_is_struck_before_the_line_is_cut() {
        let secret = "s".repeat(5000);
        let redactor = Redactor::new([Secret::new(secret.as_str())]);
        let said = types::Error::Fatal(format!("key {secret}"));
        assert_eq!(CallError::read(said, &redactor).to_string(), "key ***");
    }
}
