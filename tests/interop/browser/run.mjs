// Runs the cases, a few at once, and prints "ok NAME" or "not ok NAME: why" for each. ONLY=TEXT: those with TEXT in them.
import { Person, launch } from './lib.mjs';
import signIn from './sign_in.mjs';
import pages from './pages.mjs';
import clients from './clients.mjs';

const AT_ONCE = 3;
const browser = await launch();
const cases = [...signIn, ...pages, ...clients].filter(([name]) => name.includes(process.env.ONLY ?? ''));
let failed = 0;

// What went wrong, and in which line of a case, on one line.
function explain(error) {
    const places = (error.stack ?? '').match(/\w+\.mjs:\d+/g) ?? [];
    const where = places.find((place) => !place.startsWith('lib.')) ?? '';
    return `${String(error.message ?? error).replace(/\s+/g, ' ').slice(0, 700)} (${where})`;
}

async function run([name, body, options]) {
    const person = await Person.create(browser, options);
    let why;
    try {
        await body(person);
    } catch (error) {
        why = error;
    }
    await person.close().catch((error) => { why ??= error; });
    if (why !== undefined)
        failed += 1;
    const text = why === undefined ? '' : `: ${explain(why)}`;
    console.log(`${why === undefined ? 'ok' : 'not ok'} browser: ${name}${text}`);
}

async function worker() {
    for (let next = cases.shift(); next !== undefined; next = cases.shift())
        await run(next);
}

await Promise.all(Array.from({ length: AT_ONCE }, worker));
await browser.close();
process.exit(0);
