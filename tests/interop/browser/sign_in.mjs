// Signing in and out: across sites, in two tabs, back and forth, from a bookmark, with a second factor, without scripts.
import assert from 'node:assert/strict';
import { BRIDGE, IDP, SANDBOX, atIdp, atSandbox, heading, idpForm, sandboxForm, seesHeading, signOut,
    signedInAs } from './lib.mjs';

const CONSOLE = '/console?account=111122223333&role=data-scientist';
const ADMIN = '/console?account=777788889999&role=iam-administrator';

const cookieNames = async (person) => (await person.context.cookies(BRIDGE)).map(({ name }) => name).sort();

async function crossSite(person) {
    const page = await person.page();
    const answer = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/saml/partner/acs'));
    answer.catch(() => {}); // when the sign-in fails before, that is the failure to tell
    await atIdp(page, 'ada');
    const headers = await (await answer).allHeaders();
    assert.equal(headers['sec-fetch-site'], 'cross-site');
    assert.match(headers.cookie, /__Host-rolebridge_signin=/, "the sign-in's cookie comes along: SameSite=None");
    await seesHeading(page, 'Your roles');
    assert.equal(await signedInAs(page), 'ada');
    assert.deepEqual(await page.locator('.account h2').allInnerTexts(), ['analytics-prod', 'development']);
    const session = (await person.context.cookies(BRIDGE)).find(({ name }) => name === '__Host-rolebridge_session');
    assert.deepEqual([session.sameSite, session.secure, session.httpOnly, session.path], ['Lax', true, true, '/']);
    assert.equal(await page.evaluate(() => document.cookie), '', 'no script can read a cookie');
}

// A page of another site posts to us: Lax keeps the session's cookie back, and nothing happens.
async function forged(person) {
    person.expects(403);
    const page = await person.page();
    await atIdp(page, 'ada');
    await page.goto(`${IDP}/resources/default.css`);
    const posted = page.waitForRequest((request) => request.method() === 'POST');
    await page.evaluate((action) => {
        const form = document.createElement('form');
        Object.assign(form, { method: 'post', action });
        document.body.append(form);
        form.submit();
    }, `${BRIDGE}/logout`);
    const headers = await (await posted).allHeaders();
    assert.doesNotMatch(headers.cookie ?? '', /rolebridge_session/);
    await page.locator('code', { hasText: 'request.forged' }).waitFor();
    await page.goto(`${BRIDGE}/`);
    assert.equal(await signedInAs(page), 'ada');
}

async function twoTabs(person) {
    const [one, two] = [await person.page(), await person.page()];
    await one.goto(`${BRIDGE}/login?provider=corp-saml&next=/`);
    await two.goto(`${BRIDGE}/login?provider=partner&next=${encodeURIComponent('/device')}`);
    await sandboxForm(one, 'ada');
    await seesHeading(one, 'Your roles');
    await idpForm(two, 'ada');
    await seesHeading(two, 'Enter the code from your device');
    await one.reload();
    assert.equal(await signedInAs(one), 'ada');
}

async function backButton(person) {
    person.expects(400, 401, 403);
    const page = await person.page();
    await atSandbox(page, 'ada');
    await seesHeading(page, 'Your roles');
    await page.goBack();
    await page.waitForLoadState();
    assert.ok((await heading(page)).length > 0, 'a readable page');
    await page.goto(`${BRIDGE}/`);
    assert.equal(await signedInAs(page), 'ada@acme.example', 'going back harms nothing');
}

// One page back, to where that ends: an identity provider that knows the person answers again by itself. Only a new document
// counts; a page that came by POST and was not kept is Chromium's own page, which asks before it posts again.
async function stepBack(page) {
    const endings = '#username, a[href^="/login?provider="], a[href="/"]';
    await page.evaluate(() => { globalThis.left = true; });
    await page.goBack().catch((error) => assert.match(error.message, /ERR_ABORTED|interrupted|ERR_CACHE_MISS/));
    await page.waitForFunction((ending) => !globalThis.left && document.readyState === 'complete' &&
        (!location.protocol.startsWith('http') || document.querySelector(ending)), endings);
}

const ACS_REFUSED = 'POST /saml/corp-saml/acs 400';

// Goes back from here until done() or the end of the history. Nothing of the person is shown, nobody is signed in.
async function backToTheStart(person, page, done = () => false) {
    const answers = [];
    person.expects(400); // of our SAML address alone: see below
    page.on('response', (answer) => {
        const { origin, pathname } = new URL(answer.url());
        if (origin === BRIDGE && !pathname.startsWith('/assets/'))
            answers.push(`${answer.request().method()} ${pathname} ${answer.status()}`);
    });
    for (let steps = 0; page.url() !== 'about:blank' && !done(answers); steps++) {
        assert.ok(steps < 10, `the history has an end: ${answers}`);
        await stepBack(page);
        assert.doesNotMatch(await page.content(), /Data Scientist|ada@acme/);
    }
    const calm = ['GET / 302', 'GET /login 200', 'GET /logout 200', ACS_REFUSED];
    assert.deepEqual(answers.filter((answer) => !calm.includes(answer)), []);
    assert.ok(answers.includes('GET / 302'), 'the roles were asked for anew, and not shown');
    assert.ok(!(await cookieNames(person)).includes('__Host-rolebridge_session'));
}

async function backAfterSignOut(person) {
    const page = await person.page();
    await atSandbox(page, 'ada');
    await signOut(page);
    await backToTheStart(person, page);
}

// Whether the page that carried the answer here is in the history is a matter of milliseconds: a form sent before its page has
// loaded takes its place. Here it never does.
async function backOverTheAnswer(person) {
    await person.context.addInitScript(() => {
        const { submit } = HTMLFormElement.prototype;
        HTMLFormElement.prototype.submit = function later() {
            addEventListener('load', () => setTimeout(() => submit.call(this)));
        };
    });
    await backAfterSignOut(person);
}

// Signed out here alone: the identity provider answers the old request again, which is over; the way on is the portal.
async function backToTheProvider(person) {
    const page = await person.page();
    await page.route(`${SANDBOX}/idp/slo**`, (route) => route.fulfill({ status: 204 }));
    await atSandbox(page, 'ada');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await seesHeading(page, 'You are signed out');
    await backToTheStart(person, page, (answers) => answers.includes(ACS_REFUSED));
    await seesHeading(page, 'This sign-in is over, or was not started in this browser, or too long ago.');
    await page.getByRole('link', { name: 'Go to the portal' }).click();
    await seesHeading(page, 'Sign in');
}

async function bookmark(person) {
    const page = await person.page();
    await page.goto(`${BRIDGE}${CONSOLE}`);
    await seesHeading(page, 'Sign in');
    await page.getByRole('link', { name: 'Acme sign-in' }).click();
    await sandboxForm(page, 'ada');
    await seesHeading(page, 'You are in the console');
    assert.equal(new URL(page.url()).origin, SANDBOX);
    assert.match(await page.locator('main').innerText(), /assumed-role\/data-scientist\/ada@acme\.example/);
}

// Where the account trusts the bridge by SAML, a page of ours posts the assertion; scripts only spare the click.
const MANAGER = '/console?account=corporate&role=it-manager';

async function managesIn(page) {
    await seesHeading(page, 'You are in the console');
    assert.equal(new URL(page.url()).origin, SANDBOX);
    assert.match(await page.locator('main').innerText(), /777788889999[^]*it-manager/);
}

async function consoleByAssertion(person) {
    const page = await person.page();
    await atSandbox(page, 'radia');
    await page.goto(`${BRIDGE}${MANAGER}`);
    await managesIn(page);
}

async function consoleByAssertionWithoutScripts(person) {
    const page = await person.page();
    await page.goto(`${BRIDGE}/login?provider=corp-saml&next=${encodeURIComponent(MANAGER)}`);
    await sandboxForm(page, 'radia');
    await page.getByRole('button', { name: 'Continue' }).click();
    await seesHeading(page, 'Opening the AWS console');
    assert.equal(await page.locator('form').count(), 1);
    await page.getByRole('button', { name: 'Continue to AWS' }).click();
    await managesIn(page);
}

async function stepUpFromRoles(person) {
    const page = await person.page();
    await atSandbox(page, 'barbara');
    await page.getByRole('link', { name: 'Sign in with a second factor' }).first().click();
    await sandboxForm(page, 'barbara', 'Sign in with my second factor');
    await seesHeading(page, 'Your roles');
    assert.equal(await page.getByRole('heading', { name: 'IAM Administrator' }).count(), 3);
    await page.getByRole('link', { name: /^Console/ }).first().click();
    await seesHeading(page, 'You are in the console');
    assert.match(await page.locator('main').innerText(), /assumed-role\/iam-administrator\/barbara@acme\.example/);
}

async function stepUpFromConsole(person) {
    person.expects(403);
    const page = await person.page();
    await atSandbox(page, 'barbara');
    await page.goto(`${BRIDGE}${ADMIN}`);
    await seesHeading(page, 'This role needs a sign-in with a second factor.');
    await page.getByRole('link', { name: 'Sign in with a second factor' }).click();
    await sandboxForm(page, 'barbara', 'Sign in with my second factor');
    await seesHeading(page, 'You are in the console');
    assert.match(await page.locator('main').innerText(), /777788889999[^]*iam-administrator/);
}

async function refusedRole(person) {
    person.expects(403);
    const page = await person.page();
    await atSandbox(page, 'katherine');
    const answer = await page.goto(`${BRIDGE}${CONSOLE}`);
    assert.equal(answer.status(), 403);
    assert.equal(await signedInAs(page), 'katherine@acme.example', 'the page says who is refused');
    await seesHeading(page, 'None of your groups brings this role in this account.');
    assert.match(await page.locator('main').innerText(), /mapping\.not_assigned[^]*[0-9A-Z]{4}-[0-9A-Z]{4}/);
    await page.getByRole('link', { name: 'Go to the portal' }).click();
    await seesHeading(page, 'Your roles');
}

async function cancelled(person) {
    person.expects(400, 401, 403);
    const page = await person.page();
    await page.goto(`${BRIDGE}/login?provider=corp-saml&next=/`);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.locator('dt', { hasText: 'Incident' }).waitFor();
    assert.deepEqual(await cookieNames(person).then((names) => names.filter((name) => name.includes('session'))), []);
}

// Signed out here and there: the next sign-in asks for the password again.
async function signOutOf(person, page, provider) {
    await signOut(page);
    await seesHeading(page, 'You are signed out');
    assert.ok(!(await cookieNames(person)).includes('__Host-rolebridge_session'), 'the session is over');
    await page.goto(`${BRIDGE}/`);
    await seesHeading(page, 'Sign in');
    await page.goto(`${BRIDGE}/login?provider=${provider}&next=/`);
    await page.locator('input[name=password]').waitFor();
}

async function signOutSandbox(person) {
    const page = await person.page();
    await atSandbox(page, 'ada');
    await signOutOf(person, page, 'corp-saml');
}

async function signOutIdp(person) {
    const page = await person.page();
    await atIdp(page, 'ada');
    await signOutOf(person, page, 'partner');
}

async function withoutScripts(person) {
    const page = await person.page();
    await page.goto(`${BRIDGE}${CONSOLE}`);
    await page.getByRole('link', { name: 'Partner' }).click();
    await page.fill('input[name=username]', 'ada');
    await page.fill('input[name=password]', 'demo-ada');
    await page.locator('input[name=password]').press('Enter');
    await page.locator('input[type=submit]:visible, button[type=submit]:visible').first().click();
    await seesHeading(page, 'You are in the console');
    await page.goto(`${BRIDGE}/`);
    await page.locator('summary').first().click();
    assert.match(await page.locator('details[open]').innerText(), /acme-data-science/);
    await signOut(page);
    await page.goto(`${BRIDGE}/`);
    await seesHeading(page, 'Sign in');
    await page.goto(`${BRIDGE}/login?provider=corp-saml&next=/`);
    await sandboxForm(page, 'ada');
    await page.getByRole('button', { name: 'Continue' }).click();
    await seesHeading(page, 'Your roles');
}

export default [
    ['a cross-site sign-in ends on the roles of the right person', crossSite],
    ["another site's POST comes without the session and does nothing", forged],
    ['two tabs sign in at once', twoTabs],
    ['the back button harms nothing', backButton],
    ['nothing of the person is there by going back after signing out', backAfterSignOut],
    ['nothing of the person is there by going back over the answer that signed in', backOverTheAnswer],
    ['going back to a provider that answers again signs nobody in', backToTheProvider],
    ['a bookmarked console signs in first', bookmark],
    ['the console of an account that trusts us by SAML', consoleByAssertion],
    ['the same without scripts', consoleByAssertionWithoutScripts, { javaScriptEnabled: false }],
    ['a second factor from the roles page', stepUpFromRoles],
    ['a second factor from a refused console', stepUpFromConsole],
    ['a refused role: readable, with code and incident', refusedRole],
    ['a sign-in that was cancelled', cancelled],
    ["signing out ends the sandbox's session too", signOutSandbox],
    ["signing out ends SimpleSAMLphp's session too", signOutIdp],
    ['everything works without scripts', withoutScripts, { javaScriptEnabled: false }],
];
