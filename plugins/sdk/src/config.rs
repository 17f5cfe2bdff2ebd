//! From the JSON that the host hands over to a plugin's own configuration type.

use serde::de::DeserializeOwned;

use crate::Error;
use crate::Result;

/// Reads a configuration. What is wrong with it is `invalid-config`, without the place in a JSON text that the user never
/// saw: the host has the place in the workflow.
pub fn parse<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        let message = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        Error::InvalidConfig(message.strip_suffix(&place).unwrap_or(&message).to_owned())
    })
}

/// A JSON pointer (RFC 6901) into the options. A line of `invalid-config` that begins with one and `": "` is shown at that option's
/// line of the workflow.
#[must_use]
pub fn pointer(keys: &[&str]) -> String {
    keys.iter().fold(String::new(), |pointer, key| pointer + "/" + &key.replace('~', "~0").replace('/', "~1"))
}

/// Gathers every problem of a configuration, so that all are told at once.
#[derive(Debug, Default)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Notes a problem: a lowercase fragment without a full stop.
    pub fn push(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// The value, or its problem noted under the name of what it was read from.
    pub fn check<T>(&mut self, name: &str, value: std::result::Result<T, String>) -> Option<T> {
        value.map_err(|problem| self.push(format!("{name}: {problem}"))).ok()
    }

    /// All problems as one `invalid-config`, one a line; nothing where there are none.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::InvalidConfig(self.0.join("\n"))) }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Config {
        depth: u32,
    }

    #[test]
    fn an_unknown_option_is_named_without_a_place_in_the_json() {
        assert_eq!(
            parse::<Config>(r#"{"depth": 1, "deep": 2}"#),
            Err(Error::InvalidConfig("unknown field `deep`, expected `depth`".to_owned())),
        );
    }

    #[test]
    fn a_pointer_escapes_what_json_pointers_escape() {
        assert_eq!(pointer(&["rules", "a.io/n~1"]), "/rules/a.io~1n~01");
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let mut problems = Problems::default();
        assert_eq!(problems.check("prefix", Err::<(), _>("is empty".to_owned())), None);
        assert_eq!(problems.check("suffix", Ok(1)), Some(1));
        problems.push("nothing to do");
        assert_eq!(problems.finish(), Err(Error::InvalidConfig("prefix: is empty\nnothing to do".to_owned())));
    }
}
