//! The walk over a provider that is written down: `n` repositories in pages of 100, each with its tags in pages of 2.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::Reference;
use crate::pager::Next;
use crate::walk::*;

/// So many lists of the same repositories, each with its number in front.
struct Numbered(usize);

fn image(repository: &str, tag: &str) -> Image {
    let source = Reference {
        registry: "a.io".to_owned(),
        repository: repository.to_owned(),
        tag: Some(tag.to_owned()),
        digest: None,
    };
    Image { source, targets: vec![], attributes: vec![] }
}

/// A page of names, one a line, the total in a header.
fn read(response: &Response) -> (Vec<String>, Option<u64>) {
    let text = String::from_utf8(response.body().to_vec()).expect("text");
    (text.lines().map(str::to_owned).collect(), response.header("total").and_then(|total| total.parse().ok()))
}

/// What tells a list from the first one.
fn of(list: usize) -> String {
    if list == 0 { String::new() } else { format!("l{list}/") }
}

impl Provider for Numbered {
    type List = usize;
    type Repository = String;

    fn lists(&mut self, _: &dyn Client) -> Result<Vec<usize>> {
        Ok((0..self.0).collect())
    }

    fn ask_repositories(&self, list: &usize, place: &Place) -> Result<Request> {
        Ok(Request::get(format!("repositories{} {}", of(*list), place.rows)))
    }

    fn read_repositories(&self, list: &usize, _: &Place, response: &Response) -> Result<Page<String>> {
        let (items, total) = read(&response.clone().successful()?);
        let items = items.into_iter().map(|name| format!("{}{name}", of(*list))).collect();
        Ok(Page { items, total, next: Next::Counted })
    }

    fn name<'a>(&self, repository: &'a String) -> &'a str {
        repository
    }

    fn ask_tags(&self, repository: &String, place: &Place) -> Result<Request> {
        Ok(Request::get(format!("tags {repository} {}", place.rows)))
    }

    fn read_tags(&self, repository: &String, _: &Place, response: &Response) -> Result<Page<Listed>> {
        let (items, total) = read(&response.clone().successful()?);
        let items = items.into_iter().map(|tag| Listed { images: vec![image(repository, &tag)], name: tag }).collect();
        Ok(Page { items, total, next: Next::Counted })
    }
}

/// A server with this many repositories of this many tags. `fault` may answer in its place. The requests are noted.
struct Server<F> {
    repositories: usize,
    tags: usize,
    fault: F,
    log: Log,
    counts: RefCell<HashMap<String, usize>>,
    most: Rc<RefCell<usize>>,
    rounds: Rc<RefCell<usize>>,
}

impl<F: Fn(&str, usize) -> Option<Response>> Client for Server<F> {
    fn send(&self, request: Request) -> Result<Response> {
        let url = request.url().to_owned();
        self.log.borrow_mut().push(url.clone());
        let nth = *self.counts.borrow_mut().entry(url.clone()).and_modify(|count| *count += 1).or_insert(1);
        if let Some(response) = (self.fault)(&url, nth) {
            return Ok(response);
        }
        let words: Vec<&str> = url.split(' ').collect();
        let page = |from: &str, count: usize, size: usize, name: &dyn Fn(usize) -> String| {
            let from: usize = from.parse().expect("a number");
            let names: Vec<String> = (from..count.min(from + size)).map(name).collect();
            Response::new(200, &[("total", &count.to_string())], names.join("\n"))
        };
        Ok(match words[..] {
            [list, from] if list.starts_with("repositories") => {
                page(from, self.repositories, 100, &|number| format!("n/r{number}"))
            }
            ["tags", _, from] => page(from, self.tags, 2, &|number| format!("t{number}")),
            _ => panic!("{url}"),
        })
    }

    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response>> {
        *self.rounds.borrow_mut() += 1;
        let most = (*self.most.borrow()).max(requests.len());
        *self.most.borrow_mut() = most;
        requests.into_iter().map(|request| self.send(request)).collect()
    }
}

type Log = Rc<RefCell<Vec<String>>>;

fn server<F: Fn(&str, usize) -> Option<Response>>(repositories: usize, tags: usize, fault: F) -> (Server<F>, Log) {
    let log = Log::default();
    (
        Server {
            repositories,
            tags,
            fault,
            log: Rc::clone(&log),
            counts: RefCell::default(),
            most: Rc::default(),
            rounds: Rc::default(),
        },
        log,
    )
}

fn names(images: &[Image]) -> Vec<String> {
    images
        .iter()
        .map(|image| format!("{}:{}", image.source.repository, image.source.tag.clone().expect("a tag")))
        .collect()
}

/// Everything that a walk gives; an error that may pass is asked past, `patience` times.
fn all<C: Client>(walk: &mut Walk<Numbered, C>, mut patience: usize) -> Result<Vec<String>> {
    let mut all = Vec::new();
    loop {
        match walk.next_batch() {
            Ok(Some(batch)) => all.extend(names(&batch)),
            Ok(None) => return Ok(all),
            Err(Error::RateLimited(_) | Error::Unavailable(_)) if patience > 0 => patience -= 1,
            Err(error) => return Err(error),
        }
    }
}

fn expected(repositories: usize, tags: usize) -> Vec<String> {
    (0..repositories).flat_map(|r| (0..tags).map(move |t| format!("n/r{r}:t{t}"))).collect()
}

#[test]
fn every_tag_of_every_repository_comes_once_and_in_a_row() {
    let (server, log) = server(250, 5, |_, _| None);
    let most = Rc::clone(&server.most);
    let mut walk = Walk::new(Numbered(1), Filter::default(), None, server);
    assert_eq!(all(&mut walk, 0), Ok(expected(250, 5)));
    // 3 pages of repositories, 3 pages of tags each: nothing is asked twice.
    assert_eq!(log.borrow().len(), 3 + 250 * 3);
    assert!(*most.borrow() <= ROUND, "{}", most.borrow());
}

#[test]
fn several_lists_are_read_together_and_told_one_after_another() {
    let (server, log) = server(150, 1, |_, _| None);
    let rounds = Rc::clone(&server.rounds);
    let mut walk = Walk::new(Numbered(40), Filter::default(), None, server);
    let lists = (0..40).flat_map(|list| expected(150, 1).into_iter().map(move |name| format!("{}{name}", of(list))));
    let lists: Vec<String> = lists.collect();
    walk.next_batch().expect("the first round");
    assert_eq!(*log.borrow(), ["repositories 0"]);
    assert_eq!(all(&mut walk, 0), Ok(lists));
    assert!(*rounds.borrow() <= 40 * 152 / ROUND + 30, "{}", rounds.borrow());
    assert_eq!(log.borrow().len(), 40 * 2 + 40 * 150);
}

#[test]
fn the_first_images_come_before_the_last_page_of_repositories_is_read() {
    let (server, log) = server(1000, 1, |_, _| None);
    let mut walk = Walk::new(Numbered(1), Filter::default(), None, server);
    while walk.next_batch().expect("a batch").expect("not the end").is_empty() {}
    assert!(!log.borrow().iter().any(|url| url == "repositories 900"), "{:?}", log.borrow());
}

#[test]
fn a_hundred_thousand_repositories_never_sit_in_memory() {
    let (server, _) = server(100_000, 1, |_, _| None);
    let mut walk = Walk::new(Numbered(1), Filter::default(), None, server);
    let (mut images, mut widest) = (0, 0);
    while let Some(batch) = walk.next_batch().expect("a batch") {
        images += batch.len();
        widest = widest.max(walk.window.len());
    }
    assert_eq!(images, 100_000);
    assert!(widest <= 100 + ROUND, "{widest}");
}

#[test]
fn what_came_with_an_error_is_told_first_and_the_rest_is_asked_again() {
    let throttled = |url: &str, nth: usize| (url == "tags n/r3 0" && nth <= 2).then(|| Response::new(429, &[], ""));
    let (server, log) = server(5, 2, throttled);
    let mut walk = Walk::new(Numbered(1), Filter::default(), None, server);
    assert_eq!(all(&mut walk, 3), Ok(expected(5, 2)));
    let count = |url: &str| log.borrow().iter().filter(|other| *other == url).count();
    assert_eq!((count("tags n/r3 0"), count("tags n/r2 0"), count("tags n/r4 0")), (3, 1, 1));
}

#[test]
fn a_page_that_fails_for_good_ends_the_listing_with_an_error() {
    let refused = |url: &str, _: usize| (url == "repositories 100").then(|| Response::new(403, &[], "no"));
    let (server, _) = server(150, 1, refused);
    let error = all(&mut Walk::new(Numbered(1), Filter::default(), None, server), 0).expect_err("refused");
    assert!(matches!(error, Error::Unauthorized(_)), "{error:?}");
}

#[test]
fn a_repository_that_went_away_is_left_out_alone() {
    let gone = |url: &str, _: usize| url.starts_with("tags n/r1 ").then(|| Response::new(404, &[], ""));
    let (server, _) = server(3, 1, gone);
    let images = all(&mut Walk::new(Numbered(1), Filter::default(), None, server), 0);
    assert_eq!(images, Ok(vec!["n/r0:t0".to_owned(), "n/r2:t0".to_owned()]));
}

#[test]
fn a_repository_that_is_not_wanted_costs_no_request() {
    let (server, log) = server(30, 1, |_, _| None);
    let mut problems = Problems::default();
    let filter = Filter::read(&mut problems, &["n/r1*".to_owned()], &["n/r11".to_owned()]);
    assert_eq!(problems.finish(), Ok(()));
    let images = all(&mut Walk::new(Numbered(1), filter, None, server), 0).expect("images");
    assert_eq!(images.len(), 10);
    assert_eq!(log.borrow().len(), 11);
}

#[test]
fn a_resumed_walk_goes_on_behind_its_position_or_begins_again_where_that_is_gone() {
    let walk = |position: &str| {
        let (server, log) = server(4, 1, |_, _| None);
        let images = all(&mut Walk::new(Numbered(1), Filter::default(), Some(position.to_owned()), server), 0);
        (images, log.borrow().len())
    };
    assert_eq!(walk("n/r1"), (Ok(expected(4, 1)[2..].to_vec()), 3));
    assert_eq!(walk("n/gone").0, Ok(expected(4, 1)));
    let (server, _) = server(4, 1, |_, _| None);
    let mut whole = Walk::new(Numbered(1), Filter::default(), None, server);
    all(&mut whole, 0).expect("images");
    assert_eq!(whole.position().as_deref(), Some("n/r3"));
}
