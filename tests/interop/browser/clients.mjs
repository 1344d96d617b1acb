// Letting programs in: the command's PKCE and device sign-ins, allowed and denied in the browser.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { BRIDGE, atSandbox, look, seesHeading, tabs } from './lib.mjs';

const env = process.env;

// `rolebridge ARGUMENTS…` in a home of its own. said(PATTERN) waits for words, ended() for the exit status.
class Command {
    constructor(...args) {
        const home = mkdtempSync(`${env.WORK}/home-`);
        this.words = '';
        this.child = spawn(env.CLI, args, { env: { PATH: '/usr/bin:/bin', HOME: home, ROLEBRIDGE_CA_FILE: env.CA,
            LC_ALL: 'C.UTF-8', ASAN_OPTIONS: env.ASAN_OPTIONS }, stdio: ['ignore', 'pipe', 'pipe'] });
        this.exit = once(this.child, 'close');
        for (const stream of [this.child.stdout, this.child.stderr])
            stream.on('data', (data) => { this.words += data; });
    }

    async said(pattern) {
        for (const end = Date.now() + 15000; Date.now() < end;) {
            const match = pattern.exec(this.words);
            if (match !== null)
                return match[0];
            await new Promise((resolve) => { setTimeout(resolve, 50); });
        }
        throw new Error(`the command did not say ${pattern}: ${this.words}`);
    }

    async ended() {
        const timer = setTimeout(() => this.child.kill(), 20000);
        const [status] = await this.exit;
        clearTimeout(timer);
        return status;
    }
}

const pkce = () => new Command('login', '--no-browser', BRIDGE);
const device = () => new Command('login', '--device', BRIDGE);

async function pkceAllowed(person) {
    const page = await person.page();
    const command = pkce();
    await page.goto(await command.said(/https:\S+\/authorize\S+/));
    await page.getByRole('link', { name: 'Acme sign-in' }).click();
    await page.fill('#username', 'ada');
    await page.fill('#password', 'ada');
    await page.keyboard.press('Enter');
    await seesHeading(page, 'Let this program act for you?');
    await look(page, 'consent');
    await tabs(page);
    await page.getByRole('button', { name: 'Allow' }).click();
    await seesHeading(page, 'You are signed in');
    await look(page, 'command-signed-in');
    assert.equal(await command.ended(), 0, command.words);
    assert.match(command.words, /Signed in at/);
}

async function pkceDenied(person) {
    const page = await person.page();
    await atSandbox(page, 'ada');
    const command = pkce();
    await page.goto(await command.said(/https:\S+\/authorize\S+/));
    await page.getByRole('button', { name: 'Deny' }).click();
    await seesHeading(page, 'Not signed in');
    await look(page, 'command-denied');
    assert.notEqual(await command.ended(), 0);
    assert.match(command.words, /denied in the browser/);
}

async function deviceAllowed(person) {
    const page = await person.page();
    await atSandbox(page, 'ada');
    const command = device();
    const code = await command.said(/[A-Z]{4}-[A-Z]{4}/);
    await page.goto(`${BRIDGE}/device`);
    await look(page, 'device-code');
    await tabs(page);
    await page.fill('#user_code', code.replace('-', ' ').toLowerCase());
    await page.keyboard.press('Enter');
    await seesHeading(page, 'Let this device act for you?');
    assert.equal(await page.locator('.code').innerText(), code);
    await look(page, 'device');
    await tabs(page);
    await page.getByRole('button', { name: /allow/ }).click();
    await seesHeading(page, 'The device is signed in');
    await look(page, 'device-allowed');
    assert.equal(await command.ended(), 0, command.words);
}

async function deviceDenied(person) {
    const page = await person.page();
    await atSandbox(page, 'ada');
    const command = device();
    await page.goto(await command.said(/https:\S+\/device\?user_code=\S+/));
    await page.getByRole('button', { name: 'Deny' }).click();
    await seesHeading(page, 'The sign-in was denied');
    await look(page, 'device-denied');
    assert.notEqual(await command.ended(), 0);
    assert.match(command.words, /denied in the browser/);
}

async function deviceUnknown(person) {
    person.expects(404);
    const page = await person.page();
    await atSandbox(page, 'ada', { path: '/device?user_code=BBBB-BBBB' });
    await seesHeading(page, 'There is no sign-in waiting for this code.');
}

// A client names itself: whatever is accepted as a name is shown as text.
async function hostileClient(person) {
    const page = await person.page();
    await atSandbox(page, 'ada');
    const register = (clientName) => page.request.post(`${BRIDGE}/client/register`, { data: { clientName, clientType: 'public',
        redirectUris: ['http://127.0.0.1/cb'], grantTypes: ['authorization_code'] } });
    for (const refused of ['evil\u202egnp.exe', 'x'.repeat(4096), 'a\nb', ''])
        assert.equal((await register(refused)).status(), 400, `the name ${JSON.stringify(refused.slice(0, 20))} is refused`);
    const name = '"><script>alert(1)</script>&amp;\'' + 'x'.repeat(90);
    const { clientId } = await (await register(name)).json();
    const query = new URLSearchParams({ response_type: 'code', client_id: clientId, redirect_uri: 'http://127.0.0.1:1/cb', state: '"><b>',
        code_challenge: 'A'.repeat(43), code_challenge_method: 'S256' });
    await page.goto(`${BRIDGE}/authorize?${query}`);
    assert.equal(await page.locator('dd').first().innerText(), name);
    assert.equal(await page.locator('input[name=state]').inputValue(), '"><b>');
    await look(page, 'consent-hostile');
}

export default [
    ["the command's sign-in, allowed", pkceAllowed],
    ["the command's sign-in, denied", pkceDenied],
    ['a device, its code typed, allowed', deviceAllowed],
    ['a device, denied', deviceDenied],
    ['a device code that nobody waits for', deviceUnknown],
    ["a client's hostile name is text", hostileClient],
];
