//! Blobs as they are read.

use super::*;

/// Pulls [`CONTENT`] from a server that answers as `answer` does, which gets the offset that was asked for.
async fn pull(answer: impl Fn(Option<usize>) -> Reply + Send + Sync + 'static) -> (Result<Bytes, String>, Vec<String>) {
    let server = TestServer::start(move |request: &Received| {
        if !request.target.contains("/blobs/") {
            return Reply::new(200);
        }
        answer(request.header("range").strip_prefix("bytes=").map(|it| it.trim_end_matches('-').parse().unwrap()))
    })
    .await;
    let read = match registry(&server).open_blob(&app(), &blob(CONTENT)).await {
        Ok(stream) => stream.try_collect::<Vec<Bytes>>().await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let asked = server.received().into_iter().filter(|it| it.target.contains("/blobs/"));
    (read.map(|frames| frames.concat().into()), asked.map(|it| it.header("range").to_owned()).collect())
}

fn whole() -> Reply {
    Reply::new(200).body(CONTENT)
}

fn part(from: usize) -> Reply {
    Reply::new(206).header("Content-Range", format!("bytes {from}-9/10")).body(&CONTENT[from..])
}

#[tokio::test]
async fn a_broken_pull_goes_on_where_it_broke() {
    let (read, asked) = pull(|from| match from {
        None => whole().cut(4),
        Some(4) => part(4).cut(3),
        Some(from) => part(from),
    })
    .await;
    assert_eq!(read.unwrap(), CONTENT);
    assert_eq!(asked, ["", "bytes=4-", "bytes=7-"]);
}

#[tokio::test]
async fn a_server_without_ranges_is_read_again_and_the_start_thrown_away() {
    let (read, asked) = pull(|from| if from.is_none() { whole().cut(4) } else { whole() }).await;
    assert_eq!(read.unwrap(), CONTENT);
    assert_eq!(asked, ["", "bytes=4-"]);
}

#[tokio::test]
async fn another_range_than_the_one_asked_for_is_refused() {
    for range in ["bytes 3-9/10", "bytes 4-9/11", "bytes 4-9/*", "4-9/10", ""] {
        let (read, _) = pull(move |from| match from {
            None => whole().cut(4),
            Some(from) => Reply::new(206).header("Content-Range", range).body(&CONTENT[from..]),
        })
        .await;
        assert!(read.unwrap_err().contains("asked for bytes 4-"), "{range}");
    }
}

#[tokio::test]
async fn a_pull_that_keeps_breaking_without_progress_is_given_up() {
    let (read, asked) = pull(|from| from.map_or_else(|| whole().cut(1), |from| part(from).cut(1))).await;
    assert!(read.is_err());
    assert_eq!(asked, ["", "bytes=1-", "bytes=2-", "bytes=3-", "bytes=4-", "bytes=5-"]);
}

#[tokio::test]
async fn a_blob_of_another_length_is_refused_before_it_is_read() {
    let (read, _) = pull(|_| Reply::new(200).body(&CONTENT[1..])).await;
    assert!(read.unwrap_err().ends_with("expected 10 bytes, got 9 bytes"));
}

#[tokio::test]
async fn a_corrupt_blob_ends_in_an_error() {
    let (read, _) = pull(|_| Reply::new(200).body("0123456780")).await;
    assert!(read.unwrap_err().contains("expected content of that digest"));
}
