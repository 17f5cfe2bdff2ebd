//! HTTP/1.1 in the little that a test's client and proxy need, so that both see exactly what goes over the wire.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::time::Duration;

/// Longer than any answer of a local registry takes; a test that hangs fails by it.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The first line and the headers of a message.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub first: String,
    pub headers: Vec<(String, String)>,
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// A whole response.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub head: Head,
    pub body: Vec<u8>,
}

impl Head {
    /// Reads one; none where the connection ended before it.
    pub fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = Self::default();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let line = line.trim_end();
            if line.is_empty() {
                return Ok(Some(head));
            }
            if head.first.is_empty() {
                line.clone_into(&mut head.first);
            } else if let Some((name, value)) = line.split_once(':') {
                head.headers.push((name.to_owned(), value.trim().to_owned()));
            }
        }
    }

    pub fn write(&self, writer: &mut impl Write) -> io::Result<()> {
        let mut text = format!("{}\r\n", self.first);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        writer.write_all(text.as_bytes())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn word(&self, index: usize) -> &str {
        self.first.split(' ').nth(index).unwrap_or_default()
    }

    pub fn status(&self) -> u16 {
        self.word(1).parse().unwrap_or(0)
    }

    fn framing(&self, otherwise: Framing) -> Framing {
        if self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return Framing::Chunked;
        }
        match self.header("content-length").and_then(|value| value.parse().ok()) {
            Some(length) => Framing::Length(length),
            None => otherwise,
        }
    }

    pub fn request_framing(&self) -> Framing {
        self.framing(Framing::Length(0))
    }

    pub fn response_framing(&self, method: &str) -> Framing {
        let status = self.status();
        if method == "HEAD" || status == 204 || status == 304 || status < 200 {
            return Framing::Length(0);
        }
        self.framing(Framing::UntilClose)
    }
}

/// Hands a body to `sink` piece by piece, as it was framed where `raw`, else without chunk marks.
pub fn each_piece(
    reader: &mut impl BufRead,
    framing: Framing,
    raw: bool,
    sink: &mut dyn FnMut(&mut [u8]) -> io::Result<()>,
) -> io::Result<()> {
    match framing {
        Framing::Length(length) => exactly(reader, length, sink),
        Framing::UntilClose => {
            let mut buffer = vec![0; 64 << 10];
            loop {
                let count = reader.read(&mut buffer)?;
                if count == 0 {
                    return Ok(());
                }
                sink(&mut buffer[..count])?;
            }
        }
        Framing::Chunked => loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let size = line.trim_end().split(';').next().unwrap_or_default();
            let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
            if raw {
                sink(&mut line.into_bytes())?;
            }
            exactly(reader, size, sink)?;
            let mut end = String::new();
            reader.read_line(&mut end)?;
            if raw {
                sink(&mut end.into_bytes())?;
            }
            if size == 0 {
                return Ok(());
            }
        },
    }
}

fn exactly(reader: &mut impl Read, mut left: u64, sink: &mut dyn FnMut(&mut [u8]) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = reader.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        sink(&mut buffer[..count])?;
        left -= count as u64;
    }
    Ok(())
}

/// One connection of a client.
pub struct Connection {
    address: SocketAddr,
    reader: BufReader<TcpStream>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { address, reader: BufReader::with_capacity(64 << 10, stream) })
    }

    /// One request whose body is `length` bytes that `write` writes.
    pub fn send_stream(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        length: u64,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<Response> {
        let path = target.strip_prefix(&format!("http://{}", self.address)).unwrap_or(target);
        let mut head = Head { first: format!("{method} {path} HTTP/1.1"), headers: Vec::new() };
        head.headers.push(("Host".to_owned(), self.address.to_string()));
        head.headers.push(("Content-Length".to_owned(), length.to_string()));
        head.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        head.write(self.reader.get_mut())?;
        write(self.reader.get_mut())?;
        self.receive(method)
    }

    fn receive(&mut self, method: &str) -> io::Result<Response> {
        let head = Head::read(&mut self.reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut body = Vec::new();
        each_piece(&mut self.reader, head.response_framing(method), false, &mut |piece| {
            body.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(Response { status: head.status(), head, body })
    }
}
