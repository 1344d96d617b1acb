// What the cases share: a browser context that notes everything that a person must never see, and the ways to sign in.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const env = process.env;
export const { BRIDGE, SANDBOX, IDP } = env;
const require = createRequire(`${env.NODE_DIR}/`);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const OURS = [BRIDGE, SANDBOX];
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 800 };
const NARROWEST = { width: 320, height: 640 }; // WCAG 1.4.10

// As people have it, the certificates are trusted: else Chromium caches nothing.
export const launch = () => chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [`--ignore-certificate-errors-spki-list=${env.TRUSTED_KEYS}`, '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
});

// A browser of one person's own. `complaints` fills with what must not happen; `allowed(status)` with refusals looked for.
export class Person {
    static async create(browser, options = {}) {
        const self = new Person();
        self.complaints = [];
        self.expected = new Set();
        self.context = await browser.newContext({ viewport: DESKTOP, ...options });
        self.context.setDefaultTimeout(15000);
        self.context.on('request', (request) => self.#onRequest(request));
        self.context.on('console', (message) => self.#onConsole(message));
        self.context.on('weberror', (error) => self.complaints.push(`script error: ${error.error().message}`));
        self.context.on('dialog', (dialog) => {
            self.complaints.push(`a dialog opened: ${dialog.message()}`);
            return dialog.dismiss();
        });
        return self;
    }

    #onRequest(request) {
        const { origin, protocol, hostname } = new URL(request.url());
        const cli = protocol === 'http:' && hostname === '127.0.0.1';
        if (!OURS.includes(origin) && !cli && protocol !== 'data:')
            this.complaints.push(`a request left: ${request.url()}`);
    }

    #onConsole(message) {
        const url = message.location().url || message.page()?.url() || '';
        const refusal = /Failed to load resource.* status of (4\d\d)/.exec(message.text());
        if (url.startsWith(IDP) || (refusal && this.expected.has(Number(refusal[1]))))
            return; // SimpleSAMLphp's pages are its own business
        if (message.type() === 'error' || message.type() === 'warning')
            this.complaints.push(`console: ${message.text()} (${url.slice(0, 100)})`);
    }

    // What the case expects to be refused with: Chromium tells the console of every such page.
    expects(...statuses) { statuses.forEach((status) => this.expected.add(status)); }

    // Waits for a complaint: the browser's word comes in its own time.
    async complained(such, what) {
        for (const end = Date.now() + 15000; !this.complaints.some(such);) {
            assert.ok(Date.now() < end, `no complaint about ${what}: ${this.complaints}`);
            await new Promise((resolve) => { setTimeout(resolve, 20); });
        }
    }

    page() { return this.context.newPage(); }

    async close() {
        await this.context.close();
        assert.deepEqual(this.complaints, [], 'nothing odd happened in the browser');
    }
}

export const heading = (page) => page.locator('h1').innerText();

export async function seesHeading(page, text) {
    await page.locator('h1', { hasText: text }).waitFor();
    assert.equal(await heading(page), text);
}

// ---- signing in ----

// At the sandbox: from its form to wherever its answer leads.
export async function sandboxForm(page, user, button = 'Sign in') {
    await page.fill('#username', user);
    await page.fill('#password', user);
    await page.getByRole('button', { name: button, exact: true }).click();
}

export async function atSandbox(page, user, { path = '/', button } = {}) {
    await page.goto(`${BRIDGE}/login?provider=corp-saml&next=${encodeURIComponent(path)}`);
    await sandboxForm(page, user, button);
    await page.waitForURL((url) => url.origin === BRIDGE && !url.pathname.startsWith('/saml/'));
}

export async function idpForm(page, user, password = `demo-${user}`) {
    await page.fill('input[name=username]', user);
    await page.fill('input[name=password]', password);
    await page.locator('input[name=password]').press('Enter');
}

export async function atIdp(page, user, { path = '/', password } = {}) {
    await page.goto(`${BRIDGE}/login?provider=partner&next=${encodeURIComponent(path)}`);
    await idpForm(page, user, password);
    await page.waitForURL((url) => url.origin === BRIDGE && !url.pathname.startsWith('/saml/'));
}

// Signs out here and at the identity provider, to the page where that ends: until then the browser is on its way.
export async function signOut(page) {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign in again' }).waitFor();
    assert.equal(page.url(), `${BRIDGE}/logout`);
}

export const signedInAs = async (page) => page.locator('.who bdi').innerText();

// ---- looking at a page ----

async function accessible(page, scheme, problems) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { preload: false, resultTypes: ['violations'] }));
    for (const { id, nodes } of violations)
        problems.push(`axe (${scheme}): ${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' ')}`);
}

async function fits(page, width, problems) {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0)
        problems.push(`${wide} px too wide at ${width}`);
}

// Screenshots at phone and desktop width, light and dark; axe in both; no sideways scrolling at any width.
export async function look(page, name) {
    const problems = [];
    for (const scheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme: scheme });
        await accessible(page, scheme, problems);
        for (const [size, viewport] of [['phone', PHONE], ['desktop', DESKTOP]]) {
            await page.setViewportSize(viewport);
            await fits(page, viewport.width, problems);
            await page.screenshot({ path: `${env.SCREENSHOTS}/${name}-${size}-${scheme}.png`, fullPage: true });
        }
    }
    await page.setViewportSize(NARROWEST);
    await fits(page, NARROWEST.width, problems);
    await page.setViewportSize(DESKTOP);
    assert.deepEqual(problems, [], `the page '${name}'`);
}

// Every control is reached by Tab, in the order of the page, and shows that it has the focus.
export async function tabs(page) {
    const controls = 'a[href], button, input:not([type=hidden]), summary';
    const wanted = await page.locator(controls).evaluateAll((all) => all.filter((one) => one.checkVisibility()).map((one) => one.outerHTML));
    const got = [];
    await page.evaluate(() => { globalThis.scrollTo(0, 0); document.activeElement?.blur(); });
    await page.mouse.click(1, 1); // Tab starts at the place of the last click
    for (let i = 0; i < wanted.length; i++) {
        await page.keyboard.press('Tab');
        const [html, outline] = await page.evaluate(() => {
            const style = getComputedStyle(document.activeElement);
            return [document.activeElement.outerHTML, style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth)];
        });
        assert.ok(outline >= 2, `focus is visible on ${html.slice(0, 100)}`);
        got.push(html);
    }
    assert.deepEqual(got, wanted, 'the order of Tab is that of the page');
}
