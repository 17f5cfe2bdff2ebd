//! The workload `catalog`: the tags of a whole registry, listed by the plugin `catalog`, mapped by `rewrite` with a regular
//! expression, and planned.
//!
//! The registry is a simulated one in a process of its own, so that its memory and its work are not ours; it costs so little that it
//! is not the limit. The plan is one of names: with a look at each image it would measure the registry.

use std::env;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::thread;

use crate::measure;

/// Tags of each repository, and names of a page.
const TAGS: usize = 1000;

/// Asks this very program to be the registry of so many repositories.
const SERVE: &str = "IMAGE_TRANSFER_BENCH_CATALOG";

/// What listing, mapping and planning took.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Tags that the registry has.
    pub tags: usize,
    /// What the command took.
    pub took: measure::Figures,
}

impl Figures {
    /// Tags a second.
    pub fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.tags).unwrap()) / self.took.wall
    }
}

/// Plans a registry of `repositories` of 1,000 tags each, after a run that fills the cache of components.
pub fn run(repositories: usize) -> Figures {
    let registry = Registry::start(repositories);
    let place = tempfile::tempdir().unwrap();
    let from = registry.address;
    let workflow = format!(
        "version: 1\nregistries: {{\"{from}\": {{plain-http: true}}}}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: \"{from}\"}}}}\n    \
         map: [{{plugin: rewrite, with: {{regex: [{{match: '^team(\\d+)/(.+)$', replace: 'mirror/t$1/$2'}}]}}}}]\n    to: {{registry: target.test}}\n"
    );
    fs::write(place.path().join("workflow.yaml"), workflow).unwrap();
    measure::image_transfer(place.path(), &["check", "workflow.yaml"]);
    let took = measure::image_transfer(place.path(), &["plan", "--names", "workflow.yaml"]);
    let tags = repositories * TAGS;
    let printed = BufReader::new(fs::File::open(place.path().join("printed")).unwrap());
    let planned = printed.lines().map(Result::unwrap).filter(|line| line.contains(" -> target.test/mirror/t")).count();
    assert_eq!(planned, tags, "not all was planned");
    Figures { tags, took }
}

/// Is the registry and never returns, if that is what this process was started for. To be called before anything else.
pub fn serve_if_asked() {
    if let Ok(repositories) = env::var(SERVE) {
        serve(repositories.parse().unwrap());
    }
}

/// The simulated registry, in its process.
struct Registry {
    process: Child,
    address: SocketAddr,
}

impl Registry {
    fn start(repositories: usize) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.env(SERVE, repositories.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, address: line.trim().parse().unwrap() }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve(repositories: usize) -> ! {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    let answers = Arc::new(Answers::new(repositories));
    for stream in listener.incoming() {
        let (stream, answers) = (stream.unwrap(), Arc::clone(&answers));
        thread::spawn(move || {
            // A client that goes away is done.
            let _ = answers.converse(&stream);
        });
    }
    unreachable!("a listener never ends")
}

/// What the registry says. All repositories have the same tags, so one page serves all.
struct Answers {
    repositories: usize,
    tags: String,
}

impl Answers {
    fn new(repositories: usize) -> Self {
        let tags = (0..TAGS).map(|number| format!("\"v{}.{}.{}\"", number / 100, number / 10 % 10, number % 10));
        Self { repositories, tags: tags.collect::<Vec<_>>().join(",") }
    }

    fn converse(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let (mut reader, mut writer) = (BufReader::new(stream), BufWriter::with_capacity(64 << 10, stream));
        let mut line = String::new();
        while reader.read_line(&mut line)? > 0 {
            let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            // Requests for lists have no body: the head ends in an empty line.
            while line.trim_end() != "" {
                line.clear();
                reader.read_line(&mut line)?;
            }
            let (status, body) = self.answer(&path).map_or(("404 Not Found", String::new()), |body| ("200 OK", body));
            write!(
                writer,
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )?;
            writer.flush()?;
            line.clear();
        }
        Ok(())
    }

    /// As docker/distribution does it, without links: the client asks again behind the last name of a full page.
    fn answer(&self, path: &str) -> Option<String> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let last = query.split('&').find_map(|pair| pair.strip_prefix("last="));
        let rest = path.strip_prefix("/v2/")?;
        if rest.is_empty() {
            return Some("{}".to_owned());
        }
        if rest == "_catalog" {
            let begin = last
                .and_then(|last| last.get(last.len().checked_sub(6)?..)?.parse().ok())
                .map_or(0, |it: usize| it + 1);
            let page = begin..self.repositories.min(begin + TAGS);
            let names: Vec<String> = page.map(|it| format!("\"team{:03}/service{it:06}\"", it / 1000)).collect();
            return Some(format!("{{\"repositories\":[{}]}}", names.join(",")));
        }
        let name = rest.strip_suffix("/tags/list")?;
        let tags = if last.is_some() { "" } else { &self.tags };
        Some(format!("{{\"name\":\"{name}\",\"tags\":[{tags}]}}"))
    }
}
