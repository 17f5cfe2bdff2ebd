//! The classic tool's one step from Tencent CCR to TCR, as a plan.

use std::num::NonZeroU32;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::oci::RegistryName;
use crate::select::Newest;
use crate::select::NewestBy;
use crate::select::Selection;
use crate::workflow::Existing;
use crate::workflow::Limits;
use crate::workflow::LoginEntry;
use crate::workflow::Place;
use crate::workflow::Plan;
use crate::workflow::PluginUse;
use crate::workflow::RegistryEntry;
use crate::workflow::Report;
use crate::workflow::Retry;
use crate::workflow::Source;
use crate::workflow::To;
use crate::workflow::Transfer;
use crate::workflow::classic::file;
use crate::workflow::classic::option;
use crate::workflow::classic::registries;
use crate::workflow::interpolate::Interpolation;
use crate::workflow::load::secrets;
use crate::workflow::node::Content;
use crate::workflow::node::Entry;
use crate::workflow::node::Node;
use crate::workflow::reader::Reader;

/// Keys of the secret file, and of each of its sections.
const SECTIONS: &[&str] = &["ccr", "tcr"];
const KEY: &[&str] = &["secretId", "secretKey"];

/// What the classic flags of the migration say.
#[derive(Clone, Debug)]
pub struct Migration {
    /// `--securityFile`: logins of the two registries. Where it has none for TCR, the API vends one.
    pub security_file: Option<PathBuf>,
    /// `--secretFile`: keys of the API.
    pub secret_file: PathBuf,
    /// `--tcrName`: the instance.
    pub tcr_name: String,
    /// `--tcrRegion`.
    pub tcr_region: String,
    /// `--ccrRegion`.
    pub ccr_region: String,
    /// `--ccrTagNums`: the newest tags of each repository; none: all.
    pub tags: Option<NonZeroUsize>,
    /// `--registry`: TCR's host, where it is not `<tcrName>.tencentcloudcr.com`.
    pub registry: Option<String>,
    /// `--tencentcloud-endpoint`: the API's URL, where it is not the usual one.
    pub endpoint: Option<String>,
    /// `--routines`: images on their way at once, at least one.
    pub routines: usize,
    /// `--retry`: rounds over what failed.
    pub retry: u32,
    /// `--qps`: requests a second over registries and API; 0: no limit.
    pub qps: u32,
    /// `--tag-exist-overridden`.
    pub overwrite_tags: bool,
}

/// Reads the two files: all of their errors, or the same plan that `workflows/ccr-to-tcr.yaml` is.
pub fn load_migration(migration: &Migration, env: &dyn Fn(&str) -> Option<String>) -> Result<(Plan, Source), Report> {
    let mut source = Source::default();
    let mut interpolation = Interpolation::new(env);
    let mut reader =
        Reader { source: &mut source, interpolation: &mut interpolation, base: ".".into(), diagnostics: Vec::new() };
    let security = migration.security_file.as_deref().and_then(|path| file(&mut reader, "--securityFile", path));
    let registries = security.map(|root| registries(&mut reader, &root)).unwrap_or_default();
    let keys = file(&mut reader, "--secretFile", &migration.secret_file).and_then(|root| keys(&mut reader, &root));
    let host = target(&mut reader, migration);
    let mut diagnostics = reader.diagnostics;
    diagnostics.append(&mut interpolation.diagnostics);
    let (Some((ccr, tcr)), Some(host), true) = (keys, host, diagnostics.is_empty()) else {
        source.redact(&interpolation.secrets);
        return Err(source.report(diagnostics));
    };
    let endpoint = migration.endpoint.iter().map(|url| option("endpoint", url));
    let from = used("ccr", ccr.into_iter().chain([option("region", &migration.ccr_region)]).chain(endpoint.clone()));
    let of_instance = [option("instance", &migration.tcr_name), option("region", &migration.tcr_region)];
    let tcr = used("tcr", tcr.into_iter().chain(of_instance).chain(endpoint));
    let mut plan = plan(
        migration,
        logged_in(registries, &host, &tcr),
        from,
        To {
            registry: Some(RegistryName::Host(host)),
            prepare: Some(tcr),
            existing: if migration.overwrite_tags { Existing::Overwrite } else { Existing::Skip },
            ..To::default()
        },
    );
    plan.secrets = secrets(&plan, interpolation.secrets);
    source.redact(&plan.secrets);
    Ok((plan, source))
}

fn plan(migration: &Migration, registries: Vec<RegistryEntry>, from: PluginUse, to: To) -> Plan {
    let newest = migration.tags.map(|count| Newest { count, by: NewestBy::Created });
    let limits = Limits { qps: NonZeroU32::new(migration.qps), images: migration.routines.max(1), ..Limits::default() };
    Plan {
        name: "ccr-to-tcr".to_owned(),
        base: ".".into(),
        registries,
        limits,
        retry: Retry { rounds: migration.retry, ..Retry::default() },
        plugins: Vec::new(),
        plugin_dirs: Vec::new(),
        transfers: vec![Transfer {
            name: "ccr-to-tcr".to_owned(),
            from,
            select: Selection { newest, ..Selection::default() },
            map: Vec::new(),
            to: vec![to],
            needs: Vec::new(),
            at: Place::default(),
        }],
        secrets: Vec::new(),
    }
}

/// TCR's host.
fn target(reader: &mut Reader<'_, '_>, migration: &Migration) -> Option<String> {
    let (flag, text) = match &migration.registry {
        Some(registry) => ("--registry", registry.trim_end_matches('/').to_owned()),
        None => ("--tcrName", format!("{}.tencentcloudcr.com", migration.tcr_name)),
    };
    match text.parse() {
        Ok(RegistryName::Host(host)) => Some(host),
        Ok(RegistryName::Layout(_)) => {
            reader.error(Place::default(), format!("{flag}: TCR is a registry, not a directory"));
            None
        }
        Err(error) => {
            reader.error(Place::default(), format!("{flag}: {error}"));
            None
        }
    }
}

/// The keys for CCR and for TCR, as options. A section that is missing borrows the other.
fn keys(reader: &mut Reader<'_, '_>, root: &Node) -> Option<(Vec<Entry>, Vec<Entry>)> {
    let sections = reader.fields(root, "a secret file", SECTIONS)?;
    let [ccr, tcr] = ["ccr", "tcr"].map(|name| sections.get(name).filter(|node| !node.is_null()));
    let Some(first) = ccr.or(tcr) else {
        let help = "write `ccr: {secretId: …, secretKey: …}`, and the same for `tcr` if it has a key of its own";
        reader.error_with_help(root.at, "the secret file has neither `ccr` nor `tcr`", help);
        return None;
    };
    let (ccr, tcr) = (ccr.unwrap_or(first), tcr.unwrap_or(first));
    let read = |reader: &mut Reader<'_, '_>, node| key(reader, node);
    let first = read(reader, ccr);
    // The same section is not read twice, or its errors would be told twice.
    let second = if std::ptr::eq(ccr, tcr) { first.clone() } else { read(reader, tcr) };
    first.zip(second)
}

fn key(reader: &mut Reader<'_, '_>, section: &Node) -> Option<Vec<Entry>> {
    let fields = reader.fields(section, "a section of the secret file", KEY)?;
    let mut part = |name: &str| {
        if let Some(node) = fields.get(name).filter(|node| !is_empty(node)) {
            return reader.text(node, &format!("`{name}`")).map(str::to_owned);
        }
        reader.error(section.at, format!("`{name}` is missing or empty"));
        None
    };
    let (id, secret) = (part("secretId"), part("secretKey"));
    Some(vec![option("secret-id", &id?), option("secret-key", &secret?)])
}

fn is_empty(node: &Node) -> bool {
    node.is_null() || matches!(&node.content, Content::Scalar { text, .. } if text.is_empty())
}

fn used(plugin: &str, options: impl Iterator<Item = Entry>) -> PluginUse {
    let at = Place::default();
    let (with, with_at) = Node { at, content: Content::Mapping(options.collect()) }.to_json();
    PluginUse { plugin: plugin.to_owned(), with, at, with_at }
}

/// The logins of the security file, and where it has none for `host`, the one that the API vends.
fn logged_in(mut registries: Vec<RegistryEntry>, host: &str, tcr: &PluginUse) -> Vec<RegistryEntry> {
    match registries.iter_mut().find(|entry| entry.key == host) {
        Some(entry) if matches!(entry.login, LoginEntry::Files) => entry.login = LoginEntry::Plugin(tcr.clone()),
        Some(_) => {}
        None => registries.push(RegistryEntry {
            key: host.to_owned(),
            login: LoginEntry::Plugin(tcr.clone()),
            ca: None,
            client: None,
            skip_verify: false,
            plain_http: false,
            insecure: false,
            proxy: None,
            qps: None,
            at: Place::default(),
        }),
    }
    registries
}

#[cfg(test)]
mod tests;
