// A person at a browser.
/**
 * Follows redirects from `url`, with cookies, up to `redirectUri`; gives that last address. A page with a form that
 * asks for a decision is answered: by `decide(page)`, which gives the name of the button.
 */
export async function browse(url, redirectUri, { decide = () => 'allow', cookies = new Map() } = {}) {
  let at = new URL(url);
  let form; // what is posted next
  for (let hop = 0; hop < 20; hop += 1) {
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    const response = await fetch(at, form
      ? { method: 'POST', body: form, redirect: 'manual', headers: { ...headers, origin: at.origin, 'sec-fetch-site': 'same-origin' } }
      : { redirect: 'manual', headers });
    const page = await response.text();
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const cut = pair.indexOf('=');
      if (pair.slice(cut + 1) === '') cookies.delete(pair.slice(0, cut));
      else cookies.set(pair.slice(0, cut), pair.slice(cut + 1));
    }
    const location = response.headers.get('location');
    form = undefined;
    if (location) {
      at = new URL(location, at);
      if (at.href.startsWith(redirectUri)) return at;
    } else {
      const asked = /<form method="post" action="([^"]*)">([\s\S]*?)<\/form>/.exec(page);
      if (!response.ok || !asked?.[2].includes('name="decision"')) {
        throw new Error(`no way on from ${at}: ${response.status} ${page.slice(0, 300)}`);
      }
      at = new URL(unescaped(asked[1]), at);
      form = new URLSearchParams({ decision: await decide(page) });
      for (const [, name, value] of asked[2].matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)) {
        form.set(unescaped(name), unescaped(value));
      }
    }
  }
  throw new Error(`too many redirects from ${url}`);
}

const unescaped = (text) => text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>')
  .replaceAll('&amp;', '&');
