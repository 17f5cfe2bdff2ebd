//! One pull for several targets.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::Either;
use futures_util::future::join_all;
use futures_util::stream;
use tokio::sync::mpsc;

use crate::http::ByteStream;

/// Frames that wait for one target. The slowest target gates the pull, so this times the frame size (some 100 KiB) times
/// the targets is what one blob may hold in memory.
const DEPTH: usize = 4;

/// Splits `source` into `count` streams and the pump that feeds them, to be awaited beside their readers. A reader that is dropped
/// is left out from then on; the source is read until all are gone. An error of the source reaches each. One reader gets the source itself.
pub fn tee(source: ByteStream, count: usize) -> (Vec<ByteStream>, impl Future<Output = ()> + Send) {
    if count == 1 {
        return (vec![source], Either::Left(std::future::ready(())));
    }
    let (senders, streams): (Vec<_>, Vec<_>) = (0..count)
        .map(|_| {
            let (sender, receiver) = mpsc::channel(DEPTH);
            let stream =
                stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
            (sender, stream.boxed())
        })
        .unzip();
    (streams, Either::Right(pump(source, senders)))
}

async fn pump(mut source: ByteStream, mut senders: Vec<mpsc::Sender<std::io::Result<Bytes>>>) {
    while let Some(frame) = source.next().await {
        let sent = join_all(senders.iter().map(|sender| sender.send(copy_of(&frame)))).await;
        let mut alive = sent.iter().map(Result::is_ok);
        senders.retain(|_| alive.next().unwrap_or(false));
        if senders.is_empty() || frame.is_err() {
            return;
        }
    }
}

fn copy_of(frame: &std::io::Result<Bytes>) -> std::io::Result<Bytes> {
    match frame {
        Ok(bytes) => Ok(bytes.clone()),
        Err(error) => Err(std::io::Error::new(error.kind(), error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join;

    use super::*;

    async fn text(stream: ByteStream) -> Result<String, String> {
        stream
            .fold(Ok(String::new()), |text: Result<String, String>, frame| async move {
                let frame = frame.map_err(|error| error.to_string())?;
                text.map(|text| text + std::str::from_utf8(&frame).unwrap())
            })
            .await
    }

    fn source(count: usize) -> ByteStream {
        stream::iter((0..count).map(|_| Ok(Bytes::from_static(b"frame ")))).boxed()
    }

    #[tokio::test]
    async fn each_reader_gets_every_frame() {
        let (streams, pump) = tee(source(50), 3);
        let (texts, ()) = join(join_all(streams.into_iter().map(text)), pump).await;
        assert_eq!(texts, vec![Ok("frame ".repeat(50)); 3]);
    }

    #[tokio::test]
    async fn a_reader_that_goes_does_not_stop_the_others() {
        let (mut streams, pump) = tee(source(50), 2);
        drop(streams.remove(0));
        let (read, ()) = join(text(streams.remove(0)), pump).await;
        assert_eq!(read, Ok("frame ".repeat(50)));
    }

    #[tokio::test]
    async fn an_error_of_the_source_reaches_each_reader() {
        let broken = source(1).chain(stream::once(async { Err(std::io::Error::other("torn")) })).boxed();
        let (streams, pump) = tee(broken, 2);
        let (texts, ()) = join(join_all(streams.into_iter().map(text)), pump).await;
        assert_eq!(texts, vec![Err("torn".to_owned()); 2]);
    }
}
