//! `copy`: a plan of one rule, without a file.

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::CopyArgs;
use crate::cli::args::ExistingArg;
use crate::cli::args::StopArgs;
use crate::cli::outputs;
use crate::cli::runs;
use crate::cli::runs::Way;
use crate::run::Mode;
use crate::workflow;
use crate::workflow::Existing;

/// Copies one image.
pub(super) async fn run(args: CopyArgs) -> Result<Exit, CommandError> {
    let copy = workflow::Copy {
        source: args.source,
        targets: args.targets,
        platforms: args.platform,
        referrers: args.referrers,
        existing: match args.existing {
            ExistingArg::Overwrite => Existing::Overwrite,
            ExistingArg::Skip => Existing::Skip,
            ExistingArg::Fail => Existing::Fail,
        },
        plain_http: args.plain_http,
        insecure: args.insecure,
    };
    let (plan, texts) = workflow::copy(&copy)?;
    let way = Way {
        mode: if args.dry_run { Mode::Preview } else { Mode::Move },
        verify: false,
        outputs: outputs(args.output, args.dry_run)?,
        journal: None,
        stop: StopArgs::default(),
    };
    runs::plan(plan, &texts, way).await
}
