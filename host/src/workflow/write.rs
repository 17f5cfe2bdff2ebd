//! A plan as the workflow file that would give it.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::http::Patience;
use crate::oci::Digest;
use crate::secret::Secret;
use crate::select::Filter;
use crate::select::NewestBy;
use crate::select::Selection;
use crate::workflow::Existing;
use crate::workflow::Limits;
use crate::workflow::LoginEntry;
use crate::workflow::Plan;
use crate::workflow::PluginEntry;
use crate::workflow::PluginUse;
use crate::workflow::RegistryEntry;
use crate::workflow::Retry;
use crate::workflow::To;

/// The workflow file of `plan`. It holds no secret: each is a variable of the environment instead, which the comment at the
/// top lists.
#[must_use]
pub fn print_workflow(plan: &Plan) -> String {
    let mut writer = Writer { secrets: &plan.secrets, variables: Vec::new() };
    let body = writer.plan(plan);
    let mut text = String::new();
    if !writer.variables.is_empty() {
        text.push_str("# Set these in the environment before running it:\n");
        for (variable, _) in &writer.variables {
            text.extend(["#   ", variable, "\n"]);
        }
    }
    // A tree of strings, numbers and lists always serializes.
    text.push_str(&serde_yaml::to_string(&body).unwrap_or_default());
    text
}

/// Tells whether two plans move the same: equal for equal transfers, plugins and registries' names, whatever the limits, the retries, the
/// credentials and the secrets in options are. Hexadecimal.
#[must_use]
pub fn fingerprint(plan: &Plan) -> String {
    let what = Plan { limits: Limits::default(), retry: Retry::default(), registries: Vec::new(), ..plan.clone() };
    Digest::of(print_workflow(&what).as_bytes()).hex().to_owned()
}

struct Writer<'a> {
    secrets: &'a [Secret],
    /// Names, and what tells their values apart.
    variables: Vec<(String, String)>,
}

impl Writer<'_> {
    fn plan(&mut self, plan: &Plan) -> Value {
        let mut root = Object::default();
        root.set("version", 1);
        root.set("name", literal(&plan.name));
        let registries = plan.registries.iter().map(|entry| (literal(&entry.key), self.registry(entry))).collect();
        root.some("registries", registries);
        let mut limits = Object::default();
        limits.option("qps", plan.limits.qps.map(std::num::NonZeroU32::get));
        limits.set("images", plan.limits.images);
        limits.set("blobs", plan.limits.blobs);
        limits.option("bandwidth", plan.limits.bandwidth);
        let (patience, standard) = (plan.limits.patience, Patience::default());
        let idle = Some(patience.idle).filter(|idle| *idle != standard.idle);
        limits.option("idle", idle.map(|idle| format!("{}ms", idle.as_millis())));
        limits.option("minimum-rate", Some(patience.minimum_rate).filter(|rate| *rate != standard.minimum_rate));
        root.some("limits", limits.0);
        let mut retry = Object::default();
        retry.set("rounds", plan.retry.rounds);
        let patience = Some(plan.retry.patience).filter(|it| *it != Retry::default().patience);
        retry.option("patience", patience.map(|it| format!("{}ms", it.as_millis())));
        root.some("retry", retry.0);
        root.some("plugins", plan.plugins.iter().map(|entry| (entry.name.clone(), plugin(entry))).collect());
        let directories: Vec<_> = plan.plugin_dirs.iter().map(|path| path.display().to_string()).collect();
        root.list("plugin-dirs", directories);
        let transfers: Vec<_> = plan
            .transfers
            .iter()
            .map(|transfer| {
                let mut object = Object::default();
                object.set("name", literal(&transfer.name));
                object.set("from", self.plugin_use(&transfer.from));
                object.some("select", select(&transfer.select));
                object.list("map", transfer.map.iter().map(|mapper| self.plugin_use(mapper)).collect());
                let to: Vec<_> = transfer.to.iter().map(|to| self.target(to)).collect();
                object.set("to", if let [one] = to.as_slice() { one.clone() } else { to.into() });
                let needs = transfer.needs.iter().map(|&index| literal(&plan.transfers[index].name)).collect();
                object.list("needs", needs);
                Value::Object(object.0)
            })
            .collect();
        root.set("transfers", transfers);
        Value::Object(root.0)
    }

    fn registry(&mut self, entry: &RegistryEntry) -> Value {
        let mut object = Object::default();
        match &entry.login {
            LoginEntry::Files => {}
            LoginEntry::Anonymous => object.set("anonymous", true),
            LoginEntry::Basic { username, .. } => {
                object.set("username", literal(username));
                object.set("password", self.variable("REGISTRY_PASSWORD", &entry.key));
            }
            LoginEntry::IdentityToken(_) => object.set("identity-token", self.variable("REGISTRY_TOKEN", &entry.key)),
            LoginEntry::Plugin(plugin) => object.set("credentials", self.plugin_use(plugin)),
        }
        object.option("ca", entry.ca.as_ref().map(|path| path.display().to_string()));
        if let Some((certificate, key)) = &entry.client {
            object.set("client-cert", certificate.display().to_string());
            object.set("client-key", key.display().to_string());
        }
        for (name, flag) in
            [("skip-verify", entry.skip_verify), ("plain-http", entry.plain_http), ("insecure", entry.insecure)]
        {
            object.option(name, flag.then_some(true));
        }
        if let Some(proxy) = &entry.proxy {
            let secret = proxy.reveal().password().is_some();
            let text = if secret { self.variable("PROXY", &entry.key) } else { proxy.reveal().to_string() };
            object.set("proxy", text);
        }
        object.option("qps", entry.qps.map(std::num::NonZeroU32::get));
        if object.0.is_empty() {
            // An entry without settings is refused; this is the default, said aloud.
            object.set("insecure", false);
        }
        Value::Object(object.0)
    }

    fn plugin_use(&mut self, plugin: &PluginUse) -> Value {
        let with = self.options(&plugin.plugin, "", &plugin.with);
        json!({"plugin": literal(&plugin.plugin), "with": with})
    }

    fn target(&mut self, to: &To) -> Value {
        let mut object = Object::default();
        object.option("registry", to.registry.as_ref().map(|name| literal(&name.to_string())));
        object.option("namespace", to.namespace.as_ref().map(|name| name.as_str().to_owned()));
        object.option("prepare", to.prepare.as_ref().map(|plugin| self.plugin_use(plugin)));
        let existing = match to.existing {
            Existing::Overwrite => "overwrite",
            Existing::Skip => "skip",
            Existing::Fail => "fail",
        };
        object.set("existing", existing);
        Value::Object(object.0)
    }

    /// A plugin's options, secrets in them as variables that are named after the plugin and their keys.
    fn options(&mut self, plugin: &str, key: &str, value: &Value) -> Value {
        match value {
            Value::String(text) if !text.is_empty() && self.secrets.iter().any(|secret| secret.reveal() == text) => {
                self.named(&format!("{plugin}_{key}"), text).into()
            }
            Value::String(text) => literal(text).into(),
            Value::Array(items) => items.iter().map(|item| self.options(plugin, key, item)).collect(),
            Value::Object(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| (literal(key), self.options(plugin, key, value)));
                Value::Object(pairs.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// `${PREFIX_KEY}`, noted for the comment. There is one for each registry.
    fn variable(&mut self, prefix: &str, key: &str) -> String {
        self.named(&format!("{prefix}_{key}"), key)
    }

    /// A variable called as `name` in capitals. The same for the same `value`; another value gets a name with a number.
    fn named(&mut self, name: &str, value: &str) -> String {
        let name: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        let numbered = (1..).map(|number| if number == 1 { name.clone() } else { format!("{name}_{number}") });
        for name in numbered {
            match self.variables.iter().find(|(other, _)| *other == name) {
                Some((_, other)) if other == value => return format!("${{{name}}}"),
                Some(_) => {}
                None => {
                    self.variables.push((name.clone(), value.to_owned()));
                    return format!("${{{name}}}");
                }
            }
        }
        unreachable!("numbers do not end")
    }
}

/// Keys are written only where they say something.
#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    fn option<T: Into<Value>>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    fn some(&mut self, key: &str, value: Map<String, Value>) {
        if !value.is_empty() {
            self.set(key, value);
        }
    }

    fn list<T: Into<Value>>(&mut self, key: &str, value: Vec<T>) {
        if !value.is_empty() {
            self.set(key, value);
        }
    }
}

/// `text` so that it is read as it is.
fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

fn plugin(entry: &PluginEntry) -> Value {
    let mut object = Object::default();
    object.option("path", entry.path.as_ref().map(|path| path.display().to_string()));
    object.option("sha256", entry.sha256.clone());
    object.option("oci", entry.artifact.as_ref().map(ToString::to_string));
    object.list("hosts", entry.hosts.clone());
    object.option("memory", entry.memory);
    object.option("timeout", entry.timeout.map(|timeout| format!("{}ms", timeout.as_millis())));
    object.option("cpu", entry.cpu.map(|cpu| format!("{}ms", cpu.as_millis())));
    Value::Object(object.0)
}

fn select(select: &Selection) -> Map<String, Value> {
    let filter = |filter: &Filter| {
        let mut object = Object::default();
        object.list("include", filter.include.iter().map(|pattern| literal(pattern.as_str())).collect());
        object.list("exclude", filter.exclude.iter().map(|pattern| literal(pattern.as_str())).collect());
        object
    };
    let mut object = Object::default();
    object.some("repositories", filter(&select.repositories).0);
    let mut tags = filter(&select.tags);
    tags.option("semver", select.semver.as_ref().map(|range| range.as_str().to_owned()));
    if let Some(newest) = select.newest {
        let by = match newest.by {
            NewestBy::Semver => "semver",
            NewestBy::Name => "name",
            NewestBy::Created => "created",
        };
        tags.set("newest", json!({"count": newest.count.get(), "by": by}));
    }
    object.some("tags", tags.0);
    object.list("platforms", select.platforms.iter().map(ToString::to_string).collect());
    object.option("referrers", select.referrers.then_some(true));
    object.0
}
