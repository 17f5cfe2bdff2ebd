//! The classic flags: a plan like any other, made of a security file and a rule file, or of keys for a migration.

use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;

use clap::CommandFactory;

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::ClassicArgs;
use crate::cli::args::OutputArgs;
use crate::cli::outputs;
use crate::cli::runs;
use crate::cli::runs::Way;
use crate::run::Mode;
use crate::workflow;
use crate::workflow::Classic;
use crate::workflow::Migration;
use crate::workflow::Plan;
use crate::workflow::Source;

/// The most images at once that the classic tool allowed.
const MAX_ROUTINES: usize = 50;

/// The most requests a second that the classic tool allowed.
const MAX_QPS: u32 = 30_000;

/// Help for the classic flags alone.
pub(super) fn help() -> clap::Error {
    clap::Error::raw(clap::error::ErrorKind::DisplayHelp, ClassicArgs::command().render_long_help())
}

/// Does what the flags say.
pub(super) async fn run(args: ClassicArgs) -> Result<Exit, CommandError> {
    if args.routines == 0 {
        return Err(CommandError::Usage("--routines is 0, so nothing could run; use 1 to 50".to_owned()));
    }
    if args.routines > MAX_ROUTINES {
        tracing::warn!("--routines is at most {MAX_ROUTINES}, so {MAX_ROUTINES} it is");
    }
    let (plan, texts) = if args.ccr_to_tcr { migration(&args)? } else { general(&args)? };
    if args.print_workflow {
        runs::say(workflow::print_workflow(&plan).trim_end());
        return Ok(Exit::Done);
    }
    let output = OutputArgs { report: args.report.clone(), failed: args.failed.clone(), metrics: args.metrics };
    let outputs = outputs(output, args.dry_run)?;
    let file = args.rule_file.as_ref().or(args.secret_file.as_ref()).map_or(Path::new("."), PathBuf::as_path);
    let way = Way {
        mode: if args.dry_run { Mode::Preview } else { Mode::Move },
        verify: false,
        outputs,
        journal: (!args.dry_run).then_some((&args.journal, file)),
        stop: args.stop,
    };
    runs::plan(plan, &texts, way).await
}

/// The mode of rules.
fn general(args: &ClassicArgs) -> Result<(Plan, Source), CommandError> {
    let Some(rule_file) = args.rule_file.clone() else {
        return Err(CommandError::Usage("--ruleFile is missing: name the file with the rules".to_owned()));
    };
    let classic = Classic {
        security_file: args.security_file.clone(),
        rule_file,
        registry: args.registry.clone().or_else(|| runs::environment("DEFAULT_REGISTRY")),
        namespace: args.namespace.clone().or_else(|| runs::environment("DEFAULT_NAMESPACE")),
        routines: args.routines.min(MAX_ROUTINES),
        retry: args.retry,
        qps: args.qps.min(MAX_QPS),
        overwrite_tags: args.tag_exist_overridden,
    };
    Ok(workflow::load_classic(&classic, &runs::environment)?)
}

/// From CCR to TCR in one step.
fn migration(args: &ClassicArgs) -> Result<(Plan, Source), CommandError> {
    let missing = |flag: &str, what: &str| CommandError::Usage(format!("{flag} is missing: {what}"));
    let migration = Migration {
        security_file: args.security_file.clone(),
        secret_file: args
            .secret_file
            .clone()
            .ok_or_else(|| missing("--secretFile", "name the file with the keys of Tencent Cloud's API"))?,
        tcr_name: args
            .tcr_name
            .clone()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| missing("--tcrName", "name the TCR instance that images go to"))?,
        tcr_region: args.tcr_region.clone(),
        ccr_region: args.ccr_region.clone(),
        tags: NonZeroUsize::new(args.ccr_tag_nums),
        registry: args.registry.clone(),
        endpoint: args.endpoint.clone(),
        routines: args.routines.min(MAX_ROUTINES),
        retry: args.retry,
        qps: args.qps.min(MAX_QPS),
        overwrite_tags: args.tag_exist_overridden,
    };
    Ok(workflow::load_migration(&migration, &runs::environment)?)
}
