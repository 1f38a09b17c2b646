// A person at a browser.
const entities = { amp: '&', quot: '"', lt: '<', gt: '>', '#x27': "'", '#39': "'", '#x3D': '=', '#x2F': '/' };
const plain = (text) => text.replace(/&([#\w]+);/g, (whole, name) => entities[name] ?? whole);

/** The attributes of a tag: `<input name="a" checked>` gives {name: 'a', checked: ''}. */
function attributes(tag) {
  const found = {};
  for (const [, name, double, single, bare] of tag.replace(/^<\w+/, '').matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)) {
    found[name.toLowerCase()] = plain(double ?? single ?? bare ?? '');
  }
  return found;
}

/** The forms of a page: {action, method, fields, buttons}; a button is {name, value}. */
export function forms(html) {
  return [...html.matchAll(/(<form\b[^>]*>)([\s\S]*?)<\/form>/gi)].map(([, tag, inner]) => {
    const { action = '', method = 'get' } = attributes(tag);
    const form = { action, method: method.toLowerCase(), fields: {}, buttons: [] };
    for (const [each] of inner.matchAll(/<(?:input|button)\b[^>]*>/gi)) {
      const { name, value = '', type = 'text', checked } = attributes(each);
      if (name === undefined) continue;
      if (/^<button/i.test(each) || type === 'submit') form.buttons.push({ name, value });
      else if (!/^(?:checkbox|radio)$/.test(type) || checked !== undefined) form.fields[name] = value;
    }
    return form;
  });
}

/** Answers a form that asks for a decision by the button of this name; gives up at any other page. */
export const decide = (decision) => (all) => {
  const asks = all.find(({ buttons }) => buttons.some(({ name, value }) => name === 'decision' && value === decision));
  return asks && { ...asks, fields: { ...asks.fields, decision } };
};

/**
 * Follows redirects from `url`, with cookies, up to `redirectUri`; gives that last address. Where a page is shown,
 * `fill(forms, {url, html})` gives the form to send, or undefined to give up; without it what is asked is allowed.
 */
export async function browse(url, redirectUri, { fill = decide('allow'), cookies = new Map() } = {}) {
  let at = new URL(url);
  let sent; // what a form has to say
  for (let hop = 0; hop < 20; hop += 1) {
    const response = await fetch(at, {
      redirect: 'manual',
      headers: {
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(sent && { origin: at.origin, 'sec-fetch-site': 'same-origin' }),
      },
      ...(sent && { method: 'POST', body: new URLSearchParams(sent) }),
    });
    sent = undefined;
    const page = await response.text();
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const cut = pair.indexOf('=');
      if (pair.slice(cut + 1) === '') cookies.delete(pair.slice(0, cut));
      else cookies.set(pair.slice(0, cut), pair.slice(cut + 1));
    }
    const location = response.headers.get('location');
    if (location) {
      at = new URL(location, at);
      if (at.href.startsWith(redirectUri)) return at;
      continue;
    }
    const form = response.ok && await fill(forms(page), { url: at, html: page });
    if (!form) throw new Error(`no way on from ${at}: ${response.status} ${page.slice(0, 300)}`);
    at = new URL(form.action, at);
    if (form.method === 'post') sent = form.fields;
    else at.search = new URLSearchParams(form.fields);
  }
  throw new Error(`too many redirects from ${url}`);
}
