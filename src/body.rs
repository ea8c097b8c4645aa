//! `Body`: the body of a request or an answer that this crate writes.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// The body of a request that a [`Sender`](crate::Sender) makes, or of an answer that an
/// [`EventRouter`](crate::EventRouter) gives: complete, in memory, and of a known length.
///
/// Clones share the memory. `Debug` shows the length, never the content.
///
/// ```
/// use tower_webhook::Body;
///
/// let body = Body::from(r#"{"total": 2432}"#);
/// assert_eq!(format!("{body:?}"), "Body(15 bytes)");
/// assert_eq!(body.into_bytes(), r#"{"total": 2432}"#);
/// ```
#[derive(Clone, Default)]
pub struct Body(Bytes);

impl Body {
    /// The bytes that have not been read yet: before the body is polled, all of them. Needs no runtime.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.0.len()).unwrap_or(u64::MAX))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use http_body::Body as _;

    use super::*;

    #[test]
    fn it_is_read_in_one_frame() {
        let mut body = pin!(Body::from("abc"));
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(3), false));
        let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(cx) else { panic!() };
        assert_eq!(frame.into_data().unwrap(), "abc");
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
        assert!(matches!(body.as_mut().poll_frame(cx), Poll::Ready(None)));
    }

    #[test]
    fn an_empty_one_has_no_frame() {
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        for mut body in [Body::default(), Body::from(""), Body::from(Vec::new())] {
            assert!(body.is_end_stream());
            assert!(matches!(Pin::new(&mut body).poll_frame(cx), Poll::Ready(None)));
        }
    }

    #[test]
    fn debug_shows_the_length_alone() {
        for body in
            [Body::from("secret"), Body::from("secret".to_owned()), Body::from(vec![0x73; 6])]
        {
            assert_eq!(format!("{body:?}"), "Body(6 bytes)");
        }
    }
}
