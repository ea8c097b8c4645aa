//! A form is read as two other readers read it, or refused at the field that is at fault. What is written is read as the
//! same form.

#![cfg_attr(fuzzing, no_main)]

use tower_webhook::decode::Form;
use tower_webhook_fuzz::{Input, form_fields, fuzz_target};

/// The first byte says whether the rest is a body, or what is to be written.
fn property(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 2 {
        0 => read(input.rest()),
        _ => written(&mut input),
    }
}

fn read(body: &[u8]) {
    let fields = form_fields(body);
    let too_many = fields.get(Form::MAX_FIELDS).map(|(start, _)| *start);
    let fault = fields.iter().take(Form::MAX_FIELDS).find(|(_, field)| field.is_none());
    let fault = fault.map(|(start, _)| *start).or(too_many);
    let form = match (Form::parse(body), fault) {
        (Ok(form), None) => form,
        (Err(error), Some(start)) => return assert_eq!(error.offset(), start, "{error}"),
        (read, _) => panic!("{read:?}, with a fault at {fault:?}"),
    };
    let meant: Vec<_> = fields.into_iter().filter_map(|(_, field)| field).collect();
    assert!(form.pairs().eq(meant.iter().map(|(name, value)| (&**name, &**value))));
    // It replaces what is not UTF-8. There is nothing of that here.
    let other: Vec<_> = form_urlencoded::parse(body).into_owned().collect();
    assert_eq!(other, meant);
    looked_up(&form, &meant);
    again(&form);
}

/// A field is found if it is the only one of its name.
fn looked_up(form: &Form, fields: &[(String, String)]) {
    for name in fields.iter().map(|(name, _)| &**name).take(8).chain(["", "payload"]) {
        let mut values = fields.iter().filter(|field| field.0 == name).map(|field| &*field.1);
        let only = values.next().filter(|_| values.next().is_none());
        assert_eq!(form.get(name).ok(), only);
        assert_eq!(form.clone().take(name).ok().as_deref(), only);
    }
}

fn written(input: &mut Input<'_>) {
    let (mut form, mut fields) = (Form::default(), Vec::new());
    while !input.is_empty() {
        let [name, value] = [(); 2].map(|()| String::from_utf8_lossy(input.piece()).into_owned());
        form = form.with(&*name, &*value);
        fields.push((name, value));
    }
    assert!(form.pairs().eq(fields.iter().map(|(name, value)| (&**name, &**value))));
    again(&form);
}

/// Writes it as another writer does, and reads it.
fn again(form: &Form) {
    let text = form.to_string();
    let other = form_urlencoded::Serializer::new(String::new()).extend_pairs(form.pairs()).finish();
    assert_eq!(text, other);
    let count = form.pairs().count();
    let read = Form::parse(text.as_bytes()).ok();
    assert_eq!(read.as_ref(), Some(form).filter(|_| count <= Form::MAX_FIELDS));
    assert_eq!(format!("{form:?}"), format!("Form {{ count: {count}, .. }}"));
}

fuzz_target!(property);
