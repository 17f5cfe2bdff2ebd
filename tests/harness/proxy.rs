//! A reverse proxy in front of a registry: it notes every request, misbehaves as it is told, and asks for tokens where it
//! guards (distribution's token authentication specification; the tokens are opaque, so no key is needed).

use std::io;
use std::io::BufReader;
use std::io::Write;
use std::net::Shutdown;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use regex::Regex;

use super::http1;
use super::http1::Head;

/// A request that came, and what was answered.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// With the query.
    pub path: String,
    pub head: Head,
    /// 0 while there is no answer.
    pub status: u16,
    /// Of both bodies, as far as they went.
    pub bytes: u64,
}

/// What happens to requests that fit, the first `times` of them.
pub struct Fault {
    method: String,
    path: Regex,
    left: usize,
    action: Action,
}

/// What to do in place of plain forwarding.
#[derive(Clone)]
pub enum Action {
    /// Answer this, and do not forward.
    Answer { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// Forward, and close the connection after this many bytes of the response's body.
    CutResponse(u64),
    /// Close the connection after this many bytes of the request's body.
    CutRequest(u64),
    /// Wait at the gate after this many bytes of the request's body.
    StallRequest(u64, Gate),
    /// Flip a bit of the response body's byte at this offset.
    FlipByte(u64),
    /// Forward when the gate is opened.
    Hold(Gate),
}

/// A door that requests wait at.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Default)]
struct GateState {
    arrived: usize,
    /// So many pass without waiting.
    free: usize,
    open: bool,
}

impl Gate {
    /// One that lets the first `free` through.
    pub fn after(free: usize) -> Self {
        let gate = Self::default();
        gate.0.0.lock().unwrap().free = free;
        gate
    }

    /// Lets all through, now and later.
    pub fn open(&self) {
        self.0.0.lock().unwrap().open = true;
        self.0.1.notify_all();
    }

    /// Waits until `count` requests have come to the gate.
    pub fn await_arrivals(&self, count: usize) {
        let state = self.0.0.lock().unwrap();
        let (state, timeout) =
            self.0.1.wait_timeout_while(state, http1::PATIENCE, |state| state.arrived < count).unwrap();
        assert!(!timeout.timed_out(), "{} of {count} requests came to the gate", state.arrived);
    }

    fn pass(&self) {
        let mut state = self.0.0.lock().unwrap();
        state.arrived += 1;
        self.0.1.notify_all();
        if state.arrived <= state.free {
            return;
        }
        drop(self.0.1.wait_timeout_while(state, http1::PATIENCE, |state| !state.open).unwrap());
    }
}

#[derive(Default)]
struct State {
    requests: Mutex<Vec<Request>>,
    faults: Mutex<Vec<Fault>>,
    connections: AtomicUsize,
    stopped: AtomicBool,
    /// Where tokens are fetched, for a proxy that asks for them.
    realm: Option<String>,
    /// How much later each request arrives.
    round_trip: Duration,
}

/// The proxy; it stops accepting when dropped.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

impl Proxy {
    pub fn start(upstream: SocketAddr) -> Self {
        Self::begin(upstream, false, Duration::ZERO)
    }

    /// One that is so far away: each connection and each request arrives a round trip later.
    pub fn far(upstream: SocketAddr, round_trip: Duration) -> Self {
        Self::begin(upstream, false, round_trip)
    }

    /// One that lets nobody in without a token for the repository, and serves tokens at `/token`.
    pub fn guard(upstream: SocketAddr) -> Self {
        Self::begin(upstream, true, Duration::ZERO)
    }

    fn begin(upstream: SocketAddr, guards: bool, round_trip: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let realm = guards.then(|| format!("http://{address}/token"));
        let state = Arc::new(State { realm, round_trip, ..State::default() });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                if shared.stopped.load(Ordering::SeqCst) {
                    return;
                }
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (Ok(client), shared) = (client, Arc::clone(&shared)) else { continue };
                // A connection ends when either side closes; an error on it is the other side's to notice.
                thread::spawn(move || serve(client, upstream, &shared));
            }
        });
        Self { address, state }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a fault for requests of `method` whose path and query match `path`.
    pub fn fault(&self, method: &str, path: &str, times: usize, action: Action) {
        let fault = Fault { method: method.to_owned(), path: Regex::new(path).unwrap(), left: times, action };
        self.state.faults.lock().unwrap().push(fault);
    }

    /// Takes all faults back.
    pub fn forgive(&self) {
        self.state.faults.lock().unwrap().clear();
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    /// The requests of `method` whose path and query match `path`.
    pub fn matching(&self, method: &str, path: &str) -> Vec<Request> {
        let path = Regex::new(path).unwrap();
        self.requests().into_iter().filter(|one| one.method == method && path.is_match(&one.path)).collect()
    }

    pub fn count(&self, method: &str, path: &str) -> usize {
        self.matching(method, path).len()
    }

    /// Connections that clients made so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Forgets the requests and connections so far.
    pub fn reset(&self) {
        self.state.connections.store(0, Ordering::SeqCst);
        self.state.requests.lock().unwrap().clear();
    }

    /// `METHOD path status` of each request, for messages of failed assertions.
    pub fn transcript(&self) -> String {
        self.requests().iter().map(|one| format!("{} {} {}\n", one.method, one.path, one.status)).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

fn serve(client: TcpStream, upstream: SocketAddr, state: &State) {
    state.travel();
    let mut server = None;
    let mut reader = BufReader::with_capacity(64 << 10, client);
    while let Ok(Some(head)) = Head::read(&mut reader) {
        state.travel();
        match exchange(&head, &mut reader, &mut server, upstream, state) {
            Ok(true) => {}
            Ok(false) | Err(_) => break,
        }
    }
    drop(reader.get_ref().shutdown(Shutdown::Both));
    if let Some(server) = server {
        drop(server.get_ref().shutdown(Shutdown::Both));
    }
}

/// One request and its response; whether the connection goes on.
fn exchange(
    head: &Head,
    client: &mut BufReader<TcpStream>,
    server: &mut Option<BufReader<TcpStream>>,
    upstream: SocketAddr,
    state: &State,
) -> io::Result<bool> {
    let method = head.word(0).to_owned();
    let index = {
        let mut requests = state.requests.lock().unwrap();
        requests.push(Request {
            method: method.clone(),
            path: head.word(1).to_owned(),
            head: head.clone(),
            status: 0,
            bytes: 0,
        });
        requests.len() - 1
    };
    let answered = |status| {
        if let Some(request) = state.requests.lock().unwrap().get_mut(index) {
            request.status = status;
        }
    };
    let action = state.take_fault(&method, head.word(1)).or_else(|| state.guarded(head));
    if let Some(Action::Answer { status, headers, body }) = &action {
        http1::each_piece(client, head.request_framing(), false, &mut |_| Ok(()))?;
        answered(*status);
        let mut answer = Head { first: format!("HTTP/1.1 {status} Scripted"), headers: headers.clone() };
        answer.headers.push(("Content-Length".to_owned(), body.len().to_string()));
        answer.write(client.get_mut())?;
        if method != "HEAD" {
            client.get_mut().write_all(body)?;
        }
        return Ok(true);
    }
    if let Some(Action::Hold(gate)) = &action {
        gate.pass();
    }
    let server = match server {
        Some(server) => server,
        none => none.insert(BufReader::with_capacity(64 << 10, TcpStream::connect(upstream)?)),
    };
    head.write(server.get_mut())?;
    let mut sent = 0;
    http1::each_piece(client, head.request_framing(), true, &mut |piece| {
        forward(server.get_mut(), piece, &mut sent, action.as_ref(), true)
    })?;
    let answer = Head::read(server)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    answered(answer.status());
    answer.write(client.get_mut())?;
    let framing = answer.response_framing(&method);
    let mut passed = 0;
    http1::each_piece(server, framing, true, &mut |piece| {
        if let Some(Action::FlipByte(at)) = action
            && let Some(offset) = at.checked_sub(passed)
            && let Some(byte) = piece.get_mut(usize::try_from(offset).unwrap_or(usize::MAX))
        {
            *byte ^= 1;
        }
        forward(client.get_mut(), piece, &mut passed, action.as_ref(), false)
    })?;
    if let Some(request) = state.requests.lock().unwrap().get_mut(index) {
        request.bytes = sent + passed;
    }
    let close = answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok(!close && framing != http1::Framing::UntilClose)
}

/// Writes the piece, or what the action still lets through of it and then fails.
fn forward(
    writer: &mut TcpStream,
    piece: &[u8],
    passed: &mut u64,
    action: Option<&Action>,
    request: bool,
) -> io::Result<()> {
    if let (Some(Action::StallRequest(after, gate)), true) = (action, request)
        && (*passed..*passed + piece.len() as u64).contains(after)
    {
        gate.pass();
    }
    let limit = match (action, request) {
        (Some(Action::CutRequest(limit)), true) | (Some(Action::CutResponse(limit)), false) => *limit,
        _ => u64::MAX,
    };
    let room = usize::try_from(limit - *passed).unwrap_or(usize::MAX);
    *passed += piece.len().min(room) as u64;
    if piece.len() <= room {
        return writer.write_all(piece);
    }
    writer.write_all(&piece[..room])?;
    Err(io::ErrorKind::ConnectionAborted.into())
}

impl State {
    /// Takes as long as the way does: the distance that is simulated, and nothing that a test waits for.
    fn travel(&self) {
        if !self.round_trip.is_zero() {
            thread::sleep(self.round_trip);
        }
    }

    fn take_fault(&self, method: &str, path: &str) -> Option<Action> {
        let mut faults = self.faults.lock().unwrap();
        let fault =
            faults.iter_mut().find(|fault| fault.left > 0 && fault.method == method && fault.path.is_match(path))?;
        fault.left -= 1;
        Some(fault.action.clone())
    }

    /// What a guard answers in the registry's place: a token, or that one is missing.
    fn guarded(&self, head: &Head) -> Option<Action> {
        let realm = self.realm.as_ref()?;
        let answer = |status, name: &str, value: String, body: String| Action::Answer {
            status,
            headers: vec![(name.to_owned(), value)],
            body: body.into_bytes(),
        };
        let path = head.word(1).replace("%3A", ":").replace("%2F", "/").replace("%2C", ",");
        if let Some((_, query)) = path.split_once("/token?") {
            let scopes: Vec<&str> = query.split('&').filter_map(|pair| pair.strip_prefix("scope=")).collect();
            let token = scopes.join(" ").replace(['+', ' '], "~").replace("%20", "~");
            let body = format!("{{\"token\": \"x~{token}\", \"expires_in\": 300}}");
            return Some(answer(200, "Content-Type", "application/json".to_owned(), body));
        }
        let path = path.split('?').next().unwrap_or_default();
        let end = ["/manifests/", "/blobs/", "/tags/list"].iter().find_map(|mark| path.find(mark));
        let repository = end.and_then(|end| path.get(4..end));
        let actions = if matches!(head.word(0), "GET" | "HEAD") { "pull" } else { "push" };
        let token = head.header("authorization").and_then(|value| value.strip_prefix("Bearer x~"));
        let admitted = token.is_some_and(|token| {
            repository.is_none_or(|repository| {
                let prefix = format!("repository:{repository}:");
                token.split('~').any(|scope| scope.strip_prefix(&prefix).is_some_and(|may| may.contains(actions)))
            })
        });
        if admitted {
            return None;
        }
        let scope = repository.map(|name| format!(",scope=\"repository:{name}:{actions}\"")).unwrap_or_default();
        let challenge = format!("Bearer realm=\"{realm}\",service=\"guard\"{scope}");
        Some(answer(401, "WWW-Authenticate", challenge, "{\"errors\":[{\"code\":\"UNAUTHORIZED\"}]}".to_owned()))
    }
}
