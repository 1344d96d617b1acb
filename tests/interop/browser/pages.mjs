// How the pages look and read: accessibility, widths, names of every kind, the keyboard alone.
import assert from 'node:assert/strict';
import { BRIDGE, IDP, SANDBOX, atIdp, atSandbox, idpForm, look, sandboxForm, seesHeading, signedInAs, tabs } from './lib.mjs';

async function chooser(person) {
    const page = await person.page();
    await page.goto(`${BRIDGE}/login`);
    assert.deepEqual(await page.locator('.choices a').allInnerTexts(), ['Acme sign-in', 'Partner & Söhne <GmbH>']);
    await look(page, 'sign-in');
    await tabs(page);
}

async function roles(person) {
    const page = await person.page();
    await atSandbox(page, 'radia');
    await page.locator('summary').first().click();
    await look(page, 'roles');
    await tabs(page);
}

async function noRoles(person) {
    const page = await person.page();
    await atSandbox(page, 'mallory');
    await look(page, 'roles-none');
}

async function nearMisses(person) {
    const page = await person.page();
    await atSandbox(page, 'barbara');
    await look(page, 'roles-out-of-reach');
    await tabs(page);
}

// Names of groups, roles, accounts, owners and people at their worst are text, and break nothing.
async function hostileNames(person) {
    const page = await person.page();
    await atIdp(page, 'eve');
    for (const summary of await page.locator('summary').all())
        await summary.click();
    assert.equal(await page.locator('script, main img, .role b').count(), 0);
    const text = await page.locator('main').innerText();
    assert.match(text, /hostile<\/code><\/bdi><script>alert\(2\)<\/script>/);
    assert.match(text, /<b>Verwaltungsangelegenheiten/);
    // a direction that a name changes ends with that name
    const isolated = await page.locator('code, h2, h3, .soft').evaluateAll((all) => all.filter((one) => one.textContent.includes('\u202e') &&
        one.closest('bdi') === null && one.querySelector('bdi') === null).length);
    assert.equal(isolated, 0);
    await look(page, 'roles-hostile');
}

async function tooLong(person) {
    person.expects(403);
    const page = await person.page();
    await page.goto(`${BRIDGE}/login?provider=partner&next=/`);
    await idpForm(page, 'big'); // it ends at the address that refuses
    await page.locator('code', { hasText: /^identity\./ }).waitFor();
    await look(page, 'refused-sign-in');
}

// The watch over console, scripts and requests does see what it is there for.
async function watched(person) {
    const page = await person.page();
    await page.goto(`${BRIDGE}/login`);
    await page.evaluate(() => {
        const script = document.createElement('script');
        script.textContent = 'document.title = "run"';
        document.body.append(script, Object.assign(new Image(), { src: 'https://192.0.2.1/' }));
        document.body.insertAdjacentHTML('beforeend', '<p style="color: red">x</p>');
    });
    for (const directive of ['script-src', 'img-src', 'style-src'])
        await person.complained((complaint) => complaint.includes('Content Security Policy') && complaint.includes(directive), directive);
    person.complaints.length = 0;
    assert.notEqual(await page.title(), 'run');
    await page.goto(`${IDP.replace('127.0.0.1', '127.0.0.2')}/`).catch(() => {});
    await person.complained((complaint) => complaint.startsWith('a request left'), 'a request that left');
    person.complaints.length = 0;
}

async function longName(person) {
    const page = await person.page();
    await atIdp(page, 'alexandria.konstantinopolitanou-von-hohenzollern.of-acme@x.test', { password: 'long' });
    assert.equal(await signedInAs(page), 'alexandria.konstantinopolitanou-von-hohenzollern.of-acme@x.test');
    await look(page, 'roles-long-name');
}

async function refused(person) {
    person.expects(403, 404);
    const page = await person.page();
    await atSandbox(page, 'barbara');
    await page.goto(`${BRIDGE}/console?account=corporate&role=iam-administrator`);
    await look(page, 'refused');
    await tabs(page);
    await page.goto(`${BRIDGE}/nothing-here`);
    await look(page, 'not-found');
}

async function signedOut(person) {
    const page = await person.page();
    await page.route(`${SANDBOX}/idp/slo**`, (route) => route.fulfill({ status: 204 }));
    await atSandbox(page, 'ada');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL((url) => url.origin === BRIDGE && url.pathname !== '/');
    await page.waitForLoadState();
    await look(page, 'signed-out');
}

async function sandboxPages(person) {
    person.expects(401);
    const page = await person.page();
    await page.goto(`${SANDBOX}/`);
    await look(page, 'sandbox');
    await page.goto(`${BRIDGE}/login?provider=corp-saml&next=/`);
    await look(page, 'sandbox-sign-in');
    await page.fill('#username', 'ada');
    await page.fill('#password', 'wrong');
    await page.keyboard.press('Enter');
    await page.locator('[role=alert]').waitFor();
    await look(page, 'sandbox-wrong-password');
    await sandboxForm(page, 'ada');
    await seesHeading(page, 'Your roles');
    await page.getByRole('link', { name: /^Console/ }).first().click();
    await look(page, 'sandbox-console');
    await tabs(page);
    await page.getByRole('link', { name: 'Sign out' }).click();
    await look(page, 'sandbox-console-signed-out');
}

// From the bookmark to the console, and out again, without a mouse.
async function keyboardOnly(person) {
    const page = await person.page();
    const to = async (text) => {
        for (let i = 0; i < 40; i++) {
            await page.keyboard.press('Tab');
            if (await page.evaluate((wanted) => document.activeElement.textContent.trim().startsWith(wanted), text))
                return page.keyboard.press('Enter');
        }
        throw new Error(`Tab never comes to '${text}' on ${page.url()}`);
    };
    await page.goto(`${BRIDGE}/`);
    await to('Acme sign-in');
    await page.locator('#username').waitFor();
    while (await page.evaluate(() => document.activeElement.id) !== 'username')
        await page.keyboard.press('Tab');
    await page.keyboard.type('ada');
    await page.keyboard.press('Tab');
    await page.keyboard.type('ada');
    await page.keyboard.press('Enter');
    await seesHeading(page, 'Your roles');
    await to('Console');
    await seesHeading(page, 'You are in the console');
    await page.goto(`${BRIDGE}/`);
    await to('Sign out');
    await page.waitForURL((url) => url.pathname !== '/');
}

export default [
    ['the page to choose how to sign in', chooser],
    ['the roles', roles],
    ['no roles', noRoles],
    ['roles out of reach', nearMisses],
    ['hostile names are text and break nothing', hostileNames],
    ['a group one byte too long: a refusal that can be read', tooLong],
    ['nothing forbidden goes unseen', watched],
    ["a person's name of 64 characters", longName],
    ['refusals', refused],
    ['signed out', signedOut],
    ["the sandbox's pages", sandboxPages],
    ['the keyboard alone', keyboardOnly],
];
