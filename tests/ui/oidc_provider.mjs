// The certified OpenID provider of npm, with two people. Arguments: its folder, port, address to
// come back to.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const [folder, port, back] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(join(folder, 'lib/index.js')).href)
  .then((m) => ({ Provider: m.Provider ?? m.default }));
const groups = { camille: ['mairie-admin'], alex: ['elsewhere'] };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'beffroi', client_secret: 'a-secret-of-the-test', redirect_uris: [back],
    response_types: ['code'], grant_types: ['authorization_code'] }],
  claims: { openid: ['sub'], profile: ['name', 'groups'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  cookies: { keys: ['test'] },
  findAccount: (ctx, id) => ({ accountId: id,
    claims: async () => ({ sub: id, name: `${id} de la mairie`, groups: groups[id] ?? [] }) }),
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
