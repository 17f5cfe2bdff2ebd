//! `plugin push` and `plugin pull`.

use std::path::PathBuf;

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::PullArgs;
use crate::cli::args::PushArgs;
use crate::cli::plugins;
use crate::cli::runs::say;
use crate::cli::write;
use crate::oci::Reference;
use crate::oci::TagOrDigest;
use crate::plugin::CacheDir;
use crate::plugin::Host;
use crate::run;

/// Pushes a component. One that is no plugin of this contract stays here.
pub(super) async fn push(args: &PushArgs) -> Result<Exit, CommandError> {
    let reference = reference(&args.reference)?;
    if let TagOrDigest::Digest(_) = reference.version {
        return Err(CommandError::Usage("a plugin is pushed to a tag: its digest is what comes of it".to_owned()));
    }
    let spec = plugins::in_file(&args.file);
    let component = Host::bytes(&spec)?;
    let plugin = run::inspection_host(CacheDir::default())?.load(spec).await?;
    let endpoints = run::endpoints(&args.reach.plain_http, &args.reach.insecure);
    let digest = run::push(&endpoints, &reference, &plugin, component).await?;
    say(&format!("{}/{}@{digest}", reference.registry, reference.repository));
    Ok(Exit::Done)
}

/// Pulls a component into a file.
pub(super) async fn pull(args: &PullArgs) -> Result<Exit, CommandError> {
    let reference = reference(&args.reference)?;
    let path = args.output.clone().unwrap_or_else(|| {
        let name = reference.repository.as_str().rsplit('/').next().unwrap_or("plugin");
        PathBuf::from(format!("{name}.wasm"))
    });
    let endpoints = run::endpoints(&args.reach.plain_http, &args.reach.insecure);
    let pulled = run::pull(&endpoints, &reference).await?;
    write::bytes(&path, &pulled.component, args.force)?;
    say(&format!("{}/{}@{}", reference.registry, reference.repository, pulled.digest));
    Ok(Exit::Done)
}

/// A plugin in a registry, `oci://` before it or not.
pub(super) fn reference(text: &str) -> Result<Reference, CommandError> {
    let written = text.strip_prefix("oci://").unwrap_or(text);
    written.parse().map_err(|error| CommandError::Usage(format!("`{text}`: {error}")))
}
