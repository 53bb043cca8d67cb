// Receives events, verifies them by the official library, and says of each what it found.
const http = require("node:http");
const { Webhook } = require("standardwebhooks");

const webhook = new Webhook(process.env.SECRET);
http
  .createServer((request, response) => {
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
      const body = Buffer.concat(pieces).toString("utf8");
      let event = null;
      let error = "";
      try {
        event = webhook.verify(body, request.headers);
      } catch (refused) {
        error = refused.message;
      }
      console.log(JSON.stringify({ headers: request.headers, body, type: event && event.type, error }));
      response.writeHead(error ? 400 : 204).end();
    });
  })
  .listen(Number(process.env.PORT), "127.0.0.1");
