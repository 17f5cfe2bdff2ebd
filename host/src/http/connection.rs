//! How reqwest is set up: one client, with its pool, for each profile.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Once;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Certificate;
use reqwest::Client;
use reqwest::ClientBuilder;
use reqwest::Identity;
use reqwest::Proxy;
use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;
use url::Url;

use crate::http::HttpError;
use crate::http::Profile;
use crate::http::Reach;
use crate::http::error::PrivateName;

/// How long a connection may take to come up, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Builds the client of `profile`. HTTP/1.1 only: measured several times faster than HTTP/2 on uploads with latency, since there
/// the server's flow window rules. Redirects are not followed here: the gateway does, each hop with its own token and checks.
pub(super) fn client(profile: &Profile, names: Option<&Arc<Lookup>>) -> Result<Client, HttpError> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error says that a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    match builder(profile, names)?.build() {
        Ok(client) => Ok(client),
        // A machine without any authority's certificates can still speak plain http and use those that the profile names.
        Err(error) if error.is_builder() && profile.ca.is_none() && profile.identity.is_none() => {
            tracing::warn!("no certificate authorities on this machine: https will not work without `ca:`");
            builder(profile, names)?.tls_certs_only([]).build().map_err(|_| setup(&error))
        }
        Err(error) => Err(setup(&error)),
    }
}

fn builder(profile: &Profile, names: Option<&Arc<Lookup>>) -> Result<ClientBuilder, HttpError> {
    let mut builder = Client::builder()
        .user_agent(concat!("image-transfer/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .http1_only()
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(15))
        .pool_max_idle_per_host(64)
        .pool_idle_timeout(Duration::from_mins(1))
        .connect_timeout(CONNECT_TIMEOUT)
        .referer(false);
    if let Some(pem) = &profile.ca {
        let certificates = Certificate::from_pem_bundle(pem)
            .ok()
            .filter(|them| !them.is_empty())
            .ok_or_else(|| HttpError::Setup { problem: "`ca` holds no PEM certificate".to_owned() })?;
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some((chain, key)) = &profile.identity {
        let pem = [chain.as_slice(), b"\n", key.reveal().as_bytes()].concat();
        let identity = Identity::from_pem(&pem).map_err(|_| HttpError::Setup {
            problem: "client certificate and key are no PEM certificate chain and private key".to_owned(),
        })?;
        builder = builder.identity(identity);
    }
    if profile.skip_verify {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if let Some(proxy) = &profile.proxy {
        let problem =
            || HttpError::Setup { problem: format!("{} is no usable proxy", super::authority(proxy.reveal())) };
        builder = builder.proxy(Proxy::all(proxy.reveal().as_str()).map_err(|_| problem())?);
    }
    if profile.reach != Reach::Any || names.is_some() {
        let lookup = names.map_or_else(|| Arc::new(look_up) as Arc<Lookup>, Arc::clone);
        builder = builder.dns_resolver(Arc::new(Names { reach: profile.reach, proxies: proxies(profile), lookup }));
    }
    Ok(builder)
}

/// Whether a request to `url` goes by a proxy, so that its peer is the proxy and not `url`'s host. `NO_PROXY` is read as the client
/// reads it.
pub(super) fn goes_by_proxy(profile: &Profile, url: &Url) -> bool {
    static ENVIRONMENT: LazyLock<Matcher> = LazyLock::new(Matcher::from_system);
    profile.proxy.is_some() || url.as_str().parse().is_ok_and(|uri| ENVIRONMENT.intercept(&uri).is_some())
}

/// The hosts of the proxies in use. A proxy is the user's own and may be private.
pub(super) fn proxies(profile: &Profile) -> Vec<String> {
    let host = |url: &str| {
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        Url::parse(&url).ok()?.host_str().map(str::to_ascii_lowercase)
    };
    match &profile.proxy {
        Some(proxy) => host(proxy.reveal().as_str()).into_iter().collect(),
        None => ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
            .into_iter()
            .filter_map(|name| host(&std::env::var(name).ok()?))
            .collect(),
    }
}

fn setup(error: &reqwest::Error) -> HttpError {
    HttpError::from_reqwest("", error)
}

/// Finds the addresses of a name.
pub(super) type Lookup = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync;

fn look_up(name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) }.boxed()
}

/// Looks names up and gives only those of their addresses that are within reach. The connection is made to what was checked, so a
/// name cannot change its mind in between.
struct Names {
    reach: Reach,
    proxies: Vec<String>,
    lookup: Arc<Lookup>,
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_ascii_lowercase();
        let reach = if self.proxies.contains(&host) { Reach::Any } else { self.reach };
        let found = (self.lookup)(host.clone());
        Box::pin(async move {
            let found = found.await?;
            let some = !found.is_empty();
            let usable: Vec<_> = found.into_iter().filter(|address| reach.admits(address.ip())).collect();
            if some && usable.is_empty() {
                return Err(PrivateName.into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}
