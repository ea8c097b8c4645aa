//! `Verified`, the body of an authentic request, and `ResponseBody`, the body of an answer.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::{VerifyLayer, drain::Rest};
use crate::Delivery;

/// The body of a request that is authentic for provider `P`. Nothing outside of this crate can make one.
///
/// So it is a proof: only a [`VerifyLayer`](crate::VerifyLayer) of `P` can call a service that takes
/// `Request<Verified<P>>`. It proves that one of the provider's keys matched. The name of that key is in the [`Delivery`].
///
/// ```
/// use http::Request;
/// use tower_webhook::{Verified, providers::loops::Loops};
///
/// /// For a handler that needs the `Delivery`: `.layer(ServiceBuilder::new().layer(verify).map_request(delivery))`.
/// fn delivery(mut request: Request<Verified<Loops>>) -> Request<Verified<Loops>> {
///     let delivery = request.body().delivery().clone();
///     request.extensions_mut().insert(delivery);
///     request
/// }
/// ```
pub struct Verified<P> {
    pub(super) bytes: Option<Bytes>,
    pub(super) delivery: Delivery,
    pub(super) layer: VerifyLayer<P>,
    pub(super) answer_at: Option<Instant>,
}

impl<P> Verified<P> {
    /// The facts about the request, without its events. The body has not been decoded yet.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    pub(crate) fn into_parts(self) -> (VerifyLayer<P>, Delivery, Bytes, Option<Instant>) {
        (self.layer, self.delivery, self.bytes.unwrap_or_default(), self.answer_at)
    }
}

impl<P> Body for Verified<P> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let len = self.bytes.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(len).unwrap_or(u64::MAX))
    }
}

impl<P> fmt::Debug for Verified<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}

pin_project! {
    /// The body of an answer, from the inner service or from the layer itself. `B` is the body of the request. If the layer
    /// itself answers before that body has arrived, then the rest of it is read, within limits, before the answer ends.
    pub struct ResponseBody<R, B> {
        #[pin]
        kind: Kind<R, B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<R, B> {
        Inner { #[pin] body: R },
        Own { body: crate::Body, rest: Option<Pin<Box<Rest<B>>>> },
    }
}

impl<R, B> ResponseBody<R, B> {
    pub(super) fn inner(body: R) -> Self {
        Self { kind: Kind::Inner { body } }
    }

    pub(super) fn own(body: Bytes, rest: Option<Pin<Box<Rest<B>>>>) -> Self {
        Self { kind: Kind::Own { body: body.into(), rest } }
    }
}

/// An empty body, for other layers that answer by themselves.
impl<R, B> Default for ResponseBody<R, B> {
    fn default() -> Self {
        Self::own(Bytes::new(), None)
    }
}

impl<R: Body<Data = Bytes>, B: Body> Body for ResponseBody<R, B> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, R::Error>>> {
        match self.project().kind.project() {
            KindProj::Inner { body } => body.poll_frame(cx),
            KindProj::Own { body, rest } => {
                if let Some(unread) = rest {
                    ready!(unread.as_mut().poll(cx));
                    *rest = None;
                }
                Pin::new(body).poll_frame(cx).map_err(|never| match never {})
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Own { body, rest } => rest.is_none() && body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Own { body, .. } => body.size_hint(),
        }
    }
}

impl<R, B> fmt::Debug for ResponseBody<R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseBody(..)")
    }
}
