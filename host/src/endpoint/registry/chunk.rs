//! One stream cut into several bodies.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::Mutex;

use crate::http::ByteStream;

/// Gives a stream out in pieces, one after the other, without holding more than a frame of it.
pub(super) struct Splitter {
    source: Arc<Mutex<Source>>,
}

struct Source {
    stream: ByteStream,
    rest: Bytes,
}

impl Splitter {
    pub(super) fn new(stream: ByteStream) -> Self {
        Self { source: Arc::new(Mutex::new(Source { stream, rest: Bytes::new() })) }
    }

    /// Lets `length` bytes pass.
    pub(super) async fn skip(&self, mut length: u64) -> io::Result<()> {
        let mut source = self.source.lock().await;
        while length > 0 {
            length -= source.next(length).await?.len() as u64;
        }
        Ok(())
    }

    /// The next `length` bytes; an error if the stream ends before them.
    pub(super) fn chunk(&self, length: u64) -> ByteStream {
        let source = Arc::clone(&self.source);
        stream::try_unfold((source, length), |(source, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let frame = source.lock().await.next(left).await?;
            let left = left - frame.len() as u64;
            Ok(Some((frame, (source, left))))
        })
        .boxed()
    }
}

impl Source {
    async fn next(&mut self, most: u64) -> io::Result<Bytes> {
        while self.rest.is_empty() {
            let frame = self.stream.next().await.ok_or(io::ErrorKind::UnexpectedEof)?;
            self.rest = frame?;
        }
        let length = usize::try_from(most).unwrap_or(usize::MAX).min(self.rest.len());
        Ok(self.rest.split_to(length))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;

    #[tokio::test]
    async fn chunks_do_not_depend_on_frames() {
        let frames = [&b"ab"[..], b"", b"cdefg", b"h"].map(|frame| Ok(Bytes::from_static(frame)));
        let splitter = Splitter::new(stream::iter(frames).boxed());
        for expected in [&b"abc"[..], b"def", b"gh"] {
            let chunk: Vec<Bytes> = splitter.chunk(expected.len() as u64).try_collect().await.unwrap();
            assert_eq!(chunk.concat(), expected);
        }
        let splitter = Splitter::new(stream::iter([Ok(Bytes::from_static(b"abcdef"))]).boxed());
        splitter.skip(4).await.unwrap();
        let rest: Vec<Bytes> = splitter.chunk(2).try_collect().await.unwrap();
        assert_eq!(rest.concat(), b"ef");
        let short: io::Result<Vec<Bytes>> = splitter.chunk(1).try_collect().await;
        assert_eq!(short.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
