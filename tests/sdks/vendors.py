"""The same as `vendors.mjs`, for the libraries that the vendors publish in Python."""
import base64
import contextlib
import io
import json
import logging
import sys
import warnings
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import discord_interactions
import stripe as stripe_sdk
import time_machine
from cloudevents.core.bindings import http as cloudevents_http
from cloudevents.core.formats.json import JSONFormat
from gidgethub.sansio import Event as GidgetHub
from livekit.api import AccessToken, TokenVerifier, WebhookReceiver
from sendgrid.helpers.eventwebhook import EventWebhook
from slack_sdk.signature import SignatureVerifier
from standardwebhooks.webhooks import Webhook as StandardWebhook
from svix.webhooks import Webhook as SvixWebhook
from twilio.request_validator import RequestValidator, get_signature_algorithm

# Some libraries log, and standard output has the answers.
logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")


def as_wsgi_shows_them(pairs):
    headers = {}
    for name, value in pairs:
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    return headers


def secrets(keys):
    return keys.get("secrets") or [keys["secret"]]


def is_form(headers):
    return headers.get("content-type", "").split(";")[0].strip().lower() == "application/x-www-form-urlencoded"


def require(is_right):
    if not is_right:
        raise ValueError("not genuine")


def any_key(keys, run):
    """Accepts if one of the keys does, where a library takes a single key."""
    last = ValueError("no key")
    for key in keys:
        try:
            return run(key)
        except Exception as error:  # noqa: BLE001 - whatever it throws is a refusal
            last = error
    raise last


class Fields(dict):
    """A form as the frameworks hand it to Twilio's library."""

    def getlist(self, name):
        return self[name]


def fields(body):
    return Fields(parse_qs(body.decode(), keep_blank_values=True))


def listed(webhook):
    def verify(r):
        def one(secret):
            key = secret.encode("latin-1") if r["keys"].get("raw") else secret
            webhook(key).verify(r["body"], r["headers"])

        any_key(secrets(r["keys"]), one)

    return verify


def gidgethub(r):
    event = any_key(secrets(r["keys"]), lambda secret: GidgetHub.from_http(r["headers"], r["body"], secret=secret))
    return [event.event]


def stripe(r):
    given = r["headers"].get("stripe-signature")
    is_thin = b"v2.core.event" in r["body"]
    parse = stripe_sdk.StripeClient("sk_test_none").parse_event_notification if is_thin else stripe_sdk.Webhook.construct_event
    return [any_key(secrets(r["keys"]), lambda secret: parse(r["body"], given, secret)).type]


def slack(r):
    require(any(SignatureVerifier(secret).is_valid_request(r["body"], r["headers"]) for secret in secrets(r["keys"])))


def cloudevents(r):
    message = cloudevents_http.HTTPMessage(headers=r["headers"], body=r["body"])
    is_structured = r["headers"].get("content-type", "").lower().startswith("application/cloudevents")
    read = cloudevents_http.from_structured if is_structured else cloudevents_http.from_binary
    return [read(message, JSONFormat()).get_type()]


def twilio(r):
    settings = r["headers"].get("x-twilio-webhooks-signature-settings")
    body = fields(r["body"]) if is_form(r["headers"]) else r["body"].decode() if "bodySHA256" in r["url"] else {}
    given = r["headers"].get("x-twilio-signature", "")
    tokens = r["keys"].get("shared_keys", []) if settings else secrets(r["keys"])
    algorithm = get_signature_algorithm(settings)
    require(any(RequestValidator(token).validate(r["url"], body, given, algorithm) for token in tokens))


def livekit(r):
    receiver = WebhookReceiver(TokenVerifier(r["keys"]["api_key"], r["keys"]["api_secret"]))
    return [receiver.receive(r["body"].decode(), r["headers"].get("authorization", "")).event]


def sendgrid(r):
    given, time = (r["headers"][f"x-twilio-email-event-webhook-{name}"] for name in ("signature", "timestamp"))
    require(EventWebhook(r["keys"]["public_key"]).verify_signature(r["body"].decode(), given, time))


def discord(r):
    given, time = (r["headers"][f"x-signature-{name}"] for name in ("ed25519", "timestamp"))
    require(discord_interactions.verify_key(r["body"], given, time, r["keys"]["public_key"]))


VERIFY = {
    "standard-webhooks": ("standardwebhooks.py", listed(StandardWebhook)),
    "svix": ("svix.py", listed(SvixWebhook)),
    "github": ("gidgethub.py", gidgethub),
    "github-form": ("gidgethub.py", gidgethub),
    "stripe": ("stripe.py", stripe),
    "slack": ("slack_sdk.py", slack),
    "cloudevents": ("cloudevents.py", cloudevents),
    "twilio": ("twilio.py", twilio),
    "livekit": ("livekit-api.py", livekit),
    "sendgrid": ("sendgrid.py", sendgrid),
    "discord": ("discord-interactions.py", discord),
}

ID = "msg_2Xh9BZu4a7"


def sign_list(webhook, family):
    def sign(r):
        from datetime import datetime, timezone

        at = datetime.fromtimestamp(r["now"], tz=timezone.utc)
        made = webhook(secrets(r["keys"])[0]).sign(ID, at, r["body"].decode())
        return {"headers": [[f"{family}-id", ID], [f"{family}-timestamp", str(r["now"])], [f"{family}-signature", made]]}

    return sign


def sign_slack(r):
    made = SignatureVerifier(secrets(r["keys"])[0]).generate_signature(timestamp=str(r["now"]), body=r["body"])
    return {"headers": [["x-slack-request-timestamp", str(r["now"])], ["x-slack-signature", made]]}


def sign_stripe(r):
    made = stripe_sdk.WebhookSignature.generate_signature_header(r["body"].decode(), secrets(r["keys"])[0], r["now"])
    return {"headers": [["stripe-signature", made]]}


def sign_twilio(r):
    validator = RequestValidator(secrets(r["keys"])[0])
    return {"headers": [["x-twilio-signature", validator.compute_signature(r["url"], fields(r["body"]))]]}


def sign_livekit(r):
    import hashlib

    digest = base64.b64encode(hashlib.sha256(r["body"]).digest()).decode()
    token = AccessToken(r["keys"]["api_key"], r["keys"]["api_secret"]).with_sha256(digest)
    return {"headers": [["authorization", token.to_jwt()]]}


SIGN = {
    "standard-webhooks": sign_list(StandardWebhook, "webhook"),
    "svix": sign_list(SvixWebhook, "svix"),
    "slack": sign_slack,
    "stripe": sign_stripe,
    "twilio": sign_twilio,
    "livekit": sign_livekit,
}


def verdicts(request):
    if request["sender"] not in VERIFY or request["headers"].get("content-type", "").lower().startswith("application/cloudevents-batch"):
        return {}
    library, run = VERIFY[request["sender"]]
    try:
        types = run(request)
        said = {"verdict": "accept", **({"types": [str(name or "") for name in types]} if types else {})}
    except Exception as error:  # noqa: BLE001 - whatever it throws is a refusal
        said = {"verdict": "reject", "why": f"{type(error).__name__}: {error}"[:200]}
    return {library: said}


def posted(request, made, origin):
    _, _, path, query, _ = urlsplit(made.get("url", request["url"]))
    target = f"{path}?{query}" if query else path
    sent = Request(origin + target, data=request["body"], method="POST")
    for name, value in request["pairs"] + made["headers"]:
        sent.add_header(name, value)
    with build_opener(ProxyHandler({})).open(sent) as response:
        return {"status": response.status}


def answer(question):
    body = base64.b64decode(question["body_base64"])
    headers = as_wsgi_shows_them(question["headers"])
    request = {**question, "body": body, "headers": headers, "pairs": question["headers"]}
    with time_machine.travel(question["now"], tick=False), contextlib.redirect_stdout(io.StringIO()):
        if "post" not in question:
            return verdicts(request)
        made = SIGN[question["sender"]](request)
    return posted(request, made, question["post"])


def main():
    for line in sys.stdin:
        try:
            said = answer(json.loads(line))
        except Exception as error:  # noqa: BLE001
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


main()
