//! Walks the rules in their order and hands out the images they name.
//!
//! A rule that cannot be walked to its end does not keep the others from being walked. What failed is told when all the
//! rest is: never a quiet short list. `rate-limited` is passed on at once.

use std::collections::VecDeque;

use image_transfer_sdk::Error;
use image_transfer_sdk::Image;
use image_transfer_sdk::Result;
use image_transfer_sdk::registry::Registries;
use image_transfer_sdk::warn;
use serde::Deserialize;
use serde::Serialize;

use crate::config::Config;
use crate::cursor::Cursor;
use crate::cursor::Mark;
use crate::cursor::Step;
use crate::rule::Defaults;
use crate::rule::Rule;

/// The largest batch.
const BATCH: usize = 500;

/// An enumeration of rules.
#[derive(Debug)]
pub struct Walk<R> {
    rules: Vec<Rule>,
    defaults: Defaults,
    registries: R,
    /// The rule that comes after those in `under_way`.
    next_rule: usize,
    /// Begun and neither finished nor put off; the first is being walked.
    under_way: VecDeque<Cursor>,
    /// Met something that may pass; walked again when the host asks again.
    put_off: Vec<(Cursor, Error)>,
    /// Met something that does not pass.
    failed: Vec<(usize, Error)>,
}

/// The position of an enumeration: rules before `rule` are done, and of that one everything up to `last`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    rule: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<Mark>,
}

impl<R: Registries> Walk<R> {
    /// Checks the rules and begins, or goes on from a position.
    pub fn open(config: &Config, position: Option<&str>, registries: R) -> Result<Self> {
        let (rules, defaults) = config.rules()?;
        let mut walk = Self {
            rules,
            defaults,
            registries,
            next_rule: 0,
            under_way: VecDeque::new(),
            put_off: Vec::new(),
            failed: Vec::new(),
        };
        if let Some(position) = position {
            let position: Position = serde_json::from_str(position)
                .ok()
                .filter(|position: &Position| position.rule <= walk.rules.len())
                .ok_or_else(|| Error::InvalidConfig("the position is not of these rules".to_owned()))?;
            walk.next_rule = position.rule;
            if position.last.is_some() && position.rule < walk.rules.len() {
                walk.under_way.push_back(Cursor::new(position.rule, position.last));
                walk.next_rule += 1;
            }
        }
        Ok(walk)
    }

    /// The next batch: at most 500 images, and at most one page asked for.
    pub fn next_batch(&mut self) -> Result<Option<Vec<Image>>> {
        let mut batch = Vec::new();
        while batch.len() < BATCH {
            if self.under_way.is_empty() && !self.begin_rule() {
                break;
            }
            let Some(mut cursor) = self.under_way.pop_front() else {
                break;
            };
            match cursor.step(&self.rules, &self.defaults, &self.registries) {
                Ok(Step::Image(image)) => {
                    batch.push(image);
                    self.under_way.push_front(cursor);
                }
                Ok(Step::Page) => {
                    self.under_way.push_front(cursor);
                    return Ok(Some(batch));
                }
                Ok(Step::End) => {}
                Err(error @ Error::RateLimited(_)) => {
                    self.under_way.push_front(cursor);
                    return if batch.is_empty() { Err(error) } else { Ok(Some(batch)) };
                }
                Err(error) => self.fail(cursor, error),
            }
        }
        if !batch.is_empty() {
            return Ok(Some(batch));
        }
        self.finish()
    }

    /// A mark after the last batch. What failed or was put off lies behind it.
    pub fn position(&self) -> String {
        let cursors = self.under_way.iter().chain(self.put_off.iter().map(|(cursor, _)| cursor));
        let places = cursors.map(|cursor| Position { rule: cursor.rule(), last: cursor.last().cloned() });
        let failed = self.failed.iter().map(|(rule, _)| Position { rule: *rule, last: None });
        let first = failed.chain(places).min_by_key(|position| position.rule);
        let position = first.unwrap_or(Position { rule: self.next_rule, last: None });
        serde_json::to_string(&position).unwrap_or_default()
    }

    fn begin_rule(&mut self) -> bool {
        let there_is_one = self.next_rule < self.rules.len();
        if there_is_one {
            self.under_way.push_back(Cursor::new(self.next_rule, None));
            self.next_rule += 1;
        }
        there_is_one
    }

    fn fail(&mut self, cursor: Cursor, error: Error) {
        let rule = &self.rules[cursor.rule()];
        let of_many = rule.is_of_many() && cursor.is_in_repository();
        warn!("rule {}: {}", rule.key, message(&error));
        match error {
            Error::Unavailable(_) => self.put_off.push((cursor, error)),
            // Deleted since the catalog was read.
            Error::NotFound(_) if of_many => self.go_on(cursor),
            error => {
                self.failed.push((cursor.rule(), error));
                if of_many {
                    self.go_on(cursor);
                }
            }
        }
    }

    /// Goes on with the repository after the one that failed.
    fn go_on(&mut self, mut cursor: Cursor) {
        cursor.leave_repository();
        self.under_way.push_front(cursor);
    }

    /// All rules were walked: the end, or what kept it from being reached.
    fn finish(&mut self) -> Result<Option<Vec<Image>>> {
        let line = |rule: usize, error: &Error| format!("rule {}: {}", self.rules[rule].key, message(error));
        let mut lines: Vec<String> = self.failed.iter().map(|(rule, error)| line(*rule, error)).collect();
        lines.extend(self.put_off.iter().map(|(cursor, error)| line(cursor.rule(), error)));
        let text = lines.join("\n");
        if !self.put_off.is_empty() {
            self.under_way = self.put_off.drain(..).map(|(cursor, _)| cursor).collect();
            return Err(Error::Unavailable(text));
        }
        match self.failed.first() {
            None => Ok(None),
            Some((_, Error::NotFound(_))) => Err(Error::NotFound(text)),
            Some((_, Error::Unauthorized(_))) => Err(Error::Unauthorized(text)),
            Some(_) => Err(Error::Fatal(text)),
        }
    }
}

fn message(error: &Error) -> String {
    match error {
        Error::InvalidConfig(text)
        | Error::Unauthorized(text)
        | Error::NotFound(text)
        | Error::Unavailable(text)
        | Error::Fatal(text) => text.clone(),
        Error::RateLimited(_) => "asked too often".to_owned(),
    }
}

#[cfg(test)]
mod tests;
