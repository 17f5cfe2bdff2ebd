//! Why no response came, or no whole one.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::http::Class;

/// Why no response came, or no whole one. Messages name the host and the cause, never a URL: the query of a signed one is a secret.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The host's name has no address.
    #[error("cannot find the address of {host}: {cause}")]
    Name {
        /// `host` or `host:port`.
        host: String,
        /// What the resolver said.
        cause: String,
    },
    /// No connection.
    #[error("cannot connect to {host}: {cause}")]
    Connect {
        /// `host` or `host:port`.
        host: String,
        /// Such as "connection refused".
        cause: String,
    },
    /// The host was reached before and cannot be reached now; it is being waited for.
    #[error("{cause}")]
    Down {
        /// `host` or `host:port`.
        host: String,
        /// The last failure.
        cause: String,
    },
    /// The host was waited for, in vain.
    #[error("{host} has served nothing for {} s; the last time: {last}", after.as_secs())]
    Unserved {
        /// `host` or `host:port`.
        host: String,
        /// For how long.
        after: Duration,
        /// What it did, or did not, when it was asked last.
        last: String,
    },
    /// No secure connection.
    #[error("no secure connection to {host}: {cause}")]
    Tls {
        /// `host` or `host:port`.
        host: String,
        /// What is wrong.
        cause: String,
        /// What kind of failure it is.
        kind: TlsKind,
    },
    /// Nothing came or went for too long.
    #[error("{host} gave no sign of life for {} s while {during}", after.as_secs())]
    Timeout {
        /// `host` or `host:port`.
        host: String,
        /// How long.
        after: Duration,
        /// What was going on.
        during: &'static str,
    },
    /// A body came, or was taken, too slowly to be waited for.
    #[error("{host} {does} less than {rate} bytes a second")]
    TooSlow {
        /// `host` or `host:port`.
        host: String,
        /// "sends" or "takes".
        does: &'static str,
        /// What is the least.
        rate: u64,
    },
    /// The connection broke.
    #[error("connection to {host} broke: {cause}")]
    Transport {
        /// `host` or `host:port`.
        host: String,
        /// Such as "connection reset by peer".
        cause: String,
    },
    /// The body's own stream failed, so the request was given up.
    #[error("request to {host} given up: {cause}")]
    Aborted {
        /// `host` or `host:port`.
        host: String,
        /// The stream's error.
        cause: String,
    },
    /// The body is longer than the caller holds in memory.
    #[error("answer of {host} is longer than {cap} bytes")]
    TooLarge {
        /// `host` or `host:port`.
        host: String,
        /// The cap.
        cap: usize,
    },
    /// The body is encoded, such as compressed, though identity was asked for.
    #[error("{host} answered with content encoding {encoding:?}, which was not asked for")]
    Encoded {
        /// `host` or `host:port`.
        host: String,
        /// The encoding.
        encoding: String,
    },
    /// The host is private, loopback, link-local or a metadata service, and the user did not name it.
    #[error("{host} is a private address")]
    PrivateAddress {
        /// `host` or `host:port`.
        host: String,
    },
    /// A redirect that is not followed.
    #[error("{host} redirects {problem}")]
    Redirect {
        /// Who redirects.
        host: String,
        /// Where it must not lead, such as "from https to http".
        problem: String,
    },
    /// The profile or the request cannot be used: a broken certificate, a wrong proxy.
    #[error("{problem}")]
    Setup {
        /// What is wrong.
        problem: String,
    },
}

/// How a secure connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsKind {
    /// The certificate is not trusted or not for this host.
    Certificate,
    /// What answers does not speak TLS, or none that both sides know.
    Protocol,
    /// The connection broke during the handshake.
    Broken,
}

impl HttpError {
    /// What another try is worth.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Name { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::TooSlow { .. }
            | Self::Transport { .. }
            | Self::Aborted { .. } => Class::Retry,
            Self::Tls { kind, .. } => match kind {
                TlsKind::Broken => Class::Retry,
                TlsKind::Certificate | TlsKind::Protocol => Class::Permanent,
            },
            Self::Down { .. } => Class::Wait(None),
            Self::Unserved { .. }
            | Self::TooLarge { .. }
            | Self::Encoded { .. }
            | Self::PrivateAddress { .. }
            | Self::Redirect { .. }
            | Self::Setup { .. } => Class::Permanent,
        }
    }

    /// What the user can do about it, where something is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name { host, .. } => {
                Some(format!("check the spelling of {host} and this machine's DNS and proxy settings"))
            }
            Self::Unserved { host, .. } => Some(format!(
                "once {host} serves again, go on with --resume; `retry.patience` in the workflow says how long a host is waited for"
            )),
            Self::Connect { host, .. } | Self::Down { host, .. } => {
                Some(format!("check that {host} is right and reachable from this machine"))
            }
            Self::Tls { host, kind: TlsKind::Certificate, .. } => Some(format!(
                "name the authority's certificate with `ca:` (or, for a test, `skip-verify: true`) for {host} in `registries:`"
            )),
            Self::Tls { host, kind: TlsKind::Protocol, .. } => {
                Some(format!("if {host} speaks plain http, say `plain-http: true` for it in `registries:`"))
            }
            Self::PrivateAddress { host } => {
                Some(format!("if this is meant, name {host} in `registries:`, or grant it to the plugin by name"))
            }
            _ => None,
        }
    }

    /// Reads the cause out of reqwest's error.
    pub(super) fn from_reqwest(host: &str, error: &reqwest::Error) -> Self {
        let host = host.to_owned();
        let chain = chain(error);
        if chain.iter().any(|it| it.is::<PrivateName>()) {
            return Self::PrivateAddress { host };
        }
        if let Some(tls) = chain.iter().find_map(|it| it.downcast_ref::<rustls::Error>()) {
            let (kind, cause) = explain_tls(tls);
            return Self::Tls { host, cause, kind };
        }
        let cause = cause(&chain);
        if error.is_builder() {
            return Self::Setup { problem: cause };
        }
        if error.is_dns() {
            return Self::Name { host, cause };
        }
        if error.is_connect() {
            let broken = chain.iter().filter_map(|it| it.downcast_ref::<io::Error>()).any(|it| {
                use io::ErrorKind::{ConnectionAborted, ConnectionReset, InvalidData, UnexpectedEof};
                matches!(it.kind(), ConnectionAborted | ConnectionReset | InvalidData | UnexpectedEof)
            });
            return if broken {
                Self::Tls { host, cause, kind: TlsKind::Broken }
            } else {
                Self::Connect { host, cause }
            };
        }
        if let Some(own) = chain.iter().find_map(|it| it.downcast_ref::<BodyFailed>()) {
            return Self::Aborted { host, cause: own.0.clone() };
        }
        Self::Transport { host, cause }
    }
}

/// The resolver's refusal of a name that has no address within reach.
#[derive(Debug, thiserror::Error)]
#[error("private addresses only")]
pub(super) struct PrivateName;

/// Marks the failure of a request body's own stream, to tell it from the connection's.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BodyFailed(pub(super) String);

/// All causes, outermost first. `io::Error::source` skips the error that it wraps, so that is looked at too.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut chain = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next.filter(|_| chain.len() < 32) {
        chain.push(error);
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    chain
}

/// The innermost cause, which says most, in the words that people search for.
fn cause(chain: &[&(dyn Error + 'static)]) -> String {
    use io::ErrorKind;
    let kind = chain.iter().rev().find_map(|it| it.downcast_ref::<io::Error>()).map(io::Error::kind);
    let known = match kind {
        Some(ErrorKind::ConnectionRefused) => Some("connection refused"),
        Some(ErrorKind::ConnectionReset) => Some("connection reset by peer"),
        Some(ErrorKind::BrokenPipe) => Some("closed by the other side"),
        Some(ErrorKind::UnexpectedEof) => Some("closed before the end"),
        Some(ErrorKind::NetworkUnreachable) => Some("network unreachable"),
        Some(ErrorKind::HostUnreachable) => Some("host unreachable"),
        Some(ErrorKind::TimedOut) => Some("timed out"),
        _ => None,
    };
    let text = match (known, chain.last()) {
        (Some(known), _) => known.to_owned(),
        (None, Some(last)) => last.to_string(),
        (None, None) => "unknown cause".to_owned(),
    };
    let lower = text.to_ascii_lowercase();
    if lower.contains("name or service not known") || lower.contains("nodename nor servname") {
        return "name not found".to_owned();
    }
    if lower == "operation timed out" || lower == "deadline has elapsed" {
        return "timed out".to_owned();
    }
    text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned()
}

fn explain_tls(error: &rustls::Error) -> (TlsKind, String) {
    use rustls::CertificateError;
    match error {
        rustls::Error::InvalidCertificate(certificate) => {
            let cause = match certificate {
                CertificateError::UnknownIssuer => "certificate signed by unknown authority".to_owned(),
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    "certificate has expired".to_owned()
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    "certificate is not valid yet".to_owned()
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    "certificate is for another name".to_owned()
                }
                // Debug, since the variant's type belongs to a crate that rustls does not hand on.
                CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
                    "certificate is an authority's own (self-signed with CA:TRUE) and cannot stand for a server"
                        .to_owned()
                }
                other => format!("certificate refused: {other}"),
            };
            (TlsKind::Certificate, cause)
        }
        rustls::Error::InvalidMessage(_) => (TlsKind::Protocol, "what answers does not speak TLS".to_owned()),
        other => (TlsKind::Protocol, other.to_string()),
    }
}
