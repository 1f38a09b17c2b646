// A browser with one address: follows its redirects as BROWSER_LOGIN (alice), with cookies, and allows what it is asked,
// to the end: up to the redirect URI, which it opens, or with BROWSER_STAY prints. BROWSER_LOG gets the address.
import { appendFileSync } from 'node:fs';
import { browse } from '../lib/browse.mjs';

const asked = new URL(process.argv[2]);
if (process.env.BROWSER_LOG) appendFileSync(process.env.BROWSER_LOG, `${asked}\n`);
asked.searchParams.set('login_hint', process.env.BROWSER_LOGIN ?? 'alice');
const answered = await browse(asked, asked.searchParams.get('redirect_uri'));
if (process.env.BROWSER_STAY) console.log(answered.href);
else await fetch(answered);
