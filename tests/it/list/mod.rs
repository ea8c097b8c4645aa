//! The senders of this crate. The matrix, the test of the docs and the fuzz targets go by this list.
//!
//! A sender is its file in `src/providers`, a row in each table of `src/docs/senders.md`, and a line here.

pub(crate) mod signing;

use tower_webhook::{
    providers::{
        bigbluebutton::BigBlueButton,
        cloudevents::CloudEvents,
        discord::Discord,
        github::GitHub,
        learn365::Learn365,
        livekit::LiveKit,
        loops::Loops,
        meta::Meta,
        microsoft_graph::MicrosoftGraph,
        sendgrid::SendGrid,
        shopify::Shopify,
        slack::Slack,
        standard_webhooks::{StandardWebhooks, StandardWebhooksV1a},
        stripe::Stripe,
        synthesis_vr::SynthesisVr,
        teachstack::Teachstack,
        twilio::Twilio,
        woocommerce::WooCommerce,
        zoom::Zoom,
    },
    scheme::{Keys, Origin, Token},
};

use self::signing::Signing;

/// Calls the macro `$with` with all senders: the name of the sender's module, and a line for each way in which it sends, with a
/// name, the type, the provider with its own key and the same with another key. What is in the braces follows behind them.
macro_rules! every_sender {
    ($with:ident! { $($more:tt)* }) => {
        $with! {
            bigbluebutton {
                subject: BigBlueButton = KEYS.map(|key| BigBlueButton::new(CALLBACK_URL, key).unwrap()),
                sha512_with_query: BigBlueButton = KEYS.map(|key| BigBlueButton::new(WITH_QUERY, key).unwrap().sha512()),
                by_token: BigBlueButton = KEYS.map(|key| BigBlueButton::by_token(Token::path(key).unwrap())),
            }
            cloudevents {
                subject: CloudEvents = KEYS.map(|key| CloudEvents::new(Token::bearer(key).unwrap()).allow_origin("lms.example")),
                structured: CloudEvents = KEYS.map(|key| CloudEvents::new(Token::bearer(key).unwrap()).structured()),
                with_text: CloudEvents = KEYS.map(|key| CloudEvents::new(Token::bearer(key).unwrap()).text_data()),
            }
            discord { subject: Signing<Discord> = [7, 9].map(signing::discord), }
            github {
                subject: GitHub = KEYS.map(|key| GitHub::new(key).unwrap()),
                form: GitHub = KEYS.map(|key| GitHub::new(key).unwrap().form()),
            }
            learn365 { subject: Learn365 = KEYS.map(|key| Learn365::new(key).unwrap()), }
            livekit { subject: LiveKit = KEYS.map(|key| LiveKit::new("APIz0xngb7urRxb", key).unwrap()), }
            loops { subject: Loops = KEYS.map(|key| Loops::new(Token::bearer(key).unwrap())), }
            meta { subject: Meta = KEYS.map(|key| Meta::new(key, "the-verify-token-of-the-handshake-0").unwrap()), }
            microsoft_graph {
                subject: MicrosoftGraph = KEYS.map(|key| MicrosoftGraph::new(key).unwrap()),
                lifecycle: MicrosoftGraph = KEYS.map(|key| MicrosoftGraph::new(Keys::from(key).or(key.repeat(2))).unwrap()),
            }
            sendgrid { subject: Signing<SendGrid> = signing::PKCS8.map(signing::sendgrid), }
            shopify {
                subject: Shopify = KEYS.map(|key| Shopify::new(key).unwrap()),
                events: Shopify = KEYS.map(|key| Shopify::new(key).unwrap().events()),
            }
            slack {
                subject: Slack = KEYS.map(|key| Slack::new(key).unwrap()),
                command: Slack = KEYS.map(|key| Slack::new(key).unwrap().commands()),
                interaction: Slack = KEYS.map(|key| Slack::new(key).unwrap().interactions()),
            }
            standard_webhooks {
                subject: StandardWebhooks = WHSECS.map(|key| StandardWebhooks::new(key).unwrap()),
                squashed: StandardWebhooks = WHSECS.map(|key| StandardWebhooks::new(key).unwrap().squashed().or_svix_headers()),
                svix: StandardWebhooks = WHSECS.map(|key| StandardWebhooks::new(key).unwrap().svix_headers()),
                v1a: Signing<StandardWebhooksV1a> = [7, 9].map(signing::v1a),
            }
            stripe {
                subject: Stripe = KEYS.map(|key| Stripe::new(key).unwrap()),
                thin: Stripe = KEYS.map(|key| Stripe::new(key).unwrap()),
            }
            synthesis_vr { subject: SynthesisVr = KEYS.map(|key| SynthesisVr::new(Token::query("token", key).unwrap())), }
            teachstack { subject: Teachstack = KEYS.map(|key| Teachstack::new(Token::basic("hook", key).unwrap())), }
            twilio {
                subject: Twilio = KEYS.map(|key| Twilio::new(key, origin()).unwrap().type_field("TestType")),
                json: Twilio = KEYS.map(|key| Twilio::new(key, origin()).unwrap().type_field("TestType").json()),
                shared_key: Twilio = KEYS.map(|key| Twilio::shared_key(key, origin()).unwrap().type_field("TestType")),
            }
            woocommerce { subject: WooCommerce = KEYS.map(|key| WooCommerce::new(key).unwrap()), }
            zoom { subject: Zoom = KEYS.map(|key| Zoom::new(key).unwrap()), }
            $($more)*
        }
    };
}

pub(crate) use every_sender;

macro_rules! modules {
    ($($sender:ident { $($subject:ident: $provider:ty = $made:expr,)* })*) => {$(
        pub(crate) mod $sender {
            use super::*;

            $(pub(crate) fn $subject() -> [$provider; 2] {
                $made
            })*
        }
    )*};
}

every_sender!(modules! {});

pub(crate) const KEYS: [&str; 2] =
    ["0123456789abcdef0123456789ABC-_f", "another-token-of-32-characters-0"];
const WHSECS: [&str; 2] = [
    "whsec_b3VyIG93biBzZWNyZXQsIG5vYm9keSBlbHNlJ3M=",
    "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgbm90IG91cnM=",
];
const CALLBACK_URL: &str = "http://hooks.example.test:39872/bbb";
const WITH_QUERY: &str = "https://h.example/b?tenant=1";

fn origin() -> Origin {
    Origin::new("https://hooks.example.test").unwrap()
}
