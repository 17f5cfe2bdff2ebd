//! Tags and repositories, page by page.

use super::*;

/// Reads a listing to its end, from a server that answers each request line with a body and a `Link`.
async fn list(
    of_tags: bool,
    answer: impl Fn(&str) -> (u16, String, Option<String>) + Send + Sync + 'static,
) -> (Result<Vec<Vec<String>>, String>, Vec<String>) {
    let server = TestServer::start(move |request: &Received| {
        let (status, body, link) = answer(&request.target);
        let reply = Reply::new(status).body(body);
        link.into_iter().fold(reply, |reply, link| reply.header("Link", link))
    })
    .await;
    let mut listing = if of_tags { registry(&server).tags(&app()) } else { registry(&server).repositories() };
    let mut pages = Vec::new();
    let outcome = loop {
        match listing.next().await {
            Ok(Some(page)) => pages.push(page),
            Ok(None) => break Ok(pages),
            Err(error) => break Err(error.to_string()),
        }
    };
    (outcome, lines(&server))
}

fn tags(names: &[&str]) -> String {
    json!({"name": "team/app", "tags": names}).to_string()
}

#[tokio::test]
async fn links_are_followed_to_the_end_and_bad_names_left_out() {
    let (pages, asked) = list(true, |target| match target {
        "/v2/team/app/tags/list?n=1000" => {
            (200, tags(&["a", "../b", "c\u{1b}[31m"]), Some("</v2/team/app/tags/list?last=a>; rel=\"next\"".into()))
        }
        "/v2/team/app/tags/list?last=a" => (200, tags(&[]), Some("<list?last=b>; rel=next".into())),
        _ => (200, tags(&["d"]), None),
    })
    .await;
    assert_eq!(pages.unwrap(), [["a"], ["d"]]);
    let paths = ["?n=1000", "?last=a", "?last=b"].map(|query| format!("GET /v2/team/app/tags/list{query}"));
    assert_eq!(asked, paths);
}

#[tokio::test]
async fn a_listing_that_leads_in_a_circle_is_an_error() {
    let (pages, asked) = list(true, |target| {
        let (names, next) = if target.ends_with("last=b") { (["c"], "a") } else { (["b"], "b") };
        (200, tags(&names), Some(format!("</v2/team/app/tags/list?last={next}>; rel=next")))
    })
    .await;
    assert!(pages.unwrap_err().ends_with("the listing leads back to a page that was read before"));
    assert_eq!(asked.len(), 3);
}

/// A registry of two pages of tags; answers that are `bad` come in place of the first `many` of the page whose URL ends with `page`.
async fn failing(page: &'static str, many: usize, bad: u16) -> (Listing, TestServer) {
    let asked = AtomicUsize::new(0);
    let server = TestServer::start(move |request: &Received| match &request.target[..] {
        target if target.ends_with(page) && asked.fetch_add(1, Ordering::SeqCst) < many => Reply::new(bad),
        "/v2/team/app/tags/list?n=1000" => Reply::new(200).header("Link", "<list?last=a>; rel=next").body(tags(&["a"])),
        _ => Reply::new(200).body(tags(&["b"])),
    })
    .await;
    (registry(&server).tags(&app()), server)
}

#[tokio::test]
async fn a_page_that_failed_for_now_may_be_asked_for_again() {
    let tries = BackOff::TRIES as usize;
    // The first page is asked for once more: that stands for the greeting.
    for (page, many, before) in [("?n=1000", tries + 1, 0), ("?last=a", tries, 1)] {
        let (mut listing, _server) = failing(page, many, 500).await;
        for _ in 0..before {
            assert_eq!(listing.next().await.unwrap().unwrap(), ["a"]);
        }
        assert_eq!(listing.next().await.unwrap_err().status().unwrap(), 500);
        let mut rest = Vec::new();
        while let Some(page) = listing.next().await.unwrap() {
            rest.extend(page);
        }
        assert_eq!(rest, ["a", "b"][before..]);
    }
}

#[tokio::test]
async fn a_page_that_is_refused_ends_the_list() {
    let (mut listing, server) = failing("?last=a", usize::MAX, 403).await;
    assert_eq!(listing.next().await.unwrap().unwrap(), ["a"]);
    assert_eq!(listing.next().await.unwrap_err().status().unwrap(), 403);
    assert_eq!(listing.next().await.unwrap(), None);
    assert_eq!(server.count("GET /v2/team/app/tags/list?last=a"), 1);
}

#[tokio::test]
async fn a_page_that_brings_nothing_new_is_the_last() {
    let count = AtomicUsize::new(0);
    let (pages, asked) = list(true, move |_| {
        let next = count.fetch_add(1, Ordering::Relaxed);
        (200, tags(&["a", "b", "a"]), Some(format!("</v2/team/app/tags/list?next={next}>; rel=next")))
    })
    .await;
    assert_eq!(pages.unwrap(), [["a", "b"]]);
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed() {
    let (pages, asked) = list(true, |_| (200, tags(&["a"]), Some("<http://127.0.0.2:1/next>; rel=next".into()))).await;
    assert!(pages.unwrap_err().ends_with("the link to the next page leads to another host"));
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn a_repository_without_tags_has_none() {
    let (pages, _) = list(true, |_| (200, r#"{"name":"team/app","tags":null}"#.into(), None)).await;
    assert_eq!(pages.unwrap(), Vec::<Vec<String>>::new());
}

#[tokio::test]
async fn a_registry_that_ignores_the_size_of_a_page_is_asked_once() {
    let all: Vec<String> = (0..10_000).map(|at| format!("v{}", (at * 7919) % 10_000)).collect();
    let body = json!({"tags": all}).to_string();
    let (pages, asked) = list(true, move |_| (200, body.clone(), None)).await;
    assert_eq!(pages.unwrap(), [all]);
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn without_links_a_full_page_is_followed_by_its_last_name() {
    let names = |from: usize, to: usize| (from..to).map(|at| format!("r/{at:04}")).collect::<Vec<_>>();
    let (pages, asked) = list(false, move |target| {
        let page = if target.contains("last=r%2F0999") { names(1000, 1500) } else { names(0, 1000) };
        (200, json!({"repositories": page}).to_string(), None)
    })
    .await;
    assert_eq!(pages.unwrap(), [names(0, 1000), names(1000, 1500)]);
    assert_eq!(asked, ["GET /v2/_catalog?n=1000", "GET /v2/_catalog?n=1000&last=r%2F0999"]);
}

#[tokio::test]
async fn a_registry_that_ignores_the_mark_ends_after_one_more_page() {
    let page: Vec<String> = (0..1000).map(|at| format!("r{at}")).collect();
    let body = json!({"repositories": page}).to_string();
    let (pages, asked) = list(false, move |_| (200, body.clone(), None)).await;
    assert_eq!((pages.unwrap(), asked.len()), (vec![page], 2));
}

#[tokio::test]
async fn a_page_size_that_is_refused_is_lowered() {
    let (pages, asked) = list(false, |target| match target {
        "/v2/_catalog" => (200, json!({"repositories": ["a"]}).to_string(), None),
        _ => (400, String::new(), None),
    })
    .await;
    assert_eq!(pages.unwrap(), [["a"]]);
    assert_eq!(asked, ["GET /v2/_catalog?n=1000", "GET /v2/_catalog?n=100", "GET /v2/_catalog"]);
}
