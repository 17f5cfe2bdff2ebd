//! A small HTTP server for unit tests: real TCP on a free port of 127.0.0.1, answers from a function, every request kept.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// What came in.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// Path and query as on the wire.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    /// `METHOD target`, for assertions on what was asked.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// A header's text, empty if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }
}

/// What goes out. `Content-Length` is added unless it is given.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    cut: Option<usize>,
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), cut: None }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends only the first `bytes` of the body, then closes the connection.
    pub(crate) fn cut(mut self, bytes: usize) -> Self {
        self.cut = Some(bytes);
        self
    }
}

type Answer = dyn Fn(&Received) -> Reply + Send + Sync;

/// The server; it ends when dropped.
pub(crate) struct TestServer {
    address: std::net::SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl TestServer {
    /// Serves what `answer` says to each request.
    pub(crate) async fn start(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(false, answer).await
    }

    /// Serves what `answer` says to each request's head, before the body is read, and then closes the connection.
    pub(crate) async fn start_early(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(true, answer).await
    }

    async fn listen(early: bool, answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept): (Arc<Answer>, _) = (Arc::new(answer), Arc::clone(&received));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, early, Arc::clone(&answer), Arc::clone(&kept)));
            }
        });
        Self { address, received, task }
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:PORT` followed by `path`.
    pub(crate) fn url(&self, path: &str) -> url::Url {
        format!("http://{}{path}", self.address).parse().expect("url")
    }

    /// What came in so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was asked so far, as `METHOD target`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.received().iter().map(Received::line).collect()
    }

    /// How many requests so far begin with `start`, such as `GET /token`.
    pub(crate) fn count(&self, start: &str) -> usize {
        self.lines().iter().filter(|line| line.starts_with(start)).count()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, early: bool, answer: Arc<Answer>, kept: Arc<Mutex<Vec<Received>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(mut request) = head(&mut stream).await {
        let whole = early || body(&mut stream, &mut request).await.is_some();
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        if !whole {
            return;
        }
        let reply = answer(&request);
        let length = reply.body.len();
        let mut out = format!("HTTP/1.1 {} Status\r\n", reply.status);
        if !reply.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) && reply.status != 204 {
            let _ = write!(out, "Content-Length: {length}\r\n");
        }
        for (name, value) in &reply.headers {
            let _ = write!(out, "{name}: {value}\r\n");
        }
        out += "\r\n";
        let shown = if request.method == "HEAD" { 0 } else { reply.cut.unwrap_or(length).min(length) };
        if stream.write_all(out.as_bytes()).await.is_err() || stream.write_all(&reply.body[..shown]).await.is_err() {
            return;
        }
        let _ = stream.flush().await;
        if early {
            // As a real server does: the answer stays readable while the rest of the request is thrown away.
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            return;
        }
        if reply.cut.is_some() {
            return;
        }
    }
}

async fn head(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let mut headers = HeaderMap::new();
    for line in &lines[1..] {
        let (name, value) = line.split_once(':')?;
        headers.append(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some(Received { method, target, headers, body: Bytes::new() })
}

async fn body(stream: &mut BufReader<TcpStream>, request: &mut Received) -> Option<()> {
    if request.headers.contains_key("transfer-encoding") {
        // Kept as an empty body: what matters to a test is that it came so, which the header tells.
        loop {
            let mut size = String::new();
            stream.read_line(&mut size).await.ok().filter(|read| *read > 0)?;
            let size = usize::from_str_radix(size.trim_end(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).await.ok()?;
            if size == 0 {
                return Some(());
            }
        }
    }
    let length = request.header("content-length").parse().unwrap_or(0);
    let mut body = vec![0; length];
    let read = stream.read_exact(&mut body).await;
    request.body = body.into();
    read.ok().map(|_| ())
}
