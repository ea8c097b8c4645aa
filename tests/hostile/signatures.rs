//! A: signatures that are cut, changed, or of another kind.

use super::*;

type Verdict = Result<u16, VerifyError>;
const MALFORMED: Verdict = Err(VerifyError::MalformedSignature);
const UNSUPPORTED: Verdict = Err(VerifyError::UnsupportedSignature);

#[tokio::test]
async fn a1_a2_a14_a_signature_is_there_once_and_short() {
    let long = "a".repeat(9 * 1024);
    for (row, value, why) in [
        ("A1", None, VerifyError::MissingHeader as fn(_) -> _),
        ("A14", Some(long.as_str()), VerifyError::HeaderTooLong),
        ("not ASCII", Some("sha256=é"), VerifyError::MalformedHeader),
    ] {
        let ours = judged(learn365(), with(learn365_request(), MS, value)).await;
        assert_eq!(ours, Err(why(MS.into())), "{row}");
        for name in ["webhook-id", "webhook-timestamp", SW] {
            let theirs = judged(standard_webhooks(), with(whsec_request(), name, value)).await;
            assert_eq!(theirs, Err(why(name.into())), "{row}");
        }
    }
    for blank in ["", " ", "\t \t"] {
        let ours = judged(learn365(), with(learn365_request(), MS, Some(blank))).await;
        assert_eq!(ours, MALFORMED, "A2");
        let theirs = judged(standard_webhooks(), with(whsec_request(), SW, Some(blank))).await;
        assert_eq!(theirs, UNSUPPORTED, "A2");
    }
}

/// The body never arrives: who waited for it would answer 408.
#[test]
fn a1_the_unsigned_are_refused_before_their_body() {
    let rows = [
        ("none", None, VerifyError::MissingHeader(MS.into())),
        ("malformed", Some("sha256=00"), VerifyError::MalformedSignature),
        ("of another kind", Some("sha1=00"), VerifyError::UnsupportedSignature),
    ];
    let mut all = Vec::new();
    for (row, value, error) in rows {
        for turn in [|request| request, over_http2] {
            let error = error.clone();
            all.push(async move || {
                let (_feeder, body) = fed();
                let request = with(Request::post("/").body(body).unwrap(), MS, value);
                let answer = answer(receiver(learn365()), turn(request)).await;
                answer.is_refused(401, &Rejection::Unauthentic(error.clone()));
                assert_eq!(verdict(&answer), Err(error), "A1: {row}");
            });
        }
    }
    at_once(all);
}

#[tokio::test]
async fn a3_a4_a6_a7_a_signature_in_hex_is_all_of_it() {
    let good = signature(&learn365_request(), MS);
    let hex = good.strip_prefix("sha256=").unwrap();
    let rows: [(&str, String, Verdict); 12] = [
        ("A3", "sha256=".into(), MALFORMED),
        ("A3 blank", "sha256= ".into(), MALFORMED),
        ("A4", good[..good.len() - 2].into(), MALFORMED),
        ("A4 odd", good[..good.len() - 1].into(), MALFORMED),
        ("A4 one byte", good[..9].into(), MALFORMED),
        ("A4 too long", format!("{good}00"), MALFORMED),
        ("A4 twice", format!("{good}{hex}"), MALFORMED),
        ("A6", "sha256=not hex at all".into(), MALFORMED),
        ("A6 one letter", format!("sha256=g{}", &hex[1..]), MALFORMED),
        ("A7 upper", good.to_uppercase().replace("SHA", "sha"), Ok(200)),
        ("A7 lower", good.to_lowercase(), Ok(200)),
        ("A7 mixed", good.to_lowercase().replace('a', "A"), Ok(200)),
    ];
    for (row, value, expected) in rows {
        let request = with(learn365_request(), MS, Some(&value));
        assert_eq!(judged(learn365(), request).await, expected, "{row}");
    }
}

#[tokio::test]
async fn a9_a10_the_hash_is_named_and_no_other_will_do() {
    let hex = signature(&learn365_request(), MS).split_off("sha256=".len());
    let rows = [
        ("A9 bare", hex.clone(), MALFORMED),
        ("A9 only the name", "sha256".into(), MALFORMED),
        ("A9 two names", format!("sha256=sha256={hex}"), MALFORMED),
        ("A10", format!("sha1={hex}"), UNSUPPORTED),
        ("A10 as short as SHA-1", format!("sha1={}", &hex[..40]), UNSUPPORTED),
        ("A10 cut", format!("sha256={}", &hex[..40]), MALFORMED),
        ("A10 md5", format!("md5={hex}"), UNSUPPORTED),
        ("A10 none", format!("none={hex}"), UNSUPPORTED),
    ];
    for (row, value, expected) in rows {
        let request = with(learn365_request(), MS, Some(&value));
        assert_eq!(judged(learn365(), request).await, expected, "{row}");
    }
}

#[tokio::test]
async fn a3_a4_a6_a9_a24_a_signature_in_base64_is_canonical_and_of_the_known_version() {
    let good = signature(&whsec_request(), SW);
    let base64 = good.strip_prefix("v1,").unwrap();
    let rows = [
        ("A3", "v1,".to_owned(), MALFORMED),
        ("A4", format!("v1,{}", &base64[..40]), MALFORMED),
        ("A4 too long", format!("v1,AAAA{base64}"), MALFORMED),
        ("A6 padding", good.trim_end_matches('=').to_owned(), MALFORMED),
        ("A6 padding twice", format!("{good}="), MALFORMED),
        ("A6 alphabet", format!("v1,{}", "_-__".repeat(11)), MALFORMED),
        ("A6 blank within", good.replacen('a', "a\t", 1).replacen("v1,", "v1,\t", 1), MALFORMED),
        ("A9", base64.to_owned(), UNSUPPORTED),
        ("A9 another dash", good.replace("v1,", "v1="), UNSUPPORTED),
        ("A9 upper case", good.replace("v1", "V1"), UNSUPPORTED),
        ("A24", format!("v1a,{base64}"), UNSUPPORTED),
        ("A24 several", format!("v1a,{base64} v1a,{base64}"), UNSUPPORTED),
    ];
    for (row, value, expected) in rows {
        let request = with(whsec_request(), SW, Some(&value));
        assert_eq!(judged(standard_webhooks(), request).await, expected, "{row}");
    }
}

#[tokio::test]
async fn a12_a19_a_list_is_between_blanks_and_may_hold_what_is_not_known() {
    let good = signature(&whsec_request(), SW);
    for (row, value, expected) in [
        ("A12", format!("v2,AAAA v1a,AAAA {good}"), Ok(200)),
        ("A12 behind it", format!("{good} v2,AAAA v1a,AAAA"), Ok(200)),
        ("A12 unreadable ones", format!("v1,? {good} v1,"), Ok(200)),
        ("A12 wrong ones", format!("v1,{} {good}", STANDARD.encode([0; 32])), Ok(200)),
        ("A12 two blanks", format!("v1,AAAA  {good}"), Ok(200)),
        ("A19", format!("{good},{good}"), MALFORMED),
        ("A19 and a blank", format!("v1,AAAA, v1,AAAA, {good}"), MALFORMED),
        ("A19 and a blank behind it", format!("{good}, v1,AAAA"), MALFORMED),
        ("A19 a tab", format!("v1a,AAAA\t{good}"), UNSUPPORTED),
        ("A19 a semicolon", format!("{good};{good}"), MALFORMED),
    ] {
        let request = with(whsec_request(), SW, Some(&value));
        assert_eq!(judged(standard_webhooks(), request).await, expected, "{row}");
    }
}

#[tokio::test]
async fn a30_one_wrong_digit_anywhere_is_as_wrong_as_all_of_them() {
    let good = signature(&learn365_request(), MS);
    let server = Server::start(receiver(learn365())).await;
    for at in "sha256=".len()..good.len() {
        let digit = if good.as_bytes()[at] == b'0' { "1" } else { "0" };
        let wrong = format!("{}{digit}{}", &good[..at], &good[at + 1..]);
        let request = with(learn365_request(), MS, Some(&wrong));
        let answer = ask(&server, request).await;
        assert_eq!(verdict(&answer), Err(VerifyError::SignatureMismatch), "A30: digit {at}");
    }
}
