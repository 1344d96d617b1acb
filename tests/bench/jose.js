// npm jose on the tokens that bench_jwt left in FOLDER: the same bytes, the same claims checked.
// Usage: node jose.js FOLDER
const fs = require("fs");
const path = require("path");

const folder = process.argv[2];
const rounds = 9;
const options = {
  issuer: "https://login.acme.example",
  audience: "rolebridge",
  typ: "JWT",
  clockTolerance: 60,
  currentDate: new Date(1700000000 * 1000),
};

async function measure(jose, keys, alg, groups, times) {
  const token = fs.readFileSync(path.join(folder, `${alg}_${groups}.jwt`), "utf8");
  const found = [];
  for (let r = 0; r < rounds + 2; r++) {
    const start = process.cpuUsage();
    for (let i = 0; i < times; i++) {
      const { payload } = await jose.jwtVerify(token, keys[alg], { ...options, algorithms: [alg] });
      if (payload.groups.length !== groups) throw new Error("not the same groups");
    }
    const spent = process.cpuUsage(start);
    if (r >= 2) found.push((spent.user + spent.system) / times); // two to warm up
  }
  found.sort((a, b) => a - b);
  console.log(`${alg} ${String(groups).padStart(4)} groups  npm jose ${found[rounds >> 1].toFixed(1).padStart(8)} us`);
}

(async () => {
  const jose = await import("jose");
  const keys = {};
  for (const jwk of JSON.parse(fs.readFileSync(path.join(folder, "jwks.json"), "utf8")).keys)
    keys[jwk.kid] = await jose.importJWK(jwk, jwk.kid);
  await measure(jose, keys, "RS256", 10, 3000);
  await measure(jose, keys, "RS256", 200, 1000);
  await measure(jose, keys, "RS256", 500, 500);
  await measure(jose, keys, "ES256", 10, 2000);
})();
