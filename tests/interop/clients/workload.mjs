// The AWS SDK for JavaScript v3, unmodified, with a workload's token or an assertion, at rolebridge's /sts. Prints "ok NAME" or
// "not ok NAME: why". Of the environment, besides AWS's own: NODE_DIR, STS (AWS's), ISSUER, ASSERTION (a file), PRINCIPAL, PERSON_ROLE.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const env = process.env;
const require = createRequire(`${env.NODE_DIR}/x.js`);
const { fromTokenFile } = require('@aws-sdk/credential-providers');
const { STSClient, AssumeRoleWithSAMLCommand, AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');

const region = 'eu-central-1';
const nobody = { accessKeyId: 'none', secretAccessKey: 'none' }; // what is unsigned needs none
const bridge = () => new STSClient({ region, credentials: nobody, maxAttempts: 1 }); // by AWS_ENDPOINT_URL_STS
const identity = async (credentials) => (await new STSClient({ region, credentials, endpoint: env.STS }).send(new GetCallerIdentityCommand({}))).Arn;
const token = async (claims = {}, shape = 'github') =>
    (await fetch(`${env.ISSUER}/token?shape=${shape}&claims=${encodeURIComponent(JSON.stringify(claims))}`)).text();
const write = async (...wanted) => writeFileSync(env.AWS_WEB_IDENTITY_TOKEN_FILE, await token(...wanted), { mode: 0o600 });
const exchange = (text, more = {}) => bridge().send(new AssumeRoleWithWebIdentityCommand({ RoleArn: env.AWS_ROLE_ARN,
    RoleSessionName: 'whatever', WebIdentityToken: text, ...more }));
const session = (name) => `arn:aws:sts::777788889999:assumed-role/release-pipeline/${name}`;

async function refused(promise, name, pattern) {
    const error = await promise.then(() => assert.fail('it did not fail'), (why) => why);
    assert.equal(error.name, name, `${error.name}: ${error.message}`);
    assert.match(error.message, pattern);
    assert.match(error.message, /incident [0-9A-Z]{4}-[0-9A-Z]{4}/);
    assert.match(error.$metadata.requestId, /^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
}

async function file() {
    await write();
    assert.equal(await identity(fromTokenFile({})), session('gh-74-8001'));
}

// The file is read again, and what it says then counts.
async function rotated() {
    const provider = () => fromTokenFile({});
    await write({ run_id: '8002' });
    assert.equal(await identity(provider()), session('gh-74-8002'));
    await write({ run_id: '8003' });
    assert.equal(await identity(provider()), session('gh-74-8003'));
}

async function pod() {
    await write({}, 'pod');
    assert.equal(await identity(fromTokenFile({})), session('deployer@released'));
}

async function members() {
    const answer = await exchange(await token(), { DurationSeconds: 900 });
    assert.equal(answer.SubjectFromWebIdentityToken, 'repo:acme/data-pipeline:ref:refs/heads/main');
    assert.equal(answer.Provider, env.ISSUER);
    assert.equal(answer.Audience, 'rolebridge');
    assert.equal(answer.SourceIdentity, 'gh-74-8001');
    assert.equal(answer.AssumedRoleUser.Arn, session('gh-74-8001'));
    assert.ok(Math.abs(answer.Credentials.Expiration - Date.now() - 900000) < 60000);
}

async function newKey() {
    assert.equal(await (await fetch(`${env.ISSUER}/rotate`)).text(), 'rotated');
    await exchange(await token());
}

async function errors() {
    const now = Math.floor(Date.now() / 1000);
    await refused(exchange(await token({ repository: 'mallory/data-pipeline' })), 'AccessDenied', /mapping\.(not_assigned|attribute)/);
    await refused(exchange(await token({ ref: 'refs/heads/feature' })), 'AccessDenied', /mapping\.(not_assigned|attribute)/);
    await refused(exchange(await token({ aud: 'sts.amazonaws.com' })), 'InvalidIdentityTokenException', /jwt\.audience/);
    await refused(exchange(await token({ iss: 'https://evil.example' })), 'InvalidIdentityTokenException', /jwt\.issuer/);
    await refused(exchange(await token({ exp: now - 120 })), 'ExpiredTokenException', /jwt\.expired/);
    await refused(exchange(await token({ exp: now + 90000 })), 'InvalidIdentityTokenException', /jwt\.lifetime/);
    await refused(exchange(await token({ run_id: null })), 'InvalidIdentityTokenException', /identity\.name_missing/);
    await refused(exchange(`${(await token()).slice(0, -8)}AAAAAAAA`), 'InvalidIdentityTokenException', /jwt\.signature_invalid/);
    await refused(exchange(await token(), { DurationSeconds: 43200 }), 'ValidationError', /sts\.duration/);
    await refused(exchange(await token(), { Policy: '{}' }), 'ValidationError', /query\.policy/);
    await refused(bridge().send(new GetCallerIdentityCommand({})), 'InvalidAction', /AWS_ENDPOINT_URL_STS/);
}

async function assertion() {
    const ask = () => bridge().send(new AssumeRoleWithSAMLCommand({ RoleArn: env.PERSON_ROLE, PrincipalArn: env.PRINCIPAL,
        SAMLAssertion: readFileSync(env.ASSERTION, 'utf8').trim() }));
    const answer = await ask();
    assert.equal(answer.Subject, 'ada@acme.example');
    assert.equal(answer.SourceIdentity, 'ada@acme.example');
    assert.ok(answer.Issuer.endsWith('/idp/metadata'));
    assert.match(answer.NameQualifier, /^[A-Za-z0-9+/]{27}=$/);
    assert.match(await identity({ accessKeyId: answer.Credentials.AccessKeyId, secretAccessKey: answer.Credentials.SecretAccessKey,
        sessionToken: answer.Credentials.SessionToken }), /assumed-role\/data-scientist\/ada@acme\.example$/);
    await refused(ask(), 'InvalidIdentityTokenException', /saml\.replayed/);
}

// 500 jobs start at once, from one address.
async function storm() {
    const client = new STSClient({ region, credentials: nobody });
    const text = await token();
    const all = await Promise.all(Array.from({ length: 500 }, () => client.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: env.AWS_ROLE_ARN,
        RoleSessionName: 'whatever', WebIdentityToken: text }))));
    assert.equal(all.length, 500);
    assert.ok(all.every((answer) => answer.Credentials.SessionToken));
}

const steps = { 'fromTokenFile: a job': file, 'fromTokenFile: the file is read again': rotated, 'fromTokenFile: a pod, keys in a file': pod,
    'client-sts: every member of the answer': members, 'client-sts: a key of just now': newKey, 'client-sts: every error by its name': errors,
    'client-sts: an assertion, once': assertion, 'client-sts: 500 jobs at once': storm };
for (const [name, step] of Object.entries(steps)) {
    try {
        await step();
        console.log(`ok workload: JavaScript SDK, ${name}`);
    } catch (error) {
        console.log(`not ok workload: JavaScript SDK, ${name}: ${String(error.message).split('\n')[0]}`);
    }
}
