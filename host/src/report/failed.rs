//! The failures, for people at the end of the run and for the next run as a rule file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Serialize;

use crate::report::Event;
use crate::transfer::Status;

/// What failed. The file that it writes is a classic rule file: `image-transfer --ruleFile=FILE` tries just these again.
#[derive(Clone, Debug, Default)]
pub struct FailedFile {
    jobs: BTreeMap<String, Vec<Failed>>,
    others: Vec<String>,
}

#[derive(Clone, Debug)]
struct Failed {
    target: String,
    reason: String,
    hint: Option<String>,
}

/// One target, or several.
#[derive(Serialize)]
#[serde(untagged)]
enum Targets<'a> {
    One(&'a str),
    Many(Vec<&'a str>),
}

impl FailedFile {
    /// Notes what failed in `event`.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Finished(outcome) => {
                for target in &outcome.targets {
                    if let Status::Failed(failure) = &target.status {
                        self.jobs.entry(outcome.job.source.to_string()).or_default().push(Failed {
                            target: target.reference.to_string(),
                            reason: failure.message.clone(),
                            hint: failure.hint.clone(),
                        });
                    }
                }
            }
            Event::Rejected { image, reason, .. } => self.others.push(format!("{image}: {reason}")),
            Event::Incomplete { transfer, reason, .. } => {
                self.others.push(format!("the source of {transfer} broke off: {reason}"));
            }
            Event::Resumed { .. }
            | Event::Started { .. }
            | Event::Retrying(_)
            | Event::Unwanted
            | Event::Verified(_)
            | Event::Interrupted => {}
        }
    }

    /// Notes a target that failed in an earlier run.
    pub fn note(&mut self, source: String, target: String, reason: String, hint: Option<String>) {
        self.jobs.entry(source).or_default().push(Failed { target, reason, hint });
    }

    /// Notes an image that no job could be made of in an earlier run.
    pub fn note_rejected(&mut self, image: &str, reason: &str) {
        self.others.push(format!("{image}: {reason}"));
    }

    /// Writes the failed jobs as rules to `path`, an empty map if there are none, so that a script finds the file either way. A new
    /// file is the user's alone: names of private images are in it.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(self.render()?.as_bytes())
    }

    fn render(&self) -> io::Result<String> {
        let mut text =
            String::from("# What failed, as rules: image-transfer --ruleFile=THIS --securityFile=… tries it again.\n");
        for other in &self.others {
            text.extend(["# no rule can be made of: ", &other.replace('\n', " "), "\n"]);
        }
        let rules: BTreeMap<&str, Targets<'_>> = self
            .jobs
            .iter()
            .map(|(source, failed)| {
                let mut targets: Vec<&str> = failed.iter().map(|failed| failed.target.as_str()).collect();
                targets.sort_unstable();
                targets.dedup();
                (source.as_str(), if let [one] = targets[..] { Targets::One(one) } else { Targets::Many(targets) })
            })
            .collect();
        text.push_str(&serde_yaml::to_string(&rules).map_err(io::Error::other)?);
        Ok(text)
    }

    /// Lists the failures for people.
    pub fn list(&self, out: &mut impl Write) -> io::Result<()> {
        if !self.jobs.is_empty() {
            let count: usize = self.jobs.values().map(Vec::len).sum();
            writeln!(out, "{count} failed:")?;
        }
        for (source, failed) in &self.jobs {
            for Failed { target, reason, hint } in failed {
                writeln!(out, "  {source} -> {target}\n    {reason}")?;
                if let Some(hint) = hint {
                    writeln!(out, "    hint: {hint}")?;
                }
            }
        }
        if !self.others.is_empty() {
            writeln!(out, "{} that no job could be made of:", self.others.len())?;
        }
        for other in &self.others {
            writeln!(out, "  {other}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(target: &str) -> Failed {
        Failed { target: target.to_owned(), reason: "no".to_owned(), hint: None }
    }

    #[test]
    fn failures_are_a_rule_file() {
        let file = FailedFile {
            jobs: [
                ("a.io/n/app:1".to_owned(), vec![failed("c.io/n/app:1"), failed("b.io/n/app:1")]),
                ("a.io/n/app:2".to_owned(), vec![failed("b.io/n/app:2")]),
            ]
            .into(),
            others: vec!["a.io/n/Bad:1: not a name".to_owned()],
        };
        assert_eq!(
            file.render().unwrap(),
            "\
# What failed, as rules: image-transfer --ruleFile=THIS --securityFile=… tries it again.
# no rule can be made of: a.io/n/Bad:1: not a name
a.io/n/app:1:
- b.io/n/app:1
- c.io/n/app:1
a.io/n/app:2: b.io/n/app:2
"
        );
    }

    #[test]
    fn without_failures_the_file_holds_an_empty_map() {
        assert!(FailedFile::default().render().unwrap().ends_with("again.\n{}\n"));
    }
}
