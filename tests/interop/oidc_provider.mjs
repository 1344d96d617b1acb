// An OpenID Connect issuer that nobody here wrote: npm oidc-provider, with the sample organisation's people.
//
//   node oidc_provider.mjs SETTINGS.json
//
// SETTINGS: { port, bridge, keys: [JWK…], people: [{uid, groups, department, mfa}…], clients: [{client_id, …}…] }.
// The library is found from the folder of SETTINGS: SETTINGS/../node_modules.
import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const file = realpathSync(process.argv[2]);
const settings = JSON.parse(readFileSync(file, 'utf8'));
const require = createRequire(path.join(path.dirname(file), 'x.js'));
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);

const issuer = `http://127.0.0.1:${settings.port}`;
const people = new Map(settings.people.map((person) => [person.uid, person]));
const MFA = 'urn:acme:2fa';

const provider = new Provider(issuer, {
    clients: settings.clients,
    jwks: { keys: settings.keys },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    claims: { openid: ['sub'], email: ['email'], profile: ['preferred_username', 'department', 'costCenter'], groups: ['groups'],
        acr: null, amr: null, auth_time: null, sid: null, iss: null },
    scopes: ['openid', 'profile', 'email', 'groups'],
    conformIdTokenClaims: Boolean(settings.userinfo), // true: claims are at UserInfo alone
    acrValues: [MFA, '0'],
    pkce: { required: () => true },
    cookies: { keys: ['interop'] },
    features: {
        devInteractions: { enabled: false },
        backchannelLogout: { enabled: true },
        rpInitiatedLogout: { enabled: true },
        pushedAuthorizationRequests: { enabled: true },
    },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    async findAccount(ctx, id) {
        const person = people.get(id);
        return person && { accountId: id, claims: () => ({ sub: id, email: `${id}@acme.example`,
            preferred_username: id, department: person.department, costCenter: person.costCenter, groups: person.groups }) };
    },
    async loadExistingGrant(ctx) { // nobody is asked for consent
        const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
        grant.addOIDCScope('openid profile email groups');
        await grant.save();
        return grant;
    },
    // 9.x refuses to call loopback; here that is where the bridge is
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
});
for (const event of ['server_error', 'authorization.error', 'grant.error', 'backchannel.error', 'pushed_authorization_request.error'])
    provider.on(event, (ctx, error) => console.error(event, error?.message ?? error, error?.error_description ?? ''));
provider.on('backchannel.success', (ctx, client) => console.log('backchannel.success', client.clientId));

provider.use(async (ctx, next) => {
    const match = /^\/interaction\/([\w-]+)$/.exec(ctx.path);
    if (!match) return next();
    const details = await provider.interactionDetails(ctx.req, ctx.res);
    if (ctx.method === 'GET') {
        ctx.type = 'html';
        ctx.body = `<form method="post" action="/interaction/${match[1]}"><input name="username"><input name="password"></form>`;
        return undefined;
    }
    const chunks = [];
    for await (const chunk of ctx.req) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const uid = form.get('username');
    const person = people.get(uid);
    if (!person || form.get('password') !== `demo-${uid}`)
        return provider.interactionFinished(ctx.req, ctx.res, { error: 'access_denied', error_description: 'wrong password' });
    const wanted = (details.params.acr_values ?? '').split(' ');
    return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: uid,
        ...(person.mfa && wanted.includes(MFA) ? { acr: MFA, amr: ['pwd', 'otp', 'mfa'] } : { amr: ['pwd'] }) } });
});

provider.listen(settings.port, '127.0.0.1', () => console.log(`listening on ${issuer}`));
