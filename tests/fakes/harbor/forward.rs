//! Harbor's registry: what comes goes on to a real one as it is.

use std::io;
use std::io::BufReader;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;

use crate::harness::api::Call;
use crate::harness::api::Reply;
use crate::harness::http1::Head;
use crate::harness::http1::each_piece;

/// The registry's answer; 502 where it gives none. Bodies are held in memory.
pub(super) fn to(registry: SocketAddr, call: &Call) -> Reply {
    send(registry, call).unwrap_or_else(|_| Reply::empty(502))
}

fn send(registry: SocketAddr, call: &Call) -> io::Result<Reply> {
    let target = if call.query.is_empty() { call.path.clone() } else { format!("{}?{}", call.path, call.query) };
    let mut head = Head { first: format!("{} {target} HTTP/1.1", call.method), headers: call.headers.clone() };
    drop_framing(&mut head.headers);
    // Host stays the client's, so that the addresses that the registry makes of it lead back here.
    head.headers.push(("Content-Length".to_owned(), call.body.len().to_string()));
    head.headers.push(("Connection".to_owned(), "close".to_owned()));
    let mut stream = TcpStream::connect(registry)?;
    head.write(&mut stream)?;
    stream.write_all(&call.body)?;
    let mut reader = BufReader::new(stream);
    let mut head = Head::read(&mut reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut body = Vec::new();
    each_piece(&mut reader, head.response_framing(&call.method), false, &mut |piece| {
        body.extend_from_slice(piece);
        Ok(())
    })?;
    let status = head.status();
    if call.method == "HEAD" {
        // The length of what is not sent is what the client asks for, and the server writes the length of the body.
        let length = head.header("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
        body = vec![0; length];
    }
    drop_framing(&mut head.headers);
    Ok(Reply { status, headers: head.headers, body })
}

fn drop_framing(headers: &mut Vec<(String, String)>) {
    let framing = ["content-length", "transfer-encoding", "connection", "expect"];
    headers.retain(|(name, _)| !framing.contains(&name.to_ascii_lowercase().as_str()));
}
