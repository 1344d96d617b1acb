// An issuer of workload tokens, for tests: signed by node's crypto, shaped like GitHub's and Kubernetes's, whose clouds are not at hand.
// usage: ci_issuer.mjs PORT
// GET /token?shape=github|pod&claims=JSON: a token, those claims replaced (null takes one out). GET /rotate: another key signs.
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';

const port = Number(process.argv[2]);
const ISSUER = `http://127.0.0.1:${port}`;
const keys = [];
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function rotate() {
    keys.push({ kid: `k${keys.length + 1}`, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) });
    if (keys.length > 2) keys.shift();
}

const shapes = {
    github: { header: { typ: 'JWT' }, claims: { iss: ISSUER, aud: 'rolebridge', sub: 'repo:acme/data-pipeline:ref:refs/heads/main',
        repository: 'acme/data-pipeline', repository_id: '74', repository_owner: 'acme', ref: 'refs/heads/main', run_id: '8001',
        run_attempt: '1', event_name: 'push', ref_protected: 'true', runner_environment: 'github-hosted' } },
    pod: { header: {}, claims: { iss: `${ISSUER}/cluster`, aud: ['rolebridge'], sub: 'system:serviceaccount:released:deployer',
        'kubernetes.io': { namespace: 'released', node: { name: 'n1', uid: randomUUID() }, pod: { name: 'deployer-1', uid: randomUUID() },
            serviceaccount: { name: 'deployer', uid: randomUUID() } } } },
};

function token(shape, changes) {
    const now = Math.floor(Date.now() / 1000), key = keys.at(-1);
    const claims = { ...shapes[shape].claims, jti: randomUUID(), iat: now, nbf: now, exp: now + 300, ...changes };
    for (const name of Object.keys(claims)) if (claims[name] === null) delete claims[name];
    const text = [part({ alg: 'RS256', kid: key.kid, ...shapes[shape].header }), part(claims)].join('.');
    return `${text}.${sign('sha256', Buffer.from(text), key.privateKey).toString('base64url')}`;
}

rotate();
createServer((request, response) => {
    const url = new URL(request.url, ISSUER), jwks = () => keys.map((key) => ({ ...key.publicKey.export({ format: 'jwk' }), kid: key.kid, use: 'sig', alg: 'RS256' }));
    const answer = (value) => response.end(typeof value === 'string' ? value : JSON.stringify(value));
    if (url.pathname === '/.well-known/openid-configuration') answer({ issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` });
    else if (url.pathname === '/jwks') answer({ keys: jwks() });
    else if (url.pathname === '/rotate') { rotate(); answer('rotated'); }
    else if (url.pathname === '/token') answer(token(url.searchParams.get('shape') ?? 'github', JSON.parse(url.searchParams.get('claims') ?? '{}')));
    else { response.writeHead(404); response.end(); }
}).listen(port, '127.0.0.1');
