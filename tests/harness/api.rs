//! An HTTP server for the fakes of providers' APIs, and the faults that they can be told to have.

use std::collections::HashMap;
use std::io;
use std::io::BufReader;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;

use super::http1::Head;
use super::http1::each_piece;

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Call {
    pub method: String,
    /// Without the query, still encoded.
    pub path: String,
    /// Without the `?`, still encoded; empty where there is none.
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A provider's API.
pub trait Api: Send + Sync + 'static {
    fn answer(&self, call: &Call) -> Reply;
}

/// An API whose calls are kept, for a look at the bytes.
pub struct Recorder {
    inner: Arc<dyn Api>,
    calls: Mutex<Vec<Call>>,
}

impl Recorder {
    pub fn new(inner: Arc<dyn Api>) -> Arc<Self> {
        Arc::new(Self { inner, calls: Mutex::default() })
    }

    /// What came so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

impl Api for Recorder {
    fn answer(&self, call: &Call) -> Reply {
        self.calls.lock().unwrap().push(call.clone());
        self.inner.answer(call)
    }
}

/// A running fake; it stops accepting when dropped.
pub struct Server {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

/// What goes wrong with one call, in place of or on top of what the fake would answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The page comes back empty, as if there were nothing more; totals stay.
    Lost,
    /// The page before comes once more.
    Repeated,
    /// The total is off by this much, in this answer alone.
    Total(i64),
    /// The provider's own way to say "too often".
    Throttled,
    /// A proxy's page of HTML, with status 200.
    Html,
    /// The provider's own way to say that the caller has no right to this.
    Forbidden,
    /// The provider's own way to say that it fails at the moment.
    Internal,
    /// The call waits until the door is opened.
    Held(Door),
}

/// A door that calls wait at.
#[derive(Clone, Debug, Default)]
pub struct Door(Arc<(Mutex<bool>, std::sync::Condvar)>);

/// Which call has which fault, and how often each action was called.
#[derive(Debug, Default)]
pub struct Faults(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    planned: Vec<(String, usize, Fault)>,
    counts: HashMap<String, usize>,
    times: HashMap<String, Vec<Instant>>,
}

impl Call {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The parameters of the query, decoded, in their order.
    pub fn parameters(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_bytes()).into_owned().collect()
    }

    /// The first parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Reply {
    pub fn json(status: u16, value: &Value) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: value.to_string().into_bytes() }
    }

    /// What a proxy on the way says.
    pub fn html() -> Self {
        let headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
        Self { status: 200, headers, body: b"<html><body>Sign in to the network</body></html>".to_vec() }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

impl Door {
    /// Lets all through, now and later.
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let open = self.0.0.lock().unwrap();
        drop(self.0.1.wait_timeout_while(open, super::http1::PATIENCE, |open| !*open).unwrap());
    }
}

impl Faults {
    /// The `nth` call of `action`, counted from 1, has this fault.
    pub fn plan(&self, action: &str, nth: usize, fault: Fault) {
        self.0.lock().unwrap().planned.push((action.to_owned(), nth, fault));
    }

    /// Every call of `action` has it.
    pub fn always(&self, action: &str, fault: Fault) {
        self.plan(action, 0, fault);
    }

    /// Notes a call of `action`. What is wrong with it comes back; a held call comes back when its door is open.
    pub fn note(&self, action: &str) -> Option<Fault> {
        let fault = {
            let mut state = self.0.lock().unwrap();
            let count = state.counts.entry(action.to_owned()).or_default();
            *count += 1;
            let nth = *count;
            state.times.entry(action.to_owned()).or_default().push(Instant::now());
            state.planned.iter().find(|(name, at, _)| name == action && (*at == nth || *at == 0)).map(|it| it.2.clone())
        };
        match fault {
            Some(Fault::Held(door)) => {
                door.pass();
                None
            }
            fault => fault,
        }
    }

    /// How often `action` was called.
    pub fn count(&self, action: &str) -> usize {
        self.0.lock().unwrap().counts.get(action).copied().unwrap_or_default()
    }

    /// All calls.
    pub fn total(&self) -> usize {
        self.0.lock().unwrap().counts.values().sum()
    }

    /// Whether more than `limit` calls of `action` came in the last second, the one that was just noted among them. Leave a tenth
    /// on top, since what left at a steady rate may arrive in a lump.
    pub fn exceeds(&self, action: &str, limit: usize) -> bool {
        let state = self.0.lock().unwrap();
        let Some(times) = state.times.get(action) else { return false };
        let recent = times.iter().rev().take_while(|time| time.elapsed() < Duration::from_secs(1)).count();
        recent > limit + limit.div_ceil(10)
    }
}

impl Server {
    pub fn start(api: Arc<dyn Api>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&stopped);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let api = Arc::clone(&api);
                // A client that goes away is the end of its connection and nothing else.
                thread::spawn(move || drop(serve(&stream, api.as_ref())));
            }
        });
        Self { address, stopped }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

fn serve(stream: &TcpStream, api: &dyn Api) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some(head) = Head::read(&mut reader)? {
        if head.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut body = Vec::new();
        each_piece(&mut reader, head.request_framing(), false, &mut |piece| {
            body.extend_from_slice(piece);
            Ok(())
        })?;
        let (path, query) = head.word(1).split_once('?').unwrap_or((head.word(1), ""));
        let call = Call {
            method: head.word(0).to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: head.headers.clone(),
            body,
        };
        let reply = api.answer(&call);
        let mut head = Head { first: format!("HTTP/1.1 {} Fake", reply.status), headers: reply.headers };
        head.headers.push(("Content-Length".to_owned(), reply.body.len().to_string()));
        let mut message = Vec::new();
        head.write(&mut message)?;
        if call.method != "HEAD" {
            message.extend_from_slice(&reply.body);
        }
        writer.write_all(&message)?;
    }
    Ok(())
}
