// A browser with one address: follows its redirects as alice, with cookies, to the end. BROWSER_LOG gets the address.
import { appendFileSync } from 'node:fs';
import { browse } from '../lib/browse.mjs';

const asked = new URL(process.argv[2]);
appendFileSync(process.env.BROWSER_LOG, `${asked}\n`);
asked.searchParams.set('login_hint', 'alice');
const answered = await browse(asked, asked.searchParams.get('redirect_uri'));
await fetch(answered);
