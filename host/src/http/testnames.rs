//! Names for unit tests, with addresses of the test's own: no name server is asked.

use std::collections::HashMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;

use futures_util::FutureExt;

use crate::http::Gateway;
use crate::http::Inner;
use crate::http::Named;
use crate::http::Patience;
use crate::http::connection::Lookup;
use crate::limit::Limiter;
use crate::limit::Rates;

/// Addresses by name; each look-up of a name gives the next of its answers, the last for ever.
pub(crate) struct Zone(Mutex<HashMap<String, Vec<Vec<IpAddr>>>>);

impl Zone {
    /// Lines of `name=address,address;address`: commas within one answer, semicolons between answers.
    pub(crate) fn of(lines: &[&str]) -> Arc<Self> {
        let answers = |text: &str| -> Vec<Vec<IpAddr>> {
            text.split(';').map(|answer| answer.split(',').map(|it| it.parse().expect(it)).collect()).collect()
        };
        let zone = lines.iter().map(|line| line.split_once('=').expect("name=answers"));
        Arc::new(Self(Mutex::new(zone.map(|(name, text)| (name.to_owned(), answers(text))).collect())))
    }

    /// A gateway in which names are these.
    pub(crate) fn gateway(self: &Arc<Self>, named: Named) -> Gateway {
        let zone = Arc::clone(self);
        let names: Arc<Lookup> = Arc::new(move |name| std::future::ready(zone.next(&name)).boxed());
        let limiter = Arc::new(Limiter::new(&Rates::default()));
        Gateway::built(Inner {
            limiter,
            named,
            clients: Mutex::default(),
            patience: Patience::default(),
            refusals: Mutex::default(),
            names: Some(names),
        })
    }

    fn next(&self, name: &str) -> std::io::Result<Vec<SocketAddr>> {
        let mut zone = self.0.lock().expect("no panic");
        let answers = zone.get_mut(name).ok_or_else(|| std::io::Error::other("no such name"))?;
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Ok(answer.into_iter().map(|address| SocketAddr::new(address, 0)).collect())
    }
}
