//! Hex, base64 and forms, written anew: oracles must not share the code that they judge.

/// The bytes that pairs of hex digits of either case stand for.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Vec<u8> = text.as_bytes().iter().map(digit).collect::<Option<_>>()?;
    let pairs = digits.chunks(2);
    pairs.map(|pair| if let [high, low] = pair { Some(high * 16 + low) } else { None }).collect()
}

pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that base64 of the standard alphabet stands for: padded and canonical if `strict`, else with any bits left
/// over, and with padding that may fall short.
pub fn from_base64(text: &str, strict: bool) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let complete = (4 - digits.len() % 4) % 4;
    if complete == 3 || padding > complete || (strict && padding < complete) {
        return None;
    }
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for digit in digits.bytes() {
        let value = ALPHABET.iter().position(|known| *known == digit)?;
        bits = (bits << 6 | u32::try_from(value).ok()?) & 0xfff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    let left_over = bits & ((1 << held) - 1);
    (!strict || left_over == 0).then_some(bytes)
}

pub fn to_base64(bytes: &[u8]) -> String {
    let four = |three: &[u8]| {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        let digit = move |at: usize| char::from(ALPHABET[(bits >> (18 - 6 * at)) as usize & 0x3f]);
        (0..4).map(|at| if at <= three.len() { digit(at) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(four).collect()
}

/// The fields of a form, each with the byte that it begins at; `None` in the place of one that is not UTF-8.
pub fn form_fields(body: &[u8]) -> Vec<(usize, Option<(String, String)>)> {
    let mut fields = Vec::new();
    let mut start = 0;
    while start <= body.len() {
        let rest = &body[start..];
        let field = &rest[..rest.iter().position(|byte| *byte == b'&').unwrap_or(rest.len())];
        if !field.is_empty() {
            let equals = field.iter().position(|byte| *byte == b'=');
            let (name, value) =
                equals.map_or((field, &b""[..]), |at| (&field[..at], &field[at + 1..]));
            fields.push((start, unescaped(name).zip(unescaped(value))));
        }
        start += field.len() + 1;
    }
    fields
}

fn unescaped(text: &[u8]) -> Option<String> {
    let (mut bytes, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let digits = text.get(at + 1..at + 3).and_then(|two| from_hex(str::from_utf8(two).ok()?));
        let (byte, length) = match (text[at], digits.as_deref()) {
            (b'%', Some([byte])) => (*byte, 3),
            (b'+', _) => (b' ', 1),
            (byte, _) => (byte, 1),
        };
        bytes.push(byte);
        at += length;
    }
    String::from_utf8(bytes).ok()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
