//! `plugin test`: one plugin by itself, offline, and what it gave, called and used.

mod input;
mod outcome;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::RoleArg;
use crate::cli::args::TestArgs;
use crate::cli::plugins;
use crate::cli::runs::say;
use crate::oci::Digest;
use crate::plugin::Capabilities;
use crate::plugin::Host;
use crate::plugin::Plugin;
use crate::plugin::PluginError;
use crate::plugin::Seen;
use crate::plugin::Trial;
use crate::report::Size;
use crate::run;

/// Entries of a source that are read: one that never ends would fill the memory.
const MOST: usize = 100_000;

/// How often a source is asked again that says that another try may help. A recording is not waited for.
const TRIES: usize = 5;

/// What came of it.
struct Outcome {
    /// A list of entries, or an error of the whole.
    value: Value,
    position: Option<String>,
}

/// Runs a plugin.
pub(super) async fn run(args: TestArgs) -> Result<Exit, CommandError> {
    let options = input::options(&args)?;
    let expected: Option<Value> = args.expect.as_deref().map(input::json).transpose()?;
    let online = args.record.is_some();
    let trial =
        Arc::new(if online { Trial::online() } else { Trial::offline(input::recording(args.http.as_deref())?) });
    let host = run::trial_host(Arc::clone(&trial), online, &args.plain_http)?;
    let mut spec = plugins::spec(&args.plugin)?;
    spec.hosts.clone_from(&args.host);
    spec.memory = args.memory.unwrap_or(spec.memory);
    spec.cpu = args.cpu.unwrap_or(spec.cpu);
    spec.timeout = args.timeout.unwrap_or(spec.timeout);
    let (memory, sha256) = (spec.memory, Digest::of(&Host::bytes(&spec)?));
    let plugin = Arc::new(host.load(spec).await?);
    let role = role(plugin.capabilities(), args.role)?;

    let problems = plugin.check(&options);
    let outcome = if problems.is_empty() {
        asked(&plugin, role, &options, &args, online).await?
    } else {
        let problems = problems.iter().map(|problem| format!("{}: {}", problem.pointer, problem.message));
        Outcome { value: json!({"error": problems.collect::<Vec<_>>().join("\n")}), position: None }
    };
    if let Some(path) = &args.record {
        record(path, &trial)?;
    }
    let difference = expected.as_ref().map(|expected| outcome::difference(expected, &outcome.value, ""));
    let shown = Shown { plugin: &plugin, role, sha256, outcome: &outcome, seen: trial.seen(), memory };
    if args.json {
        let mut value = shown.json();
        if let Some(difference) = &difference {
            value["expected"] = difference.is_none().into();
        }
        say(&plugins::shown(&serde_json::to_string_pretty(&value).map_err(std::io::Error::other)?));
    } else {
        say(&plugins::shown(&shown.text()));
    }
    match difference {
        Some(Some(difference)) => {
            tell(&format!("not what was expected, at {difference}"));
            Ok(Exit::Failed)
        }
        None if outcome::failed(&outcome.value) => Ok(Exit::Failed),
        Some(None) | None => Ok(Exit::Done),
    }
}

/// What the plugin is to do: what was said, or the one thing that it can do.
fn role(can: Capabilities, said: Option<RoleArg>) -> Result<RoleArg, CommandError> {
    if let Some(role) = said {
        return Ok(role);
    }
    let all = [
        (can.source, RoleArg::Source),
        (can.mapper, RoleArg::Mapper),
        (can.provisioner, RoleArg::Provisioner),
        (can.credentials, RoleArg::Credentials),
    ];
    let mut able = all.into_iter().filter_map(|(can, role)| can.then_some(role));
    match (able.next(), able.next()) {
        (Some(role), None) => Ok(role),
        _ => Err(CommandError::Usage(format!("the plugin exports {can}: say with --as which of them is meant"))),
    }
}

/// Asks the plugin. What it has against that is an outcome; a file that cannot be read is an error.
async fn asked(
    plugin: &Arc<Plugin>,
    role: RoleArg,
    options: &Value,
    args: &TestArgs,
    online: bool,
) -> Result<Outcome, CommandError> {
    let input = args.input.as_deref();
    let mut position = None;
    let entries = match role {
        RoleArg::Source => enumerated(plugin, options, args, online, &mut position).await,
        RoleArg::Mapper => mapped(plugin, options, &input::images(input)?).await,
        RoleArg::Provisioner => {
            let wanted = input::repositories(input)?;
            match plugin.provisioner(options).await {
                Ok(mut preparation) => preparation.ensure(&wanted).await.map(|ensured| {
                    wanted.iter().zip(ensured).map(|(wanted, ensured)| outcome::ensured(wanted, ensured)).collect()
                }),
                Err(error) => Err(error),
            }
        }
        RoleArg::Credentials => issued(plugin, options, &input::registries(input)?).await,
    };
    let value = match entries {
        Ok(entries) => Value::Array(entries),
        Err(error @ PluginError::Lacks { .. }) => return Err(error.into()),
        Err(error) => json!({"error": error.to_string()}),
    };
    Ok(Outcome { value, position })
}

async fn enumerated(
    plugin: &Arc<Plugin>,
    options: &Value,
    args: &TestArgs,
    online: bool,
    position: &mut Option<String>,
) -> Result<Vec<Value>, PluginError> {
    let mut source = plugin.source(options, args.position.as_deref()).await?;
    let mut entries = Vec::new();
    let mut tries = 0;
    while entries.len() < MOST {
        match source.next().await {
            Ok(None) => break,
            Ok(Some(batch)) => {
                tries = 0;
                entries.extend(batch.into_iter().map(outcome::listed));
                *position = source.position().await?;
            }
            Err(error) if !online && error.may_pass() && tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
    }
    if entries.len() >= MOST {
        tell(&format!("stopped after {} images", entries.len()));
    }
    Ok(entries)
}

async fn mapped(
    plugin: &Arc<Plugin>,
    options: &Value,
    images: &[crate::plugin::Image],
) -> Result<Vec<Value>, PluginError> {
    let mapped = plugin.mapper(options).await?.map(images).await?;
    Ok(images.iter().zip(mapped).map(|(image, destinations)| outcome::mapped(image, destinations)).collect())
}

async fn issued(plugin: &Arc<Plugin>, options: &Value, registries: &[String]) -> Result<Vec<Value>, PluginError> {
    let mut issuer = plugin.issuer(options).await?;
    let mut entries = Vec::new();
    for registry in registries {
        entries.push(outcome::issued(registry, &issuer.issue(registry).await?));
    }
    Ok(entries)
}

fn record(path: &Path, trial: &Trial) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(&trial.record()).map_err(std::io::Error::other)? + "\n";
    let write = || {
        // For the user's own eyes: an API may have told a secret.
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|source| CommandError::File { path: path.to_owned(), source })
}

#[expect(clippy::print_stderr, reason = "a remark about the result is not part of it")]
fn tell(text: &str) {
    eprintln!("{text}");
}

/// All that there is to show.
struct Shown<'a> {
    plugin: &'a Plugin,
    role: RoleArg,
    sha256: Digest,
    outcome: &'a Outcome,
    seen: Seen,
    memory: u64,
}

impl Shown<'_> {
    fn json(&self) -> Value {
        let info = self.plugin.info();
        let calls = self.calls().into_iter().map(|(function, count, took, cpu)| {
            json!({"function": function, "count": count, "milliseconds": ms(took), "cpu-milliseconds": ms(cpu)})
        });
        let requests = self.seen.requests.iter().map(|it| {
            let exchange = &it.exchange;
            json!({
                "method": exchange.method, "url": exchange.url, "status": exchange.status, "error": exchange.error,
                "denied": it.denied, "bytes": it.bytes, "milliseconds": ms(it.took),
            })
        });
        let listings = self
            .seen
            .listings
            .iter()
            .map(|it| json!({"registry": it.registry, "repository": it.repository, "names": it.names.len()}));
        json!({
            "plugin": {"name": info.name, "version": info.version, "sha256": self.sha256.hex()},
            "role": self.role.name(),
            "outcome": self.outcome.value,
            "position": self.outcome.position,
            "calls": calls.collect::<Vec<_>>(),
            "requests": requests.collect::<Vec<_>>(),
            "listings": listings.collect::<Vec<_>>(),
            "memory": {"peak": self.seen.memory, "cap": self.memory},
        })
    }

    fn text(&self) -> String {
        let info = self.plugin.info();
        let mut lines = vec![format!("{} {}, as {}", info.name, info.version, self.role.name()), String::new()];
        lines.extend(outcome::lines(&self.outcome.value));
        if let Some(position) = &self.outcome.position {
            lines.push(format!("position  {position}"));
        }
        if !self.seen.requests.is_empty() || !self.seen.listings.is_empty() {
            lines.push(String::new());
        }
        for it in &self.seen.requests {
            let exchange = &it.exchange;
            let came = match (exchange.status, &exchange.error) {
                (Some(status), _) => format!("{status}  {}", Size(it.bytes as u64)),
                (None, Some(error)) if it.denied => format!("denied: {error}"),
                (None, error) => error.clone().unwrap_or_default(),
            };
            lines.push(format!("{} {}  {came}  {} ms", exchange.method, exchange.url, ms(it.took)));
        }
        for it in &self.seen.listings {
            let repository = it.repository.as_ref().map(|repository| format!("/{repository}")).unwrap_or_default();
            lines.push(format!("listed {}{repository}  {} names", it.registry, it.names.len()));
        }
        lines.push(String::new());
        for (function, count, took, cpu) in self.calls() {
            lines.push(format!("{function}  {count} calls  {} ms, of them {} ms computing", ms(took), ms(cpu)));
        }
        lines.push(format!("memory  {} of {}", Size(self.seen.memory), Size(self.memory)));
        lines.join("\n")
    }

    /// The functions that were called, in the order of their first calls: how often, how long, how much computing.
    fn calls(&self) -> Vec<(&'static str, usize, Duration, Duration)> {
        let mut calls: Vec<(&'static str, usize, Duration, Duration)> = Vec::new();
        for call in &self.seen.calls {
            match calls.iter_mut().find(|it| it.0 == call.function) {
                Some(known) => {
                    known.1 += 1;
                    known.2 += call.took;
                    known.3 += call.cpu;
                }
                None => calls.push((call.function, 1, call.took, call.cpu)),
            }
        }
        calls
    }
}

/// Milliseconds with a thousandth.
fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
