// The packages live in the cache, not beside these files: look bare imports up there.
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const packages = pathToFileURL(`${process.env.E2E_PACKAGES}/package.json`).href;
const here = new URL('..', import.meta.url).href;
// Programs of another folder that are run in place.
const also = process.env.E2E_ALSO && pathToFileURL(`${process.env.E2E_ALSO}/`).href;
registerHooks({
  resolve(specifier, context, next) {
    const bare = !/^(\.|\/|[a-z]+:)/.test(specifier);
    const ours = [here, also].some((folder) => folder && context.parentURL?.startsWith(folder));
    return next(specifier, bare && ours ? { ...context, parentURL: packages } : context);
  },
});
