//! One page of a list.

use std::collections::HashMap;

use serde_json::Value;

use super::refusal::Refusal;
use crate::fakes::signing;
use crate::harness::api::Fault;

/// How large a page is where nothing is said.
const USUAL: usize = 100;
/// The largest that can be asked for.
const LARGEST: u64 = 1000;

/// Which page is asked for, and what a token of it goes on with.
pub(super) struct Window {
    offset: usize,
    size: usize,
    question: String,
}

impl Window {
    /// A token that is used for another question is worth nothing from then on.
    pub(super) fn new(
        operation: &str,
        body: &Value,
        cap: usize,
        pages: &mut HashMap<String, (String, usize)>,
    ) -> Result<Self, Refusal> {
        let mut question = body.clone();
        if let Some(members) = question.as_object_mut() {
            members.retain(|name, _| name != "nextToken" && name != "maxResults");
        }
        let question = format!("{operation} {question}");
        let size = match &body["maxResults"] {
            Value::Null => USUAL,
            given => {
                let number = given.as_u64().ok_or_else(|| {
                    Refusal::new("SerializationException", "NUMBER_VALUE can not be converted to an Integer")
                })?;
                match number {
                    0 => return Err(Refusal::constraint("maxResults", "have value greater than or equal to 1")),
                    1..=LARGEST => usize::try_from(number).unwrap(),
                    _ => return Err(Refusal::constraint("maxResults", "have value less than or equal to 1000")),
                }
            }
        };
        let offset = match body["nextToken"].as_str() {
            None => 0,
            Some(token) => match pages.get(token) {
                Some((of, offset)) if *of == question => *offset,
                _ => {
                    pages.remove(token);
                    return Err(Refusal::invalid("Invalid parameter at 'nextToken': the token is invalid or expired"));
                }
            },
        };
        Ok(Self { offset, size: size.min(cap), question })
    }

    /// The answer with the page in it, or with what a fault makes of the page.
    pub(super) fn answer(
        &self,
        name: &str,
        items: Vec<Value>,
        fault: Option<&Fault>,
        pages: &mut HashMap<String, (String, usize)>,
    ) -> Value {
        let next = self.offset + self.size;
        let mut more = next < items.len();
        let (mut start, mut size) = (self.offset, self.size);
        match fault {
            Some(Fault::Lost) => (size, more) = (0, false),
            Some(Fault::Repeated) => start = self.offset.saturating_sub(self.size),
            _ => {}
        }
        let mut answer = serde_json::json!({name: items.into_iter().skip(start).take(size).collect::<Vec<_>>()});
        if more {
            let token = signing::hash(format!("{} {next}", self.question).as_bytes());
            pages.insert(token.clone(), (self.question.clone(), next));
            answer["nextToken"] = token.into();
        }
        answer
    }
}
