// An issuer and a SAML identity provider that nobody here wrote code for: node signs the tokens, the xmlsec1 program the
// assertions, and the AWS SDK for JavaScript takes both to the sandbox's STS and reads what it says.
// Of the environment: NODE_DIR, STS (where), JWKS_PORT, KEYS (idp.key, idp.pem), WORK. Prints "ok NAME" or "not ok NAME: why".
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.NODE_DIR}/x.js`);
const { AssumeRoleWithSAMLCommand, AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } = require('@aws-sdk/client-sts');
const { STS, JWKS_PORT, KEYS, WORK } = process.env;
const ISSUER = 'https://bridge.acme.example', WEB = '444455556666', SAML = '777788889999';
const role = (account) => `arn:aws:iam::${account}:role/rolebridge/it-manager`;

const client = (credentials) => new STSClient({ region: 'eu-central-1', endpoint: STS, credentials, maxAttempts: 1 });
const nobody = { accessKeyId: 'none', secretAccessKey: 'none' }; // what is unsigned needs none

// ---- tokens ----

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function token(claims, header = {}) {
    const now = Math.floor(Date.now() / 1000);
    const text = [part({ alg: 'ES256', kid: 'k', ...header }), part({ iss: ISSUER, sub: 'radia@acme.example', aud: 'sts.amazonaws.com',
        iat: now, exp: now + 60, 'https://aws.amazon.com/source_identity': 'radia@acme.example', ...claims })].join('.');
    return `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}
const exchange = (text, more = {}) => client(nobody).send(new AssumeRoleWithWebIdentityCommand({ RoleArn: role(WEB),
    RoleSessionName: 'radia@acme.example', WebIdentityToken: text, ...more }));

const issuer = createServer((request, response) => {
    const documents = { '/.well-known/openid-configuration': { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks.json` },
        '/jwks.json': { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', use: 'sig' }] } };
    response.writeHead(documents[request.url] ? 200 : 404, { 'Content-Type': 'application/json', 'Cache-Control': 'max-age=600' });
    response.end(JSON.stringify(documents[request.url] ?? {}));
});

// ---- assertions ----

const at = (seconds) => new Date(Date.now() + 1000 * seconds).toISOString().replace(/\.\d+Z/, 'Z');
const attribute = (name, value) => `<Attribute Name="https://aws.amazon.com/SAML/Attributes/${name}"><AttributeValue>${value}</AttributeValue></Attribute>`;
const template = (id) => '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>'
    + '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
    + '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"/>'
    + `<ds:Reference URI="#${id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>`
    + '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>'
    + '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>'
    + '<ds:SignatureValue/></ds:Signature>';

// Comments, entities and a namespace that only a value uses: what canonicalization is easily got wrong by.
function assertion({ issued = 0, recipient = 'https://signin.aws.amazon.com/saml', more = '' } = {}) {
    const xml = '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns="urn:oasis:names:tc:SAML:2.0:assertion" '
        + `xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="_r1" Version="2.0" IssueInstant="${at(issued)}"><Issuer>https://idp.example</Issuer>`
        + '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><!-- not signed -->'
        + `\n <Assertion ID="_a1" Version="2.0" IssueInstant="${at(issued)}"><Issuer>https://idp.example</Issuer>${template('_a1')}`
        + '<!-- nor this --><Subject><NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">r&amp;d</NameID>'
        + '<SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
        + `<SubjectConfirmationData NotOnOrAfter="${at(issued + 300)}" Recipient="${recipient}"/></SubjectConfirmation></Subject>`
        + '<Conditions><AudienceRestriction><Audience>urn:amazon:webservices</Audience></AudienceRestriction></Conditions>'
        + `<AuthnStatement AuthnInstant="${at(-10)}"/><AttributeStatement xmlns:unused="urn:x" b="2" a="1">`
        + attribute('Role', `${role(SAML)},arn:aws:iam::${SAML}:saml-provider/rolebridge`) + attribute('RoleSessionName', 'radia@acme.example')
        + attribute('SourceIdentity', 'radia@acme.example') + more + '</AttributeStatement></Assertion></samlp:Response>';
    writeFileSync(`${WORK}/template.xml`, xml);
    execFileSync('xmlsec1', ['--sign', '--privkey-pem', `${KEYS}/idp.key`, '--id-attr:ID', 'urn:oasis:names:tc:SAML:2.0:assertion:Assertion',
        '--output', `${WORK}/signed.xml`, `${WORK}/template.xml`], { stdio: ['ignore', 'ignore', 'inherit'] });
    return execFileSync('cat', [`${WORK}/signed.xml`]).toString();
}
const take = (xml, more = {}) => client(nobody).send(new AssumeRoleWithSAMLCommand({ RoleArn: role(SAML),
    PrincipalArn: `arn:aws:iam::${SAML}:saml-provider/rolebridge`, SAMLAssertion: Buffer.from(xml).toString('base64'), ...more }));

// ---- what must be true ----

const whoIs = async ({ Credentials: c }) => (await client({ accessKeyId: c.AccessKeyId, secretAccessKey: c.SecretAccessKey,
    sessionToken: c.SessionToken }).send(new GetCallerIdentityCommand({}))).Arn;
const hours = ({ Credentials: c }) => Math.round((c.Expiration - Date.now()) / 3600000);
const named = (name, status, text) => (error) => {
    assert.equal(error.name, name);
    assert.equal(error.$metadata.httpStatusCode, status);
    assert.match(error.message, text);
    assert.ok(error.$metadata.requestId);
    return true;
};

const checks = {
    async 'a token that node signed, four hours'() {
        const said = await exchange(token({ 'https://aws.amazon.com/tags': { principal_tags: { team: ['a'] }, transitive_tag_keys: ['team'] } }),
            { DurationSeconds: 14400 });
        assert.equal(hours(said), 4);
        assert.equal(said.SubjectFromWebIdentityToken, 'radia@acme.example');
        assert.equal(said.Provider, ISSUER);
        assert.equal(said.Audience, 'sts.amazonaws.com');
        assert.equal(said.SourceIdentity, 'radia@acme.example');
        assert.equal(await whoIs(said), `arn:aws:sts::${WEB}:assumed-role/it-manager/radia@acme.example`);
    },
    async 'an expired token'() {
        await assert.rejects(exchange(token({ exp: 1795510800 })), named('ExpiredTokenException', 400, /^Token expired: current date\/time/));
    },
    async 'another audience'() {
        await assert.rejects(exchange(token({ aud: 'x' })), named('InvalidIdentityTokenException', 400, /Incorrect token audience/));
    },
    async 'an unknown kid'() {
        await assert.rejects(exchange(token({}, { kid: 'x' })), named('InvalidIdentityTokenException', 400, /retrieve verification key/));
    },
    async 'no source identity'() {
        await assert.rejects(exchange(token({ 'https://aws.amazon.com/source_identity': undefined })), named('AccessDenied', 403, /Not authorized/));
    },
    async 'an assertion that xmlsec1 signed, four hours'() {
        const said = await take(assertion({ more: attribute('PrincipalTag:team', 'a') }), { DurationSeconds: 14400 });
        assert.equal(hours(said), 4);
        assert.equal(said.Subject, 'r&d');
        assert.equal(said.SubjectType, 'persistent');
        assert.equal(said.Issuer, 'https://idp.example');
        assert.equal(said.Audience, 'https://signin.aws.amazon.com/saml');
        assert.ok(said.NameQualifier);
        assert.equal(await whoIs(said), `arn:aws:sts::${SAML}:assumed-role/it-manager/radia@acme.example`);
    },
    async 'an assertion altered after xmlsec1 signed it'() {
        await assert.rejects(take(assertion().replace('persistent', 'transient')), named('InvalidIdentityTokenException', 400, /signature invalid/));
    },
    async 'an assertion of six minutes ago'() {
        await assert.rejects(take(assertion({ issued: -360 })), named('ExpiredTokenException', 400, /within 5 minutes/));
    },
    async 'an assertion addressed elsewhere'() {
        await assert.rejects(take(assertion({ recipient: 'https://eve.example/saml' })), named('InvalidIdentityTokenException', 400, /./));
    },
};

await new Promise((resolve) => issuer.listen(Number(JWKS_PORT), '127.0.0.1', resolve));
for (const [name, check] of Object.entries(checks)) {
    try {
        await check();
        console.log(`ok providers: ${name}`);
    } catch (error) {
        console.log(`not ok providers: ${name}: ${String(error.message).split('\n').slice(0, 8).join(' ')}`);
    }
}
issuer.close();
