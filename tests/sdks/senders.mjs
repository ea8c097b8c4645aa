// How each vendor's library judges a request, and signs one. Where a vendor publishes no verifier, the one here is written from its
// document or from the source of its sender: a second opinion, named `written`.
import { createECDH, createHash, createHmac, createPrivateKey, createPublicKey, sign as signature, verify as isSigned } from "node:crypto";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { parse as parseForm } from "node:querystring";

const require = createRequire(import.meta.url);
const folder = (library) => dirname(require.resolve(library));

const standard = await import("standardwebhooks");
const svix = await import("svix");
const { default: Stripe } = await import("stripe");
const octokit = await import("@octokit/webhooks");
const methods = await import("@octokit/webhooks-methods");
await import("@shopify/shopify-api/adapters/node");
const shopify = await import("@shopify/shopify-api");
const zoom = await import("@zoom/rivet/meetings");
const livekit = await import("livekit-server-sdk");
const { HTTPModuleFunctions: bolt } = require("@slack/bolt");
const cloudevents = require("cloudevents");
const { EventWebhook } = require("@sendgrid/eventwebhook");
const { verifyKey } = require("discord-interactions");
const twilio = require("twilio");
const twilioParts = require("twilio/lib/webhooks/webhooks.js");
const { generateXHub256Sig } = require(`${folder("whatsapp")}/utils.js`);

const refuse = (why) => {
  throw new Error(why);
};
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const secrets = (keys) => keys.secrets ?? [keys.secret];
const mediaType = (headers) => (headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
const isForm = (headers) => mediaType(headers) === "application/x-www-form-urlencoded";
const hmac = (key, text, encoding) => createHmac("sha256", key).update(text).digest(encoding);

/** Accepts if one of the keys does, where a library takes a single key. */
async function any(keys, run) {
  let last = new Error("no key");
  for (const key of keys) {
    try {
      return await run(key);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

const listed = ({ Webhook }) => ({ headers, body, keys }) =>
  any(secrets(keys), (secret) => {
    new Webhook(secret, keys.raw ? { format: "raw" } : undefined).verify(body, headers);
  });

const pem = {
  ed25519: (raw) => createPublicKey({ key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]), format: "der", type: "spki" }),
  ed25519Seed: (raw) => createPrivateKey({ key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), raw]), format: "der", type: "pkcs8" }),
  p256(raw) {
    const pair = createECDH("prime256v1");
    pair.setPrivateKey(raw);
    const point = pair.getPublicKey();
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
    return createPrivateKey({ key: { kty: "EC", crv: "P-256", d: raw.toString("base64url"), x, y }, format: "jwk" });
  },
};

/** At a path of its own: the URL is not signed. */
async function octokitMiddleware({ method, headers, body, keys }) {
  const [secret, ...additionalSecrets] = secrets(keys);
  const hooks = new octokit.Webhooks({ secret, additionalSecrets, log: quiet });
  let type;
  hooks.onAny(({ name }) => void (type = name));
  hooks.onError(() => {});
  const handle = octokit.createWebMiddleware(hooks, { path: "/in", log: quiet });
  const answer = await handle(new Request("https://hooks.example/in", { method, headers, body }));
  if (answer.status !== 200) refuse(`${answer.status} ${await answer.text()}`);
  return [type];
}

/** Its middleware answers 415 to a form, but the function for the signature takes one. */
async function octokitSignature({ headers, body, keys }) {
  const [secret, ...others] = secrets(keys);
  const given = headers["x-hub-signature-256"] ?? refuse("no signature");
  if (!(await methods.verifyWithFallback(secret, body.toString(), given, others))) refuse("signature");
}

async function stripe({ headers, body, keys }) {
  const client = new Stripe("sk_test_none");
  const isThin = body.includes("v2.core.event");
  const parse = isThin ? client.parseEventNotification.bind(client) : client.webhooks.constructEvent.bind(client.webhooks);
  const event = await any(secrets(keys), (secret) => parse(body, headers["stripe-signature"], secret));
  return [event.type];
}

async function slack({ headers, body, keys }) {
  await any(secrets(keys), (signingSecret) =>
    bolt.parseAndVerifyHTTPRequest({ signingSecret }, { headers: { ...headers }, rawBody: body }));
}

async function shopifyApi({ method, url, headers, body, keys }) {
  const versions = Object.values(shopify.ApiVersion);
  await any(secrets(keys), async (apiSecretKey) => {
    const api = shopify.shopifyApi({
      apiKey: "key", apiSecretKey, scopes: [], hostName: "app.example", apiVersion: versions.at(-1), isEmbeddedApp: false,
      logger: { log() {}, level: shopify.LogSeverity.Error },
    });
    const result = await api.webhooks.validate({ rawBody: body.toString(), rawRequest: { method, url, headers }, rawResponse: {} });
    if (!result.valid) refuse(result.reason);
  });
}

async function zoomReceiver({ headers, body, keys }) {
  return any(secrets(keys), async (webhooksSecretToken) => {
    const receiver = new zoom.AwsLambdaReceiver({ webhooksSecretToken });
    let type;
    receiver.init({ eventEmitter: { emit: (event) => void (type = event) } });
    const answer = await receiver.start()({ body: body.toString(), headers, isBase64Encoded: false }, {});
    if (answer.statusCode !== 200) refuse(`${answer.statusCode} ${answer.body}`);
    return type && [type];
  });
}

/** With its own check of the attributes, which reading alone leaves out. */
function cloudEvents({ headers, body }) {
  const read = [cloudevents.HTTP.toEvent({ headers, body: body.toString() })].flat();
  for (const event of read) event.validate();
  return read.map(({ type }) => type);
}

/** The vendor's digest, compared as its listener compares it. */
async function meta({ headers, body, keys }) {
  const given = headers["x-hub-signature-256"] ?? refuse("no signature");
  await any(secrets(keys), (secret) => {
    if (generateXHub256Sig(body.toString(), secret) !== given.replace("sha256=", "")) refuse("signature");
  });
}

/** As its middleware calls it, which finds the key by the header of settings. */
async function twilioRequest({ method, url, headers, body, keys }) {
  const settings = headers["x-twilio-webhooks-signature-settings"];
  const algorithm = twilioParts.getSignatureAlgorithm(settings);
  const fields = isForm(headers) ? { ...parseForm(body.toString()) } : {};
  const request = { method, originalUrl: url, headers, header: (name) => headers[name.toLowerCase()], rawBody: body.toString(), body: fields };
  await any(settings ? (keys.shared_keys ?? []) : secrets(keys), (token) => {
    if (!twilio.validateExpressRequest(request, token, { url, algorithm })) refuse("signature");
  });
}

async function livekitReceiver({ headers, body, keys }) {
  const event = await new livekit.WebhookReceiver(keys.api_key, keys.api_secret).receive(body.toString(), headers.authorization);
  return [event.event];
}

async function sendgrid({ headers, body, keys }) {
  const hook = new EventWebhook();
  const [given, time] = ["signature", "timestamp"].map((name) => headers[`x-twilio-email-event-webhook-${name}`] ?? refuse("no header"));
  if (!hook.verifySignature(hook.convertPublicKeyToECDSA(keys.public_key), body, given, time)) refuse("signature");
}

async function discord({ headers, body, keys }) {
  const [given, time] = ["ed25519", "timestamp"].map((name) => headers[`x-signature-${name}`] ?? refuse("no header"));
  if (!(await verifyKey(body, given, time, keys.public_key))) refuse("signature");
}

/** `Buffer.from` passes over whatever is no base64. */
function fromBase64(text) {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : refuse("no base64");
}

const written = {
  async v1a({ headers, body, keys, now }) {
    const [id, time, list] = ["id", "timestamp", "signature"].map((name) => headers[`webhook-${name}`] || refuse("no header"));
    if (!/^\d+$/.test(time) || Math.abs(now - Number(time)) > 300) refuse("time");
    const message = Buffer.concat([Buffer.from(`${id}.${time}.`), body]);
    const key = pem.ed25519(fromBase64(keys.public_keys[0].replace("whpk_", "").replace(/=*$/, "=")));
    const given = list.split(" ").filter((entry) => entry.startsWith("v1a,"));
    if (!given.some((entry) => isSigned(null, message, key, fromBase64(entry.slice(4))))) refuse("signature");
  },
  async woocommerce({ headers, body, keys }) {
    await any(secrets(keys), (secret) => {
      if (hmac(secret, body, "base64") !== headers["x-wc-webhook-signature"]) refuse("signature");
    });
  },
  async graph({ body, keys }) {
    const { value } = JSON.parse(body.toString());
    if (!value.some((item) => secrets(keys).includes(item.clientState))) refuse("clientState");
  },
  async bigbluebutton({ url, body, keys }) {
    const [, given] = /[?&]checksum=([0-9a-f]+)$/.exec(url) ?? refuse("no checksum");
    const sum = (secret) => createHash(keys.algorithm).update(keys.callback_url).update(body).update(secret).digest("hex");
    if (!secrets(keys).some((secret) => sum(secret) === given)) refuse("checksum");
  },
};

/** For each sender the libraries, and what each says: nothing or the types of the events. Whatever is thrown is a refusal. */
export const verify = {
  "standard-webhooks": { standardwebhooks: listed(standard) },
  svix: { svix: listed(svix) },
  "standard-webhooks-v1a": { written: written.v1a },
  github: { "@octokit/webhooks": octokitMiddleware },
  "github-form": { "@octokit/webhooks-methods": octokitSignature },
  stripe: { stripe },
  slack: { "@slack/bolt": slack },
  shopify: { "@shopify/shopify-api": shopifyApi },
  woocommerce: { written: written.woocommerce },
  zoom: { "@zoom/rivet": zoomReceiver },
  cloudevents: { cloudevents: cloudEvents },
  graph: { written: written.graph },
  meta: { whatsapp: meta },
  twilio: { twilio: twilioRequest },
  livekit: { "livekit-server-sdk": livekitReceiver },
  bigbluebutton: { written: written.bigbluebutton },
  sendgrid: { "@sendgrid/eventwebhook": sendgrid },
  discord: { "discord-interactions": discord },
};

const ID = "msg_2Xh9BZu4a7";
const signList = ({ Webhook }, family) => ({ body, keys, now }) => {
  const hook = new Webhook(secrets(keys)[0], keys.raw ? { format: "raw" } : undefined);
  const list = hook.sign(ID, new Date(now * 1000), body.toString());
  return { headers: [[`${family}-id`, ID], [`${family}-timestamp`, `${now}`], [`${family}-signature`, list]] };
};
const octokitSign = async ({ body, keys }) => ({ headers: [["x-hub-signature-256", await methods.sign(secrets(keys)[0], body.toString())]] });
/** `v0`, as Slack and Zoom have it. Neither library for JavaScript signs. */
const signV0 = (time, tag) => ({ body, keys, now }) => {
  const text = Buffer.concat([Buffer.from(`v0:${now}:`), body]);
  return { headers: [[time, `${now}`], [tag, `v0=${hmac(secrets(keys)[0], text, "hex")}`]] };
};
const signBody = (name) => ({ body, keys }) => ({ headers: [[name(keys), hmac(secrets(keys)[0], body, "base64")]] });

/** What proves a request. The vendor's own code does it, where there is any. */
export const sign = {
  "standard-webhooks": signList(standard, "webhook"),
  svix: signList(svix, "svix"),
  "standard-webhooks-v1a"({ body, keys, now }) {
    const text = Buffer.concat([Buffer.from(`${ID}.${now}.`), body]);
    const tag = signature(null, text, pem.ed25519Seed(Buffer.from(keys.seed, "hex"))).toString("base64");
    return { headers: [["webhook-id", ID], ["webhook-timestamp", `${now}`], ["webhook-signature", `v1a,${tag}`]] };
  },
  github: octokitSign,
  "github-form": octokitSign,
  stripe({ body, keys, now }) {
    const given = { payload: body.toString(), secret: secrets(keys)[0], timestamp: now };
    return { headers: [["stripe-signature", new Stripe("sk_test_none").webhooks.generateTestHeaderString(given)]] };
  },
  slack: signV0("x-slack-request-timestamp", "x-slack-signature"),
  shopify: signBody(({ events }) => (events ? "shopify-hmac-sha256" : "x-shopify-hmac-sha256")),
  woocommerce: signBody(() => "x-wc-webhook-signature"),
  zoom: signV0("x-zm-request-timestamp", "x-zm-signature"),
  cloudevents({ body, keys }) {
    const data = body.length > 0 ? { data: JSON.parse(body.toString()) } : {};
    const message = cloudevents.HTTP[keys.mode](new cloudevents.CloudEvent({ ...keys.attributes, ...data }));
    return { headers: Object.entries(message.headers), body: message.body ?? "" };
  },
  graph: () => ({}),
  meta: async ({ body, keys }) => ({ headers: [["x-hub-signature-256", `sha256=${generateXHub256Sig(body.toString(), secrets(keys)[0])}`]] }),
  twilio({ url, headers, body, keys }) {
    const fields = isForm(headers) ? { ...parseForm(body.toString()) } : {};
    const separator = url.includes("?") ? "&" : "?";
    const target = isForm(headers) ? url : `${url}${separator}bodySHA256=${twilioParts.getExpectedBodyHash(body.toString())}`;
    const key = keys.shared_keys?.[0];
    const made = twilioParts.getExpectedTwilioSignature(key ?? secrets(keys)[0], target, fields, key && "HMAC_SHA256");
    const settings = key ? [["x-twilio-webhooks-signature-settings", "key=one,algorithm=HMAC_SHA256"]] : [];
    return { url: target, headers: [["x-twilio-signature", made], ...settings] };
  },
  async livekit({ body, keys }) {
    const token = new livekit.AccessToken(keys.api_key, keys.api_secret, { ttl: 300 });
    token.sha256 = createHash("sha256").update(body).digest("base64");
    return { headers: [["authorization", await token.toJwt()]] };
  },
  bigbluebutton({ body, keys }) {
    const { callback_url: url, algorithm, secret } = keys;
    const sum = createHash(algorithm).update(url).update(body).update(secret).digest("hex");
    return { url: `${url}${url.includes("?") ? "&" : "?"}checksum=${sum}` };
  },
  sendgrid({ body, keys, now }) {
    const tag = signature("sha256", Buffer.concat([Buffer.from(`${now}`), body]), pem.p256(Buffer.from(keys.seed, "hex")));
    const name = "x-twilio-email-event-webhook";
    return { headers: [[`${name}-signature`, tag.toString("base64")], [`${name}-timestamp`, `${now}`]] };
  },
  discord({ body, keys, now }) {
    const tag = signature(null, Buffer.concat([Buffer.from(`${now}`), body]), pem.ed25519Seed(Buffer.from(keys.seed, "hex")));
    return { headers: [["x-signature-ed25519", tag.toString("hex")], ["x-signature-timestamp", `${now}`]] };
  },
};
