//! `schema`: the workflow file as a JSON Schema, with the options of its plugins.

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::SchemaArgs;
use crate::cli::plugins;
use crate::cli::write;
use crate::plugin::CacheDir;
use crate::report::REPORT_SCHEMA;
use crate::run;
use crate::workflow::PluginOptions;
use crate::workflow::json_schema;

/// Prints the schema for the built-in plugins and for those that a workflow declares, or that of reports.
pub(super) async fn run(args: SchemaArgs) -> Result<Exit, CommandError> {
    write::check(&args.written)?;
    if args.report {
        write::text(REPORT_SCHEMA, &args.written)?;
        return Ok(Exit::Done);
    }
    let host = run::inspection_host(CacheDir::default())?;
    let mut options = Vec::new();
    for spec in plugins::specs(args.file.as_deref()).await? {
        let name = spec.name.clone();
        let plugin = host.load(spec).await?;
        let (info, can) = (plugin.info(), plugin.capabilities());
        options.push(PluginOptions {
            name,
            summary: info.summary.clone(),
            schema: info.schema.clone(),
            source: can.source,
            mapper: can.mapper,
            provisioner: can.provisioner,
            credentials: can.credentials,
        });
    }
    let text = serde_json::to_string_pretty(&json_schema(&options)).map_err(std::io::Error::other)?;
    write::text(&(text + "\n"), &args.written)?;
    Ok(Exit::Done)
}
