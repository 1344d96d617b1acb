// npm @cloud-copilot/iam-simulate on cases, one a line of FILE: prints "ID<tab>ANSWER" for each.
// usage: node simulate.mjs FOLDER-WITH-node_modules FILE [--time]: with --time the evaluations' time alone is printed.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const [folder, file, time] = process.argv.slice(2);
const { runSimulation, anonymousPrincipal } = createRequire(resolve(folder, 'x.js'))('@cloud-copilot/iam-simulate');
const named = (list, prefix) => list.map((policy, i) => ({ name: `${prefix}${i}`, policy }));
const levels = (list, prefix) => list.map((policies, i) => ({ orgIdentifier: `${prefix}${i}`, policies: named(policies, `${prefix}${i}-`) }));
const answers = { Allowed: 'allowed', ExplicitlyDenied: 'denied', ImplicitlyDenied: 'not allowed' };

function simulation(c) {
  return {
    request: {
      principal: c.session || c.federated || c.service || c.principal || anonymousPrincipal,
      action: c.action,
      resource: { resource: c.resource, accountId: c.owner },
      contextVariables: c.context,
    },
    identityPolicies: named(c.identity, 'identity'),
    sessionPolicy: c.session_policies[0],
    permissionBoundaryPolicies: c.boundary.length ? named(c.boundary, 'boundary') : undefined,
    serviceControlPolicies: levels(c.scp, 'scp'),
    resourceControlPolicies: levels([c.rcp], 'rcp'),
    resourcePolicy: c.resource_policy ?? undefined,
  };
}

async function answer(c) {
  const result = await runSimulation(simulation(c), {});
  if (result.resultType === 'error') return `refused ${JSON.stringify(result.errors)}`;
  const left = result.result?.ignoredContextKeys ?? result.ignoredContextKeys ?? result.results?.flatMap((r) => r.ignoredContextKeys);
  if (left?.length) return `refused the keys ${left}`;
  return answers[result.overallResult] ?? `refused ${JSON.stringify(result.overallResult)}`;
}

const cases = readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
if (time) {
  for (const c of cases) await answer(c); // warm
  const rounds = [];
  for (let i = 0; i < 5; i++) {
    const start = process.cpuUsage();
    for (const c of cases) await answer(c);
    const used = process.cpuUsage(start);
    rounds.push((used.user + used.system) / cases.length);
  }
  console.log(JSON.stringify({ us: rounds.sort((a, b) => a - b)[2], rss_mb: process.memoryUsage().rss / 1e6 }));
} else {
  const lines = [];
  for (const c of cases) lines.push(`${c.id}\t${await answer(c)}`);
  process.stdout.write(lines.join('\n') + '\n');
}
