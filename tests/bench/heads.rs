//! A bare load generator: the HEAD requests that a run over what is there already has to send, and nothing else.

use std::io::BufReader;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use crate::harness::http1::Head;
use crate::harness::store::ACCEPT;
use crate::images::Images;
use crate::images::REPOSITORY;
use crate::measure::Figures;

/// Connections to each registry.
const CONNECTIONS: usize = 8;

/// Sends one HEAD for each tag of `images` to each of `registries`. Only the time by the clock is known.
pub fn all(images: Images, registries: [SocketAddr; 2]) -> Figures {
    let started = Instant::now();
    let next = registries.map(|_| AtomicUsize::new(0));
    thread::scope(|scope| {
        for (registry, next) in registries.into_iter().zip(&next) {
            for _ in 0..CONNECTIONS {
                scope.spawn(move || ask(registry, images, next));
            }
        }
    });
    Figures { wall: started.elapsed().as_secs_f64(), ..Figures::default() }
}

fn ask(registry: SocketAddr, images: Images, next: &AtomicUsize) {
    let mut connection = BufReader::new(TcpStream::connect(registry).unwrap());
    connection.get_ref().set_nodelay(true).unwrap();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= images.count {
            return;
        }
        let text = format!(
            "HEAD /v2/{REPOSITORY}/manifests/t{number} HTTP/1.1\r\nHost: {registry}\r\nAccept: {ACCEPT}\r\n\r\n"
        );
        connection.get_mut().write_all(text.as_bytes()).unwrap();
        let head = Head::read(&mut connection).unwrap().unwrap();
        assert_eq!(head.status(), 200, "t{number}");
    }
}
