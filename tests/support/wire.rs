//! Connections, plain or TLS, and the answers that go over them as their fault has it.

use std::io;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::ServerConnection;
use rustls::StreamOwned;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::harness::api::Reply;
use crate::harness::certificates::Certificates;
use crate::harness::http1::Head;
use crate::support::fault::Fault;

/// The most bytes of an endless body, should nobody hang up.
const ENDLESS: usize = 1 << 30;

/// A connection that a client opened.
pub enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// The end of a registry, which those who wait for nothing wait for.
#[derive(Clone, Default)]
pub struct End(Arc<(Mutex<bool>, Condvar)>);

impl End {
    /// It is here.
    pub fn come(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Waits for so long, or until the end.
    pub fn wait(&self, most: Duration) {
        let over = self.0.0.lock().unwrap();
        drop(self.0.1.wait_timeout_while(over, most, |over| !*over).unwrap());
    }

    pub fn is_here(&self) -> bool {
        *self.0.0.lock().unwrap()
    }
}

impl Wire {
    /// A connection over `stream`; by TLS, where there are certificates.
    pub fn accept(stream: TcpStream, tls: Option<&Arc<ServerConfig>>) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        match tls {
            None => Ok(Self::Plain(stream)),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                Ok(Self::Tls(Box::new(StreamOwned::new(connection, stream))))
            }
        }
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref(),
        }
    }

    /// Ends the connection without a word: what TLS has for a farewell is left out.
    pub fn break_off(&self) {
        drop(self.socket().shutdown(Shutdown::Both));
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// How a server shows the certificate for 127.0.0.1.
pub fn tls(certificates: &Certificates) -> Arc<ServerConfig> {
    let chain = vec![CertificateDer::from_pem_file(certificates.path("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(certificates.path("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

/// Writes `reply` to a request of `method`, as `fault` has it. False: the connection ends here.
pub fn deliver(wire: &mut Wire, method: &str, reply: &Reply, fault: Option<&Fault>, end: &End) -> io::Result<bool> {
    let mut body = reply.body.clone();
    let mut head = Head { first: format!("HTTP/1.1 {} Scripted", reply.status), headers: reply.headers.clone() };
    let mut promised = body.len();
    match fault {
        Some(Fault::Flip(at)) if !body.is_empty() => {
            let at = at % body.len();
            body[at] ^= 1;
        }
        Some(Fault::Extra(more)) => {
            body.resize(body.len() + more, b'x');
            promised = body.len();
        }
        Some(Fault::Cut(most)) => body.truncate(*most),
        _ => {}
    }
    let endless = matches!(fault, Some(Fault::Endless)) && method != "HEAD";
    if endless {
        head.headers.push(("Connection".to_owned(), "close".to_owned()));
    } else if head.header("content-length").is_none() && head.header("transfer-encoding").is_none() {
        head.headers.push(("Content-Length".to_owned(), promised.to_string()));
    }
    let mut message = Vec::new();
    head.write(&mut message)?;
    if let Some(Fault::SlowHead(pause)) = fault {
        trickle(wire, &message, 1, *pause, end)?;
        message.clear();
    }
    if method == "HEAD" {
        body.clear();
    }
    if let Some(Fault::SlowBody(piece, pause)) = fault {
        wire.write_all(&message)?;
        trickle(wire, &body, *piece, *pause, end)?;
    } else {
        message.extend_from_slice(&body);
        wire.write_all(&message)?;
        wire.flush()?;
    }
    if endless {
        let more = vec![b' '; 64 << 10];
        for _ in 0..ENDLESS / more.len() {
            wire.write_all(&more)?;
        }
        return Ok(false);
    }
    Ok(method == "HEAD" || body.len() == promised)
}

fn trickle(wire: &mut Wire, bytes: &[u8], piece: usize, pause: Duration, end: &End) -> io::Result<()> {
    for piece in bytes.chunks(piece.max(1)) {
        if end.is_here() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        wire.write_all(piece)?;
        wire.flush()?;
        end.wait(pause);
    }
    Ok(())
}

/// Writes `reply` while the request's body is still coming, says that there is no more, and lets the rest run dry.
pub fn deliver_early(reader: &mut BufReader<Wire>, reply: &Reply, end: &End) -> io::Result<()> {
    let reply = reply.clone().with("Connection", "close");
    deliver(reader.get_mut(), "POST", &reply, None, end)?;
    reader.get_ref().socket().shutdown(Shutdown::Write)?;
    loop {
        let count = reader.fill_buf()?.len();
        if count == 0 || end.is_here() {
            return Ok(());
        }
        reader.consume(count);
    }
}
