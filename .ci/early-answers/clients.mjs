// `clients.mjs http|axios|fetch`: reads requests from standard input, sends one after the other over a connection that is
// kept, and prints the statuses of the answers, 0 for none.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import http from "node:http";

const PATIENCE = 10_000;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

const clients = {
    http: (url, headers, body) =>
        new Promise((resolve, reject) => {
            const request = http.request(url, { method: "POST", headers, agent, timeout: PATIENCE }, (answer) => {
                answer.resume().on("end", () => resolve(answer.statusCode)).on("error", reject);
            });
            request.on("timeout", () => request.destroy(new Error("timeout"))).on("error", reject);
            request.end(body);
        }),

    axios: async (url, headers, body) => {
        const axios = createRequire(process.env.NODE_MODULES)("axios");
        const config = { headers, httpAgent: agent, timeout: PATIENCE, validateStatus: null, maxRedirects: 0 };
        return (await axios.post(url, body, config)).status;
    },

    fetch: async (url, headers, body) => {
        const signal = AbortSignal.timeout(PATIENCE);
        const answer = await fetch(url, { method: "POST", headers, body, signal });
        await answer.arrayBuffer();
        return answer.status;
    },
};

// A kept connection that breaks has nobody to tell. The request that is lost by it is counted all the same.
process.on("uncaughtException", () => {});

const statuses = [];
for (const { url, headers, body, size } of JSON.parse(readFileSync(0))) {
    const content = size === undefined ? Buffer.from(body) : Buffer.alloc(size, "x");
    statuses.push(await clients[process.argv[2]](url, headers, content).catch(() => 0));
}
console.log(JSON.stringify(statuses));
process.exit();
