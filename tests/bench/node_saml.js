// npm node-saml on the Responses that bench_saml left in FOLDER: the same bytes, the same checks switched on.
// Usage: node node_saml.js FOLDER
const fs = require("fs");
const path = require("path");
const { SAML, ValidateInResponseTo } = require("@node-saml/node-saml");

const folder = process.argv[2];
const now = Date.parse("2027-01-15T08:00:00Z");
Date.now = () => now; // the Responses are made for this second
const NativeDate = Date;
globalThis.Date = class extends NativeDate {
  constructor(...args) {
    super(...(args.length ? args : [now]));
  }
};

const saml = new SAML({
  callbackUrl: "https://bridge.acme.example/saml/corp/acs",
  issuer: "https://bridge.acme.example/saml/corp/metadata",
  audience: "https://bridge.acme.example/saml/corp/metadata",
  idpIssuer: "https://idp.acme.example/metadata",
  idpCert: fs.readFileSync(path.join(folder, "certificate.b64"), "utf8"),
  wantAuthnResponseSigned: false,
  wantAssertionsSigned: true,
  validateInResponseTo: ValidateInResponseTo.never,
});

async function measure(groups, times) {
  const SAMLResponse = fs.readFileSync(path.join(folder, `response_${groups}.b64`), "utf8");
  const rounds = [];
  for (let r = 0; r < 7; r++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < times; i++) {
      const { profile } = await saml.validatePostResponseAsync({ SAMLResponse });
      if (profile.nameID !== "alice@acme.example") throw new Error("not the same person");
    }
    rounds.push(Number(process.hrtime.bigint() - start) / 1000 / times);
  }
  rounds.sort((a, b) => a - b);
  console.log(`${String(groups).padStart(5)} groups  node-saml ${rounds[3].toFixed(1).padStart(10)} us`);
}

(async () => {
  await measure(5, 30);
  await measure(200, 10);
  await measure(2000, 2);
})();
