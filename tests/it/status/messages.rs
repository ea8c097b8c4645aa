//! What the operator reads: every message, verbatim.

use super::*;

#[test]
fn of_a_rejection() {
    let undecodable = undecodable(&loops(), &EventRouter::new(), "[");
    for (rejection, message) in [
        (Rejection::Method, "the method is not POST"),
        (Rejection::BodyTooLarge(10), "the body is longer than 10 bytes"),
        (Rejection::BodyLimited, "the body is longer than a layer in front allows"),
        (unauthentic(VerifyError::PathToken), "not authentic: path does not end in a known token"),
        (unauthentic(VerifyError::NotYet), "not verified: the keys are not there yet"),
        (Rejection::Busy, "too many deliveries at once"),
        (Rejection::BodyTimeout, "the body did not arrive in time"),
        (Rejection::BodyBroken, "the body broke off"),
        (Rejection::MediaType, "header `content-type` does not say JSON"),
        (
            Rejection::ContentEncoding,
            "header `content-encoding` names a coding that this sender does not use",
        ),
        (Rejection::Undecodable(undecodable), "not decodable: the body is cut short at byte 1"),
        (Rejection::EventsFailed(1), "an event was not handled"),
        (Rejection::EventsFailed(2), "2 events were not handled"),
        (
            Rejection::Later(Duration::from_millis(61_500)),
            "a handler asked for its event again after 61 s",
        ),
        (Rejection::NotStored(InboxError::Full), "not stored: the inbox is full"),
        (
            Rejection::NotStored(InboxError::Timeout),
            "not stored: the inbox did not store it in time",
        ),
        (
            Rejection::NotStored(InboxError::unavailable("the disk is full")),
            "not stored: the inbox is not available: the disk is full",
        ),
        (
            Rejection::NotStored(InboxError::Poisoned),
            "not stored: a write to the inbox failed, and it has not recovered yet",
        ),
        (Rejection::NotStored(InboxError::Closed), "not stored: the inbox is closed"),
    ] {
        assert_eq!(rejection.to_string(), message);
        assert!(std::error::Error::source(&rejection).is_none());
    }
}

#[test]
fn of_a_failed_authentication() {
    use VerifyError::*;
    let millennium = 31_556_952_000;
    for (error, message) in [
        (MissingHeader("x-a".into()), "header `x-a` is missing"),
        (RepeatedHeader("x-a".into()), "header `x-a` is repeated"),
        (MalformedHeader("x-a".into()), "header `x-a` is not ASCII text"),
        (HeaderTooLong("x-a".into()), "header `x-a` is too long"),
        (MissingQuery("a".into()), "query parameter `a` is missing"),
        (RepeatedQuery("a".into()), "query parameter `a` is repeated"),
        (MalformedSignature, "signature is malformed"),
        (UnsupportedSignature, "no signature of a supported kind"),
        (TooManySignatures, "too many signatures"),
        (SignatureMismatch, "signature does not match"),
        (PathToken, "path does not end in a known token"),
        (TokenMismatch, "token does not match"),
        (Basic("are missing".into()), "basic credentials are missing"),
        (Bearer("do not match".into()), "bearer credentials do not match"),
        (MalformedTimestamp, "timestamp is malformed"),
        (too_old(301), "timestamp is 301 s in the past"),
        (in_future(millennium), "timestamp is 31556952000 s in the future"),
        (
            in_future(millennium + 1),
            "timestamp is 31556952001 s in the future: is it in a smaller unit, such as milliseconds?",
        ),
        (EventType, "the type of the event is empty or longer than 256 bytes"),
        (Other("the moon is full".into()), "the moon is full"),
    ] {
        assert_eq!(error.to_string(), message);
        assert_eq!(unauthentic(error).to_string(), format!("not authentic: {message}"));
    }
}
