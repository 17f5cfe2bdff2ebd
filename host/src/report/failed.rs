//! The failures, for people at the end of the run and for the next run as a rule file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Serialize;

use crate::oci::Reference;
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
            Event::Finished(outcome) | Event::Verified(outcome) => {
                for target in &outcome.targets {
                    if let Status::Failed(failure) = &target.status {
                        let (source, target) = (outcome.job.source.to_string(), target.reference.to_string());
                        self.note(source, target, failure.message.clone(), failure.hint.clone());
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
            | Event::Interrupted => {}
        }
    }

    /// Notes a target that failed. One that failed before is not noted again: what was not copied is not there to be verified either.
    pub fn note(&mut self, source: String, target: String, reason: String, hint: Option<String>) {
        let failed = self.jobs.entry(source).or_default();
        if !failed.iter().any(|other| other.target == target) {
            failed.push(Failed { target, reason, hint });
        }
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
        let pairs = self.jobs.iter().flat_map(|(source, failed)| failed.iter().map(move |it| (source, &it.target)));
        for (source, target) in pairs.filter(|(source, target)| !(is_rule(source) && is_rule(target))) {
            text.extend(["# no rule can be made of: ", source, " -> ", target, ": name the registry with its port\n"]);
        }
        let rules: BTreeMap<&str, Targets<'_>> = self
            .jobs
            .iter()
            .filter(|(source, failed)| is_rule(source) && failed.iter().any(|failed| is_rule(&failed.target)))
            .map(|(source, failed)| {
                let mut targets: Vec<&str> =
                    failed.iter().map(|failed| failed.target.as_str()).filter(|target| is_rule(target)).collect();
                targets.sort_unstable();
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

/// Whether a rule file reads the name as it is meant: a host of one word without a port is a namespace of Docker Hub there.
fn is_rule(name: &str) -> bool {
    name.parse::<Reference>().is_ok_and(|read| read.to_string() == name)
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
                ("harbor/n/app:3".to_owned(), vec![failed("b.io/n/app:3")]),
            ]
            .into(),
            others: vec!["a.io/n/Bad:1: not a name".to_owned()],
        };
        assert_eq!(
            file.render().unwrap(),
            "\
# What failed, as rules: image-transfer --ruleFile=THIS --securityFile=… tries it again.
# no rule can be made of: a.io/n/Bad:1: not a name
# no rule can be made of: harbor/n/app:3 -> b.io/n/app:3: name the registry with its port
a.io/n/app:1:
- b.io/n/app:1
- c.io/n/app:1
a.io/n/app:2: b.io/n/app:2
"
        );
    }

    #[test]
    fn what_failed_is_not_told_again_when_it_is_missed() {
        let mut file = FailedFile::default();
        for reason in ["no", "not there"] {
            file.note("a.io/n/app:1".to_owned(), "b.io/n/app:1".to_owned(), reason.to_owned(), None);
        }
        let mut told = Vec::new();
        file.list(&mut told).unwrap();
        assert_eq!(String::from_utf8(told).unwrap(), "1 failed:\n  a.io/n/app:1 -> b.io/n/app:1\n    no\n");
    }

    #[test]
    fn without_failures_the_file_holds_an_empty_map() {
        assert!(FailedFile::default().render().unwrap().ends_with("again.\n{}\n"));
    }
}
