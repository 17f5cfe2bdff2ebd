//! The registry: it listens, does what is asked or what its script says, and notes what came.

use std::io;
use std::io::BufReader;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use regex::Regex;
use rustls::ServerConfig;

use crate::harness::api::Call;
use crate::harness::certificates::Certificates;
use crate::harness::http1::Head;
use crate::harness::http1::PATIENCE;
use crate::harness::http1::each_piece;
use crate::support::fault::Fault;
use crate::support::fault::Script;
use crate::support::fault::Times;
use crate::support::lock::Kind;
use crate::support::lock::Lock;
use crate::support::protocol::Parts;
use crate::support::storage::Storage;
use crate::support::uploads;
use crate::support::wire;
use crate::support::wire::End;
use crate::support::wire::Wire;

/// A request that came, and what was answered.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// With the query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    /// Bytes of its body that came.
    pub length: usize,
    /// 0 where there was no answer.
    pub status: u16,
    /// When it came.
    pub at: Instant,
}

struct Shared {
    parts: Parts,
    script: Script,
    seen: Mutex<Vec<Seen>>,
    /// Bytes of requests that are held now, and at most.
    held: AtomicUsize,
    peak: AtomicUsize,
    end: End,
    tls: Option<Arc<ServerConfig>>,
}

/// A running registry; it ends when dropped.
pub struct Scripted {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Scripted {
    /// An empty registry; over TLS, where there are certificates.
    pub fn start(kind: Kind, certificates: Option<&Certificates>) -> Self {
        Self::over(Arc::default(), kind, certificates)
    }

    /// Another door to what a registry keeps.
    pub fn over(storage: Arc<Storage>, kind: Kind, certificates: Option<&Certificates>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let origin = format!("{}://{address}", if certificates.is_some() { "https" } else { "http" });
        let lock = Lock::new(kind, &origin, address.port());
        let shared = Arc::new(Shared {
            parts: Parts { storage, lock, origin },
            script: Script::default(),
            seen: Mutex::default(),
            held: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            end: End::default(),
            tls: certificates.map(wire::tls),
        });
        let server = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if server.end.is_here() {
                    return;
                }
                let (Ok(stream), server) = (stream, Arc::clone(&server)) else { continue };
                // A client that goes away is the end of its connection and nothing else.
                thread::spawn(move || drop(server.serve(stream)));
            }
        });
        Self { address, shared }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, or `https://…`.
    pub fn origin(&self) -> &str {
        &self.shared.parts.origin
    }

    pub fn storage(&self) -> &Arc<Storage> {
        &self.shared.parts.storage
    }

    pub fn lock(&self) -> &Lock {
        &self.shared.parts.lock
    }

    pub fn script(&self) -> &Script {
        &self.shared.script
    }

    /// A fault of requests of `method` (`*`: any) whose path and query match `path`.
    pub fn fault(&self, method: &str, path: &str, times: Times, fault: Fault) {
        self.shared.script.add(method, path, times, fault);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The requests of `method` whose path and query match `path`.
    pub fn matching(&self, method: &str, path: &str) -> Vec<Seen> {
        let path = Regex::new(path).unwrap();
        let fits = |seen: &Seen| {
            (method == "*" || seen.method == method)
                && path.is_match(&seen.path.replace("%3A", ":").replace("%2F", "/"))
        };
        self.seen().into_iter().filter(fits).collect()
    }

    pub fn count(&self, method: &str, path: &str) -> usize {
        self.matching(method, path).len()
    }

    /// Most bytes of requests that were held at a time.
    pub fn peak(&self) -> usize {
        self.shared.peak.load(Ordering::SeqCst)
    }

    /// Forgets the requests so far.
    pub fn reset(&self) {
        self.shared.seen.lock().unwrap().clear();
    }

    /// `METHOD path status` of each request, for messages of failed assertions.
    pub fn transcript(&self) -> String {
        self.seen().iter().map(|seen| format!("{} {} {}\n", seen.method, seen.path, seen.status)).collect()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.shared.end.come();
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(2 * PATIENCE))?;
        let mut reader = BufReader::with_capacity(64 << 10, Wire::accept(stream, self.tls.as_ref())?);
        while let Some(head) = Head::read(&mut reader)? {
            if !self.exchange(&head, &mut reader).unwrap_or(false) {
                break;
            }
        }
        reader.get_ref().break_off();
        Ok(())
    }

    /// One request and its answer; whether the connection goes on.
    fn exchange(&self, head: &Head, reader: &mut BufReader<Wire>) -> io::Result<bool> {
        let (method, target) = (head.word(0), head.word(1));
        let index = self.note(head);
        let fault = self.script.take(method, target);
        match &fault {
            Some(Fault::Silent) => {
                self.end.wait(PATIENCE);
                return Ok(false);
            }
            Some(Fault::Early(reply)) => {
                self.answered(index, reply.status, 0);
                wire::deliver_early(reader, reply, &self.end)?;
                return Ok(false);
            }
            _ => {}
        }
        if head.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            reader.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let Ok(body) = self.body(head, reader, fault.as_ref()) else {
            uploads::broken(&mut self.parts.storage.lock(), target);
            return Ok(false);
        };
        self.answered(index, 0, body.len());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let call = Call {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: head.headers.clone(),
            body,
        };
        let reply = match &fault {
            Some(Fault::Answer(reply)) => reply.clone(),
            Some(Fault::Act(act)) => act(&call),
            other => {
                let mut reply = self.parts.answer(&call);
                match other {
                    Some(Fault::Instead(instead)) => reply = instead.clone(),
                    Some(Fault::Change(change)) => change(&call, &mut reply),
                    Some(Fault::Expire) => self.parts.lock.expire(),
                    Some(Fault::Lost) => return Ok(false),
                    _ => {}
                }
                reply
            }
        };
        self.answered(index, reply.status, call.body.len());
        wire::deliver(reader.get_mut(), method, &reply, fault.as_ref(), &self.end)
    }

    /// The request's body; an error where the connection breaks off, by the fault or by the client.
    fn body(&self, head: &Head, reader: &mut BufReader<Wire>, fault: Option<&Fault>) -> io::Result<Vec<u8>> {
        let most = if let Some(Fault::CutRequest(most)) = fault { *most } else { usize::MAX };
        if most == 0 {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let mut body = Vec::new();
        let read = each_piece(reader, head.request_framing(), false, &mut |piece| {
            body.extend_from_slice(piece);
            let held = self.held.fetch_add(piece.len(), Ordering::SeqCst) + piece.len();
            self.peak.fetch_max(held, Ordering::SeqCst);
            if let Some(Fault::SlowRequest(pause)) = fault {
                self.end.wait(*pause);
            }
            if body.len() > most { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
        });
        self.held.fetch_sub(body.len(), Ordering::SeqCst);
        read.map(|()| body)
    }

    fn note(&self, head: &Head) -> usize {
        let mut seen = self.seen.lock().unwrap();
        seen.push(Seen {
            method: head.word(0).to_owned(),
            path: head.word(1).to_owned(),
            headers: head.headers.clone(),
            length: 0,
            status: 0,
            at: Instant::now(),
        });
        seen.len() - 1
    }

    fn answered(&self, index: usize, status: u16, length: usize) {
        if let Some(seen) = self.seen.lock().unwrap().get_mut(index) {
            (seen.status, seen.length) = (status, length);
        }
    }
}
