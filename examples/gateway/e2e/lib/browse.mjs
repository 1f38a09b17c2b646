// A person at a browser.
/** Follows redirects from `url`, with cookies, up to `redirectUri`; gives that last address. */
export async function browse(url, redirectUri) {
  const cookies = new Map();
  let at = new URL(url);
  for (let hop = 0; hop < 20; hop += 1) {
    const response = await fetch(at, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    const page = await response.text();
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const cut = pair.indexOf('=');
      if (pair.slice(cut + 1) === '') cookies.delete(pair.slice(0, cut));
      else cookies.set(pair.slice(0, cut), pair.slice(cut + 1));
    }
    const location = response.headers.get('location');
    if (!location) throw new Error(`no way on from ${at}: ${response.status} ${page.slice(0, 300)}`);
    at = new URL(location, at);
    if (at.href.startsWith(redirectUri)) return at;
  }
  throw new Error(`too many redirects from ${url}`);
}
