//! What goes wrong, and with which requests.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use regex::Regex;

use crate::harness::api::Call;
use crate::harness::api::Reply;
use crate::support::weather::Weather;

/// What goes wrong with one request.
#[derive(Clone)]
pub enum Fault {
    /// This is answered once the request's body is read, and nothing is done.
    Answer(Reply),
    /// This is answered before the request's body is read; the connection ends then.
    Early(Reply),
    /// This is done in place of what was asked.
    Act(Arc<dyn Fn(&Call) -> Reply + Send + Sync>),
    /// What was asked is done, and this is answered.
    Instead(Reply),
    /// What was asked is done, and its answer comes changed.
    Change(Arc<Changing>),
    /// The connection breaks after this many bytes of the request's body.
    CutRequest(usize),
    /// The request's body is read in pieces of 64 KiB, with this pause between two.
    SlowRequest(Duration),
    /// What was asked is done, and the connection breaks before the answer.
    Lost,
    /// The connection breaks after this many bytes of the answer's body.
    Cut(usize),
    /// A bit of this byte of the answer's body is flipped.
    Flip(usize),
    /// More bytes than there are.
    Extra(usize),
    /// The answer's body goes on and on.
    Endless,
    /// Not a byte comes back.
    Silent,
    /// The answer's head comes byte by byte, with this pause between two.
    SlowHead(Duration),
    /// The answer's body comes in pieces of so many bytes, with this pause between two.
    SlowBody(usize, Duration),
    /// All tokens given so far are worth nothing once this is answered.
    Expire,
}

/// A change of an answer.
type Changing = dyn Fn(&Call, &mut Reply) + Send + Sync;

/// Which of the requests that fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    First(usize),
    /// Counted from 1.
    Nth(usize),
    Always,
}

struct Rule {
    method: String,
    path: Regex,
    times: Times,
    seen: usize,
    fault: Fault,
}

/// The faults to come.
#[derive(Default)]
pub struct Script(Mutex<State>);

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    weather: Option<Weather>,
}

impl Fault {
    /// An answer that changes by `change`.
    pub fn change(change: impl Fn(&Call, &mut Reply) + Send + Sync + 'static) -> Self {
        Self::Change(Arc::new(change))
    }

    /// What is answered in place of the registry's answer, and not yet known.
    pub fn act(act: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self::Act(Arc::new(act))
    }

    /// A status, and nothing else.
    pub fn status(status: u16) -> Self {
        Self::Answer(Reply::empty(status))
    }

    /// Another value for one header of the answer.
    pub fn header(name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        Self::change(move |_, reply| set(reply, name, &value))
    }
}

/// Gives `reply` this header instead of the one that it has.
pub fn set(reply: &mut Reply, name: &str, value: &str) {
    reply.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
    reply.headers.push((name.to_owned(), value.to_owned()));
}

impl Script {
    /// Requests of `method` (`*`: any) whose path and query match `path` have this fault. The first rule that fits counts.
    pub fn add(&self, method: &str, path: &str, times: Times, fault: Fault) {
        let rule = Rule { method: method.to_owned(), path: Regex::new(path).unwrap(), times, seen: 0, fault };
        self.0.lock().unwrap().rules.push(rule);
    }

    /// Random faults from here on, or none.
    pub fn weather(&self, weather: Option<Weather>) {
        self.0.lock().unwrap().weather = weather;
    }

    /// No faults from here on.
    pub fn clear(&self) {
        *self.0.lock().unwrap() = State::default();
    }

    /// What happens to this request.
    pub fn take(&self, method: &str, path: &str) -> Option<Fault> {
        let path = path.replace("%3A", ":").replace("%2F", "/");
        let mut state = self.0.lock().unwrap();
        for rule in &mut state.rules {
            if (rule.method != "*" && rule.method != method) || !rule.path.is_match(&path) {
                continue;
            }
            rule.seen += 1;
            let hit = match rule.times {
                Times::First(count) => rule.seen <= count,
                Times::Nth(nth) => rule.seen == nth,
                Times::Always => true,
            };
            if hit {
                return Some(rule.fault.clone());
            }
        }
        state.weather.as_mut()?.strike(method, &path)
    }
}
