// The AWS SDK for JavaScript v3 on the cache that `rolebridge login` wrote. Prints "ok NAME", "not ok NAME: why".
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

const env = process.env;
const require = createRequire(`${env.NODE_DIR}/package.json`);
const { fromSSO, fromProcess } = require('@aws-sdk/credential-providers');
const { SSOClient, GetRoleCredentialsCommand, ListAccountsCommand, LogoutCommand, paginateListAccountRoles } = require('@aws-sdk/client-sso');
const { SSOOIDCClient, RegisterClientCommand, StartDeviceAuthorizationCommand, CreateTokenCommand } = require('@aws-sdk/client-sso-oidc');
const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');

const region = 'eu-central-1';
const run = promisify(execFile);
const cached = () => JSON.parse(readFileSync(env.CACHE, 'utf8'));
const wire = () => readFileSync(env.WIRE, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
const refreshes = (from) => wire().slice(from).filter((request) => request.grant === 'refresh_token').length;
const identity = async (credentials) => (await new STSClient({ region, credentials }).send(new GetCallerIdentityCommand({}))).Arn;

// `rolebridge` in the same home: its sign-in must be good, without a browser.
const signedIn = () => run('rolebridge', ['login', '--check']);

async function sso() {
    assert.equal(await identity(fromSSO({ profile: 'ds' })), env.ARN);
}

// The SDK lets 30 s pass between two refreshes of a process: the first test's is the one that is seen here.
async function refreshed() {
    assert.equal(refreshes(0) - Number(env.BEFORE), 1);
    assert.notEqual(cached().refreshToken, before.refreshToken);
    assert.notEqual(cached().accessToken, before.accessToken);
    assert.equal(cached().startUrl, before.startUrl);
    assert.match(cached().expiresAt, /\.\d{3}Z$/, 'this SDK writes milliseconds');
    await signedIn();
    await run('rolebridge', ['roles']);
}

// And the other way round: what rolebridge refreshed from the SDK's file serves the SDK.
async function turns() {
    const mine = cached();
    writeFileSync(env.CACHE, JSON.stringify({ ...mine, expiresAt: new Date(Date.now() + 20000).toISOString() }));
    await run('rolebridge', ['roles']);
    assert.notEqual(cached().refreshToken, mine.refreshToken);
    assert.equal(await identity(fromSSO({ profile: 'ds' })), env.ARN);
}

async function process50() {
    const found = await Promise.all(Array.from({ length: 50 }, () => fromProcess({ profile: 'ds-process' })()));
    assert.equal(new Set(found.map((one) => one.accessKeyId)).size, 1, 'one lease for all');
    assert.ok(found[0].expiration > new Date(Date.now() + 600000));
    assert.equal(await identity(found[0]), env.ARN);
}

async function sso50() {
    const found = await Promise.all(Array.from({ length: 50 }, () => fromSSO({ profile: 'ds' })()));
    assert.equal(found.length, 50);
    assert.equal(await identity(found[49]), env.ARN);
    assert.ok(found.every((one) => one.accessKeyId.startsWith('ASIA') && one.expiration > new Date()));
}

// Fifty processes that refresh the same token at the same moment: the replaced token is good for a grace.
async function refresh50() {
    const client = new SSOOIDCClient({ region });
    const { clientId, clientSecret, refreshToken } = cached();
    const ask = { clientId, clientSecret, refreshToken, grantType: 'refresh_token' };
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.send(new CreateTokenCommand(ask))));
    assert.equal(new Set(answers.map((one) => one.accessToken)).size, 50);
    assert.ok(answers.every((one) => one.refreshToken && one.tokenType === 'Bearer' && one.expiresIn > 200));
    await signedIn();
}

async function denied() {
    await assert.rejects(fromSSO({ profile: 'denied' })(), (error) => /incident/.test(error.message) && /role/i.test(error.message));
    const { accessToken } = cached();
    await assert.rejects(new SSOClient({ region }).send(new GetRoleCredentialsCommand({ accessToken, accountId: '777788889999',
        roleName: 'it-manager' })), (error) => error.name === 'ForbiddenException' && error.$metadata.httpStatusCode === 403);
}

// Behind a proxy that drops what it does not know: the exception is told by the body alone.
async function withoutHeader() {
    const client = new SSOClient({ region });
    let dropped = false;
    client.middlewareStack.add((next) => async (args) => {
        const result = await next(args);
        dropped ||= delete result.response.headers['x-amzn-errortype'];
        return result;
    }, { step: 'deserialize', priority: 'low' });
    await assert.rejects(client.send(new GetRoleCredentialsCommand({ accessToken: 'nobody', accountId: '777788889999', roleName: 'it-manager' })),
        (error) => error.name === 'UnauthorizedException' && error.$metadata.httpStatusCode === 401);
    assert.ok(dropped);
}

async function portal() {
    const client = new SSOClient({ region });
    const { accessToken } = cached();
    const { accountList, nextToken } = await client.send(new ListAccountsCommand({ accessToken, maxResults: 1 }));
    assert.deepEqual(accountList.map((account) => account.accountName), ['analytics-prod']);
    const rest = await client.send(new ListAccountsCommand({ accessToken, nextToken }));
    assert.deepEqual(rest.accountList.map((account) => account.accountName), ['development']);
    assert.ok(!rest.nextToken);
    const roles = [];
    for await (const page of paginateListAccountRoles({ client, pageSize: 1 }, { accessToken, accountId: '444455556666' }))
        roles.push(...page.roleList.map((role) => role.roleName));
    assert.deepEqual(roles, ['data-scientist', 'tester']);
    const { roleCredentials } = await client.send(new GetRoleCredentialsCommand({ accessToken, accountId: '111122223333', roleName: 'data-scientist' }));
    assert.ok(roleCredentials.expiration > Date.now() && roleCredentials.expiration < Date.now() + 43200000, 'milliseconds');
}

async function device() {
    const client = new SSOOIDCClient({ region });
    const { clientId, clientSecret, clientSecretExpiresAt } = await client.send(new RegisterClientCommand({ clientName: 'a script', clientType: 'public',
        scopes: ['sso:account:access'] }));
    assert.ok(clientSecretExpiresAt > Date.now() / 1000 + 3600);
    const started = await client.send(new StartDeviceAuthorizationCommand({ clientId, clientSecret, startUrl: env.BRIDGE }));
    const poll = (deviceCode) => client.send(new CreateTokenCommand({ clientId, clientSecret, deviceCode,
        grantType: 'urn:ietf:params:oauth:grant-type:device_code' }));
    await assert.rejects(poll(started.deviceCode), (error) => error.name === 'AuthorizationPendingException' && error.error === 'authorization_pending');
    await assert.rejects(poll('of nobody'), (error) => error.name === 'InvalidGrantException');
    await assert.rejects(client.send(new CreateTokenCommand({ clientId, clientSecret: 'wrong', grantType: 'refresh_token', refreshToken: 'x' })),
        (error) => error.name === 'InvalidClientException');
}

// Endpoints as people write them.
async function slash() {
    const { accessToken } = cached();
    const { accountList } = await new SSOClient({ region, endpoint: `${env.BRIDGE}/` }).send(new ListAccountsCommand({ accessToken }));
    assert.equal(accountList.length, 2);
    const registered = await new SSOOIDCClient({ region, endpoint: `${env.BRIDGE}/` }).send(new RegisterClientCommand({ clientName: 'slash',
        clientType: 'public' }));
    assert.ok(registered.clientId);
}

// Last: the token is dead afterwards, and everybody says so.
async function logout() {
    const client = new SSOClient({ region });
    const { accessToken } = cached();
    await client.send(new LogoutCommand({ accessToken }));
    await assert.rejects(client.send(new ListAccountsCommand({ accessToken })), (error) => error.name === 'UnauthorizedException');
    await assert.rejects(client.send(new LogoutCommand({ accessToken })), (error) => error.name === 'UnauthorizedException');
    writeFileSync(env.CACHE, JSON.stringify({ ...cached(), expiresAt: '2026-01-01T00:00:00Z' }));
    await assert.rejects(fromSSO({ profile: 'ds' })(), /expired|invalid/i);
    await assert.rejects(run('rolebridge', ['login', '--check']), (error) => error.code === 3);
}

const before = cached();
env.BEFORE = refreshes(0);
const tests = [
    ['fromSSO on the sign-in of rolebridge login', sso],
    ['its refresh replaces the refresh token, and rolebridge goes on from the same file', refreshed],
    ['rolebridge refreshes what the SDK wrote, and the SDK goes on', turns],
    ['fromProcess with rolebridge credentials, 50 at once: one lease', process50],
    ['fromSSO, 50 at once', sso50],
    ['50 refreshes of one token at once', refresh50],
    ['a role that is not granted', denied],
    ['an error without its header', withoutHeader],
    ['client-sso: accounts, roles and credentials, by pages', portal],
    ['client-sso-oidc: a device, and what is refused of it, by name', device],
    ['an endpoint with a slash at its end', slash],
    ['logout, and an expired session', logout],
];
for (const [name, test] of tests)
    try {
        await test();
        console.log(`ok aws-clients: JavaScript: ${name}`);
    } catch (error) {
        console.log(`not ok aws-clients: JavaScript: ${name}: ${String(error.stderr || error.message).replace(/\s+/g, ' ').slice(0, 400)}`);
    }
