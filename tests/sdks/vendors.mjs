// Asks the vendors' libraries: one question a line on stdin, one answer a line on stdout, both JSON and in order.
//
// A question is a request (`sender`, `method`, `url`, `headers` as pairs, `body_base64`, `keys`) and the time `now` in seconds. Without
// more, the answer says what each library makes of it: `{library: {verdict, types?, why}}`. With `sign`, it is the request with what
// proves it. With `post`, an origin, the signed request is sent there, and the answer is the status.
import { createInterface } from "node:readline";
import { sign, verify } from "./senders.mjs";

// Some libraries log, and standard output has the answers.
for (const level of ["log", "info", "debug", "warn", "error"]) console[level] = () => {};
process.on("unhandledRejection", () => {});

const RealDate = Date;

/** Runs it at this time, which the libraries read from the clock themselves. */
async function at(now, run) {
  const fixed = now * 1000;
  globalThis.Date = class extends RealDate {
    constructor(...given) {
      given.length ? super(...given) : super(fixed);
    }
    static now() {
      return fixed;
    }
  };
  try {
    return await run();
  } finally {
    globalThis.Date = RealDate;
  }
}

/** Headers of which `node:http` keeps the first alone. It joins all others. */
const SINGLE = new Set(["authorization", "content-length", "content-type", "host", "user-agent"]);

function asNodeShowsThem(pairs) {
  const headers = {};
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    if (!(key in headers)) headers[key] = value;
    else if (!SINGLE.has(key)) headers[key] += `, ${value}`;
  }
  return headers;
}

async function verdicts(request) {
  const found = {};
  for (const [library, run] of Object.entries(verify[request.sender] ?? {})) {
    try {
      const types = await at(request.now, () => run(request));
      found[library] = { verdict: "accept", ...(Array.isArray(types) && { types: types.map((type) => String(type ?? "")) }) };
    } catch (error) {
      found[library] = { verdict: "reject", why: `${error?.name}: ${error?.message}`.split("\n")[0] };
    }
  }
  return found;
}

async function answer({ sign: toSign, post, ...question }) {
  const body = Buffer.from(question.body_base64, "base64");
  const request = { ...question, pairs: question.headers, headers: asNodeShowsThem(question.headers), body };
  if (!toSign && !post) return verdicts(request);
  const made = await at(request.now, () => sign[request.sender](request));
  const headers = [...request.pairs, ...(made.headers ?? [])];
  const signed = { url: made.url ?? request.url, headers, body: made.body ?? body };
  if (!post) return { url: signed.url, headers, body_base64: Buffer.from(signed.body).toString("base64") };
  const { pathname, search } = new URL(signed.url);
  const response = await fetch(post + pathname + search, { method: request.method, headers, body: signed.body });
  return { status: response.status };
}

for await (const line of createInterface({ input: process.stdin })) {
  let said;
  try {
    said = await answer(JSON.parse(line));
  } catch (error) {
    said = { error: `${error?.name}: ${error?.message}` };
  }
  process.stdout.write(JSON.stringify(said) + "\n");
}
process.exit(0);
